"""A file as a relation of the scratch DuckDB, whatever its format.

Data flow: parquet is scanned where it lies. Text (csv, jsonl) goes block by block through a decoder into a table of
physical lines, which become records, which become fields; so every row knows the line it begins on, and one bad line
costs one row. Gzip is known by its first bytes. Nothing here loops over rows.
Known limit: a csv uses the double quote, doubled inside quotes; line breaks inside quotes become plain `\\n`.
"""

import codecs
import difflib
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from scv_platform.sources.landing import sql
from scv_platform.sources.landing.mapping import Reading

_BLOCK_BYTES = 8 << 20
_LONGEST_LINE = 16 << 20
_TOO_LONG = "\0longer"
"""Stands for a line that is longer, which nothing is but a file of another kind: what it says is not kept."""
_WHY_TOO_LONG = f"longer than {_LONGEST_LINE >> 20} MB"


class UnreadableFile(Exception):
    """A file of which nothing can be loaded; the text says why, for the person who has to act."""


@dataclass(frozen=True)
class FileRows:
    """The rows of one file as a select with these columns.

    `_line` (the line a row begins on; in parquet its number), `_broken` (why the row cannot be read, else null), `_raw`
    (the row as JSON), and `_c0`, `_c1` … for the columns that were asked for, in that order.
    """

    select: str
    types: Sequence[str]
    """DuckDB type of `_c0`, `_c1` …; nested values are JSON."""


def _no_rows(columns: Mapping[str, str]) -> FileRows:
    select = "select null::bigint as _line, null::varchar as _broken, null::varchar as _raw"
    return FileRows(f"{select}{_numbered(['null::varchar'] * len(columns))} where false", ["VARCHAR"] * len(columns))


def open_rows(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    reading: Reading,
    columns: Mapping[str, str],
    may_lack: Set[str] = frozenset(),
) -> FileRows:
    """The rows of a file with those of its columns; `UnreadableFile` when it is not what the configuration says.

    `columns` gives for each column the place in the configuration that asks for it. A json line may leave out what it
    has no value for, so there a column may be missing altogether, unless a key that nothing reads looks like it. The
    columns that a file `may_lack` are null where it does.
    """
    file_format = format_of(path, reading)
    if path.stat().st_size == 0:
        return _no_rows(columns)
    if file_format == "parquet":
        return _open_parquet(connection, path, columns, may_lack)
    _read_lines(connection, path, reading.encoding)
    if file_format == "csv":
        return _open_csv(connection, reading.delimiter, columns, may_lack)
    return _open_jsonl(connection, columns, may_lack)


