"""Refuses figures of another day: without the rows of as_of a rule would see nothing, and everyone would leave."""

from collections.abc import Iterable
from datetime import date

from scv_platform.audiences.catalogue import Catalogue, CatalogueField
from scv_platform.errors import ReadableError
from scv_platform.warehouse import Warehouse, bind


class MissingDay(ReadableError):
    """A table has figures, but none of the day that is asked for."""


def check_day(warehouse: Warehouse, fields: Iterable[CatalogueField], catalogue: Catalogue, as_of: date) -> None:
    """`MissingDay` when a table of these fields was computed for other days only. An empty table is no error."""
    tables = {field.table: catalogue.tables[field.table] for field in fields}
    for table in (table for table in tables.values() if table.is_dated):
        asked = f"""
            select
                exists (select 1 from {table}) as has_rows,
                exists (select 1 from {table} where as_of = $as_of) as has_day
        """
        (row,) = warehouse.rows(bind(asked, as_of=as_of))
        if row["has_rows"] and not row["has_day"]:
            raise MissingDay(
                f"{table} has no rows of {as_of}; materialise {table.schema}/{table.name} for that day first"
            )
