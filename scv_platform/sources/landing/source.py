"""Landing files as a dlt source: files -> the raw tables of a dataset, appended.

Run alone: `load(settings, dataset, loaded_files(warehouse, dataset.schema))`. Data flow: a pending file becomes a
parquet that dlt imports as it is, so no row passes through Python; its ledger row and its refused rows travel in the
same load package. Invariant: a load that is killed leaves no trace that anyone reads, and the next run loads its files
again under a new load id.
"""

import json
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import UTC, datetime
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.destination import Destination
from dlt.common.pipeline import LoadInfo
from dlt.common.schema.typing import TColumnSchema
from dlt.extract import DltResource
from dlt.extract.source import DltSource

from scv_platform.config_files import ConfigError
from scv_platform.settings import Settings
from scv_platform.sources.entities import (
    LOADED_FILES,
    REJECTED_ROWS,
    Column,
    ColumnType,
)
from scv_platform.sources.landing.convert import Converted, convert, write_empty
from scv_platform.sources.landing.discover import KnownFiles, LoadedFile, PendingFile, pending_files
from scv_platform.sources.landing.mapping import LandingDataset

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
    ColumnType.DECIMAL: pa.decimal128(38, 9),
    ColumnType.BIGINT: pa.int64(),
    ColumnType.BOOL: pa.bool_(),
    ColumnType.DATE: pa.date32(),
    ColumnType.TIMESTAMP: pa.timestamp("us", "UTC"),
    ColumnType.JSON: pa.string(),
}


def pipeline(settings: Settings, name: str) -> dlt.Pipeline:
    """The pipeline that loads into `raw_<name>`; a new one for each run, because running changes it."""
    os.environ.update(_DLT_OPTIONS)
    settings.dlt_folder.parent.mkdir(parents=True, exist_ok=True)
    return dlt.pipeline(
        name,
        destination=_destination(settings),
        dataset_name=f"{settings.dataset_prefix}raw_{name}",
        pipelines_dir=str(settings.dlt_folder),
    )


def _destination(settings: Settings) -> Destination[Any, Any]:
    if settings.bigquery is None:
        return dlt.destinations.duckdb(str(settings.duckdb_path))
    # dlt reads by pages; what is missing for faster reads of large results is told at every query.
    warnings.filterwarnings("ignore", "Cannot create BigQuery Storage client", module="google.cloud.bigquery")
    return dlt.destinations.bigquery(project_id=settings.bigquery.project, location=settings.bigquery.location)


def load(settings: Settings, dataset: LandingDataset, already_loaded: Set[LoadedFile]) -> LoadInfo:
    """Load what is pending, and nothing else: packages that a killed run left behind are dropped first."""
    loading = pipeline(settings, dataset.name)
    loading.drop()
    info = loading.run(landing_source(settings, dataset, already_loaded))
    info.raise_on_failed_jobs()
    return info


def landing_source(
    settings: Settings, dataset: LandingDataset, already_loaded: Set[LoadedFile], known: KnownFiles | None = None
) -> DltSource:
    """One resource per table of the dataset, in their order.

    Files are looked for when a resource is extracted, not before; those that are `known` are not read again to know
    their content. `ConfigError` when a path leads nowhere.
    """
    seen: dict[str, Sequence[int | str]] = dict(known or {})

    @dlt.source(name=dataset.name, max_table_nesting=0)
    def landing() -> Iterable[DltResource]:
        for position, name in enumerate(dataset.tables):
            yield _resource(settings, dataset.only({name}), already_loaded, seen, is_first=position == 0)

    return landing()


def _resource(
    settings: Settings,
    dataset: LandingDataset,
    already_loaded: Set[LoadedFile],
    known: dict[str, Sequence[int | str]],
    is_first: bool,
) -> DltResource:
    ((table_name, (mapping, *_)),) = dataset.tables.items()

    def rows() -> Iterator[Any]:
        load_id = dlt.current.load_package_state()["load_id"]
        found = pending_files(settings, dataset, already_loaded, known)
        if found.missing:
            raise ConfigError(found.missing)
        known.update(found.known)
        # Below the working folder, which every run empties: a killed run leaves no copy of the data behind.
        target = settings.dlt_folder / dataset.name / "import" / f"{table_name}.parquet"
        target.parent.mkdir(exist_ok=True)
        loaded = 0
        if is_first:
            # Now, so that they are there whatever the files bring.
            for table, columns in OWN_TABLES.items():
                yield dlt.mark.with_table_name(arrow_schema(columns).empty_table(), table)
        for file in found.pending:
            converted = convert(file, load_id, target)
            if file.is_unchanged():
                loaded += 1
                yield dlt.mark.with_file_import(str(target), "parquet", converted.loaded)
                yield dlt.mark.with_table_name(_ledger_row(file, converted, load_id), LEDGER)
                if converted.refused.num_rows:
                    rejected = rejected_rows(file.mapping.source, table_name, file.name, converted.refused, load_id)
                    yield dlt.mark.with_table_name(rejected, REJECTED)
            # dlt has a link to the file; writing the next one over it would change what was imported.
            target.unlink()
        if not loaded:
            write_empty(mapping, target)
            yield dlt.mark.with_file_import(str(target), "parquet", 0)
            target.unlink()

    resource = dlt.resource(rows, name=table_name, table_name=table_name, write_disposition="append")
    # Before the columns of the entity: a variant of a table begins with the columns that are there.
    for table, columns in OWN_TABLES.items():
        resource.apply_hints(table_name=table, columns=column_hints(columns), create_table_variant=True)
    resource.apply_hints(columns=column_hints((*mapping.lineage, *mapping.columns)))
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
        "skipped": json.dumps(converted.skipped),
        "_dlt_load_id": load_id,
    }
    return pa.Table.from_pylist([row], arrow_schema(LOADED_FILES))


def rejected_rows(source: str, table: str, place: str, refused: pa.Table, load_id: str) -> pa.Table:
    """The rows of `_rejected_rows` for what was refused (line, reason, raw) of the file or database at that place."""
    schema = arrow_schema(REJECTED_ROWS)
    columns = {name: refused[name] for name in refused.column_names} | {
        name: pa.repeat(value, refused.num_rows)
        for name, value in {
            "source": source,
            "table_name": table,
            "file": place,
            "loaded_at": pa.scalar(datetime.now(UTC), schema.field("loaded_at").type),
            "_dlt_load_id": load_id,
        }.items()
    }
    return pa.table([columns[name] for name in schema.names], schema=schema)


def column_hints(columns: Iterable[Column]) -> dict[str, TColumnSchema]:
    """The columns of a raw table as dlt wants to be told them.

    JSON is told as the text it is: a parquet file has no type for it, and dlt loads none into BigQuery as JSON.
    """
    stored_as = {ColumnType.JSON: ColumnType.TEXT}
    return {
        column.name: {"name": column.name, "data_type": stored_as.get(column.type, column.type).value}
        for column in columns
    }


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """The columns of a raw table as Arrow."""
    return pa.schema({column.name: _ARROW_TYPES[column.type] for column in columns})
