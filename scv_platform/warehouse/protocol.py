"""What the platform asks of a warehouse, whichever engine it is.

Statements are SQL in DuckDB's dialect, or sqlglot expressions; an engine that speaks another renders both. Values
from people enter SQL only as sqlglot literals, never as text.
Invariant: every writing method is one transaction; killed in the middle, nothing of it is seen.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from scv_platform.settings import Privacy

Statement: TypeAlias = str | exp.Expr
"""SQL, as text of ours or as an expression."""

Data: TypeAlias = str | exp.Expr | pa.Table
"""Rows to write: a select that the warehouse runs itself, or an Arrow table."""

PORTABLE_TYPES = ("string", "integer", "float", "decimal", "boolean", "date", "timestamp", "json")
"""Types of a column by the names that both engines map from; a decimal has 4 digits after the point."""


@dataclass(frozen=True)
class TableColumn:
    """One column of a table that Python owns."""

    name: str
    type: str
    description: str
    privacy: Privacy = Privacy.NONE


@dataclass(frozen=True)
class Table:
    """A table that Python owns: where it lies, its grain, its columns, and its key."""

    schema: str
    name: str
    description: str
    columns: tuple[TableColumn, ...]
    key: tuple[str, ...]
    partition_by: str | None = None
    """A date whose days are replaced one at a time, for engines that store them apart."""

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns in their order in the table."""
        return tuple(column.name for column in self.columns)


@dataclass
class Bill:
    """What the statements of a session cost so far."""

    bytes_billed: int | None = None
    """None of an engine that bills nothing."""

    @property
    def metadata(self) -> dict[str, int]:
        """What the metadata of an asset tells of it."""
        return {} if self.bytes_billed is None else {"bytes_billed": self.bytes_billed}


class Warehouse(Protocol):
    """One engine. Methods open a connection, use it, and close it: dbt and dlt need the file free."""

    def session(self, label: str = "") -> AbstractContextManager[Bill]:
        """Within it, methods share what is dear to open, and one bill. Transactions stay those of each method.

        The label, such as the key of an asset, marks what is done in it, where the engine keeps a record of that.
        """
        ...

    def is_free(self) -> bool:
        """Whether it can be opened at once, for those that must not wait until others have done with it."""
        ...

    def identity(self) -> list[str | int] | None:
        """What tells it from a warehouse that was put, or made anew, in its place; None when there is none."""
        ...

    def rendered(self, statement: Statement) -> str:
        """The statement as the engine reads it, for people."""
        ...

    def query(self, sql: Statement, batch_rows: int = 100_000) -> Iterator[pa.RecordBatch]:
        """The result in Arrow batches; the connection closes when the iterator ends."""
        ...

    def table(self, sql: Statement) -> pa.Table:
        """The whole result as one Arrow table, for results that are known to be small."""
        ...

    def rows(self, sql: Statement) -> list[dict[str, Any]]:
        """The whole result as dictionaries, for summaries and previews."""
        ...

    def exists(self, relation: str) -> bool:
        """Whether the table or view `schema.name` exists."""
        ...

    def columns(self, schema: str) -> Mapping[str, frozenset[str]]:
        """The columns of each table and view in the schema; nothing when it does not exist."""
        ...

    def ensure(self, table: Table) -> None:
        """Create the table when it is missing, and add the columns that it lacks. Never drops anything."""
        ...

    def replace(self, table: Table, data: Data, where: Mapping[str, Any] | None = None) -> int:
        """Replace the rows whose columns equal `where` (all rows without it); returns the rows written."""
        ...

    def rebuild(self, table: Table, data: Data) -> int:
        """Make the table anew: these rows in exactly its columns and types, with the descriptions as comments.

        For tables that are derived as a whole and hold no state: columns that it no longer has are gone.
        Returns the rows written.
        """
        ...

    def merge(self, table: Table, data: Data) -> int:
        """Insert rows, replacing those with the same key; returns the rows written."""
        ...

    def append(self, table: Table, data: Data) -> int:
        """Insert rows; returns the rows written."""
        ...

    def drop(self, schema: str) -> None:
        """Drop the schema with everything in it, when it exists."""
        ...

    def run(self, statements: Sequence[Statement]) -> None:
        """Run the statements in one transaction: of rows, and of temporary tables."""
        ...

    def beside(self, **relations: Statement) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A DuckDB in which these selects are relations, for libraries that work in nothing else.

        What is made in it is gone at the end, and goes to disk where it is larger than memory: with BigQuery to the
        system's temporary folder, where a process that is killed leaves it.
        """
        ...


def literal(value: Any) -> exp.Expr:
    """A Python value as a SQL literal; text is escaped by sqlglot, so it can never become SQL. Times are in UTC."""
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            value = value.astimezone(UTC).replace(tzinfo=None)
        return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), "timestamp")
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    if isinstance(value, Decimal):
        # With all digits, because an exponent makes a binary fraction of it.
        return exp.Literal.number(f"{value:f}")
    return exp.convert(value)


def bind(sql: str, /, **values: Any) -> exp.Expr:
    """SQL of ours whose `$name` parts become the values; `ValueError` when the names differ.

    A value becomes a literal, unless it is an expression already.
    """
    statement = sqlglot.parse_one(sql, dialect="duckdb")
    names = {str(placeholder.this) for placeholder in statement.find_all(exp.Placeholder)}
    if names != set(values):
        raise ValueError(f"the statement names {sorted(names)}, the values are {sorted(values)}")
    return exp.replace_placeholders(statement, **{name: literal(value) for name, value in values.items()})
