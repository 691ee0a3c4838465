"""The field catalogue: what a rule may ask about a customer, and what an export may carry.

Data flow: dbt manifest (models of `master` whose meta says `grain: customer`, or that of a fact) + Python-owned
tables (their columns and keys) + custom fields of people -> one `Catalogue`.
Invariant: every table whose columns are fields has at most one row per customer at one as_of. Facts, with many rows
per customer, are counted by conditions of their own.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from scv_platform.errors import ReadableError
from scv_platform.settings import Privacy, Settings
from scv_platform.warehouse import Table

CUSTOMERS = "customers"
"""The table that has a row for every customer; rules select from it, everything else is joined to it."""

EVENT, CONSENT, TICKET = "event", "consent", "ticket"
"""The grains of the facts that conditions of their own ask about, or that the wide table sums up."""

_MASTER = "master"
_CUSTOMER = "customer"
_KEYS = ("customer_id", "as_of")

_PORTABLE_TYPES = {
    "string": "string|varchar|text",
    "integer": "bigint|int64|integer|int",
    "float": "double|float64|double precision",
    "decimal": r"(decimal|numeric)(\(\d+, ?\d+\))?",
    "boolean": "boolean|bool",
    "date": "date",
    "timestamp": "timestamp",
    "json": "json",
}


class CatalogueError(ReadableError):
    """A table does not say what the catalogue needs to know about it; its author has to."""


@dataclass(frozen=True)
class CatalogueField:
    """One column that rules and exports name as `table.column`."""

    table: str
    column: str
    type: str
    description: str
    privacy: Privacy

    @property
    def name(self) -> str:
        """The name in YAML files."""
        return f"{self.table}.{self.column}"


@dataclass(frozen=True)
class CatalogueTable:
    """One table with at most one row per customer, or per customer and as_of when `by_day`.

    `is_dated` tells that its rows say for which as_of they were computed, one day or many.
    """

    schema: str
    name: str
    by_day: bool
    is_dated: bool
    fields: Mapping[str, CatalogueField]

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class FactTable:
    """One table with any number of rows per customer, `customer_id` null where nobody is known."""

    schema: str
    name: str
    fields: Mapping[str, CatalogueField]

    @property
    def path(self) -> tuple[str, str]:
        """Schema and name, which are also its asset key."""
        return self.schema, self.name


@dataclass(frozen=True)
class Catalogue:
    """The tables that rules and exports may name, and the facts by their grain."""

    tables: Mapping[str, CatalogueTable]
    facts: Mapping[str, FactTable]

    @classmethod
    def build(cls, manifest: Mapping[str, Any], settings: Settings, scores: Iterable[Table]) -> Self:
        """The catalogue of a dbt manifest, the tables that Python owns, and the custom fields of people.

        Raises `CatalogueError` where a column has no type or privacy class, or a table has another grain.
        """
        published = {
            name: node
            for name, node in manifest["nodes"].items()
            if node["resource_type"] == "model" and node["config"]["schema"] == _MASTER
        }
        models = [_dbt_table(node) for node in published.values() if _grain(node) == _CUSTOMER]
        facts = {
            _grain(node): FactTable(node["config"]["schema"], node["name"], _dbt_fields(node))
            for node in published.values()
            if _grain(node) in {EVENT, CONSENT, TICKET}
        }
        tables = {table.name: table for table in [*models, *map(_python_table, scores)]}
        if CUSTOMERS not in tables:
            raise CatalogueError(f"the dbt project has no model {_MASTER}.{CUSTOMERS} with meta grain: customer")
        added = {
            name: CatalogueField(CUSTOMERS, name, _type(custom.type, name), custom.description, custom.privacy)
            for name, custom in settings.platform.custom_fields.items()
            if custom.entity == "people"
        }
        customers = tables[CUSTOMERS]
        return cls({**tables, CUSTOMERS: replace(customers, fields={**customers.fields, **added})}, facts)

    @cached_property
    def fields(self) -> dict[str, CatalogueField]:
        """The fields by the names that YAML files use."""
        return {field.name: field for table in self.tables.values() for field in table.fields.values()}


def _grain(node: Mapping[str, Any]) -> str:
    return str(_meta(node).get("grain", ""))


def _dbt_table(node: Mapping[str, Any]) -> CatalogueTable:
    fields = _dbt_fields(node)
    return CatalogueTable(
        node["config"]["schema"], node["name"], by_day=False, is_dated="as_of" in fields, fields=fields
    )


def _dbt_fields(node: Mapping[str, Any]) -> dict[str, CatalogueField]:
    name = node["name"]
    fields = {}
    for column in node["columns"].values():
        field = f"{name}.{column['name']}"
        privacy = _meta(column).get("privacy")
        if not column.get("data_type") or privacy not in list(Privacy):
            raise CatalogueError(f"{field}: its dbt YAML needs data_type and meta privacy ({', '.join(Privacy)})")
        fields[column["name"]] = CatalogueField(
            name, column["name"], _type(column["data_type"], field), column["description"], Privacy(privacy)
        )
    return fields


def _python_table(table: Table) -> CatalogueTable:
    if table.key not in {_KEYS, _KEYS[:1]}:
        raise CatalogueError(f"{table}: key {table.key} is not one row per customer, or per customer and as_of")
    fields = {
        column.name: CatalogueField(table.name, column.name, column.type, column.description, column.privacy)
        for column in table.columns
        if column.name not in _KEYS
    }
    by_day = table.key == _KEYS
    return CatalogueTable(table.schema, table.name, by_day, is_dated=by_day, fields=fields)


def _meta(resource: Mapping[str, Any]) -> dict[str, Any]:
    """The meta of a model or column; dbt 1.11 keeps it under `config`, and still beside it for some."""
    return {**resource.get("meta", {}), **resource.get("config", {}).get("meta", {})}


def _type(data_type: str, field: str) -> str:
    for portable, pattern in _PORTABLE_TYPES.items():
        if re.fullmatch(pattern, data_type.lower()):
            return portable
    raise CatalogueError(f"{field}: type {data_type!r} is unknown to the catalogue")
