"""The raw tables: declared as the files source writes them, there before the first load, and open to dlt."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pyarrow as pa
import pytest
import yaml

from scv_platform.sources.entities import ENTITIES, LINEAGE_COLUMNS, LOADED_FILES, REJECTED_ROWS
from scv_platform.sources.landing.source import column_hints
from tests.dbt.conftest import PROJECT, Dbt

CUSTOM_FIELDS = (
    '{"points": {"entity": "people", "type": "decimal", "survivorship": "newest", "privacy": "none",'
    ' "description": "Points."}}'
)


def test_the_source_yaml_declares_the_columns_of_the_entities_with_their_types_and_required_columns():
    (source,) = yaml.safe_load((PROJECT / "models/sources/files.yml").read_text(encoding="utf-8"))["sources"]

    def declared(table: dict[str, Any]) -> list[tuple[str, str, bool]]:
        return [(c["name"], c["data_type"], "not_null" in c.get("data_tests", [])) for c in table["columns"]]

    # What the loader writes itself is not asked of the files, so it has no test here.
    expected = {
        name: [
            *((column.name, column.type.value, column.required) for column in entity.columns),
            *((column.name, column.type.value, False) for column in LINEAGE_COLUMNS),
        ]
        for name, entity in ENTITIES.items()
    }
    for name, columns in (("_loaded_files", LOADED_FILES), ("_rejected_rows", REJECTED_ROWS)):
        expected[name] = [(column.name, column.type.value, False) for column in columns]
    found = {table["name"]: declared(table) for table in source["tables"] if table["name"] != "_dlt_loads"}
    assert found == expected
    assert source["schema"].endswith("}}raw_files")


@pytest.fixture(scope="module")
def dbt(make_dbt: Callable[..., Dbt]) -> Dbt:
    dbt = make_dbt(SCV_CUSTOM_FIELDS=CUSTOM_FIELDS)
    dbt.run("run-operation", "create_missing_raw_tables")
    return dbt


def test_dlt_creates_the_tables_that_dbt_created(dbt: Dbt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fresh = make_by_dlt(tmp_path / "fresh.duckdb", tmp_path, monkeypatch)
    columns = "select column_name, data_type from information_schema.columns where table_schema = 'raw_files'"
    for table in ("people", "events", "_dlt_loads"):
        by_dlt = {tuple(row.values()) for row in fresh.rows(f"{columns} and table_name = '{table}'")}
        by_dbt = {tuple(row.values()) for row in dbt.rows(f"{columns} and table_name = '{table}'")}
        assert by_dlt == by_dbt, table


def test_dlt_loads_into_the_tables_that_dbt_created(dbt: Dbt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make_by_dlt(dbt.path, tmp_path, monkeypatch)
    assert dbt.table("raw_files.people", "source_id, points") == [("1", Decimal("1.5"))]
    assert dbt.table("raw_files._dlt_loads", "status") == [(0,)]


def test_a_column_that_a_table_lacks_is_added_and_nothing_is_lost(dbt: Dbt):
    with duckdb.connect(str(dbt.path)) as connection:
        connection.execute("alter table raw_files.products drop column brand")
        connection.execute("insert into raw_files.products (product_id) values ('p1')")
    dbt.run("run-operation", "create_missing_raw_tables")
    assert dbt.table("raw_files.products", "product_id, brand") == [("p1", None)]


def make_by_dlt(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Dbt:
    """A load of people and events by dlt, as the files source makes it."""
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID", "true")
    types = {"text": pa.string(), "decimal": pa.decimal128(38, 9), "bigint": pa.int64(), "bool": pa.bool_(),
             "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC"), "json": pa.string()}  # fmt: skip
    values = {"source_id": "1", "points": Decimal("1.5")}
    resources = []
    for entity in ("people", "events"):
        columns = {column.name: column.type.value for column in (*ENTITIES[entity].columns, *LINEAGE_COLUMNS)}
        columns |= {"points": "decimal"} if entity == "people" else {}
        del columns["_dlt_load_id"]
        table = pa.table({name: pa.array([values.get(name)], types[kind]) for name, kind in columns.items()})
        hints = {**column_hints((*ENTITIES[entity].columns, *LINEAGE_COLUMNS)), "points": {"data_type": "decimal"}}
        hints = {name: hints[name] for name in columns}
        resources.append(dlt.resource([table], name=entity, columns=hints, write_disposition="append"))
    destination = dlt.destinations.duckdb(str(path))
    pipeline = dlt.pipeline(
        "files", destination=destination, dataset_name="raw_files", pipelines_dir=str(folder / "dlt")
    )
    pipeline.run(resources, loader_file_format="parquet")
    return Dbt(path, None)
