"""The warehouse on BigQuery: one dataset per schema, every job labelled with its asset and bounded in what it bills.

Data flow: SQL of ours -> `bigquery_sql` -> a job; Arrow -> parquet -> a staged table beside the target -> a job.
Invariant: what changes a table is one statement or one transaction, so that a job that is killed leaves nothing behind
but a staged table, which expires. Results look like DuckDB's: a `TIMESTAMP` is naive UTC, and a `NUMERIC` has 4 digits
after the point unless it needs more.
Known limits: results come as pages over the API, which suits exports and figures, not whole fact tables; a page of
`query` whose numbers need more than 4 digits has another type than the rest; `rebuild` cannot change how an existing
table is partitioned or clustered, so drop the table first.
"""

import io
import re
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from dagster_gcp import BigQueryResource
from google.api_core.exceptions import GoogleAPIError, NotFound, RetryError
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud import bigquery
from sqlglot import exp

from scv_platform.settings import BigQuerySettings
from scv_platform.warehouse.errors import WarehouseError, without_values
from scv_platform.warehouse.protocol import Bill, Data, Statement, Table, TableColumn, literal
from scv_platform.warehouse.rendering import bigquery_sql

_TYPES = {
    "string": "STRING",
    "integer": "INT64",
    "float": "FLOAT64",
    "decimal": "NUMERIC",
    "boolean": "BOOL",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "json": "JSON",
}
_ARROW_TYPES = {
    "string": pa.string(),
    "integer": pa.int64(),
    "float": pa.float64(),
    "decimal": pa.decimal128(38, 9),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "json": pa.string(),
}
_NUMERIC, _FOUR_DIGITS = pa.decimal128(38, 9), pa.decimal128(33, 4)
_STAGED_FOR = timedelta(hours=1)
_CLUSTER_COLUMNS = 4
"""BigQuery clusters by no more."""


@dataclass
class _Session:
    """What the methods share while a session of their thread is open."""

    client: bigquery.Client
    label: str = ""
    bill: Bill = field(default_factory=lambda: Bill(bytes_billed=0))


