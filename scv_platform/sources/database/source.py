"""An application database as a dlt source: its tables -> `raw_<source>`, appended, read by a watermark.

Data flow: the declared columns are read as text, because a database such as SQLite keeps any value in any column; the
judge of landing files makes them the types of the contract, and refuses what is not of its type into `_rejected_rows`.
Invariant: the warehouse is the only state. What is read begins `lag_days` before the newest watermark of a complete
load, so that rows that were committed late are found, and rows that are there already are not appended again. So a
killed load is simply read anew. Known limit: a row that is deleted, not marked as deleted, stays.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import dlt
import pyarrow as pa
import sqlalchemy as sa
from dlt.extract import DltResource
from dlt.extract.source import DltSource

from scv_platform.sources.contract import RawTable
from scv_platform.sources.database.connection import Database, pages
from scv_platform.sources.entities import REJECTED_ROWS, Entity
from scv_platform.sources.landing import sql
from scv_platform.sources.landing.judge import judged_rows
from scv_platform.sources.landing.mapping import Reading, RowMapping
from scv_platform.sources.landing.read import FileRows
from scv_platform.sources.landing.source import REJECTED, arrow_schema, column_hints, rejected_rows
from scv_platform.warehouse import Warehouse, bind


def database_source(database: Database, warehouse: Warehouse | None) -> DltSource:
    """One resource per table; the warehouse says what is there already, and is asked when a resource is extracted."""

    @dlt.source(name=database.name, max_table_nesting=0)
    def tables() -> Iterable[DltResource]:
        for table in database.tables.values():
            yield _resource(database, table, warehouse)

    return tables()


def tables_with_news(database: Database, warehouse: Warehouse) -> frozenset[str]:
    """The tables with rows that are not in the warehouse yet, and those that the warehouse lacks.

    It reads no more than a load would, and stops at the first new row: starting dlt costs more when there is none.
    """
    news = set()
    with database.engine() as engine:
        for table in database.tables.values():
            known = _Known.of(warehouse, database, table)
            with closing(_new_rows(engine, database, table, known)) as new_rows:
                if not known.is_complete or any(valid.num_rows or refused.num_rows for valid, refused in new_rows):
                    news.add(table.name)
    return frozenset(news)


def _resource(database: Database, table: RawTable, warehouse: Warehouse | None) -> DltResource:
    def rows() -> Iterator[Any]:
        if warehouse is None:
            raise ValueError(f"{database.name}: a source without a warehouse is only good for its list of tables")
        load_id = dlt.current.load_package_state()["load_id"]
        known = _Known.of(warehouse, database, table)
        yield known.rows.slice(0, 0).append_column("_dlt_load_id", pa.array([], pa.string()))
        yield dlt.mark.with_table_name(arrow_schema(REJECTED_ROWS).empty_table(), REJECTED)
        with database.engine() as engine, closing(_new_rows(engine, database, table, known)) as new_rows:
            for valid, refused in new_rows:
                yield valid.append_column("_dlt_load_id", pa.repeat(load_id, valid.num_rows))
                rejected = rejected_rows(database.name, table.name, database.shown_url, refused, load_id)
                yield dlt.mark.with_table_name(rejected, REJECTED)

    resource = dlt.resource(rows, name=table.name, table_name=table.name, write_disposition="append")
    # Before the columns of the table: a variant of a table begins with the columns that are there.
    resource.apply_hints(table_name=REJECTED, columns=column_hints(REJECTED_ROWS), create_table_variant=True)
    resource.apply_hints(columns=column_hints((*table.columns, *table.lineage)))
    return resource


@dataclass(frozen=True)
class _Known:
    """What complete loads brought of a table, from the day on that is read again."""

    since: date | None
    """First day that is read; None reads everything."""
    rows: pa.Table
    refused: pa.Table
    """`raw` of the rows that were refused and of which no later version was loaded: those that are in quarantine."""
    is_complete: bool
    """Whether the warehouse has the table, with every column."""

    @classmethod
    def of(cls, warehouse: Warehouse, database: Database, table: RawTable) -> "_Known":
        empty = arrow_schema(table.columns).empty_table()
        no_refused = pa.schema({"raw": pa.string()}).empty_table()
        tables = warehouse.columns(database.schema)
        if not {table.name, REJECTED, "_dlt_loads"} <= set(tables):
            return cls(None, empty, no_refused, is_complete=False)
        loads = f"join {database.schema}._dlt_loads as loads on loads.load_id = known._dlt_load_id and loads.status = 0"
        source = f"{database.schema}.{table.name} as known {loads}"
        present = tables[table.name]
        is_complete = all(column.name in present for column in (*table.columns, *table.lineage))
        # A watermark in the future is a wrong clock: it must not hide what is written until then.
        newest = f"select max(known.{table.updated_at}) as mark, max(loads.inserted_at) as loaded from {source}"
        ((mark, loaded),) = (row.values() for row in warehouse.rows(newest))
        if mark is None:
            return cls(None, empty, no_refused, is_complete)
        since = (min(mark, loaded) - timedelta(days=database.lag_days)).date()
        names = ", ".join(f"known.{name}" for name in empty.column_names if name in present)
        # A day earlier than what is read: a time zone may move a time to the next day.
        first = datetime.combine(since - timedelta(days=1), time(), UTC)
        rows = f"select {names} from {source} where known.{table.updated_at} >= $first"
        refused = (
            f"select distinct known.raw from {database.schema}.{REJECTED} as known {loads}"
            f" where known.table_name = $name and not exists ("
            f"  select 1 from {database.schema}.{table.name} as later where"
            f"   later.{table.key} = json_extract_scalar(known.raw, '$.{table.key}')"
            f"   and later._dlt_load_id > known._dlt_load_id"
            f" )"
        )
        return cls(
            since,
            _with_every_column(warehouse.table(bind(rows, first=first)), empty.schema),
            warehouse.table(bind(refused, name=table.name)),
            is_complete,
        )


def _with_every_column(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """A column that the contract gained is null in every row that is there."""
    for name in schema.names:
        if name not in rows.column_names:
            rows = rows.append_column(name, pa.nulls(rows.num_rows))
    return rows.select(schema.names).cast(schema)


def _new_rows(
    engine: sa.Engine, database: Database, table: RawTable, known: "_Known"
) -> Generator[tuple[pa.Table, pa.Table]]:
    """Page by page, the rows that can be loaded and those that are refused, without those that are known.

    The database is being read until it is exhausted or closed.
    """
    mapping = RowMapping(
        source=database.name,
        entity=Entity(table.name, table.key, table.columns),
        columns=table.columns,
        reading=Reading(format=None),
        fields={column.name: column.name for column in table.columns},
        used=dict.fromkeys((column.name for column in table.columns), database.place),
        lineage=table.lineage,
    )
    with closing(pages(engine, database, table, known.since)) as read:
        for page in read:
            yield _judge(mapping, page, known)


def _judge(mapping: RowMapping, page: pa.Table, known: _Known) -> tuple[pa.Table, pa.Table]:
    """The rows of a page that are valid and new, and those that are refused and were not before."""
    names = [column.name for column in mapping.columns]
    present = [name for name in names if name in page.column_names]
    values = [sql.name(name) if name in present else "null::varchar" for name in names]
    members = ", ".join(f"{sql.text(name)}: {sql.name(name)}" for name in present)
    with sql.scratch() as connection:
        connection.register("page", page.select(present))
        connection.register("known_rows", known.rows)
        connection.register("known_refused", known.refused)
        numbered = "".join(f", {value} as _c{position}" for position, value in enumerate(values))
        judged = judged_rows(
            mapping,
            FileRows(
                f"select row_number() over () as _line, null::varchar as _broken,"
                f" to_json({{{members}}})::varchar as _raw{numbered} from page",
                ["VARCHAR"] * len(names),
            ),
        )
        columns = ", ".join(sql.name(name) for name in names)
        new = f"select {columns} from ({judged.valid}) except select {columns} from known_rows"
        in_order = f"select * from ({new}) order by {sql.name(str(mapping.entity.key))}"
        valid = connection.sql(in_order).to_arrow_table()
        refused = connection.sql(
            f"select null::bigint as line, _refused as reason, _raw as raw from ({judged.others})"
            " where _raw not in (select raw from known_refused) order by _line"
        ).to_arrow_table()
    return valid, refused
