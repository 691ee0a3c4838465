"""SQL of the scratch DuckDB that reads files: quoting, and what that engine accepts as a pattern or a format.

Invariant: a name or a value that comes from a configuration or a file enters SQL through `name` or `text` only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc


def name(identifier: str) -> str:
    """A quoted identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """A quoted string."""
    return "'" + value.replace("'", "''") + "'"


def strings(values: tuple[str, ...] | list[str]) -> str:
    """Quoted strings, separated by commas."""
    return ", ".join(text(value) for value in values)


@contextmanager
def scratch(folder: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB in UTC; what does not fit into memory goes to `folder`."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        # The first would mark columns without nulls as required in the parquet that is written, and dlt rewrites such
        # files to make them equal to the nullable columns of its table. The second would compute every value twice:
        # once to judge the row, once to write it.
        connection.execute("set disabled_optimizers = 'statistics_propagation, filter_pushdown'")
        if folder is not None:
            connection.execute(f"set temp_directory = {text(str(folder))}")
        yield connection


def pattern_problem(pattern: str) -> str | None:
    """Why RE2 refuses a pattern; null when it accepts it."""
    try:
        pc.match_substring_regex(pa.scalar(""), pattern)
    except pa.ArrowInvalid as error:
        return str(error)
    return None


def time_format_problem(time_format: str) -> str | None:
    """Why strptime refuses a format; null when it accepts it."""
    try:
        with scratch() as connection:
            connection.execute(f"select try_strptime('', {text(time_format)})")
    except duckdb.Error as error:
        return str(error).splitlines()[0]
    return None if "%" in time_format else f"{time_format!r} has no %Y, %m, %d … in it"