class BigQueryWarehouse:
    """The `Warehouse` protocol on the datasets of one project, over dagster-gcp's resource."""

    def __init__(self, settings: BigQuerySettings, prefix: str = "") -> None:
        self.project = settings.project
        self.prefix = prefix
        self._location = settings.location
        self._max_bytes_billed = settings.max_bytes_billed
        self._resource = BigQueryResource(project=settings.project, location=settings.location)
        self._local = threading.local()

    @contextmanager
    def session(self, label: str = "") -> Iterator[Bill]:
        before: _Session | None = getattr(self._local, "session", None)
        with self._opened(label) as session:
            self._local.session = session
            try:
                yield session.bill
            finally:
                self._local.session = before

    @contextmanager
    def _opened(self, label: str = "") -> Iterator[_Session]:
        """The open session, else one for this call; what goes wrong inside is told without a value of a row."""
        shared: _Session | None = getattr(self._local, "session", None)
        try:
            if shared is not None:
                yield shared
                return
            with self._resource.get_client() as client, client:
                yield _Session(client, label)
        except (TransportError, RetryError) as error:
            raise WarehouseError(f"BigQuery project {self.project} cannot be reached: {_cause_of(error)}") from None
        except GoogleAuthError as error:
            raise WarehouseError(
                f"BigQuery project {self.project}: {error}; run `gcloud auth application-default login`, or let"
                " GOOGLE_APPLICATION_CREDENTIALS name the key of a service account"
            ) from None
        except GoogleAPIError as error:
            raise WarehouseError(without_values(_text_of(error))) from None

    def is_free(self) -> bool:
        return True

    def identity(self) -> list[str | int]:
        # Whoever deletes datasets by hand has them loaded again by the next run of everything, not by a sensor.
        return [self.project, self.prefix]

    def rendered(self, statement: Statement) -> str:
        return bigquery_sql(statement, self.prefix, pretty=True)

    def query(self, sql: Statement, batch_rows: int = 100_000) -> Iterator[pa.RecordBatch]:
        with self._opened() as session:
            for batch in self._rows(session, self._sql(sql), batch_rows).to_arrow_iterable():
                yield from _as_duckdb_has_it(pa.Table.from_batches([batch])).to_batches()

    def table(self, sql: Statement) -> pa.Table:
        with self._opened() as session:
            rows = self._rows(session, self._sql(sql))
            return _as_duckdb_has_it(rows.to_arrow(create_bqstorage_client=False))

    def rows(self, sql: Statement) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.table(sql).to_pylist()
        return rows

    def exists(self, relation: str) -> bool:
        with self._opened() as session:
            return self._find(session, relation) is not None

    def columns(self, schema: str) -> dict[str, frozenset[str]]:
        with self._opened() as session:
            try:
                session.client.get_dataset(self._dataset(schema))
            except NotFound:
                return {}
            sql = f"select table_name, column_name from `{self._dataset(schema)}`.INFORMATION_SCHEMA.COLUMNS"
            found: dict[str, set[str]] = {}
            for row in self._rows(session, sql):
                found.setdefault(row["table_name"], set()).add(row["column_name"])
            return {table: frozenset(names) for table, names in found.items()}

    def ensure(self, table: Table) -> None:
        fields = [_field(column) for column in table.columns]
        with self._opened() as session:
            existing = self._find(session, str(table))
            if existing is None:
                self._ensure_dataset(session, table.schema)
                wanted = bigquery.Table(self._reference(str(table)), schema=fields)
                wanted.description = table.description
                wanted.clustering_fields = _clustering(table) or None
                if table.partition_by is not None:
                    wanted.time_partitioning = bigquery.TimePartitioning(field=table.partition_by)
                session.client.create_table(wanted, exists_ok=True)
                return
            present = {field.name for field in existing.schema}
            if lacking := [field for field in fields if field.name not in present]:
                existing.schema = [*existing.schema, *lacking]
                session.client.update_table(existing, ["schema"])

    def replace(self, table: Table, data: Data, where: Mapping[str, Any] | None = None) -> int:
        matches = [exp.column(name, table="old").eq(literal(value)) for name, value in (where or {}).items()]
        names = _names(table)
        return self._write(
            table,
            data,
            lambda rows: (
                f"merge into {self._quoted(table)} as old using ({rows}) as fresh on false"
                f" when not matched by source {f'and {self._sql(exp.and_(*matches))}' if matches else ''} then delete"
                f" when not matched then insert ({names}) values ({names})"
            ),
        )

    def merge(self, table: Table, data: Data) -> int:
        # As JSON, because null equals null there, and such a join has to be by equality.
        same_key = " and ".join(f"to_json_string(old.`{name}`) = to_json_string(fresh.`{name}`)" for name in table.key)
        others = ", ".join(f"`{name}` = fresh.`{name}`" for name in table.column_names if name not in table.key)
        names = _names(table)
        return self._write(
            table,
            data,
            lambda rows: (
                f"merge into {self._quoted(table)} as old using ({rows}) as fresh on {same_key}"
                f" when matched then update set {others}"
                f" when not matched then insert ({names}) values ({names})"
            ),
        )

    def append(self, table: Table, data: Data) -> int:
        return self._write(table, data, lambda rows: f"insert into {self._quoted(table)} ({_names(table)}) {rows}")

    def rebuild(self, table: Table, data: Data) -> int:
        with self.session(), self._opened() as session:
            self._ensure_dataset(session, table.schema)
            with self._selected(session, table, data) as rows:
                self._run(session, f"create or replace table {self._quoted(table)} {_definition(table)} as {rows}")
            return int(session.client.get_table(self._reference(str(table))).num_rows)

    def drop(self, schema: str) -> None:
        with self._opened() as session:
            session.client.delete_dataset(self._dataset(schema), delete_contents=True, not_found_ok=True)

    def run(self, statements: Sequence[Statement]) -> None:
        script = ["begin transaction", *map(self._sql, statements), "commit transaction"]
        with self._opened() as session:
            self._run(session, ";\n".join(script))

    @contextmanager
    def beside(self, **relations: Statement) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            with (
                tempfile.TemporaryDirectory() as folder,
                duckdb.connect(str(Path(folder) / "beside.duckdb")) as connection,
            ):
                for name, select in relations.items():
                    batches = self.query(select)
                    first = next(batches, None)
                    # A result without rows comes without a batch that would tell its columns.
                    schema = self.table(select).schema if first is None else first.schema
                    reader = pa.RecordBatchReader.from_batches(schema, chain([first] if first else [], batches))
                    connection.register("rows", reader)
                    connection.execute(f"create table {name} as select * from rows")
                    connection.unregister("rows")
                yield connection
        except duckdb.Error as error:
            raise WarehouseError(without_values(str(error))) from None

    def _write(self, table: Table, data: Data, statement: Callable[[str], str]) -> int:
        """Run the one statement that writes the rows of a select; how many it inserted or updated."""
        with self.session(), self._opened() as session:
            self.ensure(table)
            with self._selected(session, table, data) as rows:
                written = self._run(session, statement(rows)).dml_stats or bigquery.DmlStats()
            return int(written.inserted_row_count + written.updated_row_count)

    @contextmanager
    def _selected(self, session: _Session, table: Table, data: Data) -> Iterator[str]:
        """A select of the rows in the columns and types of the table; Arrow is staged beside it for so long."""
        if not isinstance(data, pa.Table):
            yield f"select {_typed(table)} from ({self._sql(data)})"
            return
        staged = self._reference(f"{table.schema}._staged_{table.name}_{uuid.uuid4().hex[:8]}")
        try:
            self._stage(session, staged, table, data)
            yield f"select {_typed(table, is_staged=True)} from `{staged}`"
        finally:
            session.client.delete_table(staged, not_found_ok=True)

    def _stage(self, session: _Session, staged: bigquery.TableReference, table: Table, data: pa.Table) -> None:
        target = bigquery.Table(staged)
        target.expires = datetime.now(UTC) + _STAGED_FOR
        session.client.create_table(target)
        schema = pa.schema({column.name: _ARROW_TYPES[column.type] for column in table.columns})
        file = io.BytesIO()
        try:
            pq.write_table(data.select(schema.names).cast(schema), file)
        except pa.ArrowInvalid:
            # Its text quotes the value.
            raise WarehouseError(f"{table}: a value is not of the type of its column") from None
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.PARQUET,
            # An empty table takes the schema of the file.
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
            labels=_labels(session),
        )
        session.client.load_table_from_file(file, staged, rewind=True, job_config=config).result()

    def _run(self, session: _Session, sql: str) -> bigquery.QueryJob:
        """The job, finished, and on the bill of the session."""
        config = bigquery.QueryJobConfig(maximum_bytes_billed=self._max_bytes_billed, labels=_labels(session))
        job = session.client.query(sql, job_config=config)
        job.result(max_results=0)
        session.bill.bytes_billed = (session.bill.bytes_billed or 0) + (job.total_bytes_billed or 0)
        return job

    def _rows(self, session: _Session, sql: str, page_rows: int | None = None) -> Any:
        return self._run(session, sql).result(page_size=page_rows)

    def _find(self, session: _Session, relation: str) -> bigquery.Table | None:
        try:
            return session.client.get_table(self._reference(relation))
        except NotFound:
            return None

    def _ensure_dataset(self, session: _Session, schema: str) -> None:
        dataset = bigquery.Dataset(self._dataset(schema))
        dataset.location = self._location
        session.client.create_dataset(dataset, exists_ok=True)

    def _dataset(self, schema: str) -> str:
        return f"{self.project}.{self.prefix}{schema}"

    def _reference(self, relation: str) -> bigquery.TableReference:
        schema, _, name = relation.partition(".")
        return bigquery.TableReference.from_string(f"{self._dataset(schema)}.{name}")

    def _quoted(self, table: Table) -> str:
        return f"`{self._dataset(table.schema)}.{table.name}`"

    def _sql(self, statement: Statement) -> str:
        return bigquery_sql(statement, self.prefix)


