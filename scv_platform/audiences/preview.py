"""A few members as a table for asset metadata, without what names a person: run history is no place for it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlglot import exp

from scv_platform.audiences.catalogue import Catalogue, CatalogueField
from scv_platform.audiences.compiler import select_fields
from scv_platform.settings import Privacy
from scv_platform.warehouse import Table, Warehouse

PREVIEW_ROWS = 10
_WIDE_PREVIEW_ROWS = 4
_MASK = "•••"
_SHOWN = (Privacy.NONE, Privacy.QUASI)


def masked_preview(
    warehouse: Warehouse, members: exp.Expr, fields: Mapping[str, CatalogueField], catalogue: Catalogue, as_of: date
) -> str:
    """Markdown of the first members by id; direct and sensitive columns are not even read."""
    shown = {name: field for name, field in fields.items() if field.privacy in _SHOWN}
    select = select_fields(members, shown, catalogue, as_of).order_by("members.customer_id").limit(PREVIEW_ROWS)
    rows = [{**dict.fromkeys(fields, _MASK), **row} for row in warehouse.rows(select)]
    return _markdown(["customer_id", *fields], rows)


def wide_preview(warehouse: Warehouse, table: Table) -> str:
    """Markdown of the first rows of a wide table by key, one line per column, masked in the same way."""
    shown = [column.name for column in table.columns if column.privacy in _SHOWN]
    select = exp.select(*(exp.column(name, quoted=True) for name in shown)).from_(str(table)).order_by(*table.key)
    rows = warehouse.rows(select.limit(_WIDE_PREVIEW_ROWS))
    names = [str(number + 1) for number in range(len(rows))]
    lines = [
        {"column": column.name, **{name: row.get(column.name, _MASK) for name, row in zip(names, rows, strict=True)}}
        for column in table.columns
    ]
    return _markdown(["column", *names], lines)


def _markdown(columns: list[str], rows: list[dict[str, Any]]) -> str:
    lines = [columns, ["---"] * len(columns), *([_cell(row[column]) for column in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text.replace("\\", "\\\\").replace("|", "\\|")[:80]
