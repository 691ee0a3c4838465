"""The landing sensors, on real folders: of a vendor, and of no-code files that feed several entities."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

from scv_platform.ingestion.sensors import build_landing_sensor
from scv_platform.settings import PROJECT_ROOT, Settings
from scv_platform.sources.config import load_sources
from scv_platform.sources.landing import load, loaded_files
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.ingestion.run_history import Clock, RunHistory

SOURCES = """
zendesk: {from: landing}
till:
  from: files
  format: csv
  path: "${SCV_LANDING}/till/*.csv"
  entities:
    people: {fields: {source_id: customer}}
    consents: {fields: {email: mail, purpose: purpose, status: status, occurred_at: at}}
    products: {path: "${SCV_LANDING}/products/*.csv", fields: {product_id: product}}
"""
USER = {"id": 1, "created_at": "2026-01-05T10:00:00Z", "updated_at": "2026-01-05T10:00:00Z"}


class Landing:
    """A landing folder with the sensor of one source, which remembers its cursor from tick to tick, and its runs."""

    def __init__(self, folder: Path, source: str) -> None:
        self.folder = folder / "landing"
        self.runs = RunHistory()
        (folder / "platform.yml").write_text("{company: Test, base_currency: EUR, default_country: DE}")
        (folder / "sources.yml").write_text(SOURCES)
        environment = {
            "SCV_CONFIG": str(folder),
            "SCV_LANDING": str(self.folder),
            "SCV_DUCKDB_PATH": str(folder / "scv.duckdb"),
        }
        self.settings = Settings.load(environment, PROJECT_ROOT)
        self._dataset = load_sources(self.settings).dataset(source)
        self.warehouse = DuckDBWarehouse(self.settings.duckdb_path)
        self._sensor = build_landing_sensor(self.settings, self._dataset, self.warehouse)
        self._cursor: str | None = None

    def write(self, name: str, content: str | dict[str, object]) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def tick(self, settle: bool = True) -> list[dg.RunRequest]:
        """One look at the folder, long after its files were written."""
        if settle:
            self._age_files()
        context = dg.build_sensor_context(instance=self.runs.instance, cursor=self._cursor)
        result = self._sensor(context)
        if isinstance(result, dg.SkipReason):
            self._cursor = context.cursor
            self.skipped = str(result.skip_message)
            return []
        assert isinstance(result, dg.SensorResult)
        self._cursor = result.cursor
        return list(result.run_requests or [])

    def forget(self) -> None:
        self._cursor = None

    def load(self) -> None:
        load(self.settings, self._dataset, loaded_files(self.warehouse, self._dataset.schema))

    def _age_files(self) -> None:
        for path in self.folder.rglob("*.*"):
            changed = path.stat().st_mtime_ns
            if changed > time.time_ns() - 60_000_000_000:
                os.utime(path, ns=(changed, changed - 3_600_000_000_000))

    def requested(self) -> set[str]:
        return {"/".join(key.path) for request in self.tick() for key in request.asset_selection or []}


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    landing = Landing(tmp_path, "zendesk")
    landing.write("zendesk/users/1.jsonl", USER)
    landing.write("zendesk/tickets/1.jsonl", USER)
    return landing


def test_the_first_tick_requests_every_table_with_a_file_and_the_second_nothing(landing: Landing) -> None:
    assert landing.requested() == {"zendesk/users", "zendesk/tickets"}
    assert landing.tick() == []


def test_a_new_file_requests_only_its_table(landing: Landing) -> None:
    landing.tick()
    landing.write("zendesk/users/2.jsonl", USER | {"id": 2})
    landing.write("stripe/charges/1.jsonl", USER)
    assert landing.requested() == {"zendesk/users"}


def test_a_no_code_file_requests_every_entity_that_it_feeds(tmp_path: Path) -> None:
    landing = Landing(tmp_path, "files")
    landing.write("till/1.csv", "customer,mail,purpose,status,at\n")
    assert landing.requested() == {"files/people", "files/consents"}
    landing.write("products/1.csv", "product\n")
    assert landing.requested() == {"files/products"}


@pytest.mark.parametrize("name", ["2.jsonl.part", "2.jsonl.tmp", ".2.jsonl"])
def test_a_file_that_is_still_being_written_waits_for_its_final_name(landing: Landing, name: str) -> None:
    landing.tick()
    unfinished = landing.write(f"zendesk/users/{name}", USER | {"id": 2})
    assert landing.tick() == []
    unfinished.rename(unfinished.with_name("2.jsonl"))
    assert landing.requested() == {"zendesk/users"}


def test_a_file_that_still_grows_waits_until_it_has_rested(landing: Landing) -> None:
    landing.tick()
    landing.write("zendesk/users/2.jsonl", USER | {"id": 2})
    assert landing.tick(settle=False) == []
    assert landing.requested() == {"zendesk/users"}


def test_a_file_that_is_touched_renamed_or_delivered_twice_requests_nothing(landing: Landing) -> None:
    landing.tick()
    users = landing.folder / "zendesk" / "users" / "1.jsonl"
    os.utime(users, (1, 1))
    assert landing.tick() == []
    renamed = users.rename(users.with_name("renamed.jsonl"))
    assert landing.tick() == []
    users.write_bytes(renamed.read_bytes())
    assert landing.tick() == []


def test_the_same_new_content_has_the_same_run_key_and_other_content_another(tmp_path: Path) -> None:
    keys = []
    for number, name in enumerate(("a", "a", "b")):
        (tmp_path / str(number)).mkdir()
        landing = Landing(tmp_path / str(number), "zendesk")
        landing.write("zendesk/users/1.jsonl", USER | {"name": name})
        keys += [request.run_key for request in landing.tick()]
    assert keys[0] == keys[1]
    assert keys[0] != keys[2]


def test_the_cursor_forgets_files_that_are_gone(landing: Landing) -> None:
    landing.tick()
    before = len(landing._cursor or "")
    for path in landing.folder.rglob("*.jsonl"):
        path.unlink()
    landing.tick()
    assert len(landing._cursor or "") < before


@pytest.fixture
def one_user(tmp_path: Path) -> Landing:
    landing = Landing(tmp_path, "zendesk")
    landing.write("zendesk/users/1.jsonl", USER)
    return landing


def test_what_a_run_failed_to_load_is_requested_again_under_a_new_key_ever_later(
    one_user: Landing, clock: Clock
) -> None:
    keys = set()
    for wait in (60, 120, 240):
        (request,) = one_user.tick()
        keys.add(request.run_key)
        one_user.runs.add(request, succeeds=False)
        assert one_user.tick() == []
        clock.pass_by(wait - 1)
        assert one_user.tick() == []
        clock.pass_by(2)
    assert len(keys) == 3


def test_a_new_file_does_not_wait_for_one_that_failed(one_user: Landing, clock: Clock) -> None:
    one_user.runs.add(*one_user.tick(), succeeds=False)
    one_user.tick()
    one_user.write("zendesk/tickets/1.jsonl", USER)
    assert one_user.requested() == {"zendesk/tickets"}
    clock.pass_by(61)
    assert one_user.requested() == {"zendesk/users"}
    clock.pass_by(61)
    assert one_user.requested() == {"zendesk/tickets"}, "no run came of the request, so it was lost"


def test_a_run_that_will_be_tried_again_is_waited_for(one_user: Landing, clock: Clock) -> None:
    one_user.runs.add(*one_user.tick(), succeeds=False, will_retry=True)
    one_user.tick()
    clock.pass_by(86_400)
    assert one_user.tick() == []


def test_a_file_that_a_run_left_out_though_it_succeeded_is_requested_again(one_user: Landing, clock: Clock) -> None:
    one_user.runs.add(*one_user.tick(), succeeds=True)
    one_user.tick()
    clock.pass_by(61)
    (again,) = one_user.tick()
    one_user.load()
    one_user.runs.add(again, succeeds=True)
    one_user.tick()
    clock.pass_by(86_400)
    assert one_user.tick() == []


def test_a_look_without_a_memory_requests_what_failed_before_and_what_the_warehouse_lacks(one_user: Landing) -> None:
    (request,) = one_user.tick()
    one_user.runs.add(request, succeeds=False)
    one_user.forget()
    (again,) = one_user.tick()
    assert again.run_key != request.run_key
    one_user.load()
    one_user.runs.add(again, succeeds=True, asset=dg.AssetKey(["zendesk", "users"]))
    one_user.forget()
    assert one_user.tick() == []


def test_a_warehouse_that_was_deleted_or_put_in_place_of_another_is_asked_anew(one_user: Landing, clock: Clock) -> None:
    one_user.runs.add(*one_user.tick(), succeeds=True)
    one_user.load()
    assert one_user.tick() == []
    path = one_user.settings.duckdb_path
    backup = path.rename(path.with_suffix(".backup"))
    assert one_user.requested() == {"zendesk/users"}
    assert not path.exists(), "asking makes no warehouse"
    shutil.copy(backup, path)
    assert one_user.tick() == []


def test_a_warehouse_that_another_process_keeps_open_is_not_waited_for(one_user: Landing, clock: Clock) -> None:
    one_user.runs.add(*one_user.tick(), succeeds=True, asset=dg.AssetKey(["zendesk", "users"]))
    one_user.load()
    holding = f"import duckdb; c = duckdb.connect({str(one_user.settings.duckdb_path)!r}); print('open'); input()"
    holder = subprocess.Popen([sys.executable, "-uc", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline()
    try:
        started = time.monotonic()
        one_user.tick()
        one_user.write("zendesk/tickets/1.jsonl", USER)
        assert one_user.requested() == {"zendesk/tickets"}
        one_user.forget()
        assert one_user.tick() == []
        assert "another process" in one_user.skipped
        assert time.monotonic() - started < 5
    finally:
        holder.communicate(b"\n")
    assert one_user.requested() == {"zendesk/tickets"}
