from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from scv_platform.quality.data_age import DataAge, judge, newest_day
from scv_platform.quality.layers import layer_ages
from scv_platform.warehouse.duckdb import DuckDBWarehouse

AS_OF = date(2026, 5, 10)
AGE = DataAge(dg.AssetKey("facts"), "lab.facts", "occurred_at")


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb")
    warehouse.run(["create schema lab", "create table lab.facts (occurred_at timestamp)"])
    return warehouse


def test_the_newest_day_counts_the_whole_day_of_as_of_and_nothing_after_it(warehouse: DuckDBWarehouse) -> None:
    assert newest_day(warehouse, AGE, AS_OF) is None
    warehouse.run(["insert into lab.facts values ('2026-05-10 23:59:59'), ('2026-05-11 00:00:00'), ('2199-01-01')"])
    assert newest_day(warehouse, AGE, AS_OF) == AS_OF


@pytest.mark.parametrize(("newest", "passed"), [(date(2026, 5, 7), True), (date(2026, 5, 6), False), (None, False)])
def test_data_older_than_allowed_and_no_data_at_all_fail(newest: date | None, passed: bool) -> None:
    assert judge(newest, AS_OF, max_days=3).passed is passed


def test_a_company_without_transactions_is_not_asked_for_new_ones() -> None:
    def aged(facts: dict[tuple[str, str], str], has_sales: bool) -> set[str]:
        return {age.asset.to_user_string() for age in layer_ages(facts, has_sales, [], [])}

    assert aged({}, has_sales=False) == {"serving/customer_360"}
    assert aged({("files", "transactions"): "occurred_at"}, has_sales=True) == {
        "files/transactions",
        "master/transactions",
        "intelligence/rfm",
        "intelligence/churn_scores",
        "serving/customer_360",
    }


def test_only_stale_audiences_block() -> None:
    ages = layer_ages(
        {("files", "events"): "occurred_at"},
        False,
        [("segments", "segment", "a"), ("audiences", "audience", "b")],
        [],
    )
    assert {age.asset.to_user_string(): age.blocking for age in ages} == {
        "files/events": False,
        "segments/a": False,
        "audiences/b": True,
        "serving/customer_360": False,
    }
