"""One landing file -> the parquet of its valid rows, and an account of the others.

Invariant: every row of the file is loaded, refused, skipped, or equal to a later row of a thing it describes; the
four numbers add up to the rows of the file, or the conversion fails.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from scv_platform.sources.landing import sql
from scv_platform.sources.landing.columns import STORED_AS
from scv_platform.sources.landing.discover import PendingFile
from scv_platform.sources.landing.judge import collapses, judged_rows
from scv_platform.sources.landing.mapping import FileMapping
from scv_platform.sources.landing.read import UnreadableFile, format_of, open_rows

REPEATED = "repeated"
"""Reason under which rows are counted that a later row of the same file repeats."""

_REFUSED = pa.schema({"line": pa.int64(), "reason": pa.string(), "raw": pa.string()})
_OUR_FAULT = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.InternalException,
    duckdb.InterruptException,
    duckdb.OutOfMemoryException,
    duckdb.ParserException,
    duckdb.PermissionException,
)


@dataclass(frozen=True)
class Converted:
    """What became of the rows of one file. A file that cannot be read is one refused row without a line."""

    loaded: int
    refused: pa.Table
    skipped: Mapping[str, int]


def convert(file: PendingFile, load_id: str, target: Path) -> Converted:
    """Write the valid rows of the file to `target`, as the raw table of the entity has them."""
    if file.refusal:
        return _unreadable(file.mapping, file.refusal, target)
    with sql.scratch(target.parent) as connection:
        try:
            return _convert(connection, file, load_id, target)
        except (UnreadableFile, FileNotFoundError) as error:
            reason = str(error)
        except duckdb.Error as error:
            if isinstance(error, _OUR_FAULT) or not _is_about(file, error):
                raise
            kind = format_of(file.path, file.mapping.reading)
            reason = f"not a readable {kind} file: {str(error).splitlines()[0]}"
    return _unreadable(file.mapping, reason, target)


def _unreadable(mapping: FileMapping, reason: str, target: Path) -> Converted:
    write_empty(mapping, target)
    return Converted(0, pa.table({"line": [None], "reason": [reason], "raw": [None]}, schema=_REFUSED), {})


def _convert(connection: duckdb.DuckDBPyConnection, file: PendingFile, load_id: str, target: Path) -> Converted:
    mapping = file.mapping
    rows = open_rows(connection, file.path, mapping.reading, mapping.used, mapping.may_lack)
    judged = judged_rows(mapping, rows)
    lineage = (
        f"{sql.text(mapping.source)} as source, {sql.text(file.content_hash)} as _content_hash,"
        f" {sql.text(load_id)} as _dlt_load_id"
    )
    loaded = _write(connection, mapping, f"select *, {lineage} from ({judged.valid})", target)
    ((total,),) = connection.execute(f"select count(*) from ({rows.select})").fetchall()
    if loaded == total:
        return Converted(loaded, _REFUSED.empty_table(), {})
    connection.execute(f"create temp table others as {judged.others}")
    by_reason = "select _skipped, count(*) from others where _skipped is not null group by 1 order by 1"
    skipped = {str(reason): int(count) for reason, count in connection.execute(by_reason).fetchall()}
    in_order = "select _line as line, _refused as reason, _raw as raw from others where _skipped is null order by line"
    refused = connection.sql(in_order).to_arrow_table().cast(_REFUSED)
    repeated = total - loaded - refused.num_rows - sum(skipped.values())
    if repeated and not collapses(mapping):
        raise RuntimeError(f"{file.name}: {repeated} of {total} rows are neither loaded nor refused nor skipped")
    if repeated:
        skipped[REPEATED] = skipped.get(REPEATED, 0) + repeated
    return Converted(loaded, refused, skipped)


def _is_about(file: PendingFile, error: duckdb.Error) -> bool:
    """A disk that is full fails in the same way as a file that is cut off; only the file that it names differs."""
    return not isinstance(error, duckdb.IOException) or str(file.path) in str(error)


def write_empty(mapping: FileMapping, target: Path) -> None:
    """Write a parquet without rows, so that the raw table of the entity exists with all its columns."""
    nothing = ", ".join(f"null as {sql.name(column.name)}" for column in (*mapping.lineage, *mapping.columns))
    with sql.scratch() as connection:
        _write(connection, mapping, f"select {nothing} where false", target)


def _write(connection: duckdb.DuckDBPyConnection, mapping: FileMapping, select: str, target: Path) -> int:
    """Write rows with the columns of the raw table, in its order; the number of rows."""
    columns = ", ".join(
        f"cast({sql.name(column.name)} as {STORED_AS[column.type]}) as {sql.name(column.name)}"
        for column in (*mapping.lineage, *mapping.columns)
    )
    copied = connection.execute(f"copy (select {columns} from ({select})) to {sql.text(str(target))} (format parquet)")
    ((count,),) = copied.fetchall()
    return int(count)