_FORMATS = {".csv": "csv", ".json": "jsonl", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


def format_of(path: Path, reading: Reading) -> str:
    """The format that the configuration says, else that of the file's ending; `UnreadableFile` when it tells none."""
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    if not (reading.format or ending in _FORMATS):
        raise UnreadableFile(f"its name does not tell its format; it should end in {', '.join(_FORMATS)}")
    return reading.format or _FORMATS[ending]


def _open_parquet(
    connection: duckdb.DuckDBPyConnection, path: Path, columns: Mapping[str, str], may_lack: Set[str]
) -> FileRows:
    file = sql.text(_without_wildcards(path))
    described = connection.execute(f"describe from read_parquet({file})").fetchall()
    header = [str(row[0]) for row in described]
    if "file_row_number" in header:
        raise UnreadableFile("a column is named 'file_row_number', which the reader numbers rows with; rename it")
    positions = _positions(header, columns, may_lack)
    types, values = [], []
    for column, position in positions.items():
        if position is None:
            types.append("VARCHAR")
            values.append("null::varchar")
            continue
        name, kind = f"file.{sql.name(header[position])}", str(described[position][1])
        if kind in ("BLOB", "BIT"):
            raise UnreadableFile(f"column {column!r} is binary ({kind})")
        nested = kind.startswith(("STRUCT", "MAP", "UNION")) or kind.endswith("]")
        types.append("JSON" if nested else kind)
        values.append(f"to_json({name})" if nested else name)
    members = ", ".join(f"{sql.text(name.strip())}: file.{sql.name(name)}" for name in header)
    return FileRows(
        f"""
        select file.file_row_number + 1 as _line, null::varchar as _broken, to_json({{{members}}})::varchar as _raw
            {_numbered(values)}
        from read_parquet({file}, file_row_number = true) as file
        """,
        types,
    )


def _without_wildcards(path: Path) -> str:
    """A path that DuckDB takes literally, whatever signs are in it."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _read_lines(connection: duckdb.DuckDBPyConnection, path: Path, encoding: str) -> None:
    """Table `lines (line, content)`: the physical lines of a text file, without their ends."""
    connection.execute("create or replace temp table lines (line bigint, content varchar)")
    with path.open("rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if is_gzip else path.open("rb") as stream:
            for batch in _lines(stream, encoding):
                connection.register("block", batch)
                connection.execute("insert into lines from block")
                connection.unregister("block")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UnreadableFile(f"damaged gzip file: {error}") from None


def _lines(stream: BinaryIO | gzip.GzipFile, encoding: str) -> Iterator[pa.RecordBatch]:
    """The lines in blocks, numbered; a mark at the beginning that only tells the encoding is no text."""
    codec = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)()
    decoder = io.IncrementalNewlineDecoder(codec, translate=True)
    number, begun, is_skipping = 1, "", False
    while True:
        block = stream.read(_BLOCK_BYTES)
        try:
            decoded = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            line = number + begun.count("\n") + error.object[: error.start].count(b"\n")
            reason = f"not {encoding} text from line {line} on ({error.reason}); set its encoding"
            raise UnreadableFile(reason) from None
        if is_skipping:
            _, line_break, decoded = decoded.partition("\n")
            if block and not line_break:
                continue
            begun, decoded, is_skipping = _TOO_LONG, line_break + decoded, False
        if not block and not begun + decoded:
            return
        whole, line_break, begun = (begun + decoded).rpartition("\n") if block else (begun + decoded, "\n", "")
        if len(begun) > _LONGEST_LINE:
            begun, is_skipping = "", True
        if line_break:
            content = pc.split_pattern(pa.array([whole], pa.large_string()), "\n").values
            content = pc.if_else(pc.greater(pc.binary_length(content), _LONGEST_LINE), _TOO_LONG, content)
            yield pa.record_batch([pa.arange(number, number + len(content)), content], names=["line", "content"])
            number += len(content)


def _open_csv(
    connection: duckdb.DuckDBPyConnection, delimiter: str, columns: Mapping[str, str], may_lack: Set[str]
) -> FileRows:
    separator = re.escape(delimiter)
    field = f'(?:"(?:[^"]|"")*"|[^"{separator}][^{separator}]*)?{separator}'
    _find_records(connection, opens=f'(?:{field})*"(?:[^"]|"")*')
    ((header_line,),) = connection.execute("select min(line) from records").fetchall()
    if header_line is None:
        return _no_rows(columns)
    terminated = f"content || {sql.text(delimiter)}"

    def split(records: str) -> str:
        """Each record with its fields; where a quote is in it, they still have their quotes and their delimiter."""
        return f"""
        select
            line,
            content,
            never_closed,
            contains(content, '"') as is_quoted,
            case
                when is_quoted then regexp_extract_all({terminated}, {sql.text(field)})
                else string_split(content, {sql.text(delimiter)})
            end as field,
            is_quoted and not regexp_full_match({terminated}, {sql.text(f"(?:{field})*")}) as is_malformed,
        from ({records})
        """

    def value(position: int) -> str:
        item = f"field[{position + 1}]"
        return f"""case
            when not is_quoted then {item}
            when starts_with({item}, '"') then replace({item}[2:-3], '""', '"')
            else {item}[:-2]
        end"""

    heading = split(f"from records where line = {header_line}")
    ((width,),) = connection.execute(f"select len(field) from ({heading})").fetchall()
    names = ", ".join(value(position) for position in range(width))
    (header,) = connection.execute(f"select {names} from ({heading})").fetchall()
    wanted = [
        "null::varchar" if position is None else f"case when _broken is null then {value(position)} end"
        for position in _positions(header, columns, may_lack).values()
    ]
    members = ", ".join(f"{sql.text(name.strip())}, {value(position)}" for position, name in enumerate(header))
    broken = f"""case
        when content = {sql.text(_TOO_LONG)} then {sql.text(_WHY_TOO_LONG)}
        when never_closed then 'a quote that opens here is never closed'
        when is_malformed then 'text after a closing quote'
        when len(field) <> {width} then format('{{}} columns instead of {width}', len(field))
    end"""
    return FileRows(
        f"""
        select
            line as _line,
            {broken} as _broken,
            case when _broken is null then json_object({members}) else to_json(content) end::varchar as _raw
            {_numbered(wanted)}
        from ({split(f"from records where line > {header_line}")})
        """,
        ["VARCHAR"] * len(columns),
    )


def _find_records(connection: duckdb.DuckDBPyConnection, opens: str) -> None:
    """View `records (line, content, never_closed)`: lines, joined where a line break stands inside quotes.

    A line with an even number of quotes leaves quotes as they were. One with an odd number opens a quote when it looks
    like that (`opens`), and closes it when one is open. Any other odd line, such as one with an inch mark, is closed at
    its end. A quote that is open at the end of the file was never one, so that its line is broken and no other.
    """
    connection.execute(
        f"""
        create or replace temp view quotes as
        select
            line,
            content,
            (length(content) - length(replace(content, '"', ''))) % 2 = 1 as is_odd,
            is_odd and regexp_full_match(content, {sql.text(opens)}) as turns,
        from lines
        """
    )
    if connection.execute("select not exists (from quotes where turns)").fetchall()[0][0]:
        connection.execute(
            """
            create or replace temp view records as
            select line, content, false as never_closed from lines where content <> ''
            """
        )
        return
    connection.execute(
        """
        create or replace temp table joined as
        with segments as (
            select *, count(*) filter (is_odd and not turns) over (order by line) as segment from quotes
        ),
        states as (
            select *, count(*) filter (turns) over (partition by segment order by line) % 2 = 1 as is_open from segments
        ),
        ends as (
            select *, coalesce(max(line) filter (not is_open) over (), 0) as last_closed from states
        ),
        starts as (
            select
                *,
                line > last_closed as is_after,
                is_after or not coalesce(lag(is_open) over (order by line), false) as is_start,
            from ends
        ),
        numbered as (
            select *, count(*) filter (is_start) over (order by line) as record from starts
        )
        select
            min(line) as line,
            string_agg(content, chr(10) order by line) as content,
            bool_or(is_after and line = last_closed + 1) as never_closed,
        from numbered
        group by record
        having content <> ''
        """
    )
    connection.execute("create or replace temp view records as from joined")


def _open_jsonl(connection: duckdb.DuckDBPyConnection, columns: Mapping[str, str], may_lack: Set[str]) -> FileRows:
    pointers = [_pointer(column) for column in columns]
    connection.execute(
        f"""
        create or replace temp view objects as
        select
            line,
            content,
            try_cast(content as json) as document,
            coalesce(json_type(document) = 'OBJECT', false) as is_object,
            case when is_object then json_extract(document, [{sql.strings(pointers)}]) end as field,
        from lines
        where trim(content) <> ''
        """
    )
    _check_keys(connection, columns, may_lack)
    return FileRows(
        f"""
        select
            line as _line,
            case
                when content = {sql.text(_TOO_LONG)} then {sql.text(_WHY_TOO_LONG)}
                when document is null then 'not JSON'
                when not is_object then 'not a JSON object'
            end as _broken,
            case when document is null then to_json(content)::varchar else content end as _raw
            {_numbered([f"field[{position + 1}]" for position in range(len(columns))])}
        from objects
        """,
        ["JSON"] * len(columns),
    )


def _pointer(key: str) -> str:
    """A JSON pointer (RFC 6901) to a key of the outermost object."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _check_keys(connection: duckdb.DuckDBPyConnection, columns: Mapping[str, str], may_lack: Set[str]) -> None:
    """Refuse a file in which no object has a key that is asked for, but some have one that looks like it."""
    wanted = {column: position for position, column in enumerate(columns) if column not in may_lack}
    counts = ", ".join(f"count(field[{position + 1}])" for position in wanted.values())
    missing = list(wanted)
    # Nearly always the first objects have every key.
    for some in ("limit 1000", ""):
        query = f"select {counts} from (select field from objects where is_object {some})"
        if missing:
            (found,) = connection.execute(query).fetchall()
            missing = [column for column, count in zip(wanted, found, strict=True) if not count]
    if not missing:
        return
    rows = connection.execute("select distinct unnest(json_keys(document)) from objects where is_object").fetchall()
    unread = {str(key) for (key,) in rows} - set(columns)
    for column in missing:
        if difflib.get_close_matches(column, unread):
            raise _missing_column(column, columns[column], unread)


def _positions(header: Sequence[str], columns: Mapping[str, str], may_lack: Set[str]) -> dict[str, int | None]:
    """Where the columns stand in the file, None for one that it lacks; the names in a header are trimmed."""
    names = [name.strip() for name in header]
    for column, place in columns.items():
        if column not in names and column not in may_lack:
            raise _missing_column(column, place, names)
        if names.count(column) > 1:
            raise UnreadableFile(f"{place}: the file has {names.count(column)} columns named {column!r}")
    return {column: names.index(column) if column in names else None for column in columns}


def _missing_column(column: str, place: str, names: Sequence[str] | set[str]) -> UnreadableFile:
    # Never all names: in a file without a header they are the values of its first row, which may be a person.
    near = difflib.get_close_matches(column, names, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else f"none of its {len(names)} columns is near; has it a header?"
    return UnreadableFile(f"{place}: the file has no column {column!r}; {hint}")


def _numbered(values: Sequence[str]) -> str:
    return "".join(f",\n            {value} as _c{position}" for position, value in enumerate(values))
