"""`scv run` beside itself, killed, and run again."""

import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scv_platform.run import AlreadyRunning, is_locked, warehouse_lock
from scv_platform.simulation import simulate
from tests.conftest import UNTIL, Platform

_LOAD_AND_RUN_COLUMNS = {
    "_dlt_load_id", "_dlt_id", "first_load_id", "loaded_at", "registered_at", "evaluated_at", "run_id", "started_at",
    "finished_at", "load_id",
}  # fmt: skip
"""Columns that tell which run wrote a row; every other column must not depend on it."""


def contents(platform: Platform) -> dict[str, str]:
    """A digest of the rows of every table and view that people read, without run columns and the platform's folder."""
    warehouse = platform.warehouse
    columns: dict[str, list[str]] = {}
    for row in warehouse.rows(
        "select table_schema || '.' || table_name as name, column_name from information_schema.columns"
        " where table_schema not like 'raw%' and table_schema not in ('main', 'staging', 'activation')"
        " order by ordinal_position"
    ):
        columns.setdefault(row["name"], []).append(row["column_name"])
    digests = {}
    for name, names in columns.items():
        kept = [column for column in names if column not in _LOAD_AND_RUN_COLUMNS]
        if kept:
            text = " || '|' || ".join(f"coalesce(cast({column} as varchar), '')" for column in kept)
            rows = f"select replace({text}, '{platform.folder}', '') as row_text from {name}"
            (digest,) = warehouse.rows(f"select md5(string_agg(row_text, '~' order by row_text)) as md5 from ({rows})")
            digests[name] = str(digest["md5"])
    return digests


def export_files(platform: Platform) -> dict[str, str]:
    files = (path for path in (platform.folder / "exports").rglob("*") if path.is_file())
    return {str(path.relative_to(platform.folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_second_run_at_once_is_refused_by_name_and_does_no_damage(shop: Platform) -> None:
    before = contents(shop)
    with warehouse_lock(shop.settings):
        output = shop.scv("run", expect=2)
        assert f"another `scv run` (process {os.getpid()})" in output
        assert "Traceback" not in output
        with pytest.raises(AlreadyRunning), warehouse_lock(shop.settings):
            pass
    assert contents(shop) == before


def test_a_lock_tells_whether_its_run_is_alive(shop: Platform) -> None:
    path = shop.settings.duckdb_path
    assert not is_locked(path)
    with warehouse_lock(shop.settings):
        assert is_locked(path)
    assert not is_locked(path)
    assert not is_locked(path.with_name("never.duckdb"))


def test_a_run_that_is_killed_and_run_again_equals_a_clean_run(
    shop: Platform, install: Callable[..., Platform]
) -> None:
    killed = install()
    simulate(customers=300, seed=7, until=UNTIL, out=killed.settings.landing)
    for is_due in (_has_loaded_people, _builds_customers):
        _kill_when(killed, is_due)
    killed.scv("run")
    assert contents(killed) == contents(shop)
    assert [path.name for path in sorted(Path(killed.folder / "exports").rglob("*"))] == [
        path.name for path in sorted(Path(shop.folder / "exports").rglob("*"))
    ]


def _has_loaded_people(platform: Platform) -> bool:
    """dlt has completed a load, and nothing is transformed."""
    return "files/people" in (platform.folder / "output").read_text()


def _builds_customers(platform: Platform) -> bool:
    """dbt is in the middle of its models."""
    log = platform.settings.duckdb_path.with_suffix(".dbt") / "dbt.log"
    return log.exists() and "START sql table model intermediate.int_people" in log.read_text()


def _kill_when(platform: Platform, is_due: Callable[[Platform], bool]) -> None:
    """Start `scv run`, and kill it without mercy at that moment. What it had started itself lives on."""
    with (platform.folder / "output").open("w") as output:
        process = subprocess.Popen(
            [*platform.command, "run"], env=dict(platform.environment), stdout=output, stderr=subprocess.STDOUT
        )
        while not is_due(platform):
            assert process.poll() is None, (platform.folder / "output").read_text()
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_a_second_run_of_the_same_day_changes_no_table_and_no_export(shop: Platform) -> None:
    tables, files = contents(shop), export_files(shop)
    shop.scv("run")
    assert contents(shop) == tables
    assert export_files(shop) == files


def test_a_selection_runs_alone_and_a_selection_of_nothing_is_an_error(shop: Platform) -> None:
    output = shop.scv("run", "--select", "key:intelligence/rfm")
    assert "intelligence/rfm" in output
    assert "master/customers" not in output
    assert "selects no asset" in shop.scv("run", "--select", "key:nothing", expect=2)
