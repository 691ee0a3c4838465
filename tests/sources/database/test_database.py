"""An application database: versions arrive once, late ones too, and bad rows do not stop the good."""

import signal
import sqlite3
import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from scv_platform.config_files import ConfigError
from scv_platform.settings import PROJECT_ROOT
from scv_platform.sources.config import load_sources
from scv_platform.sources.contract import read_contracts
from scv_platform.sources.database import (
    TableLoad,
    UnreadableDatabase,
    connection,
    rows_in_quarantine,
    tables_with_news,
)

ANNA = "insert into users values (1, 'anna@example.org', '1990-02-03', 0, '2026-01-01', '2026-01-05T10:00:00Z')"
BEN = "insert into users values (2, 'ben@example.org', null, 1, null, '2026-01-05 11:30:00.250')"


def test_rows_have_the_types_of_the_contract_whatever_the_database_calls_them(app):
    app.write(ANNA, BEN)
    assert app.load() == {"users": TableLoad(rows_loaded=2)}
    anna, ben = app.rows("select * from raw_app_db.users order by user_id")
    assert list(anna) == [
        *(column.name for column in read_contracts(PROJECT_ROOT / "scv_dbt")["app_db"].tables["users"].columns),
        "_dlt_load_id",
    ]
    assert (anna["user_id"], anna["birth_date"], anna["is_deleted"]) == ("1", date(1990, 2, 3), False)
    assert anna["updated_at"] == datetime(2026, 1, 5, 10, tzinfo=UTC)
    assert (ben["is_deleted"], ben["updated_at"]) == (True, datetime(2026, 1, 5, 11, 30, 0, 250000, tzinfo=UTC))
    assert ben["phone"] is None


def test_a_new_version_is_appended_and_what_is_there_is_not_loaded_again(app):
    app.write(ANNA, BEN)
    app.load()
    assert app.load() == {"users": TableLoad()}
    app.write("update users set email = 'new@example.org', updated_at = '2026-02-01 00:00:00' where user_id = 1")
    assert app.load() == {"users": TableLoad(rows_loaded=1)}
    rows = app.rows("select email from raw_app_db.users where user_id = '1' order by _dlt_load_id")
    assert [row["email"] for row in rows] == ["anna@example.org", "new@example.org"]


def test_a_row_that_was_committed_late_is_found_within_the_lag_and_older_ones_are_not_read(app):
    app.write(ANNA)
    app.load()
    late = "insert into users values ({}, null, null, 0, null, '{}')"
    app.write(late.format(3, "2026-01-04T23:00:00Z"), late.format(4, "2025-12-01T00:00:00Z"))
    assert app.load() == {"users": TableLoad(rows_loaded=1)}
    assert app.rows("select user_id from raw_app_db.users where user_id > '1'") == [{"user_id": "3"}]


def test_a_watermark_in_the_future_does_not_hide_what_is_written_until_then(app):
    app.write(ANNA, "insert into users values (9, null, null, 0, null, '2150-01-01')")
    app.load()
    today = datetime.now(UTC).isoformat()
    app.write(f"insert into users values (3, null, null, 0, null, '{today}')")
    assert app.load() == {"users": TableLoad(rows_loaded=1)}


def test_bad_rows_are_in_quarantine_once_and_leave_it_when_a_later_version_is_good(app):
    app.write(
        ANNA,
        "insert into users values (2, null, 'yesterday', 0, null, '2026-01-05')",
        "insert into users values (3, cast(x'ff41' as text), null, 0, null, '2026-01-05')",
        "insert into users values (4, null, null, 0, null, null)",
        "insert into users values (5, null, null, 'perhaps', null, '2026-01-05')",
        "insert into users values (6, null, null, 0, null, '0026-01-05')",
    )
    assert app.load() == {"users": TableLoad(rows_loaded=1, rows_rejected=5)}
    rejected = app.rows("select * from raw_app_db._rejected_rows order by raw")
    assert [row["reason"] for row in rejected] == [
        "birth_date: not a date between the years 1000 and 9999",
        "email: not plain text (a NUL byte, NaN or infinity)",
        "updated_at: missing",
        "is_deleted: not true or false",
        "updated_at: not a time between the years 1900 and 2200",
    ]
    assert {(row["source"], row["table_name"], row["file"], row["line"]) for row in rejected} == {
        ("app_db", "users", f"sqlite:///{app.path}", None)
    }
    assert app.load() == {"users": TableLoad()}
    assert rows_in_quarantine(app.warehouse, app.database) == {"users": 5}
    app.write("update users set birth_date = null, updated_at = '2026-01-06' where user_id = 2")
    app.load()
    assert rows_in_quarantine(app.warehouse, app.database) == {"users": 4}


def test_a_row_that_is_as_bad_again_as_before_its_repair_is_in_quarantine_again(app):
    app.write(ANNA, "insert into users values (2, null, 'yesterday', 0, null, '2026-01-05')")
    app.load()
    app.write("update users set birth_date = null where user_id = 2")
    app.load()
    assert rows_in_quarantine(app.warehouse, app.database) == {"users": 0}
    app.write("update users set birth_date = 'yesterday' where user_id = 2")
    assert app.load() == {"users": TableLoad(rows_rejected=1)}
    assert rows_in_quarantine(app.warehouse, app.database) == {"users": 1}
    assert app.load() == {"users": TableLoad()}


