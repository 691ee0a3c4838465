"""Writes the raw tables as the sources leave them: rows, ledger and dlt's record of the load."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml

from scv_platform.settings import PROJECT_ROOT

Row = Mapping[str, Any]

SOURCES = PROJECT_ROOT / "scv_dbt" / "models" / "sources"
_TYPES = {
    "text": "varchar",
    "decimal": "decimal(38, 9)",
    "bigint": "bigint",
    "bool": "boolean",
    "date": "date",
    "timestamp": "timestamp with time zone",
    "json": "varchar",
}


@dataclass(frozen=True)
class File:
    """One file as it was loaded: the rows it gave to one table, and those that were rejected.

    The source is one of the six systems, whose rows are the columns of its YAML (of the application database: the
    rows of one reading), or any other name: a no-code source, whose table is an entity.
    """

    source: str
    entity: str
    rows: Sequence[Row]
    name: str = ""
    content: str = ""
    mapping: str = "m1"
    rejected: Sequence[Row] = ()

    @property
    def file_hash(self) -> str:
        """Stands for the hash of the content: the same file loaded again has the same."""
        return self.content or f"{self.source}/{self.entity}/{self.name}"

    @property
    def raw_source(self) -> str:
        """The dbt source in whose tables the rows lie."""
        return self.source if (SOURCES / f"{self.source}.yml").exists() else "files"


def load(path: Path, number: int, files: Sequence[File], complete: bool = True) -> None:
    """Append one load of each source; a load that is not complete was killed before dlt recorded it."""
    load_id = f"17000000{number:02}.5"
    with duckdb.connect(str(path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for raw_source in sorted({file.raw_source for file in files}):
            _create_tables(connection, raw_source)
            for file in files:
                if file.raw_source == raw_source:
                    _append_file(connection, file, number, load_id)
            if complete:
                row = {"load_id": load_id, "schema_name": raw_source, "status": 0, "inserted_at": _moment(number)}
                _append(connection, f"raw_{raw_source}._dlt_loads", [row])


def _append_file(connection: duckdb.DuckDBPyConnection, file: File, number: int, load_id: str) -> None:
    schema = f"raw_{file.raw_source}"
    if "_loaded_files" not in _tables(file.raw_source):
        _append(connection, f"{schema}.{file.entity}", [{"_dlt_load_id": load_id, **row} for row in file.rows])
        return
    lineage = {"_content_hash": file.file_hash, "_dlt_load_id": load_id}
    if file.raw_source == "files":
        lineage["source"] = file.source
    numbered = [{"_line": line, **lineage, **row} for line, row in enumerate(file.rows, start=1)]
    _append(connection, f"{schema}.{file.entity}", numbered)
    ledger = {
        "source": file.source, "entity": file.entity, "file": file.name or "file.csv",
        "file_hash": file.file_hash, "mapping_hash": file.mapping, "_dlt_load_id": load_id,
    }  # fmt: skip
    _append(connection, f"{schema}._loaded_files", [ledger])
    rejected = [
        {"source": file.source, "table_name": file.entity, "file": file.name or "file.csv",
         "loaded_at": _moment(number), "_dlt_load_id": load_id, **row}
        for row in file.rejected
    ]  # fmt: skip
    _append(connection, f"{schema}._rejected_rows", rejected)


@cache
def _tables(raw_source: str) -> dict[str, dict[str, str]]:
    """The raw tables of a source, with the engine's types of their columns, as its YAML declares them."""
    (source,) = yaml.safe_load((SOURCES / f"{raw_source}.yml").read_text(encoding="utf-8"))["sources"]
    return {
        table["name"]: {column["name"]: _TYPES[column["data_type"]] for column in table["columns"]}
        for table in source["tables"]
    }


def _create_tables(connection: duckdb.DuckDBPyConnection, raw_source: str) -> None:
    """The raw tables, as dlt creates them at the first load."""
    connection.execute(f"create schema if not exists raw_{raw_source}")
    for table, columns in _tables(raw_source).items():
        definitions = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.execute(f"create table if not exists raw_{raw_source}.{table} ({definitions})")


def _append(connection: duckdb.DuckDBPyConnection, relation: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    names = sorted({name for row in rows for name in row})
    # As text, so that each column of the table reads its own type from it.
    texts = {name: [_text(row.get(name)) for row in rows] for name in names}
    # Custom fields are columns that only no-code files may bring.
    for name in names if relation.startswith("raw_files.") else ():
        connection.execute(f"alter table {relation} add column if not exists {name} varchar")
    connection.register("arrow_rows", pa.table({name: pa.array(values, pa.string()) for name, values in texts.items()}))
    connection.execute(f"insert into {relation} by name select * from arrow_rows")
    connection.unregister("arrow_rows")


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _moment(number: int) -> datetime:
    return datetime(2024, 1, 1, number % 24, tzinfo=UTC)
