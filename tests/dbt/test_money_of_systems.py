"""Money of shop, deals, invoices and payments, from raw rows to `int_transactions`: every sale counts once."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dbt.conftest import Dbt

Rows = Sequence[Mapping[str, Any]]
Book = Callable[[Mapping[str, Rows]], list[dict[str, Any]]]
"""Books raw rows by table, `source.table`: the rows of `int_transactions`."""

MODELS = (
    "stg_shopify__orders",
    "int_payments",
    "int_payment_refunds",
    "int_products_unioned",
    "int_products",
    "int_transactions_unioned",
    "int_transaction_lines_unioned",
    "int_transaction_lines",
    "int_transactions",
)
LOAD = "1700000001.5"
MARCH = "2024-03-01 12:00:00+00"
UNIX_MARCH = 1709294400


@pytest.fixture(scope="module")
def book(empty_dbt: Dbt) -> Iterator[Book]:
    """Runs the compiled SQL of the models on raw rows, on the other staging views, and rolls everything back."""
    compiled = empty_dbt.compiled(*MODELS)
    connection = duckdb.connect(str(empty_dbt.path))
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set threads = 1")

    def insert(relation: str, rows: Rows) -> None:
        for row in rows:
            values = [json.dumps(value) if isinstance(value, dict | list) else value for value in row.values()]
            marks = ", ".join("?" for _ in row)
            connection.execute(f"insert into {relation} ({', '.join(row)}) values ({marks})", values)

    def run(tables: Mapping[str, Rows]) -> list[dict[str, Any]]:
        connection.begin()
        try:
            for source in sorted({name.split(".")[0] for name in tables}):
                complete = {"load_id": LOAD, "status": 0, "inserted_at": MARCH}
                insert(f"raw_{source}._dlt_loads", [complete])
            for name, rows in tables.items():
                source, table = name.split(".")
                if source != "app_db":
                    ledger = {"source": source, "entity": table, "file": "f", "file_hash": table, "_dlt_load_id": LOAD}
                    insert(f"raw_{source}._loaded_files", [ledger])
                    rows = [{**row, "_content_hash": table, "_line": line} for line, row in enumerate(rows)]
                insert(f"raw_{name}", [{**row, "_dlt_load_id": LOAD} for row in rows])
            for name, sql in compiled.items():
                schema = "staging" if name.startswith("stg_") else "intermediate"
                connection.execute(f"create or replace table {schema}.{name} as {sql}")
            return list(connection.sql("from intermediate.int_transactions order by all").to_arrow_table().to_pylist())
        finally:
            connection.rollback()

    yield run
    connection.close()


def order(number: str, goods: Any, **columns: Any) -> dict[str, Any]:
    """A paid order with 19 % tax on top of goods and shipping."""
    shipping, discount = Decimal(columns.pop("shipping", 0)), Decimal(columns.pop("discount", 0))
    subtotal = Decimal(goods) - discount
    tax = round((subtotal + shipping) * Decimal("0.19"), 2)
    return {
        "id": number, "customer": {"id": 7}, "email": "ann@x.ch", "currency": "EUR", "presentment_currency": "EUR",
        "financial_status": "paid", "source_name": "web", "taxes_included": False,
        "total_line_items_price": Decimal(goods), "total_discounts": discount, "subtotal_price": subtotal,
        "total_tax": tax, "total_shipping_price_set": {"shop_money": {"amount": str(shipping)}},
        "total_price": subtotal + shipping + tax, "created_at": MARCH, "updated_at": MARCH, **columns,
    }  # fmt: skip


def charge(number: str, amount: int, currency: str = "eur", **columns: Any) -> dict[str, Any]:
    return {
        "id": number, "amount": amount, "currency": currency, "status": "succeeded", "paid": True, "captured": True,
        "livemode": True, "created": UNIX_MARCH, **columns,
    }  # fmt: skip


def paid_back(number: str, amount: int, charge_id: str, currency: str = "eur", **columns: Any) -> dict[str, Any]:
    return {"id": number, "amount": amount, "currency": currency, "charge": charge_id, "status": "succeeded",
            "created": UNIX_MARCH, **columns}  # fmt: skip


def invoice(number: str, net: int, tax: int, currency: str = "eur", **columns: Any) -> dict[str, Any]:
    return {
        "id": number, "customer": "cus_1", "currency": currency, "status": "paid", "subtotal": net, "total": net + tax,
        "total_discount_amounts": [], "total_taxes": [{"amount": tax, "tax_behavior": "exclusive"}], "livemode": True,
        "payments": {"data": [{"payment": {"payment_intent": f"pi_{number}"}}]}, "created": UNIX_MARCH, **columns,
    }  # fmt: skip


def deal(number: str, amount: int, **columns: Any) -> dict[str, Any]:
    return {
        "id": number, "amount": amount, "currency_iso_code": "EUR", "is_won": True, "is_closed": True,
        "account_id": "001A", "contact_id": "003A", "close_date": "2024-03-01", "system_modstamp": MARCH, **columns,
    }  # fmt: skip


def line(number: str, order_id: str, quantity: int, price: Any, **columns: Any) -> dict[str, Any]:
    return {"id": number, "order_id": order_id, "product_id": "p1", "variant_id": "v1", "quantity": quantity,
            "price": price, "total_discount": 0, "updated_at": MARCH, **columns}  # fmt: skip


def refund(number: str, order_id: str, **columns: Any) -> dict[str, Any]:
    return {"id": number, "order_id": order_id, "restock": False, "created_at": MARCH, **columns}


COMPANY: dict[str, Rows] = {
    "shopify.products": [
        {"id": "p1", "title": "Pot", "product_type": "Kitchen", "updated_at": MARCH,
         "variants": [{"id": "v1", "price": "20.00", "inventory_item": {"cost": "8.00"}}]},
    ],
    "shopify.orders": [
        # Paid at the second attempt, with a voucher.
        order("1", 100, discount=10, shipping=5),
        # One of three pieces came back, and the shipping with it.
        order("2", 60, shipping=5),
        order("3", 50, cancelled_at=MARCH),
        order("4", 50, test=True),
        # Goodwill; shipping alone, on which there was a discount; a refund that failed.
        order("5", 50, shipping=5),
        order("6", 50, shipping=5, total_discounts=Decimal(5)),
        order("7", 50),
        # Paid in yen. Only the payment provider knows of what was paid back.
        order("8", 100, presentment_currency="JPY"),
        # The prices have the tax in them; of a guest, through a seller.
        order("9", "119", taxes_included=True, customer=None, email="guest@y.com", source_name="marketplace",
              total_tax=Decimal(19), total_price=Decimal(119), note_attributes=[{"name": "seller_id", "value": "s1"}]),
        order("10", 100),
    ],
    "shopify.order_lines": [
        line("1a", "1", 5, 20, total_discount=10),
        line("2a", "2", 3, 20),
        line("9a", "9", 1, 119),
    ],
    "shopify.refunds": [
        refund("r2", "2", restock=True,
               refund_line_items=[{"line_item_id": "2a", "quantity": 1, "subtotal": 20.0, "restock_type": "return"}],
               order_adjustments=[{"kind": "shipping_refund", "amount": "-5.00", "tax_amount": "-0.95"}]),
        refund("r3", "3", refund_line_items=[{"line_item_id": "3a", "quantity": 1, "subtotal": 50.0}]),
        refund("r5", "5", order_adjustments=[{"kind": "refund_discrepancy", "amount": "-7.50", "tax_amount": "-1.43"}]),
        refund("r6", "6", order_adjustments=[{"kind": "shipping_refund", "amount": "-5.00"}]),
        refund("r7", "7", order_adjustments=[{"kind": "refund_discrepancy", "amount": "-50.00"}],
               transactions=[{"kind": "refund", "status": "failure"}]),
    ],
    "app_db.sellers": [{"seller_id": "s1", "user_id": "u5", "updated_at": MARCH}],
    "salesforce.opportunity": [
        deal("006A", 1000),
        deal("006B", 2000),
        deal("006C", 3000, is_won=False),
        deal("006D", 10000),
        # Nobody noted what it brought; its invoice says so.
        {**deal("006E", 0), "amount": None},
    ],
    "stripe.invoices": [
        invoice("in_sub", 1990, 378, parent={"subscription_details": {"subscription": "sub_1"}}),
        invoice("in_yen", 990, 0, "jpy"),
        invoice("in_open", 1990, 378, status="open", payments={"data": []}),
        invoice("in_deal", 100000, 19000, metadata={"opportunity_id": "006A"}),
        invoice("in_blank", 500000, 95000, metadata={"opportunity_id": "006E"}),
        invoice("in_lost", 300000, 57000, metadata={"opportunity_id": "006C"}),
    ],
    "stripe.charges": [
        charge("ch_1_failed", 11305, status="failed", paid=False, metadata={"order_id": "1"}),
        charge("ch_1", 11305, metadata={"order_id": "1"}),
        # Authorised, never collected, and let go.
        charge("ch_1_let_go", 11305, captured=False, metadata={"order_id": "1"}),
        charge("ch_2", 7735, metadata={"order_id": "2"}),
        charge("ch_3", 5950, metadata={"order_id": "3"}),
        charge("ch_8", 18000, "jpy", metadata={"order_id": "8"}),
        charge("ch_sub", 2368, payment_intent="pi_in_sub", customer="cus_1"),
        charge("ch_deal", 119000, payment_intent="pi_in_deal", customer="cus_1"),
        charge("ch_blank", 595000, payment_intent="pi_in_blank", customer="cus_1"),
        # The first instalment, half of which went back.
        charge("ch_instalment", 200000, metadata={"opportunity_id": "006D"}),
        # Paid twice, the second time by mistake.
        charge("ch_10", 11900, metadata={"order_id": "10"}),
        charge("ch_10_again", 11900, metadata={"order_id": "10"}),
        # A seat at a workshop, for which nothing else stands; the first attempt failed.
        charge("ch_seat_failed", 5000, "usd", status="failed", paid=False, customer="cus_1"),
        charge("ch_seat", 5000, "usd", customer="cus_1"),
        charge("ch_seat_test", 5000, "usd", customer="cus_1", livemode=False),
        charge("ch_seat_let_go", 5000, "usd", captured=False, customer="cus_1"),
    ],
    "stripe.refunds": [
        # In both systems; in this one alone.
        paid_back("re_2", 2975, "ch_2", metadata={"refund_id": "r2"}),
        paid_back("re_3", 5950, "ch_3"),
        paid_back("re_8", 4500, "ch_8", "jpy"),
        paid_back("re_sub", 1184, "ch_sub"),
        paid_back("re_deal", 11900, "ch_deal"),
        paid_back("re_instalment", 100000, "ch_instalment"),
        paid_back("re_10_again", 11900, "ch_10_again", reason="duplicate"),
        paid_back("re_10", 2975, "ch_10"),
        paid_back("re_seat", 2000, "ch_seat", "usd"),
        paid_back("re_1_let_go", 11305, "ch_1_let_go"),
        paid_back("re_seat_let_go", 5000, "ch_seat_let_go", "usd"),
        paid_back("re_seat_failed", 3000, "ch_seat", "usd", status="failed"),
    ],
}  # fmt: skip


def test_every_sale_of_the_company_counts_once_and_to_the_cent(book: Book):
    rows = {row["transaction_id"]: row for row in book(COMPANY)}
    assert {name: (row["currency"], row["net_amount"], row["is_counted"]) for name, row in rows.items()} == {
        "shopify:1": ("EUR", Decimal(90), True),
        "shopify:2": ("EUR", Decimal(60), True),
        "shopify:return:r2": ("EUR", Decimal(0), True),
        "shopify:refund:r2": ("EUR", Decimal(-20), True),
        "shopify:3": ("EUR", Decimal(50), False),
        "shopify:refund:r3": ("EUR", Decimal(-50), False),
        "shopify:4": ("EUR", Decimal(50), False),
        "shopify:5": ("EUR", Decimal(50), True),
        "shopify:refund:r5": ("EUR", Decimal("-7.5"), True),
        "shopify:6": ("EUR", Decimal(50), True),
        "shopify:refund:r6": ("EUR", Decimal(0), True),
        "shopify:7": ("EUR", Decimal(50), True),
        "shopify:refund:r7": ("EUR", Decimal(-50), False),
        "shopify:8": ("EUR", Decimal(100), True),
        # A quarter of the yen is a quarter of the goods.
        "stripe:re_8": ("EUR", Decimal(-25), True),
        "shopify:9": ("EUR", Decimal(100), True),
        "shopify:10": ("EUR", Decimal(100), True),
        "stripe:re_10": ("EUR", Decimal(-25), True),
        "stripe:re_10_again": ("EUR", Decimal(0), True),
        "salesforce:006A": ("EUR", Decimal(1000), True),
        "stripe:re_deal": ("EUR", Decimal(-100), True),
        "salesforce:006B": ("EUR", Decimal(2000), True),
        "salesforce:006D": ("EUR", Decimal(10000), True),
        "stripe:re_instalment": ("EUR", Decimal(-1000), True),
        "stripe:in_blank": ("EUR", Decimal(5000), True),
        "stripe:in_lost": ("EUR", Decimal(3000), True),
        "stripe:in_sub": ("EUR", Decimal("19.9"), True),
        "stripe:re_sub": ("EUR", Decimal("-9.95"), True),
        "stripe:in_open": ("EUR", Decimal("19.9"), False),
        "stripe:in_yen": ("JPY", Decimal(990), True),
        "stripe:ch_seat": ("USD", Decimal(50), True),
        "stripe:ch_seat_test": ("USD", Decimal(50), False),
        "stripe:re_seat": ("USD", Decimal(-20), True),
        "stripe:re_seat_failed": ("USD", Decimal(-30), False),
    }
    assert {name: row["order_id"] for name, row in rows.items() if row["transaction_type"] == "refund"} == {
        **{f"shopify:refund:r{number}": f"shopify:{number}" for number in (2, 3, 5, 6, 7)},
        "stripe:re_8": "shopify:8",
        "stripe:re_10": "shopify:10",
        "stripe:re_10_again": "shopify:10",
        "stripe:re_deal": "salesforce:006A",
        "stripe:re_instalment": "salesforce:006D",
        "stripe:re_sub": "stripe:in_sub",
        "stripe:re_seat": "stripe:ch_seat",
        "stripe:re_seat_failed": "stripe:ch_seat",
    }
    # Who bought is told by the order, whoever gave the money back; a guest by her address, a deal by its contact.
    people = {name: row["record_id"] for name, row in rows.items()}
    assert people["stripe:re_8"] == people["shopify:refund:r2"] == "shopify:7"
    assert people["shopify:9"] == "shopify:guest:1e52af9f4f6934c7"
    assert people["stripe:re_deal"] == people["salesforce:006A"] == "salesforce:003A"
    assert rows["shopify:9"]["seller_record_id"] == "app_db:u5"
    # Five pieces cost 40; of three, one came back.
    costs = {name: row["cost_amount"] for name, row in rows.items() if row["cost_amount"] is not None}
    assert costs == {"shopify:1": 40, "shopify:2": 24, "shopify:return:r2": 8, "shopify:9": 8}


cents = st.integers(1, 50_000).map(lambda number: Decimal(number) / 100)
orders = st.lists(
    st.fixed_dictionaries(
        {
            "goods": cents,
            "refunded": st.none() | st.integers(0, 100),
            "currency": st.sampled_from(["eur", "jpy", "kwd"]),
        },
        optional={"cancelled_at": st.just(MARCH), "test": st.just(True)},
    ),
    min_size=1,
    max_size=5,
)


@given(drawn=orders, percent=st.integers(1, 100))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_the_shop_tells_is_not_changed_by_payments_of_it(book: Book, drawn, percent):
    sold = [
        order(str(number), row["goods"], **{key: row[key] for key in ("cancelled_at", "test") if key in row})
        for number, row in enumerate(drawn)
    ]
    worth = {n: row["goods"] * row["refunded"] / 100 for n, row in enumerate(drawn) if row["refunded"] is not None}
    given_back = [
        refund(f"r{n}", str(n), refund_line_items=[{"line_item_id": "l", "quantity": 1, "subtotal": str(goods)}])
        for n, goods in worth.items()
    ]
    shop = {"shopify.orders": sold, "shopify.refunds": given_back}
    paid = [charge(f"ch_{n}", 100_000, row["currency"], metadata={"order_id": str(n)}) for n, row in enumerate(drawn)]
    stripe = {"stripe.charges": paid, "stripe.refunds": []}
    alone, with_payments = book(shop), book({**shop, **stripe})
    assert with_payments == alone
    counts = {n: "test" not in row and "cancelled_at" not in row for n, row in enumerate(drawn)}
    expected = sum((row["goods"] - worth.get(n, 0) for n, row in enumerate(drawn) if counts[n]), Decimal(0))
    assert abs(sum((row["net_amount"] for row in alone if row["is_counted"]), Decimal(0)) - expected) < Decimal("0.001")

    # What the provider gave back changes the orders of which the shop tells no refund.
    back = [paid_back(f"re_{n}", 1000 * percent, f"ch_{n}", row["currency"]) for n, row in enumerate(drawn)]
    rows = book({**shop, "stripe.charges": paid, "stripe.refunds": back})
    of_provider = {row["order_id"]: row["is_counted"] for row in rows if row["source"] == "stripe"}
    assert of_provider == {f"shopify:{n}": is_counted for n, is_counted in counts.items() if n not in worth}
    assert [row for row in rows if row["source"] != "stripe"] == alone