def test_every_table_is_there_before_its_first_row(app):
    app.tables = "[users, sign_ins, sellers]"
    assert set(app.load().values()) == {TableLoad()}
    for table in ("users", "sign_ins", "sellers", "_rejected_rows"):
        assert app.rows(f"select count(*) as n from raw_app_db.{table}") == [{"n": 0}]


KILLED_WHILE_LOADING = """
    import os, signal, pathlib
    from dlt.destinations.impl.duckdb.duck import DuckDbCopyJob
    from tests.sources.database.conftest import Application

    insert = DuckDbCopyJob.run

    def insert_and_die(job):
        insert(job)
        os.kill(os.getpid(), signal.SIGKILL)

    DuckDbCopyJob.run = insert_and_die
    Application(pathlib.Path("{folder}")).load()
"""


def test_a_killed_load_is_read_anew(app):
    app.write(ANNA, BEN)
    program = textwrap.dedent(KILLED_WHILE_LOADING).replace("{folder}", str(app.folder))
    killed = subprocess.run([sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert app.load() == {"users": TableLoad(rows_loaded=2)}
    assert app.load() == {"users": TableLoad()}


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda app: app.path.unlink(), "there is no such file"),
        (lambda app: app.path.write_bytes(b"no database" * 1000), "file is not a database"),
        (lambda app: app.write("drop table users"), "has no table 'users'; did you mean"),
        (
            lambda app: app.write("alter table users rename updated_at to updated"),
            "has no column 'updated_at'; did you",
        ),
    ],
)
def test_a_database_that_cannot_be_read_is_named_and_is_not_created(app, damage, expected):
    damage(app)
    existed = app.path.exists()
    with pytest.raises(Exception, match=f"sources.yml:3: .*sqlite:///{app.path}.*{expected}") as error:
        app.load()
    chain, causes = error.value, []
    while chain is not None:
        causes.append(type(chain))
        chain = chain.__cause__
    assert UnreadableDatabase in causes
    assert app.path.exists() == existed


def test_a_writer_that_keeps_the_database_locked_is_told_as_such(app):
    app.write(ANNA)
    writer = sqlite3.connect(app.path)
    writer.execute("begin exclusive")
    with pytest.raises(Exception, match="database is locked"):
        app.load()
    writer.rollback()
    writer.close()
    assert app.load() == {"users": TableLoad(rows_loaded=1)}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("oracle://me:${APP_PASSWORD}@host/app", "sources.yml:3: url: the driver of the database is not installed"),
        ("me:${APP_PASSWORD}@host/app", "sources.yml:3: url: not a url as SQLAlchemy has them"),
        ("sqlite://me:${APP_PASSWORD}@host/app", "sources.yml:3: app_db: sqlite://me:***@host/"),
    ],
)
def test_no_message_tells_the_password(app, url, expected):
    settings = replace(app.settings, environment={"APP_PASSWORD": "hunter2"})
    (app.folder / "sources.yml").write_text(f"app_db:\n  from: database\n  url: '{url}'\n")

    def connect() -> None:
        (database,) = load_sources(settings).databases
        assert "hunter2" not in repr(database)
        with database.engine():
            pass

    with pytest.raises((ConfigError, UnreadableDatabase)) as error:
        connect()
    assert str(error.value).startswith(f"{app.folder}/{expected}")
    assert "hunter2" not in str(error.value)


def test_there_is_news_only_while_something_is_not_in_the_warehouse(app):
    app.tables = "[users, sellers]"
    app.write(ANNA, "insert into users values (2, null, 'yesterday', 0, null, '2026-01-05')")
    assert tables_with_news(app.database, app.warehouse) == {"users", "sellers"}
    app.load()
    assert tables_with_news(app.database, app.warehouse) == set()
    app.write("update users set email = null where user_id = 1")
    assert tables_with_news(app.database, app.warehouse) == {"users"}, "a change that did not move the watermark"


def test_the_application_can_write_as_soon_as_the_news_is_known(app, monkeypatch):
    app.write(
        "insert into users with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)"
        " select i, null, null, 0, null, '2026-01-05' from n"
    )
    app.load()
    app.write("update users set email = 'new@example.org'")
    monkeypatch.setattr(connection, "_CHUNK_ROWS", 100)
    assert tables_with_news(app.database, app.warehouse) == {"users"}
    application = sqlite3.connect(app.path, timeout=1)
    application.execute("update users set email = null where user_id = 1")
    application.commit()
    application.close()


def test_a_column_that_the_contract_gained_is_added_and_filled_from_what_is_read_again(app):
    app.write(ANNA)
    users = app.database.tables["users"]
    fewer = replace(users, columns=tuple(column for column in users.columns if column.name != "email"))
    app.load(replace(app.database, tables={"users": fewer}))
    assert tables_with_news(app.database, app.warehouse) == {"users"}
    assert app.load() == {"users": TableLoad(rows_loaded=1)}
    rows = app.rows("select email from raw_app_db.users order by _dlt_load_id")
    assert [row["email"] for row in rows] == [None, "anna@example.org"]
