"""Draws a world and writes it: the entry point of the simulation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from scv_platform.simulation import ledger, truth, writing
from scv_platform.simulation.company import Company
from scv_platform.simulation.rates import Rates
from scv_platform.simulation.systems import app_db, salesforce, shopify, stripe, web_events, zendesk
from scv_platform.simulation.systems.export import PARQUET, Export
from scv_platform.simulation.texts import texts
from scv_platform.simulation.world import draw_world


@dataclass(frozen=True)
class Summary:
    """What was written."""

    people: int
    """People of the world who left a trace: some record in some system is theirs."""
    records: int
    """Person records of all systems, guests and devices included."""
    rows: Mapping[str, int]
    """Good rows by file, as a path below the output folder; of the database by table."""
    broken_rows: int
    """Rows that no platform should accept, over all files."""

    def __str__(self) -> str:
        """The figures as lines of text."""
        files = [f"  {path:<64}{rows:>12,} rows" for path, rows in self.rows.items()]
        title = f"{self.people:,} people in {self.records:,} records; {self.broken_rows} broken rows on purpose"
        return "\n".join([title, *files])


def simulate(customers: int, seed: int, until: date, out: Path, rates: Rates | None = None) -> Summary:
    """Write the files of a simulated company of that many people below `out/<system>/`, and `out/truth/`.

    The last thing happens on the day `until` (UTC) at the latest. Files of the same name are replaced.
    """
    company = Company(customers, seed, until, rates or Rates())
    return _deliver(company, None, until, out)


def _deliver(company: Company, since: date | None, until: date, out: Path) -> Summary:
    rows: dict[str, int] = {}
    files = _exports(company.rates)
    with duckdb.connect() as connection:
        # One thread, so that the rows of a file always come in the same groups.
        connection.execute("set threads = 1")
        _show(connection, company, since, until)
        for export in files:
            name = f"{export.system}/{export.table}/{export.file_name(until.isoformat())}"
            rows[name] = _write(connection, export, out / name)
        path = out / "app_db" / "app.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows |= {f"app_db/app.sqlite:{table}": count for table, count in app_db.write(connection, company.rates, path).items()}
        for name, select in truth.TABLES.items():
            _copy(connection, select, PARQUET, out / "truth" / f"{name}.parquet")
        ((people, records),) = connection.execute(
            f"select count(distinct person_id), count(*) from ({truth.RECORDS})"
        ).fetchall()
    return Summary(people, records, rows, sum(len(export.broken) for export in files))


def _exports(rates: Rates) -> tuple[Export, ...]:
    vendors = (salesforce, stripe, shopify, zendesk, web_events)
    return tuple(export for vendor in vendors for export in vendor.exports(rates))


def _show(connection: duckdb.DuckDBPyConnection, company: Company, since: date | None, until: date) -> None:
    founded = pa.table({"founded": pa.array([company.founded.astype("datetime64[us]").item()], pa.timestamp("us"))})
    for name, table in (draw_world(company) | {"texts": texts(), "company": founded}).items():
        # Copied, because the engine plans joins by the size of its own tables only.
        connection.register("drawn", table)
        connection.execute(f"create table {name} as select * from drawn")
        connection.unregister("drawn")
    for statement in (
        *writing.clock(since, until),
        *writing.formats(company),
        *writing.people(),
        *ledger.tables(company.rates),
        *writing.faces(),
        *shopify.tables(),
        *stripe.tables(company.rates),
        *zendesk.tables(company.rates),
        *web_events.tables(),
    ):
        connection.execute(statement)


def _write(connection: duckdb.DuckDBPyConnection, export: Export, path: Path) -> int:
    return _copy(connection, export.select, export.options, path, export.broken)


def _copy(
    connection: duckdb.DuckDBPyConnection, select: str, options: str, path: Path, broken: tuple[str, ...] = ()
) -> int:
    """Write one file under a temporary name first, as whoever watches the folder expects; returns its good rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".tmp")
    quoted = str(partial).replace("'", "''")
    ((rows,),) = connection.execute(f"copy ({select}) to '{quoted}' ({options})").fetchall()
    if broken:
        with partial.open("a", encoding="utf-8", newline="") as file:
            file.writelines(f"{line}\n" for line in broken)
    partial.replace(path)
    return int(rows)