def _names(table: Table) -> str:
    return ", ".join(f"`{name}`" for name in table.column_names)


def _typed(table: Table, is_staged: bool = False) -> str:
    """The columns of the table in its types; JSON is text in what is staged, because no file has it as a type."""
    return ", ".join(f"{_cast(f'`{c.name}`', c.type, is_staged)} as `{c.name}`" for c in table.columns)


def _cast(value: str, kind: str, is_staged: bool) -> str:
    if kind == "json":
        return f"parse_json({value})" if is_staged else value
    cast = f"cast({value} as {_TYPES[kind]})"
    return f"round({cast}, 4)" if kind == "decimal" else cast


def _field(column: TableColumn) -> bigquery.SchemaField:
    return bigquery.SchemaField(column.name, _TYPES[column.type], description=column.description)


def _definition(table: Table) -> str:
    """What stands between the name of a table and its select."""
    columns = (f"`{c.name}` {_TYPES[c.type]} options(description={_text(c.description)})" for c in table.columns)
    partition = f"partition by `{table.partition_by}`" if table.partition_by else ""
    cluster = ", ".join(f"`{name}`" for name in _clustering(table))
    return (
        f"({', '.join(columns)}) {partition} {f'cluster by {cluster}' if cluster else ''}"
        f" options(description={_text(table.description)})"
    )


def _text(value: str) -> str:
    return bigquery_sql(literal(value))


def _clustering(table: Table) -> list[str]:
    return [name for name in table.key if name != table.partition_by][:_CLUSTER_COLUMNS]


def _labels(session: _Session) -> dict[str, str]:
    """As dbt labels its jobs: what BigQuery takes for the value of a label is lower case, digits, `_` and `-`."""
    asset = re.sub("[^a-z0-9_-]", "_", session.label.lower())[:63]
    return {"app": "scv", **({"asset": asset} if asset else {})}


def _as_duckdb_has_it(found: pa.Table) -> pa.Table:
    for position, column in enumerate(found.schema):
        values = found.column(position)
        if pa.types.is_timestamp(column.type):
            found = found.set_column(position, column.name, values.cast(pa.timestamp("us")))
        elif column.type == _NUMERIC and pc.all(pc.equal(values, pc.round(values, 4))).as_py() is not False:
            found = found.set_column(position, column.name, values.cast(_FOUR_DIGITS))
    return found


def _cause_of(error: TransportError | RetryError) -> str:
    """The kind of failure in the network, without its text, which may quote what was being sent."""
    cause = error.cause if isinstance(error, RetryError) else error.__cause__ or error.__context__
    return type(cause or error).__name__


def _text_of(error: GoogleAPIError) -> str:
    """Its reason in front, because that is what is left when the text may quote a row."""
    (detail, *_) = getattr(error, "errors", None) or [{}]
    return f"BigQuery {detail.get('reason', type(error).__name__)}: {detail.get('message', error)}"
