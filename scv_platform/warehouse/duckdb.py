"""The warehouse on DuckDB: one file, one writer process.

Every connection goes through `DuckDBWarehouse.connection`, because two connections with different
settings in one process exclude each other, and one left open keeps dbt and dlt out of the file.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from dagster_duckdb import DuckDBResource
from sqlglot import Dialect, exp

from scv_platform.warehouse.errors import WarehouseError, without_values
from scv_platform.warehouse.protocol import Bill, Data, Statement, Table, literal

_TYPES = {
    "string": "varchar",
    "integer": "bigint",
    "float": "double",
    "decimal": "decimal(18, 4)",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "json": "json",
}


class _Writer(threading.local):
    """sqlglot's writers of DuckDB's SQL, a pair for each thread; each new one parses its templates again."""

    def __init__(self) -> None:
        dialect = Dialect.get_or_raise("duckdb")
        self.line = dialect.generator().generate
        self.pretty = dialect.generator(pretty=True).generate


_writer = _Writer()


@contextmanager
def _used(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """The connection in UTC, closed at the end; what goes wrong in between is told without a value of a row."""
    try:
        connection.execute("set TimeZone = 'UTC'")
        yield connection
    except duckdb.Error as error:
        raise WarehouseError(without_values(str(error))) from None
    finally:
        connection.close()


class DuckDBWarehouse:
    """The `Warehouse` protocol on one DuckDB file, over dagster-duckdb's resource (which waits for a lock)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._resource = DuckDBResource(database=str(path))
        self._session = threading.local()

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection in UTC that is closed whatever happens inside."""
        shared: duckdb.DuckDBPyConnection | None = getattr(self._session, "connection", None)
        if shared is not None:
            # A cursor is a connection of its own to the file that the session holds open.
            with _used(shared.cursor()) as connection:
                yield connection
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._resource.get_connection() as opened, _used(opened) as connection:
            yield connection

    @contextmanager
    def session(self, label: str = "") -> Iterator[Bill]:
        with self.connection() as connection:
            before = getattr(self._session, "connection", None)
            self._session.connection = connection
            try:
                yield Bill()
            finally:
                self._session.connection = before

    def is_free(self) -> bool:
        if not self.path.exists():
            return True
        try:
            duckdb.connect(str(self.path), read_only=True).close()
        # The second: this process has it open itself.
        except (duckdb.IOException, duckdb.ConnectionException):
            return False
        return True

    def identity(self) -> list[str | int] | None:
        try:
            return [str(self.path), self.path.stat().st_ino]
        except FileNotFoundError:
            return None

    def rendered(self, statement: Statement) -> str:
        return statement if isinstance(statement, str) else _writer.pretty(statement)

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self.connection() as connection:
            connection.begin()
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def _sql(self, statement: Statement) -> str:
        return statement if isinstance(statement, str) else _writer.line(statement)

    def query(self, sql: Statement, batch_rows: int = 100_000) -> Iterator[pa.RecordBatch]:
        with self.connection() as connection:
            yield from connection.sql(self._sql(sql)).to_arrow_reader(batch_rows)

    def table(self, sql: Statement) -> pa.Table:
        with self.connection() as connection:
            return connection.sql(self._sql(sql)).to_arrow_table()

    def rows(self, sql: Statement) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.table(sql).to_pylist()
        return rows

    def exists(self, relation: str) -> bool:
        schema, _, name = relation.partition(".")
        found = exp.select("1").from_("information_schema.tables")
        found = found.where(exp.column("table_schema").eq(literal(schema)), exp.column("table_name").eq(literal(name)))
        return bool(self.rows(found))

    def columns(self, schema: str) -> dict[str, frozenset[str]]:
        of_schema = exp.select("table_name", "list(column_name) as names").from_("information_schema.columns")
        of_schema = of_schema.where(exp.column("table_schema").eq(literal(schema))).group_by("table_name")
        return {row["table_name"]: frozenset(row["names"]) for row in self.rows(of_schema)}

    def ensure(self, table: Table) -> None:
        columns = ", ".join(f"{column.name} {_TYPES[column.type]}" for column in table.columns)
        self.run(
            [
                f"create schema if not exists {table.schema}",
                f"create table if not exists {table} ({columns})",
                *(
                    f"alter table {table} add column if not exists {column.name} {_TYPES[column.type]}"
                    for column in table.columns
                ),
            ]
        )

    def replace(self, table: Table, data: Data, where: Mapping[str, Any] | None = None) -> int:
        self.ensure(table)
        with self._transaction() as connection:
            staged = self._stage(connection, table, data)
            matches = [exp.column(name).eq(literal(value)) for name, value in (where or {}).items()]
            delete = exp.delete(str(table), where=exp.and_(*matches) if matches else None)
            connection.execute(self._sql(delete))
            return self._insert(connection, table, staged)

    def rebuild(self, table: Table, data: Data) -> int:
        quoted = {column.name: _quoted(column.name) for column in table.columns}
        columns = ", ".join(f"cast({quoted[c.name]} as {_TYPES[c.type]}) as {quoted[c.name]}" for c in table.columns)
        with self._transaction() as connection:
            select = self._select(connection, data)
            connection.execute(f"create schema if not exists {table.schema}")
            connection.execute(f"create or replace table {table} as select {columns} from ({select})")
            connection.execute(f"comment on table {table} is {self._sql(literal(table.description))}")
            for column in table.columns:
                description = self._sql(literal(column.description))
                connection.execute(f"comment on column {table}.{quoted[column.name]} is {description}")
            (count,) = connection.execute(f"select count(*) from {table}").fetchall()[0]
            return int(count)

    def merge(self, table: Table, data: Data) -> int:
        self.ensure(table)
        with self._transaction() as connection:
            staged = self._stage(connection, table, data)
            same_key = " and ".join(f"old.{name} is not distinct from new.{name}" for name in table.key)
            connection.execute(f"delete from {table} as old using {staged} as new where {same_key}")
            return self._insert(connection, table, staged)

    def append(self, table: Table, data: Data) -> int:
        self.ensure(table)
        with self._transaction() as connection:
            return self._insert(connection, table, self._stage(connection, table, data))

    def drop(self, schema: str) -> None:
        self.run([f"drop schema if exists {_quoted(schema)} cascade"])

    def run(self, statements: Sequence[Statement]) -> None:
        with self._transaction() as connection:
            for statement in statements:
                connection.execute(self._sql(statement))

    @contextmanager
    def beside(self, **relations: Statement) -> Iterator[duckdb.DuckDBPyConnection]:
        with self.connection() as connection:
            (warehouse,) = connection.execute("select current_database()").fetchall()[0]
            connection.execute("attach ':memory:' as beside")
            try:
                for name, select in relations.items():
                    connection.execute(f"create table beside.{name} as {self._sql(select)}")
                connection.execute("use beside")
                yield connection
            finally:
                connection.execute(f"use {_quoted(warehouse)}")
                connection.execute("detach beside")

    def _stage(self, connection: duckdb.DuckDBPyConnection, table: Table, data: Data) -> str:
        """The rows in a temporary table, computed before the target changes (a select may read the target)."""
        staged = f"staged_{table.name}"
        select = self._select(connection, data)
        connection.execute(f"create temporary table {staged} as select {', '.join(table.column_names)} from ({select})")
        return staged

    def _select(self, connection: duckdb.DuckDBPyConnection, data: Data) -> str:
        if isinstance(data, pa.Table):
            connection.register("arrow_rows", data)
            return "select * from arrow_rows"
        return self._sql(data)

    def _insert(self, connection: duckdb.DuckDBPyConnection, table: Table, staged: str) -> int:
        names = ", ".join(table.column_names)
        (count,) = connection.execute(f"insert into {table} ({names}) select {names} from {staged}").fetchall()[0]
        return int(count)


def _quoted(name: str) -> str:
    return _writer.line(exp.to_identifier(name, quoted=True))
