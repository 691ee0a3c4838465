"""The identity models on a million person records, by rules alone: in full, and after one record in a hundred changed.

Run with `python benchmarks/identity.py [RECORDS]`. The synthetic people of `linkage.py` stand where the identity models
read them. Of one record in a hundred a third is new, a third changed and a third gone; then the models run again, and
once more in full, which has to give the same tables. Seconds are those of processors, one model after the other.
Bare SQL is one unguarded level on the same data: keys, stars, components and the name of each component.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from linkage import DAY, SEEDS, people

from scv_platform.settings import PROJECT_ROOT, Settings
from scv_platform.transformation.project import dbt_environment, environment

RECORDS = 1_000_000
MODELS = (
    *("identifiers", "source_records", "overrides", "match_keys", "record_traits", "edges", "components"),
    *("record_registry", "candidate_map", "publish_gate", "assignments"),
    *("identity_map", "identity_events", "customer_redirects", "identifier_map"),
)
OF_THE_RUNS = ("record_registry", "assignments", "identity_events", "customer_redirects", "publish_gate")
"""Tables that tell what the runs did, one after the other."""

PEOPLE = """
create or replace view intermediate.int_people as
select
    record_id, 'person' as record_type, 's' as source, record_id as source_id,
    given_name, family_name, given_name as given_name_normalised, family_name as family_name_normalised,
    email as email_normalised, phone as phone_e164, try_cast(birth_date as date) as birth_date, null::varchar as gender,
    null::varchar as job_title, street, city, null::varchar as region, postcode, postcode as postcode_normalised,
    replace(street, ' ', '') as address_normalised, null::varchar as country, null::varchar as language,
    null::timestamp as created_at, null::timestamp as updated_at, timestamp '2024-01-01' as first_seen_at,
    timestamp '2024-01-01' as last_seen_at, false as is_deleted, 'l1' as first_load_id,
    null::varchar as user_id, null::varchar as anonymous_id, null::varchar as national_id
from people
"""
LOAD = (
    "create schema identity",
    "create schema intermediate",
    PEOPLE,
    """
    create table intermediate.int_person_mentions
    (record_id varchar, source varchar, email_normalised varchar, first_seen_at timestamp)
    """,
    """
    create table intermediate.int_event_mentions
    (record_id varchar, source varchar, user_id varchar, anonymous_id varchar, first_seen_at timestamp)
    """,
    """
    create table intermediate.int_consents
    (record_id varchar, source varchar, phone_e164 varchar, occurred_at timestamp)
    """,
    """
    create table intermediate.int_identifiers
    (record_id varchar, source varchar, identifier_type varchar, identifier_normalised varchar, observed_at timestamp)
    """,
    "create table intermediate.int_guest_names (record_id varchar, given_name_normalised varchar)",
    "create table intermediate.int_loads as select 'l1' as load_id, timestamp '2024-01-01 10:00:00' as loaded_at",
)
CHANGE = (
    "create table drawn as select *, hash(record_id) % 300 as lot from people",
    "create or replace table people as"
    " select * exclude (lot) replace (case lot when 1 then 'neuer@' || record_id else email end as email) from drawn"
    " where lot != 2"
    " union all"
    " select * exclude (lot) replace ('n' || record_id as record_id, null as birth_date) from drawn where lot = 3",
    "drop table drawn",
)
"""A new record is a copy of another one, without its birth date."""


class Clock:
    """Seconds of processors that each model took, as dbt's events tell it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._started = 0.0

    def __call__(self, event: Any) -> None:
        if event.info.name == "LogStartLine":
            self._started = time.process_time()
        elif event.info.name == "LogModelResult":
            self.seconds[event.data.node_info.node_name] = time.process_time() - self._started


class Dbt:
    """The dbt project in this process, one model at a time."""

    def __init__(self, settings: Settings) -> None:
        project = str(settings.dbt_project)
        folder = str(settings.beside_warehouse(".dbt"))
        self.options = [
            "--project-dir", project, "--profiles-dir", project, "--target-path", folder, "--log-path", folder,
            "--log-level", "none", "--log-level-file", "none", "--no-print", "--no-write-json",
        ]  # fmt: skip
        self.manifest = self._invoke(["parse"], None, [])

    def run(self, *command: str) -> dict[str, float]:
        clock = Clock()
        self._invoke([*command, "--threads", "1"], self.manifest, [clock])
        return clock.seconds

    def _invoke(self, command: list[str], manifest: Any, callbacks: list[Callable[[Any], None]]) -> Any:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        result = dbtRunner(manifest, callbacks=callbacks).invoke([*command, *self.options])
        DuckDBConnectionManager.close_all_connections()
        if not result.success:
            raise SystemExit(str(result.exception or [found.message for found in result.result.results]))
        return result.result


