"""A few members as a table for asset metadata, without what names a person."""

from collections.abc import Mapping
from datetime import date

from sqlglot import exp

from scv_platform.audiences.catalogue import Catalogue, CatalogueField
from scv_platform.audiences.compiler import select_fields
from scv_platform.warehouse import Warehouse
from scv_platform.warehouse.preview import MASK, SHOWN, markdown_table

PREVIEW_ROWS = 10


def masked_preview(
    warehouse: Warehouse, members: exp.Expr, fields: Mapping[str, CatalogueField], catalogue: Catalogue, as_of: date
) -> str:
    """Markdown of the first members by id; direct and sensitive columns are not even read."""
    shown = {name: field for name, field in fields.items() if field.privacy in SHOWN}
    select = select_fields(members, shown, catalogue, as_of).order_by("members.customer_id").limit(PREVIEW_ROWS)
    rows = [{**dict.fromkeys(fields, MASK), **row} for row in warehouse.rows(select)]
    return markdown_table(["customer_id", *fields], rows)
