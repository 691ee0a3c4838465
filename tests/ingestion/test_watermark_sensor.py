"""The watermark sensor, on a real SQLite database."""

import sqlite3
from pathlib import Path

import dagster as dg
import pytest

from scv_platform.ingestion.sensors import build_watermark_sensor
from scv_platform.settings import PROJECT_ROOT, Settings
from scv_platform.sources.config import load_sources


class Application:
    """A database with its sensor, which remembers its cursor from tick to tick."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "app.sqlite"
        (folder / "platform.yml").write_text("{company: Test, base_currency: EUR, default_country: DE}")
        (folder / "sources.yml").write_text(
            'app_db: {from: database, tables: [users, sign_ins], url: "sqlite:///${SCV_LANDING}/app.sqlite"}'
        )
        environment = {"SCV_CONFIG": str(folder), "SCV_LANDING": str(folder)}
        (database,) = load_sources(Settings.load(environment, PROJECT_ROOT)).databases
        self._sensor = build_watermark_sensor(database)
        self._cursor: str | None = None

    def write(self, *statements: str) -> None:
        with sqlite3.connect(self.path) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    def tick(self) -> dg.SensorResult | dg.SkipReason:
        with dg.DagsterInstance.ephemeral() as instance:
            context = dg.build_sensor_context(instance=instance, cursor=self._cursor)
            result = self._sensor(context)
        assert isinstance(result, dg.SensorResult | dg.SkipReason)
        if isinstance(result, dg.SensorResult):
            self._cursor = result.cursor
        return result

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
    app.write("insert into users values (2, '2025-12-31')")
    assert app.requested() == {"users"}, "a row that comes late moves the count"
    app.write("update users set updated_at = '2026-02-01' where user_id = 2")
    assert app.requested() == {"users"}, "a new version moves the watermark"
    assert app.requested() == set()


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
