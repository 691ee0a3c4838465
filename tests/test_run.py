"""`scv run` beside itself, killed, and run again."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import dagster as dg
import pytest

from scv_platform.conventions import WAREHOUSE_POOL
from scv_platform.run import AlreadyRunning, close_killed_runs, history_kept_open, is_locked, warehouse_lock
from tests.conftest import Platform

pytestmark = pytest.mark.company

LOAD_AND_RUN_COLUMNS = {
    "_dlt_load_id", "_dlt_id", "load_id", "first_load_id", "loaded_at", "inserted_at", "registered_at", "trained_at",
    "evaluated_at", "run_id", "started_at", "finished_at", "assigned_at", "identity.identity_events.occurred_at",
}  # fmt: skip
"""Columns that tell which run wrote a row, and when; every other column must not depend on it."""

STATE_OF_DLT = {"_dlt_loads", "_dlt_version", "_dlt_pipeline_state"}
"""What dlt remembers of its loads: one row or more for each attempt."""

ONE_ROW_PER_ATTEMPT = {
    "activation.sync_runs": "partition by destination, audience order by started_at",
    "identity.evaluations": "order by evaluated_at",
}


def contents(platform: Platform) -> dict[str, str]:
    """A digest of the rows of every table and view, without the columns of runs and the platform's folder.

    Of raw tables the rows of complete loads; of what has a row for each attempt the newest one.
    """
    warehouse = platform.warehouse
    columns: dict[str, list[str]] = {}
    for row in warehouse.rows(
        "select table_schema || '.' || table_name as name, column_name from information_schema.columns"
        " where table_schema != 'main' order by ordinal_position"
    ):
        columns.setdefault(row["name"], []).append(row["column_name"])
    digests = {}
    with warehouse.session():
        for name, names in columns.items():
            schema, _, table = name.partition(".")
            kept = [column for column in names if not LOAD_AND_RUN_COLUMNS & {column, f"{name}.{column}"}]
            if table in STATE_OF_DLT or not kept:
                continue
            rows = name
            if schema.startswith("raw_") and "_dlt_load_id" in names:
                rows = f"(from {name} where _dlt_load_id in (select load_id from {schema}._dlt_loads where status = 0))"
            elif name in ONE_ROW_PER_ATTEMPT:
                rows = f"(from {name} qualify row_number() over ({ONE_ROW_PER_ATTEMPT[name]} desc) = 1)"
            text = " || '|' || ".join(f"coalesce(cast({column} as varchar), '')" for column in kept)
            texts = f"select replace({text}, '{platform.folder}', '') as row_text from {rows}"
            (digest,) = warehouse.rows(
                f"select count(*) || ' rows ' || md5(string_agg(row_text, '~' order by row_text)) as md5 from ({texts})"
            )
            digests[name] = str(digest["md5"])
    return digests


def export_files(platform: Platform) -> dict[str, str]:
    files = (path for path in (platform.folder / "exports").rglob("*.csv") if path.is_file())
    return {str(path.relative_to(platform.folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_second_run_at_once_is_refused_by_name_and_does_no_damage(company: Platform) -> None:
    before = contents(company)
    with warehouse_lock(company.settings):
        output = company.scv("run", expect=2)
        assert f"another `scv run` (process {os.getpid()})" in output
        assert "Traceback" not in output
        with pytest.raises(AlreadyRunning), warehouse_lock(company.settings):
            pass
    assert contents(company) == before


def test_a_lock_tells_whether_its_run_is_alive(company: Platform) -> None:
    path = company.settings.beside_warehouse(".lock")
    assert not is_locked(path)
    with warehouse_lock(company.settings):
        assert is_locked(path)
    assert not is_locked(path)
    assert not is_locked(path.with_name("never.lock"))


FORK_RUNS = """
import json, os, sys
from scv_platform.cli import main
import scv_platform.definitions, scv_platform.run
for line in sys.stdin:
    output, arguments = json.loads(line)
    child = os.fork()
    if child == 0:
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        main(["run", *arguments])
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Starts `scv run` again and again, each in a process of its own, without importing everything each time."""

AFTER_DBT = "group:intelligence or group:segments or group:audiences or group:serving or group:exports"


@dataclass
class Runs:
    """An installation whose runs are killed."""

    platform: Platform
    server: subprocess.Popen[str]

    def run(self, *arguments: str, until: Callable[[], bool] = lambda: False) -> int:
        """One `scv run`, killed without mercy as soon as `until` is so; its exit code."""
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.log.unlink(missing_ok=True)
        self.output.unlink(missing_ok=True)
        self.server.stdin.write(json.dumps([str(self.output), arguments]) + "\n")
        self.server.stdin.flush()
        process = int(self.server.stdout.readline())
        while not (is_due := until()) and self._is_alive(process):
            time.sleep(0.02)
        if is_due:
            os.kill(process, signal.SIGKILL)
        return int(self.server.stdout.readline())

    @staticmethod
    def _is_alive(process: int) -> bool:
        """Whether it has not ended; its parent may have buried it by now."""
        try:
            return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False

    def materialised(self, *groups: str) -> int:
        """How many assets of these groups (of all without any) the run has told of."""
        return sum(line.startswith(tuple(f"  {group}/" for group in groups) or "  ") for line in lines(self.output))

    @property
    def output(self) -> Path:
        """What the run said."""
        return self.platform.folder / "output"

    @property
    def log(self) -> Path:
        """What dbt did in it."""
        return self.platform.settings.duckdb_path.with_suffix(".dbt") / "dbt.log"


@pytest.fixture
def runs(company: Platform, install: Callable[..., Platform]) -> Iterator[Runs]:
    platform = install()
    platform.settings.landing.symlink_to(company.settings.landing)
    with subprocess.Popen(
        [sys.executable, "-c", FORK_RUNS],
        env=dict(platform.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        yield Runs(platform, server)
        assert server.stdin is not None
        server.stdin.close()


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_a_run_that_is_killed_at_ten_moments_and_run_again_equals_a_clean_run(company: Platform, runs: Runs) -> None:
    draw = random.Random(7)
    length = len(lines(company.settings.duckdb_path.with_suffix(".dbt") / "dbt.log"))
    late = ("segments", "audiences", "exports")
    exit_codes = []
    for table in (draw.randint(1, 5), draw.randint(6, 20), draw.randint(21, 28)):
        exit_codes.append(runs.run(until=partial(lambda n: runs.materialised() >= n, table)))
    for part in range(4):
        line = max(1, int((part + draw.random()) / 4 * length))
        exit_codes.append(runs.run(until=partial(lambda n: len(lines(runs.log)) >= n, line)))
    exit_codes.append(runs.run(until=lambda: runs.materialised(*late) >= 1))
    for assets in (draw.randint(2, 8), draw.randint(9, 15)):
        due = partial(lambda n: runs.materialised(*late) >= n, assets)
        exit_codes.append(runs.run("--select", AFTER_DBT, until=due))
    assert exit_codes == [-signal.SIGKILL] * 10
    assert runs.run() == 0, runs.output.read_text()
    clean, killed = contents(company), contents(runs.platform)
    assert {name for name in clean.keys() | killed.keys() if clean.get(name) != killed.get(name)} == set()
    assert export_files(runs.platform) == export_files(company)


def test_a_second_run_of_the_same_day_changes_no_table_and_no_export(company: Platform) -> None:
    tables, files = contents(company), export_files(company)
    company.scv("run")
    assert contents(company) == tables
    assert export_files(company) == files


def test_a_selection_runs_alone_and_a_selection_of_nothing_is_an_error(company: Platform) -> None:
    output = company.scv("run", "--select", "key:intelligence/rfm")
    assert "intelligence/rfm" in output
    assert "master/customers" not in output
    assert "selects no asset" in company.scv("run", "--select", "key:nothing", expect=2)


def test_the_log_of_a_run_history_outlives_each_event_while_it_is_kept_open(tmp_path: Path) -> None:
    config = {"storage": {"sqlite": {"base_dir": str(tmp_path / "storage")}}}
    (tmp_path / "dagster.yaml").write_text(json.dumps({**config, "telemetry": {"enabled": False}}))
    history = tmp_path / "storage" / "history" / "runs"
    write_ahead = [history / "index.db-wal", history / "run.db-wal"]
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        with history_kept_open(instance, "run"):
            instance.report_runless_asset_event(dg.AssetMaterialization("a"))
            instance.report_engine_event("x", run_id="run", job_name="load")
            assert all(path.exists() for path in write_ahead)
        assert not any(path.exists() for path in write_ahead)


def test_a_run_that_ended_gives_its_place_in_the_pool_back_and_one_that_goes_on_keeps_it(
    install: Callable[..., Platform], tmp_path: Path
) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        job = dg.job(name="load")(lambda: None)
        ended, alive = (instance.create_run_for_job(job) for _ in range(2))
        instance.report_run_failed(ended)
        pools = instance.event_log_storage
        pools.set_concurrency_slots(WAREHOUSE_POOL, 2)
        for run in (ended, alive):
            pools.claim_concurrency_slot(WAREHOUSE_POOL, run.run_id, "load")
        assert pools.get_concurrency_run_ids() == {ended.run_id, alive.run_id}
        close_killed_runs(instance, install().settings)
        assert pools.get_concurrency_run_ids() == {alive.run_id}
