"""Writes the raw tables as the files source leaves them: rows, ledger and dlt's record of the load."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from scv_platform.sources.entities import ENTITIES, LINEAGE_COLUMNS, LOADED_FILES, REJECTED_ROWS, Column

Row = Mapping[str, Any]

_TYPES = {
    "text": "varchar",
    "decimal": "decimal(38, 9)",
    "bigint": "bigint",
    "bool": "boolean",
    "date": "date",
    "timestamp": "timestamp with time zone",
    "json": "json",
}
_DLT_LOADS = (
    "create table if not exists raw_files._dlt_loads (load_id varchar not null, schema_name varchar,"
    " status bigint not null, inserted_at timestamp with time zone not null, schema_version_hash varchar)"
)


@dataclass(frozen=True)
class File:
    """One file as it was loaded: the rows it gave to one entity, and those that were rejected."""

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


def load(path: Path, number: int, files: Sequence[File], complete: bool = True) -> None:
    """Append one load; a load that is not complete was killed before dlt recorded it."""
    load_id = f"17000000{number:02}.5"
    with duckdb.connect(str(path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        _create_tables(connection)
        for file in files:
            lineage = {"source": file.source, "_content_hash": file.file_hash, "_dlt_load_id": load_id}
            numbered = [{"_line": line, **lineage, **row} for line, row in enumerate(file.rows, start=1)]
            _append(connection, file.entity, numbered)
            ledger = {
                "source": file.source, "entity": file.entity, "file": file.name or "file.csv",
                "file_hash": file.file_hash, "mapping_hash": file.mapping, "_dlt_load_id": load_id,
            }  # fmt: skip
            _append(connection, "_loaded_files", [ledger])
            rejected = [
                {"source": file.source, "table_name": file.entity, "file": file.name or "file.csv",
                 "loaded_at": _moment(number), "_dlt_load_id": load_id, **row}
                for row in file.rejected
            ]  # fmt: skip
            _append(connection, "_rejected_rows", rejected)
        if complete:
            row = {"load_id": load_id, "schema_name": "files", "status": 0, "inserted_at": _moment(number)}
            _append(connection, "_dlt_loads", [row])


def _create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """The raw tables, as dlt creates them at the first load."""
    connection.execute("create schema if not exists raw_files")
    connection.execute(_DLT_LOADS)
    for entity in ENTITIES.values():
        _create(connection, entity.name, (*entity.columns, *LINEAGE_COLUMNS))
    _create(connection, "_loaded_files", LOADED_FILES)
    _create(connection, "_rejected_rows", REJECTED_ROWS)


def _create(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[Column]) -> None:
    definitions = ", ".join(f"{column.name} {_TYPES[column.type]}" for column in columns)
    connection.execute(f"create table if not exists raw_files.{table} ({definitions})")


def _append(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    names = sorted({name for row in rows for name in row})
    # As text, so that each column of the table reads its own type from it.
    texts = {name: [None if row.get(name) is None else str(row[name]) for row in rows] for name in names}
    for name in names:
        connection.execute(f"alter table raw_files.{table} add column if not exists {name} varchar")
    connection.register("arrow_rows", pa.table({name: pa.array(values, pa.string()) for name, values in texts.items()}))
    connection.execute(f"insert into raw_files.{table} by name select * from arrow_rows")
    connection.unregister("arrow_rows")


def _moment(number: int) -> datetime:
    return datetime(2024, 1, 1, number % 24, tzinfo=UTC)
