"""A person and a secret are looked for in everything that a run leaves behind outside the warehouse and the exports."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.canary import CANARY, CANARY_SECRET
from tests.conftest import Platform

pytestmark = pytest.mark.company

DATA = ("landing", "exports", "scv.duckdb", "config")
"""Where the data of people belongs, in the folder of an installation."""


@pytest.fixture(scope="module")
def texts(company: Platform) -> dict[str, str]:
    """Every file of the run history, of logs, of dbt and of dlt, and every value in their databases."""
    found = {}
    for path in company.folder.rglob("*"):
        parts = path.relative_to(company.folder).parts
        if path.is_file() and parts[0] not in DATA:
            found["/".join(parts)] = path.read_bytes().decode("utf-8", "replace")
    return found


def values(path: Path) -> Iterator[str]:
    """The rows of every table of a SQLite file, as text: a value may lie over pages that are not neighbours."""
    with sqlite3.connect(path) as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            for row in connection.execute(f'select * from "{table}"'):
                yield " ".join(map(str, row))


def test_the_canary_is_a_customer_and_her_broken_rows_are_in_quarantine(company: Platform) -> None:
    rows = company.warehouse.rows(f"select email from master.customers where family_name = '{CANARY.family_name}'")
    assert [row["email"] for row in rows] == [CANARY.email]
    rejected = company.warehouse.rows("select raw from quarantine.rejected_rows where file like '%canary%'")
    assert len(rejected) >= 3
    assert any(CANARY.given_name in str(row["raw"]) for row in rejected)


def test_the_search_reads_logs_run_history_and_what_dbt_compiled(texts: dict[str, str], company: Platform) -> None:
    names = " ".join(texts)
    for part in (
        "storage/",
        ".db",
        "scv.dbt/compiled",
        "scv.dbt_before_matching/compiled",
        "scv.dbt/dbt.log",
        "scv.dlt/",
        "scv.log",
    ):
        assert part in names
    databases = [path for path in company.folder.glob("storage/**/*.db") if path.is_file()]
    assert any("shopify/customers" in value or "shopify" in value for path in databases for value in values(path))


def test_nobody_and_no_secret_is_quoted_outside_the_warehouse_and_the_exports(
    texts: dict[str, str], company: Platform
) -> None:
    for path in company.folder.glob("storage/**/*.db"):
        texts[f"values of {path.name}"] = "\n".join(values(path))
    quoted = {
        name: [value for value in (*CANARY.values, CANARY_SECRET) if value in text]
        for name, text in texts.items()
        if any(value in text for value in (*CANARY.values, CANARY_SECRET))
    }
    assert quoted == {}
