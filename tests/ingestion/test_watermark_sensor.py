"""The watermark sensor, on a real SQLite database."""

import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from scv_platform.ingestion.sensors import build_watermark_sensor
from scv_platform.settings import PROJECT_ROOT, Settings
from scv_platform.sources.config import load_sources
from scv_platform.sources.database import database_source, watermarks
from scv_platform.sources.database.connection import _first_that_counts
from scv_platform.sources.landing import pipeline
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.ingestion.run_history import Clock, RunHistory


class Application:
    """A database with its sensor, which remembers its cursor from tick to tick."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "app.sqlite"
        (folder / "platform.yml").write_text("{company: Test, base_currency: EUR, default_country: DE}")
        (folder / "sources.yml").write_text(
            'app_db: {from: database, tables: [users, sign_ins], url: "sqlite:///${SCV_LANDING}/app.sqlite"}'
        )
        environment = {
            "SCV_CONFIG": str(folder),
            "SCV_LANDING": str(folder),
            "SCV_DUCKDB_PATH": str(folder / "scv.duckdb"),
        }
        self.settings = Settings.load(environment, PROJECT_ROOT)
        (self.database,) = load_sources(self.settings).databases
        self.warehouse = DuckDBWarehouse(self.settings.duckdb_path)
        self.runs = RunHistory()
        self._sensor = build_watermark_sensor(self.settings, self.database, self.warehouse)
        self._cursor: str | None = None

    def write(self, *statements: str) -> None:
        with sqlite3.connect(self.path) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    def tick(self) -> dg.SensorResult | dg.SkipReason:
        context = dg.build_sensor_context(instance=self.runs.instance, cursor=self._cursor)
        result = self._sensor(context)
        assert isinstance(result, dg.SensorResult | dg.SkipReason)
        self._cursor = result.cursor if isinstance(result, dg.SensorResult) else context.cursor
        return result

    def request(self) -> dg.RunRequest:
        result = self.tick()
        assert isinstance(result, dg.SensorResult)
        (request,) = result.run_requests or []
        return request

    def forget(self) -> None:
        self._cursor = None

    def requested(self) -> set[str]:
        result = self.tick()
        requests = result.run_requests or [] if isinstance(result, dg.SensorResult) else []
        return {key.path[-1] for request in requests for key in request.asset_selection or []}


@pytest.fixture
def app(tmp_path: Path) -> Application:
    app = Application(tmp_path)
    app.write(
        "create table users (user_id integer, updated_at text)",
        "create table sign_ins (sign_in_id integer, user_id integer, signed_in_at text)",
        "insert into users values (1, '2026-01-05T10:00:00Z')",
    )
    return app


def test_only_tables_in_which_something_was_written_are_requested(app: Application) -> None:
    assert app.requested() == {"users", "sign_ins"}
    assert app.requested() == set()
    app.write("insert into sign_ins values (1, 1, '2026-01-05')")
    assert app.requested() == {"sign_ins"}
    app.write("insert into users values (2, '2026-01-04')")
    assert app.requested() == {"users"}, "a row that comes late moves the count"
    app.write("update users set updated_at = '2026-02-01' where user_id = 2")
    assert app.requested() == {"users"}, "a new version moves the watermark"
    assert app.requested() == set()


def test_a_look_counts_the_rows_that_a_load_would_read_and_no_others(app: Application) -> None:
    app.write("insert into users values (2, '2026-01-04'), (3, '2026-01-03'), (4, null)")
    assert watermarks(app.database)["users"] == ("2026-01-05T10:00:00Z", 2)
    app.write("insert into users values (5, '2999-01-01')")
    assert watermarks(app.database)["users"] == ("2999-01-01", 1), "the clock of the application is wrong"
    app.write("insert into users values (6, 'soon')")
    assert watermarks(app.database)["users"] == ("soon", 6)


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        (datetime(2026, 1, 5, 10, tzinfo=UTC), datetime(2026, 1, 4, tzinfo=UTC)),
        (datetime(2026, 1, 5, 10), datetime(2026, 1, 4)),
        (date(2026, 1, 5), date(2026, 1, 4)),
        ("2026-01-05 10:00:00+00", "2026-01-04"),
    ],
)
def test_late_rows_are_looked_for_in_the_type_of_the_watermark(newest: Any, expected: Any) -> None:
    assert _first_that_counts(newest, 1).value == expected
    assert _first_that_counts(17, 1) is None


def test_a_database_that_cannot_be_read_is_a_reason_to_skip_and_forgets_nothing(app: Application) -> None:
    app.requested()
    away = app.path.rename(app.path.with_suffix(".away"))
    missing = app.tick()
    assert isinstance(missing, dg.SkipReason)
    assert str(missing.skip_message).endswith("app.sqlite: there is no such file")
    away.rename(app.path)
    writer = sqlite3.connect(app.path)
    writer.execute("begin exclusive")
    locked = app.tick()
    assert isinstance(locked, dg.SkipReason)
    assert str(locked.skip_message).endswith("database is locked")
    writer.rollback()
    writer.close()
    assert app.requested() == set()


def test_every_change_has_a_run_key_of_its_own_even_one_that_is_taken_back(app: Application) -> None:
    keys = []
    app.requested()
    for statement in ("delete from users", "insert into users values (1, '2026-01-05T10:00:00Z')"):
        app.write(statement)
        result = app.tick()
        assert isinstance(result, dg.SensorResult)
        keys += [request.run_key for request in result.run_requests or []]
    assert len(set(keys)) == 2


def test_a_table_whose_run_failed_is_requested_again_later_and_others_at_once(app: Application, clock: Clock) -> None:
    first = app.request()
    app.runs.add(first, succeeds=False)
    app.write("insert into sign_ins values (1, 1, '2026-01-05')")
    assert app.requested() == set(), "both tables were in the run that failed"
    clock.pass_by(61)
    again = app.request()
    assert again.run_key != first.run_key
    app.runs.add(again, succeeds=True)
    clock.pass_by(86_400)
    assert app.requested() == set()


def test_a_first_look_leaves_out_what_complete_loads_brought_and_tables_that_are_not_there(app: Application) -> None:
    app.runs.add(app.request(), succeeds=True, asset=dg.AssetKey(["app_db", "users"]))
    loading = pipeline(app.settings, "app_db")
    loading.run(database_source(app.database.only({"users"}), app.warehouse)).raise_on_failed_jobs()
    app.forget()
    assert app.requested() == {"sign_ins"}
    app.warehouse.run(["update raw_app_db._dlt_loads set status = 1"])
    app.forget()
    assert app.requested() == {"users", "sign_ins"}
