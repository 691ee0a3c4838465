"""What relations a warehouse has, as its own engine tells, with the types of their columns by common names.

Invariant: a type that has no common name here keeps its own, so that it differs from every type of the other engine.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from google.cloud import bigquery

from scv_platform.warehouse import Warehouse
from scv_platform.warehouse.bigquery import BigQueryWarehouse
from scv_platform.warehouse.duckdb import DuckDBWarehouse

TYPES: Mapping[str, Sequence[str]] = {
    "string": ("VARCHAR", "STRING"),
    "integer": ("INTEGER", "BIGINT", "HUGEINT", "INT64"),
    "decimal": ("DECIMAL", "NUMERIC"),
    "float": ("DOUBLE", "FLOAT", "FLOAT64"),
    "boolean": ("BOOLEAN", "BOOL"),
    "date": ("DATE",),
    # DuckDB's naive timestamps are UTC by the platform's law; BigQuery's DATETIME has no zone, so it is no equal.
    "timestamp": ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"),
    "json": ("JSON",),
}
"""The names that the engines have for one type, without precision."""

_COMMON = {name: common for common, names in TYPES.items() for name in names}


@dataclass(frozen=True)
class Column:
    """A column and its type, by the common name where it has one."""

    name: str
    type: str


Catalogue = Mapping[str, tuple[Column, ...]]
"""The columns of each table and view in their order, by `schema.relation`."""


def common_type(kind: str) -> str:
    """The common name of an engine's type, whatever its precision; the type itself when it has none."""
    return _COMMON.get(kind.upper().partition("(")[0], kind)


def catalogue(warehouse: Warehouse) -> Catalogue:
    """All relations of the warehouse."""
    if isinstance(warehouse, DuckDBWarehouse):
        return _of_duckdb(warehouse)
    assert isinstance(warehouse, BigQueryWarehouse)
    return _of_bigquery(warehouse)


def _of_duckdb(warehouse: DuckDBWarehouse) -> Catalogue:
    found: dict[str, tuple[Column, ...]] = {}
    for row in warehouse.rows(
        """
        select table_schema || '.' || table_name as relation, column_name, data_type
        from information_schema.columns
        where table_schema <> 'main'
        order by relation, ordinal_position
        """
    ):
        column = Column(row["column_name"], common_type(row["data_type"]))
        found[row["relation"]] = (*found.get(row["relation"], ()), column)
    return found


def _of_bigquery(warehouse: BigQueryWarehouse) -> Catalogue:
    """The datasets that begin with the prefix; a schema is one without it."""
    found: dict[str, tuple[Column, ...]] = {}
    with closing(bigquery.Client(warehouse.project)) as client:
        for dataset in client.list_datasets():
            if not dataset.dataset_id.startswith(warehouse.prefix):
                continue
            schema = dataset.dataset_id.removeprefix(warehouse.prefix)
            for table in client.list_tables(dataset.reference):
                fields = client.get_table(table.reference).schema
                # An array is no equal of what it is an array of.
                kinds = [f"ARRAY<{f.field_type}>" if f.mode == "REPEATED" else f.field_type for f in fields]
                found[f"{schema}.{table.table_id}"] = tuple(
                    Column(field.name, common_type(kind)) for field, kind in zip(fields, kinds, strict=True)
                )
    return found
