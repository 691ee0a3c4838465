"""Draws a company's world and writes what its systems show of it up to a day: the entry point of the simulation.

A folder remembers its company in `truth/company.json`. To continue it, the same world is drawn again, and each
system writes what is new or changed since the day that the folder ends with. So a company that was continued
shows the same facts as one that was written at once.
"""

import gzip
import json
import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from scv_platform.simulation import ledger, truth, writing
from scv_platform.simulation.company import Company
from scv_platform.simulation.rates import Rates
from scv_platform.simulation.systems import app_db, salesforce, shopify, stripe, web_events, zendesk
from scv_platform.simulation.systems.export import PARQUET, Export
from scv_platform.simulation.texts import texts
from scv_platform.simulation.world import draw_world

_DELIVERED_AGAIN = (("zendesk", "tickets"), ("stripe", "refunds"))
"""Tables of which a continued company delivers the file before once more, under another name."""


class NoCompany(ValueError):
    """A folder cannot be continued."""


@dataclass(frozen=True)
class Summary:
    """What was written."""

    people: int
    """People of the world who left a trace: some record in some system is theirs."""
    records: int
    """Person records of all systems, guests and devices included."""
    rows: Mapping[str, int]
    """Good rows by file, as a path below the output folder; those of the database by table, all of them."""
    broken_rows: int
    """Rows that no platform should accept, over all files."""

    def __str__(self) -> str:
        """The figures as lines of text."""
        files = [f"  {path:<66}{rows:>12,} rows" for path, rows in self.rows.items()]
        title = f"{self.people:,} people in {self.records:,} records; {self.broken_rows} broken rows on purpose"
        return "\n".join([title, *files])


def simulate(
    customers: int, seed: int, until: date, out: Path, rates: Rates | None = None, start: date | None = None
) -> Summary:
    """Write the files of a simulated company of that many people below `out/<system>/`, and `out/truth/`.

    The last thing happens on the day `until` (UTC) at the latest. Files of a company that was there before go.
    With an earlier `start`, this is the company that began with files up to that day, written at once up to `until`.
    """
    company = Company(customers, seed, start or until, rates or Rates())
    company.check(until)
    for name in _remembered(out)["files"] if (out / _MEMORY).exists() else ():
        (out / name).unlink(missing_ok=True)
    return _deliver(company, None, until, out, [])


def continue_company(days: int, out: Path) -> Summary:
    """Write the files of the next days of the company whose files lie below `out`; what lies there stays."""
    if days < 1:
        raise ValueError(f"days must be 1 or more, not {days}")
    if not (out / _MEMORY).exists():
        raise NoCompany(f"{out} holds no simulated company: there is no {_MEMORY}; simulate one first")
    memory = _remembered(out)
    company = Company(
        memory["customers"], memory["seed"], date.fromisoformat(memory["start"]), Rates.model_validate(memory["rates"])
    )
    since = date.fromisoformat(memory["until"])
    until = since + timedelta(days=days)
    company.check(until)
    return _deliver(company, since, until, out, memory["files"])


_MEMORY = "truth/company.json"


def _remembered(out: Path) -> dict[str, Any]:
    memory: dict[str, Any] = json.loads((out / _MEMORY).read_text(encoding="utf-8"))
    return memory


def _remember(company: Company, until: date, files: list[str], out: Path) -> None:
    memory = {
        "customers": company.customers,
        "seed": company.seed,
        "start": company.start.isoformat(),
        "until": until.isoformat(),
        "rates": company.rates.model_dump(mode="json"),
        "files": files,
    }
    partial = out / f"{_MEMORY}.tmp"
    partial.write_text(json.dumps(memory, indent=2) + "\n", encoding="utf-8")
    partial.replace(out / _MEMORY)


