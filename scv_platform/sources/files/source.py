"""The no-code source as dlt: landing files -> `raw_files.<entity>`, appended.

Run alone: `load(settings, load_sources(settings), loaded_files(warehouse))`. Data flow: a pending file becomes a
parquet that dlt imports as it is, so no row passes through Python; its ledger row and its refused rows travel in the
same load package. Invariant: a load that is killed leaves no trace that anyone reads, and the next run loads its files
again under a new load id.
"""

import os
from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.pipeline import LoadInfo
from dlt.common.schema.typing import TColumnSchema
from dlt.extract import DltResource
from dlt.extract.source import DltSource

from scv_platform.config_files import ConfigError
from scv_platform.settings import Settings
from scv_platform.sources.entities import (
    ENTITIES,
    LINEAGE_COLUMNS,
    LOADED_FILES,
    REJECTED_ROWS,
    Column,
    ColumnType,
)
from scv_platform.sources.files.config import FileMapping, FileSource
from scv_platform.sources.files.convert import Converted, convert, write_empty
from scv_platform.sources.files.discover import LoadedFile, PendingFile, pending_files
from scv_platform.sources.files.ledger import DATASET

LEDGER, REJECTED = "_loaded_files", "_rejected_rows"
OWN_TABLES = {LEDGER: LOADED_FILES, REJECTED: REJECTED_ROWS}
"""The tables that the source writes beside those of the entities."""

_DLT_OPTIONS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    # What is in the warehouse needs no second copy beside it.
    "LOAD__DELETE_COMPLETED_JOBS": "true",
}
_ARROW_TYPES = {
    ColumnType.TEXT: pa.string(),
    ColumnType.BIGINT: pa.int64(),
    ColumnType.TIMESTAMP: pa.timestamp("us", "UTC"),
    # Reasons and their counts; dlt makes JSON of what is nested, and warns about JSON that comes as text.
    ColumnType.JSON: pa.map_(pa.string(), pa.int64()),
}


def pipeline(settings: Settings) -> dlt.Pipeline:
    """The pipeline of the files; a new one for each run, because running changes it."""
    os.environ.update(_DLT_OPTIONS)
    settings.duckdb_path.parent.mkdir(parents=True, exist_ok=True)
    return dlt.pipeline(
        "files",
        destination=dlt.destinations.duckdb(str(settings.duckdb_path)),
        dataset_name=DATASET,
        pipelines_dir=str(settings.dlt_folder),
    )


def load(
    settings: Settings, sources: Sequence[FileSource], already_loaded: Set[LoadedFile], entities: Set[str] | None = None
) -> LoadInfo:
    """Load what is pending, and nothing else: packages that a killed run left behind are dropped first."""
    files = pipeline(settings)
    files.drop()
    info = files.run(files_source(settings, sources, already_loaded, entities))
    info.raise_on_failed_jobs()
    return info


def files_source(
    settings: Settings, sources: Sequence[FileSource], already_loaded: Set[LoadedFile], entities: Set[str] | None = None
) -> DltSource:
    """One resource per entity that the sources feed, in the order of the entities (only those named, when given).

    Files are looked for when a resource is extracted, not before. `ConfigError` when a path leads nowhere.
    """
    by_entity = {
        name: [FileSource(source.name, chosen) for source in sources if (chosen := _feeding(source, name))]
        for name in ENTITIES
        if entities is None or name in entities
    }
    known: dict[str, Sequence[int | str]] = {}

    @dlt.source(name="files", max_table_nesting=0)
    def files() -> Iterable[DltResource]:
        for name, feeding in by_entity.items():
            if feeding:
                yield _resource(settings, name, feeding, already_loaded, known)

    return files()


def _feeding(source: FileSource, entity: str) -> tuple[FileMapping, ...]:
    return tuple(mapping for mapping in source.mappings if mapping.entity.name == entity)


def _resource(
    settings: Settings,
    entity: str,
    sources: Sequence[FileSource],
    already_loaded: Set[LoadedFile],
    known: dict[str, Sequence[int | str]],
) -> DltResource:
    mapping = sources[0].mappings[0]

    def rows() -> Iterator[Any]:
        load_id = dlt.current.load_package_state()["load_id"]
        found = pending_files(settings, sources, already_loaded, known)
        if found.missing:
            raise ConfigError(found.missing)
        known.update(found.known)
        # Below the working folder, which every run empties: a killed run leaves no copy of the data behind.
        target = Path(dlt.current.pipeline().working_dir) / "import" / f"{entity}.parquet"
        target.parent.mkdir(exist_ok=True)
        loaded = 0
        for file in found.pending:
            converted = convert(file, load_id, target)
            if file.is_unchanged():
                loaded += 1
                yield dlt.mark.with_file_import(str(target), "parquet", converted.loaded)
                yield dlt.mark.with_table_name(_ledger_row(file, converted, load_id), LEDGER)
                yield dlt.mark.with_table_name(_rejected_rows(file, converted, load_id), REJECTED)
            # dlt has a link to the file; writing the next one over it would change what was imported.
            target.unlink()
        if not loaded:
            write_empty(mapping, target)
            yield dlt.mark.with_file_import(str(target), "parquet", 0)
            target.unlink()
            for table, columns in OWN_TABLES.items():
                yield dlt.mark.with_table_name(_schema(columns).empty_table(), table)

    resource = dlt.resource(rows, name=entity, table_name=entity, write_disposition="append")
    # Before the columns of the entity: a variant of a table begins with the columns that are there.
    for table, columns in OWN_TABLES.items():
        resource.apply_hints(table_name=table, columns=_hints(columns), create_table_variant=True)
    resource.apply_hints(columns=_hints((*LINEAGE_COLUMNS, *mapping.columns)))
    return resource


def _ledger_row(file: PendingFile, converted: Converted, load_id: str) -> pa.Table:
    row = {
        "source": file.mapping.source,
        "entity": file.mapping.entity.name,
        "file": file.name,
        "file_hash": file.content_hash,
        "mapping_hash": file.mapping.fingerprint,
        "size_bytes": file.size,
        "rows_loaded": converted.loaded,
        "rows_rejected": converted.refused.num_rows,
        "rows_skipped": sum(converted.skipped.values()),
        "skipped": list(converted.skipped.items()),
        "_dlt_load_id": load_id,
    }
    return pa.Table.from_pylist([row], _schema(LOADED_FILES))


def _rejected_rows(file: PendingFile, converted: Converted, load_id: str) -> pa.Table:
    schema, rows = _schema(REJECTED_ROWS), converted.refused
    columns = {name: rows[name] for name in rows.column_names} | {
        name: pa.repeat(value, rows.num_rows)
        for name, value in {
            "source": file.mapping.source,
            "table_name": file.mapping.entity.name,
            "file": file.name,
            "loaded_at": pa.scalar(datetime.now(UTC), schema.field("loaded_at").type),
            "_dlt_load_id": load_id,
        }.items()
    }
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _hints(columns: Iterable[Column]) -> dict[str, TColumnSchema]:
    return {column.name: {"name": column.name, "data_type": column.type.value} for column in columns}


def _schema(columns: Iterable[Column]) -> pa.Schema:
    return pa.schema({column.name: _ARROW_TYPES[column.type] for column in columns})