def hashes(path: Path) -> dict[str, tuple[int, int]]:
    """Of each table that does not tell what the runs did: the rows and their hash."""
    with duckdb.connect(str(path)) as connection:
        names = [name for name in MODELS if name not in OF_THE_RUNS]
        query = "select count(*), sum(hash(rows)) from identity.{} as rows"
        return {name: connection.execute(query.format(name)).fetchall()[0] for name in names}


def bare(path: Path) -> float:
    """Seconds of one unguarded level: every key joins, and the name is the least record."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("set threads = 2")
        started = time.process_time()
        connection.execute(
            "create temporary table keys as select record_id, 'email' as rule, sha256(email) as key_hash from people"
            " where email is not null"
            " union all select record_id, 'phone', sha256(phone) from people where phone is not null"
            " union all select record_id, 'both', sha256(email || ':' || family_name) from people"
            " where email is not null and family_name is not null"
            " union all select record_id, 'name', sha256(given_name || ':' || family_name || ':' || birth_date)"
            " from people where given_name is not null and family_name is not null and birth_date is not null"
        )
        connection.execute(
            "create temporary table stars as select distinct centre as low, record_id as high from"
            " (select record_id, min(record_id) over (partition by rule, key_hash) as centre from keys)"
            " where centre != record_id"
        )
        connection.execute("create temporary table labels as select record_id, record_id as component_id from people")
        while connection.execute("select count(*) from stars").fetchall() != [(0,)]:
            connection.execute(
                "create or replace temporary table hooks as select record_id, min(root) as root from"
                " (select high as record_id, low as root from stars union all select low, low from stars)"
                " group by record_id"
            )
            for _ in range(2):
                connection.execute(
                    "create or replace temporary table hooks as select hooks.record_id, target.root"
                    " from hooks join hooks as target on hooks.root = target.record_id"
                )
            connection.execute(
                "create or replace temporary table labels as select labels.record_id,"
                " coalesce(hooks.root, component_id) as component_id"
                " from labels left join hooks on component_id = hooks.record_id"
            )
            connection.execute(
                "create or replace temporary table stars as select distinct least(a.root, b.root) as low,"
                " greatest(a.root, b.root) as high from stars join hooks as a on low = a.record_id"
                " join hooks as b on high = b.record_id where a.root != b.root"
            )
        connection.execute(
            "create temporary table ids as select record_id, 'c_' || substr(sha256(component_id), 1, 20) as customer_id"
            " from labels"
        )
        return time.process_time() - started


def main() -> None:
    records = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load({"SCV_DUCKDB_PATH": str(Path(folder) / "scv.duckdb")}, PROJECT_ROOT)
        path = settings.duckdb_path
        with duckdb.connect(str(path)) as connection:
            connection.register("given", people(records))
            connection.execute("create table people as select * from given")
            for statement in LOAD:
                connection.execute(statement)
        with environment(dbt_environment(settings, DAY.date())):
            dbt = Dbt(settings)
            dbt.run("seed", "--select", *SEEDS)
            select = ("run", "--select", *MODELS)
            first = dbt.run(*select)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
            bare_seconds = bare(path)
            unchanged = dbt.run(*select)
            with duckdb.connect(str(path)) as connection:
                for statement in CHANGE:
                    connection.execute(statement)
            changed = dbt.run(*select)
            incremental = hashes(path)
            again = dbt.run(*select, "--full-refresh")
            differing = [name for name, found in hashes(path).items() if found != incremental[name]]
    print(f"{records:,} records\n\n| | first | nothing changed | 1 % changed | full refresh |\n|---|--:|--:|--:|--:|")
    runs = (first, unchanged, changed, again)
    for name in MODELS:
        print(f"| {name} | " + " | ".join(f"{run[name]:.2f}" for run in runs) + " |")
    totals = [sum(run.values()) for run in runs]
    print("| all | " + " | ".join(f"{total:.2f}" for total in totals) + " |")
    print(f"\n1 % changed: {totals[2] / totals[0]:.1%} of the first run")
    print(
        f"bare SQL of one unguarded level {bare_seconds:.2f}: the first run takes {totals[0] / bare_seconds:.2f} times"
    )
    print(f"peak memory of the first run {peak:.2f} GB")
    print(f"differs from a full refresh: {', '.join(differing) or 'nothing'}")


if __name__ == "__main__":
    main()