def _deliver(company: Company, since: date | None, until: date, out: Path, before: list[str]) -> Summary:
    exports = _exports(company.rates)
    names = [f"{export.system}/{export.table}/{export.file_name(until)}" for export in exports]
    broken = [export.broken if since is None else () for export in exports]
    with tempfile.TemporaryDirectory(prefix="scv_world") as folder, duckdb.connect() as connection:
        # What of a large world does not fit into memory lies on disk meanwhile.
        connection.execute(f"set temp_directory = '{folder}'")
        connection.execute("set memory_limit = '1GB'")
        # One thread for a statement, so that the rows of a file always come in the same groups.
        connection.execute("set threads = 1")
        _show(connection, company, since, until)

        def write(index: int) -> int:
            with connection.cursor() as cursor:
                return _copy(cursor, exports[index].select, exports[index].options, out / names[index], broken[index])

        with ThreadPoolExecutor(max_workers=2) as pool:
            rows = dict(zip(names, pool.map(write, range(len(exports))), strict=True))
        # What has nothing new brings no file.
        for name in [name for name, count in rows.items() if count == 0 and since is not None]:
            (out / name).unlink()
            del rows[name]
        files = sorted({*before, *rows})
        if since is not None:
            files = sorted({*files, *_deliver_again(since, until, out)})
        rows |= {
            f"{app_db.FILE}:{table}": count for table, count in app_db.write(connection, out / app_db.FILE).items()
        }
        for name, select in truth.TABLES.items():
            _copy(connection, select, PARQUET, out / "truth" / f"{name}.parquet", ())
        ((people, records),) = connection.execute(
            f"select count(distinct person_id), count(*) from ({truth.RECORDS})"
        ).fetchall()
    _remember(company, until, files, out)
    return Summary(people, records, rows, sum(len(lines) for lines in broken))


def _exports(rates: Rates) -> tuple[Export, ...]:
    vendors = (salesforce, stripe, shopify, zendesk, web_events)
    return tuple(export for vendor in vendors for export in vendor.exports(rates))


def _show(connection: duckdb.DuckDBPyConnection, company: Company, since: date | None, until: date) -> None:
    """Make the world known to the connection, and what the systems show of it on the day."""
    founded = pa.table({"founded": pa.array([company.founded.astype("datetime64[us]").item()], pa.timestamp("us"))})
    world = draw_world(company) | {"texts": texts(), "company": founded}
    for name in list(world):
        # Copied, because the engine plans joins by the size of its own tables only; and then let go.
        connection.register("drawn", world.pop(name))
        connection.execute(f"create table {name} as select * from drawn")
        connection.unregister("drawn")
    for statement in (
        *writing.clock(since, until),
        *writing.formats(company),
        *writing.people(),
        *ledger.tables(company.rates),
        *writing.versions(company.rates),
        writing.FACES,
        *shopify.tables(),
        *stripe.tables(),
        *zendesk.tables(),
        *web_events.tables(),
    ):
        connection.execute(statement)


def _copy(connection: duckdb.DuckDBPyConnection, select: str, options: str, path: Path, broken: tuple[str, ...]) -> int:
    """Write one file under a temporary name first, as whoever watches the folder expects; returns its good rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".tmp")
    quoted = str(partial).replace("'", "''")
    ((rows,),) = connection.execute(f"copy ({select}) to '{quoted}' ({options})").fetchall()
    if broken:
        lines = "".join(f"{line}\n" for line in broken).encode()
        with partial.open("ab") as file:
            # A gzip file may have several members; without a time in it, equal rows are equal bytes.
            file.write(gzip.compress(lines, mtime=0) if path.suffix == ".gz" else lines)
    partial.replace(path)
    return int(rows)


def _deliver_again(since: date, until: date, out: Path) -> list[str]:
    """Copy files of the delivery before under another name, as systems do that are not sure; returns their names."""
    names = []
    for system, table in _DELIVERED_AGAIN:
        folder = out / system / table
        source = folder / f"{table}-{since.isoformat()}.jsonl"
        if source.exists():
            target = folder / f"{table}-{since.isoformat()}-again-{until.isoformat()}.jsonl"
            partial = target.with_name(target.name + ".tmp")
            shutil.copyfile(source, partial)
            partial.replace(target)
            names.append(str(target.relative_to(out)))
    return names
