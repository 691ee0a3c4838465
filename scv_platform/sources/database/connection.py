"""Access to an application database, for reading only: its watermarks, and the rows from a day on, as text."""

from collections.abc import Generator, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa

from scv_platform.config_files import did_you_mean
from scv_platform.errors import ReadableError
from scv_platform.sources.contract import RawTable

_CHUNK_ROWS = 50_000


class UnreadableDatabase(ReadableError):
    """The database cannot be read as it is configured; the text says where it is and what to do, without a password."""


@dataclass(frozen=True)
class Database:
    """One source of `config/sources.yml` that reads a database."""

    name: str
    url: str = field(repr=False)
    """With its password, if it has one: `shown_url` is for people."""
    tables: Mapping[str, RawTable]
    lag_days: int
    """A row may be committed this many days after the time in its watermark."""
    place: str
    """Where the configuration gives the url."""

    def only(self, tables: AbstractSet[str]) -> "Database":
        """The part of it that has these tables."""
        return replace(self, tables={name: table for name, table in self.tables.items() if name in tables})

    @property
    def schema(self) -> str:
        """Schema of the raw tables."""
        return f"raw_{self.name}"

    @property
    def shown_url(self) -> str:
        """The url without its password."""
        return sa.make_url(self.url).render_as_string(hide_password=True)

    @contextmanager
    def engine(self) -> Iterator[sa.Engine]:
        """Access for reading only; `UnreadableDatabase` names the source and the url when it is not to be had."""
        url = sa.make_url(self.url)
        if url.get_backend_name() == "sqlite":
            if not url.database or not Path(url.database).is_file():
                raise UnreadableDatabase(f"{self.place}: {self.name}: {self.shown_url}: there is no such file")
            # Opened as usual, it could create the file, or write to it.
            url = url.set(database=f"file:{quote(url.database)}", query={"mode": "ro", "uri": "true"})
        engine = sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True)
        if url.get_backend_name() == "sqlite":
            sa.event.listen(engine, "connect", _keep_undecodable_text)
        try:
            yield engine
        except sa.exc.SQLAlchemyError as error:
            cause = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise UnreadableDatabase(f"{self.place}: {self.name}: {self.shown_url}: {cause}") from None
        finally:
            engine.dispose()


def _keep_undecodable_text(connection: Any, _: Any) -> None:
    """Let one text that is not UTF-8 refuse its row, by a byte that no text has, instead of ending the read."""

    def decode(raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return raw.decode(errors="replace") + "\0"

    connection.text_factory = decode


def watermarks(database: Database) -> dict[str, tuple[str | None, int]]:
    """The newest watermark of each table, as the database gives it, and how many rows the next load would read.

    It is asked every few seconds: an index on the watermark answers both without a look at older rows.
    """
    with database.engine() as engine, engine.connect() as connection:
        found: dict[str, tuple[str | None, int]] = {}
        for table in database.tables.values():
            mark: sa.ColumnClause[Any] = sa.column(str(table.updated_at))
            source = sa.table(table.name)
            newest: Any = connection.execute(sa.select(sa.func.max(mark)).select_from(source)).scalar_one()
            rows = 0
            if newest is not None:
                count = sa.select(sa.func.count()).select_from(source)
                first = _first_that_counts(newest, database.lag_days)
                rows = connection.execute(count if first is None else count.where(mark >= first)).scalar_one()
            found[table.name] = (None if newest is None else str(newest), int(rows))
        return found


def _first_that_counts(newest: Any, lag_days: int) -> sa.ColumnElement[Any] | None:
    """The day from which late rows are looked for, in the form of the watermark; None when that is no time."""
    if not isinstance(newest, date | str):
        return None
    try:
        moment = datetime.fromisoformat(newest) if isinstance(newest, str) else newest
    except ValueError:
        return None
    # As for the load, a watermark in the future does not hide what is written until then.
    day = min(date(moment.year, moment.month, moment.day), datetime.now(UTC).date()) - timedelta(days=lag_days)
    if isinstance(newest, datetime):
        return sa.literal(datetime.combine(day, time(), newest.tzinfo), sa.DateTime(timezone=newest.tzinfo is not None))
    return sa.literal(day if isinstance(newest, date) else day.isoformat())


def pages(engine: sa.Engine, database: Database, table: RawTable, since: date | None) -> Generator[pa.Table]:
    """The rows from that day on, every declared column as text; those without a watermark always."""
    inspector = sa.inspect(engine)
    if not inspector.has_table(table.name):
        hint = did_you_mean(table.name, inspector.get_table_names())
        raise UnreadableDatabase(f"{database.place}: {database.shown_url} has no table {table.name!r}; {hint}")
    types = {column["name"]: column["type"] for column in inspector.get_columns(table.name)}
    for column in table.columns:
        if column.required and column.name not in types:
            hint = did_you_mean(column.name, types)
            place = f"{database.place}: {database.shown_url}"
            raise UnreadableDatabase(f"{place}: table {table.name!r} has no column {column.name!r}; {hint}")

    present = [column.name for column in table.columns if column.name in types]
    query = sa.select(*(sa.cast(sa.column(name), sa.Text).label(name) for name in present))
    query = query.select_from(sa.table(table.name))
    if since is not None:
        mark = sa.column(str(table.updated_at), types[str(table.updated_at)])
        query = query.where(sa.or_(mark.is_(None), mark >= _first_of(engine, mark, since)))
    schema = pa.schema({name: pa.string() for name in present})
    # Whoever stops before the last page closes this generator: a read that is left open locks out writers of SQLite.
    with engine.connect() as connection, connection.execution_options(yield_per=_CHUNK_ROWS).execute(query) as rows:
        for page in rows.partitions():
            columns = zip(*page, strict=True)
            yield pa.table([pa.array(column, pa.string()) for column in columns], schema=schema)


def _first_of(engine: sa.Engine, mark: sa.ColumnClause[Any], since: date) -> sa.ColumnElement[Any]:
    """The first time of that day, as the column of watermarks has it."""
    # SQLite keeps times as text, whose beginning is the day however the rest is written.
    is_text = engine.dialect.name == "sqlite" or isinstance(mark.type, sa.String)
    first = since.isoformat() if is_text else datetime.combine(since, time())
    return sa.literal(first, sa.Text() if is_text else mark.type)
