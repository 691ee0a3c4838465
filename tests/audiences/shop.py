"""A tiny shop in a real DuckDB file: the master tables that rules and exports read, with hand-made rows."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from scv_platform.audiences.catalogue import Catalogue
from scv_platform.settings import CustomField, CustomFieldType, PlatformConfig, Privacy, Settings
from scv_platform.warehouse import Table, TableColumn, Warehouse
from scv_platform.warehouse.duckdb import DuckDBWarehouse

AS_OF = date(2024, 6, 30)

SCORES = Table(
    "intelligence",
    "scores",
    "One row per (customer, as_of).",
    (
        TableColumn("customer_id", "string", "The customer."),
        TableColumn("as_of", "date", "The day."),
        TableColumn("segment", "string", "Name of the segment.", Privacy.QUASI),
        TableColumn("score", "float", "A share.", Privacy.NONE),
    ),
    ("customer_id", "as_of"),
)
"""Stands for a table of intelligence: many days, of which a rule sees the one it is evaluated for."""


def _table(name: str, key: str, **columns: str) -> Table:
    described = tuple(TableColumn(column, column_type, column) for column, column_type in columns.items())
    return Table("master", name, name, described, (key,))


CUSTOMERS = _table(
    "customers", "customer_id", customer_id="string", email="string", country="string", birth_date="date",
    first_seen_at="timestamp", record_count="integer", is_staff="boolean", extras="json", loyalty_tier="string",
)  # fmt: skip
METRICS = _table(
    "customer_metrics", "customer_id", customer_id="string", as_of="date", net_revenue="decimal", orders="integer",
    last_order_at="timestamp",
)  # fmt: skip
LINES = _table(
    "transaction_lines", "transaction_line_id", transaction_line_id="string", transaction_id="string",
    transaction_type="string", customer_id="string", occurred_at="timestamp", is_counted="boolean",
    product_id="string", sku="string", category="string", brand="string", amount_base="decimal",
)  # fmt: skip
EVENTS = _table(
    "events", "event_id", event_id="string", customer_id="string", anonymous_id="string", event="string",
    event_value="string", items="json", occurred_at="timestamp", source="string", channel="string",
    campaign="string", category="string", value="decimal", event_sequence="integer", session_id="string",
    seconds_since_previous="integer",
)  # fmt: skip
CONSENTS = _table(
    "consents", "customer_id", customer_id="string", purpose="string", channel="string", status="string",
    occurred_at="timestamp",
)  # fmt: skip
TICKETS = _table(
    "tickets", "ticket_id", ticket_id="string", customer_id="string", status="string", created_at="timestamp",
    solved_at="timestamp", satisfaction="string",
)  # fmt: skip

IDENTIFIERS = Table(
    "identity",
    "identifiers",
    "One row per identifier of a record.",
    tuple(TableColumn(name, "string", name) for name in ("record_id", "identifier_type", "identifier_value")),
    ("record_id", "identifier_type", "identifier_value"),
)
IDENTITY_MAP = Table(
    "identity",
    "identity_map",
    "One row per record.",
    (TableColumn("record_id", "string", "The record."), TableColumn("customer_id", "string", "The customer.")),
    ("record_id",),
)

CUSTOM_FIELDS = {
    "loyalty_tier": CustomField(
        entity="people", type=CustomFieldType.STRING, privacy=Privacy.QUASI, description="Tier of the card."
    ),
    "basket_note": CustomField(
        entity="transactions", type=CustomFieldType.STRING, privacy=Privacy.NONE, description="Not about people."
    ),
}

_PRIVACY = {"email": "direct", "birth_date": "quasi", "country": "quasi", "extras": "sensitive", "items": "sensitive"}
_DBT_TYPES = {"string": "varchar", "integer": "bigint", "decimal": "decimal(18,4)"}


def manifest() -> dict[str, Any]:
    """The part of a dbt manifest that the catalogue reads: dbt writes meta in both of the places used here."""

    def node(table: Table, meta: dict[str, Any], resource_type: str = "model") -> dict[str, Any]:
        columns = {
            column.name: {
                "name": column.name,
                "description": f"The {column.name}.",
                "data_type": _DBT_TYPES.get(column.type, column.type),
                "meta": {},
                "config": {"meta": {"privacy": _PRIVACY.get(column.name, "none")}, "tags": []},
            }
            for column in table.columns
            if column.name not in CUSTOM_FIELDS
        }
        return {
            "resource_type": resource_type,
            "name": table.name,
            "columns": columns,
            "meta": meta,
            "config": {"schema": table.schema, "meta": meta},
        }

    return {
        "nodes": {
            "model.scv.customers": node(CUSTOMERS, {"grain": "customer"}),
            "model.scv.customer_metrics": node(METRICS, {"grain": "customer"}),
            "model.scv.transaction_lines": node(LINES, {"grain": "transaction line"}),
            "model.scv.events": node(EVENTS, {"grain": "event"}),
            "model.scv.tickets": node(TICKETS, {"grain": "ticket"}),
            "model.scv.consents": node(CONSENTS, {"grain": "consent"}),
            "test.scv.unique": {"resource_type": "test", "name": "unique_customers"},
        }
    }


def settings(folder: Path) -> Settings:
    """Settings of the tiny shop, all of whose paths lie in that folder."""
    return Settings(
        warehouse="duckdb",
        duckdb_path=folder / "scv.duckdb",
        landing=folder / "landing",
        config=folder / "config",
        as_of=AS_OF,
        dataset_prefix="",
        platform=PlatformConfig(company="Tiny", base_currency="EUR", default_country="DE", custom_fields=CUSTOM_FIELDS),
        environment={},
        root=folder,
    )


def catalogue() -> Catalogue:
    """The catalogue of the tiny shop."""
    return Catalogue.build(manifest(), settings(Path("nowhere")), [SCORES])


def make_shop(path: Path) -> DuckDBWarehouse:
    """A warehouse with the empty tables of the shop."""
    warehouse = DuckDBWarehouse(path)
    create_tables(warehouse)
    return warehouse


def create_tables(warehouse: Warehouse) -> None:
    """The tables of the shop, empty."""
    for table in (CUSTOMERS, METRICS, LINES, EVENTS, TICKETS, CONSENTS, SCORES, IDENTIFIERS, IDENTITY_MAP):
        warehouse.ensure(table)


def fill(warehouse: Warehouse, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Puts exactly these rows into the table; columns that a row lacks are null."""
    complete = [{name: row.get(name) for name in table.column_names} for row in rows]
    warehouse.replace(table, pa.Table.from_pylist(complete) if rows else f"select * from {table} where false")


def fill_identifiers(warehouse: DuckDBWarehouse, *rows: tuple[str, str, str]) -> None:
    """Puts exactly these (customer_id, type, value) into the identity tables, each on a record of its own."""
    records = [(f"s:{number}", *row) for number, row in enumerate(rows)]
    fill(warehouse, IDENTITY_MAP, [{"record_id": record, "customer_id": who} for record, who, _, _ in records])
    identifiers = [(record, kind, value) for record, _, kind, value in records]
    fill(warehouse, IDENTIFIERS, [dict(zip(IDENTIFIERS.column_names, row, strict=True)) for row in identifiers])


def day(text: str, hour: int = 12) -> datetime:
    """A moment of that day."""
    return datetime.combine(date.fromisoformat(text), datetime.min.time()).replace(hour=hour)
