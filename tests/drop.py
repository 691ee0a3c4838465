"""A file that a test or a benchmark drops into a landing folder: one big order of a customer of the shop."""

import json
import shutil
from pathlib import Path
from typing import Any

ORDER_ID = 5499999999999


def big_order(landing: Path, day: str) -> dict[str, Any]:
    """An order of 5,000 euros on that day, by the first customer whose order lies in the landing folder."""
    for path in sorted(landing.glob("shopify/orders/orders-*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            order: dict[str, Any] = json.loads(line)
            if order["customer"] and order["financial_status"] == "paid" and not order["test"]:
                return _enlarged(order, day)
    raise AssertionError(f"no order of a customer in {landing}")


def _enlarged(order: dict[str, Any], day: str) -> dict[str, Any]:
    at = f"{day}T08:00:00+00:00"
    money = {"total_line_items_price": "5000.00", "subtotal_price": "5000.00", "total_price": "5000.00"}
    free = {"total_discounts": "0.00", "total_tax": "0.00", "discount_codes": [], "cancelled_at": None}
    named = {"id": ORDER_ID, "name": "#999999", "created_at": at, "processed_at": at, "updated_at": at}
    return {**order, **named, **money, **free}


def drop(landing: Path, day: str) -> Path:
    """Lay the file down as a careful sender does: under another name first."""
    path = landing / "shopify" / "orders" / "dropped.jsonl"
    partial = path.with_name(path.name + ".tmp")
    partial.write_text(json.dumps(big_order(landing, day)) + "\n")
    shutil.move(partial, path)
    return path
