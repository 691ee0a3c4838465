import shutil
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from scv_platform.intelligence import churn_model
from scv_platform.intelligence.backtest import write_backtest
from scv_platform.intelligence.btyd import FitError, Model, p_no_purchase
from scv_platform.intelligence.churn import backtest_figures, churn_select, judge_scores, write_churn
from scv_platform.intelligence.churn_model import CHURN_RULES, Ineligible, fit_population, read_histories
from scv_platform.intelligence.markdown import deciles_as_markdown, parameters_as_markdown
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.intelligence.sales import AS_OF, sales, simulated_sales, stock

POPULATION = simulated_sales(400)


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(tmp_path / "shop.duckdb")


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse file with scores, to copy and damage."""
    warehouse = DuckDBWarehouse(tmp_path_factory.mktemp("scored") / "shop.duckdb")
    stock(warehouse, POPULATION, others=["c_lead"])
    write_churn(warehouse, AS_OF)
    return warehouse.path


def scores(warehouse: DuckDBWarehouse, as_of=AS_OF) -> dict[str, dict[str, Any]]:
    rows = warehouse.rows("select * from intelligence.churn_scores order by customer_id, as_of")
    return {row["customer_id"]: row for row in rows if row["as_of"] == as_of}


def histories(warehouse: DuckDBWarehouse, as_of=AS_OF, label_days: int = 0) -> list[tuple[int, ...]]:
    found = read_histories(warehouse, as_of, label_days)
    columns = (found.x, found.t_x, found.t, found.customers, found.silent)
    return [tuple(int(value) for value in row) for row in zip(*columns, strict=True)]


def test_a_history_counts_days_with_a_counted_sale_up_to_the_end_of_the_day(warehouse):
    stock(
        warehouse,
        sales([("c_1", 100), ("c_1", 40), ("c_1", 40), ("c_1", 0), ("c_1", -1), ("c_2", 30), (None, 5)]),
        sales([("c_1", 200), ("c_2", 3)], kind="return"),
        sales([("c_1", 300), ("c_2", 1), ("c_3", 1)], is_counted=False),
    )
    assert histories(warehouse) == [(0, 0, 30, 1, 1), (2, 100, 100, 1, 1)]


def test_equal_histories_stand_once_with_their_number(warehouse):
    stock(warehouse, sales((f"c_{number}", days) for number in range(5) for days in (50, 20)))
    assert histories(warehouse) == [(1, 30, 50, 5, 5)]


def test_the_label_tells_who_bought_in_the_days_after_and_changes_no_history(warehouse):
    origin = AS_OF - timedelta(days=90)
    stock(warehouse, sales([("silent", 100), ("first", 100), ("first", 89), ("last", 100), ("last", 0), ("late", 30)]))
    assert histories(warehouse, origin, 90) == [(0, 0, 10, 3, 1)]
    assert histories(warehouse, origin, 89) == [(0, 0, 10, 3, 2)]
    assert histories(warehouse, origin) == [(0, 0, 10, 3, 3)]


def test_each_customer_gets_the_probability_of_the_model(warehouse):
    stock(warehouse, POPULATION, sales([("c_known", 200), ("c_known", 100), ("c_known", 50)]))
    summary = write_churn(warehouse, AS_OF)
    assert summary.population.fitted is not None
    history = (np.array([value]) for value in (2.0, 150 / 7, 200 / 7))
    expected = p_no_purchase(Model.MBG_NBD, summary.population.fitted.parameters, *history, 90 / 7)
    row = scores(warehouse)["c_known"]
    assert row["churn_probability"] == round(float(expected[0]), 6)
    assert (row["horizon_days"], row["eligible"], row["reason_ineligible"]) == (90, True, None)
    assert row["model_version"] == summary.population.version


def test_who_has_no_purchase_yet_has_a_row_that_says_so(warehouse):
    stock(warehouse, POPULATION, sales([("c_tomorrow", -1)]), others=["c_lead"])
    summary = write_churn(warehouse, AS_OF)
    for customer in ("c_tomorrow", "c_lead"):
        row = scores(warehouse)[customer]
        assert (row["eligible"], row["reason_ineligible"]) == (False, "no purchase")
        assert {row[name] for name in ("churn_probability", "decile", "reason_1", "backtest_auc")} == {None}
    assert summary.ineligible == {"no purchase": 2}
    assert summary.rows == summary.scored + 2
    assert judge_scores(warehouse, AS_OF).is_sound


def test_reasons_are_the_facts_in_plain_words(warehouse):
    bought = {
        "c_lapsed": [400, 390, 370, 120],
        "c_once": [1],
        "c_today": [0],
        "c_half_a_year": [179, 0],
        "c_a_day_longer": [180, 2],
        "c_daily": [3, 2, 1],
        "c_first_day_before": [200, 90],
    }
    stock(warehouse, POPULATION, sales((name, days_ago) for name, days in bought.items() for days_ago in days))
    write_churn(warehouse, AS_OF)
    found = scores(warehouse)
    assert {name: [text for n in (1, 2, 3) if (text := found[name][f"reason_{n}"])] for name in bought} == {
        "c_lapsed": [
            "last purchase 120 days ago, usually every 93 days",
            "bought on 4 days since 2025-05-26",
            "days with a purchase: 0 in the last 90, 1 in the 90 before",
        ],
        "c_once": ["one purchase so far, 1 day ago"],
        "c_today": ["one purchase so far, today"],
        "c_half_a_year": ["last purchase today, usually every 179 days", "bought on 2 days since 2026-01-02"],
        "c_a_day_longer": [
            "last purchase 2 days ago, usually every 178 days",
            "bought on 2 days since 2026-01-01",
            "days with a purchase: 1 in the last 90, 0 in the 90 before",
        ],
        "c_daily": ["last purchase 1 day ago, usually every day", "bought on 3 days since 2026-06-27"],
        "c_first_day_before": [
            "last purchase 90 days ago, usually every 110 days",
            "bought on 2 days since 2025-12-12",
            "days with a purchase: 0 in the last 90, 1 in the 90 before",
        ],
    }


def test_deciles_follow_the_probability_and_equal_customers_share_one(warehouse):
    stock(warehouse, POPULATION, sales((f"twin_{number}", 77) for number in range(300)))
    summary = write_churn(warehouse, AS_OF)
    rows = sorted(scores(warehouse).values(), key=lambda row: row["churn_probability"])
    deciles = [row["decile"] for row in rows]
    assert deciles == sorted(deciles)
    assert {deciles[0], deciles[-1]} == {1, 10}
    for one, other in pairwise(rows):
        if one["churn_probability"] == other["churn_probability"]:
            assert one["decile"] == other["decile"]
    assert len({row["decile"] for row in rows if row["customer_id"].startswith("twin_")}) == 1
    assert [row.mean_probability for row in summary.deciles] == sorted(row.mean_probability for row in summary.deciles)
    assert sum(row.customers for row in summary.deciles) == summary.scored == len(rows)


def test_a_second_run_gives_the_same_rows_whatever_the_order_of_sales(warehouse):
    stock(warehouse, POPULATION)
    first = write_churn(warehouse, AS_OF)
    rows = scores(warehouse)
    stock(warehouse, POPULATION.take(np.random.default_rng(1).permutation(POPULATION.num_rows)))
    assert write_churn(warehouse, AS_OF) == first
    assert scores(warehouse) == rows


def test_another_day_leaves_the_rows_of_the_first_alone_and_purchases_after_a_day_change_nothing_of_it(warehouse):
    earlier = AS_OF - timedelta(days=60)
    known = POPULATION.filter(pa.compute.less(POPULATION["occurred_at"], pa.scalar(earlier + timedelta(days=1))))
    assert known.num_rows < POPULATION.num_rows
    names = POPULATION["customer_id"].to_pylist()
    stock(warehouse, known, others=names)
    before = write_churn(warehouse, earlier)
    rows = scores(warehouse, earlier)

    stock(warehouse, POPULATION)
    write_churn(warehouse, AS_OF)
    assert scores(warehouse, earlier) == rows
    assert len(scores(warehouse)) == len(rows)

    assert write_churn(warehouse, earlier) == before
    assert scores(warehouse, earlier) == rows


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"min_customers": 10_000}, Ineligible.TOO_FEW_CUSTOMERS),
        ({"min_repeat_customers": 10_000}, Ineligible.TOO_FEW_CUSTOMERS),
        ({"min_history_days": 501}, Ineligible.TOO_LITTLE_HISTORY),
    ],
)
def test_too_little_to_fit_gives_the_reason_and_no_probability(warehouse, rules, reason):
    stock(warehouse, POPULATION, others=["c_lead"])
    summary = write_churn(warehouse, AS_OF, CHURN_RULES.model_copy(update=rules))
    found = {row["reason_ineligible"] for row in scores(warehouse).values() if row["customer_id"] != "c_lead"}
    assert found == {reason.value}
    assert (summary.scored, summary.deciles) == (0, ())
    assert summary.ineligible["no purchase"] == 1
    assert judge_scores(warehouse, AS_OF).is_sound
    assert reason.value in parameters_as_markdown(summary.population)
    assert "needed" in summary.population.explanation


def test_a_failed_fit_gives_the_reason_and_what_the_optimiser_said(warehouse, monkeypatch):
    def fails(*_: Any) -> None:
        raise FitError("not converged after 7 steps: abnormal")

    stock(warehouse, POPULATION)
    write_churn(warehouse, AS_OF)
    monkeypatch.setattr(churn_model, "fit", fails)
    summary = write_churn(warehouse, AS_OF)
    assert {row["reason_ineligible"] for row in scores(warehouse).values()} == {"fit failed"}
    assert {row["churn_probability"] for row in scores(warehouse).values()} == {None}
    assert summary.population.explanation == "not converged after 7 steps: abnormal"


def test_a_company_without_customers_or_sales_has_no_rows(warehouse):
    stock(warehouse)
    summary = write_churn(warehouse, AS_OF)
    assert (summary.rows, summary.scored, summary.ineligible) == (0, 0, {})
    assert judge_scores(warehouse, AS_OF).is_sound
    assert backtest_figures(warehouse, AS_OF) == (None, None)
    assert "decile" in deciles_as_markdown(summary)


def test_figures_of_the_last_closed_window_stand_beside_the_scores(warehouse):
    stock(warehouse, POPULATION)
    figures = write_backtest(warehouse, AS_OF).figures["mbg_nbd"]
    write_backtest(warehouse, AS_OF - timedelta(days=30))
    write_churn(warehouse, AS_OF)
    found = {(row["backtest_auc"], row["backtest_ece"]) for row in scores(warehouse).values()}
    assert found == {(figures.auc, figures.ece)} == {backtest_figures(warehouse, AS_OF)}


def test_the_version_changes_with_the_data_and_the_rules_only(warehouse):
    stock(warehouse, POPULATION)
    found = read_histories(warehouse, AS_OF)
    version = fit_population(found).version
    assert fit_population(read_histories(warehouse, AS_OF)).version == version
    assert fit_population(found, CHURN_RULES.model_copy(update={"min_customers": 99})).version != version
    stock(warehouse, POPULATION, sales([("c_new", 3)]))
    assert fit_population(read_histories(warehouse, AS_OF)).version != version


@pytest.mark.parametrize(
    "statement",
    [
        "delete from intelligence.churn_scores where customer_id = 'c_1'",
        "insert into intelligence.churn_scores select * from intelligence.churn_scores where customer_id = 'c_1'",
        "update intelligence.churn_scores set customer_id = 'c_stranger' where customer_id = 'c_1'",
        "update intelligence.churn_scores set as_of = as_of - 1",
        "update intelligence.churn_scores set churn_probability = 1.01 where customer_id = 'c_1'",
        "update intelligence.churn_scores set churn_probability = 'nan' where customer_id = 'c_1'",
        "update intelligence.churn_scores set churn_probability = null where customer_id = 'c_1'",
        "update intelligence.churn_scores set reason_ineligible = null where customer_id = 'c_lead'",
    ],
)
def test_the_check_notices_wrong_rows(scored, tmp_path, statement):
    warehouse = DuckDBWarehouse(Path(shutil.copy(scored, tmp_path)))
    assert judge_scores(warehouse, AS_OF).is_sound
    warehouse.run([statement])
    assert not judge_scores(warehouse, AS_OF).is_sound


def test_the_select_is_rendered_for_bigquery_too(warehouse):
    stock(warehouse, POPULATION)
    select = churn_select(AS_OF, fit_population(read_histories(warehouse, AS_OF)), CHURN_RULES).sql(dialect="bigquery")
    assert "DATE_DIFF(MAX(day), MIN(day), DAY)" in select
    assert "||" in select
