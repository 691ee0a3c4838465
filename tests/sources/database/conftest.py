"""An application database beside a warehouse."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scv_platform.settings import PROJECT_ROOT, Settings
from scv_platform.sources.config import load_sources
from scv_platform.sources.database import Database, TableLoad, database_source, table_loads
from scv_platform.sources.landing import pipeline
from scv_platform.warehouse.duckdb import DuckDBWarehouse

TABLES = """
create table users (
    user_id integer primary key, email text, birth_date text, is_deleted boolean, created_at text, updated_at timestamp
);
create table sign_ins (sign_in_id text, user_id integer, anonymous_id text, signed_in_at text);
create table sellers (seller_id integer primary key, user_id integer, store_name text, updated_at text);
"""


@dataclass
class Application:
    """An application that writes its database, and the platform that reads it."""

    folder: Path
    tables: str = "[users]"

    @property
    def path(self) -> Path:
        return self.folder / "app.sqlite"

    def write(self, *statements: str) -> None:
        with sqlite3.connect(self.path) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    @property
    def settings(self) -> Settings:
        (self.folder / "sources.yml").write_text(
            f'app_db:\n  from: database\n  url: "sqlite:///${{SCV_LANDING}}/app.sqlite"\n  tables: {self.tables}\n'
        )
        environment = {
            "SCV_CONFIG": str(self.folder),
            "SCV_LANDING": str(self.folder),
            "SCV_DUCKDB_PATH": str(self.folder / "scv.duckdb"),
        }
        return Settings.load(environment, PROJECT_ROOT)

    @property
    def database(self) -> Database:
        (database,) = load_sources(self.settings).databases
        return database

    @property
    def warehouse(self) -> DuckDBWarehouse:
        return DuckDBWarehouse(self.settings.duckdb_path)

    def load(self, database: Database | None = None) -> dict[str, TableLoad]:
        loading = pipeline(self.settings, "app_db")
        loading.drop()
        info = loading.run(database_source(database or self.database, self.warehouse))
        info.raise_on_failed_jobs()
        return table_loads(self.warehouse, self.database, info.loads_ids[0])

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return self.warehouse.rows(sql)


@pytest.fixture
def app(tmp_path: Path) -> Application:
    (tmp_path / "platform.yml").write_text("{company: Test, base_currency: EUR, default_country: DE}")
    app = Application(tmp_path)
    with sqlite3.connect(app.path) as connection:
        connection.executescript(TABLES)
    connection.close()
    return app
