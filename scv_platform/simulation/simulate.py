"""Draws a world and writes it: the entry point of the simulation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from scv_platform.simulation import systems
from scv_platform.simulation.rates import Rates
from scv_platform.simulation.world import World, draw_world


@dataclass(frozen=True)
class Summary:
    """What was written."""

    people: int
    """People of the world who left a trace: some record in some system is theirs."""
    records: int
    """Person records of all systems, guests included."""
    rows: Mapping[str, int]
    """Good rows by file, as a path below the output folder."""
    broken_rows: int
    """Rows that no platform should accept, over all files."""

    def __str__(self) -> str:
        """The figures as lines of text."""
        files = [f"  {path:<28}{rows:>12,} rows" for path, rows in self.rows.items()]
        title = f"{self.people:,} people in {self.records:,} records; {self.broken_rows} broken rows on purpose"
        return "\n".join([title, *files])


def simulate(customers: int, seed: int, until: date, out: Path, rates: Rates | None = None) -> Summary:
    """Write the files of a simulated shop of that many people below `out/<system>/`, and `out/truth/`.

    The last thing happens on the day `until` (UTC) at the latest. Files of the same name are replaced.
    """
    if customers < 1:
        raise ValueError(f"customers must be 1 or more, not {customers}")
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, not {seed}")
    rates = rates or Rates()
    files = systems.exports(rates)
    with duckdb.connect() as connection:
        # One thread, so that the rows of a file always come in the same groups.
        connection.execute("set threads = 1")
        _show(connection, draw_world(customers, seed, until, rates), rates)
        rows = {export.path: _write(connection, export, out) for export in files}
        records = _write(connection, systems.truth(), out)
        people = _count(connection, f"select count(distinct person_id) from ({systems.truth().select})")
    return Summary(people, records, rows, sum(len(export.broken) for export in files))


def _show(connection: duckdb.DuckDBPyConnection, world: World, rates: Rates) -> None:
    for name, table in vars(world).items():
        connection.register(name, table)
    for statement in systems.views(rates):
        connection.execute(statement)


def _write(connection: duckdb.DuckDBPyConnection, export: systems.Export, out: Path) -> int:
    """Write one file under a temporary name first, as whoever watches the folder expects; returns its good rows."""
    path = out / export.path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".tmp")
    rows = _count(connection, f"copy ({export.select}) to '{_quoted(partial)}' ({export.options})")
    if export.broken:
        with partial.open("a", encoding="utf-8", newline="") as file:
            file.writelines(f"{line}\n" for line in export.broken)
    partial.replace(path)
    return rows


def _count(connection: duckdb.DuckDBPyConnection, statement: str) -> int:
    ((count,),) = connection.execute(statement).fetchall()
    return int(count)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
