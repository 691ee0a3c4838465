from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scv_platform.intelligence.backtest import baselines, measure, run_backtest, write_backtest
from scv_platform.intelligence.churn_model import CHURN_RULES, PurchaseHistories
from scv_platform.intelligence.markdown import calibration_as_markdown, figures_as_markdown
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.intelligence.sales import AS_OF, sales, simulated_sales, stock

POPULATION = simulated_sales(2_000)
ORIGIN = AS_OF - timedelta(days=90)


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(tmp_path / "shop.duckdb")


def rows(warehouse: DuckDBWarehouse) -> list[dict]:
    return warehouse.rows("select * from intelligence.model_backtests order by origin, model")


def figures_of(*forecasts: tuple[float, int, int]):
    """Of (probability, to how many it happened, of how many)."""
    probability, happened, customers = (np.array(column) for column in zip(*forecasts, strict=True))
    return measure(probability.astype(float), happened, customers)


def test_figures_of_a_small_forecast_are_those_worked_out_by_hand():
    found = figures_of((0.9, 1, 1), (0.6, 1, 2), (0.2, 0, 1))
    assert (found.customers, found.churned) == (4, 2)
    # Four pairs: .9 above .6 and .2, .6 above .2, and .6 beside .6.
    assert found.auc == pytest.approx(3.5 / 4)
    assert found.brier == pytest.approx((0.01 + 0.16 + 0.36 + 0.04) / 4)
    assert found.log_loss == pytest.approx(-np.log([0.9, 0.6, 0.4, 0.8]).mean())
    assert found.ece == pytest.approx((0.1 + 2 * 0.1 + 0.2) / 4)


def test_a_perfect_forecast_a_reversed_one_and_one_for_all():
    assert figures_of((1.0, 5, 5), (0.0, 0, 5)).auc == 1
    assert figures_of((0.0, 5, 5), (1.0, 0, 5)).auc == 0
    assert figures_of((0.0, 5, 5), (1.0, 0, 5)).ece == 1
    assert np.isfinite(figures_of((0.0, 5, 5), (1.0, 0, 5)).log_loss)
    constant = figures_of((0.3, 2, 5), (0.3, 1, 5))
    assert (constant.auc, constant.ece) == (0.5, pytest.approx(0))


@pytest.mark.parametrize("happened", [0, 5])
def test_without_both_outcomes_there_is_no_ranking(happened):
    assert figures_of((0.3, happened, 5)).auc is None


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), st.integers(0, 4), st.integers(1, 4)).map(
            lambda row: (row[0], min(row[1], row[2]), row[2])
        ),
        min_size=1,
        max_size=12,
    )
)
@settings(max_examples=100, deadline=None)
def test_figures_are_those_of_the_customers_one_by_one(forecasts):
    apart = [
        (probability, outcome, 1)
        for probability, happened, customers in forecasts
        for outcome in [1] * happened + [0] * (customers - happened)
    ]
    together, singly = figures_of(*forecasts), figures_of(*apart)
    for name in ("auc", "brier", "log_loss", "ece"):
        assert getattr(together, name) == pytest.approx(getattr(singly, name))
    positive = [p for p, outcome, _ in apart if outcome]
    negative = [p for p, outcome, _ in apart if not outcome]
    pairs = [(p > n) + (p == n) / 2 for p in positive for n in negative]
    assert together.auc == (pytest.approx(np.mean(pairs)) if pairs else None)


def test_baselines_know_the_frequencies_of_the_window_before_only():
    def histories(recency: list[int], silent: list[int]) -> PurchaseHistories:
        t = np.array(recency)
        nothing = np.zeros_like(t)
        return PurchaseHistories(nothing, nothing, t, np.full_like(t, 9), np.array(silent))

    before = histories([5, 29, 30, 900], [0, 3, 9, 6])
    found = baselines(before, histories([0, 45, 60, 1_200], [9, 9, 9, 9]))
    assert found["constant"] == pytest.approx([0.5] * 4)
    # Bins of 30 days, each with one customer of average behaviour: 3 of 18, 9 of 9, nobody, 6 of 9.
    assert found["recency"] == pytest.approx([3.5 / 19, 9.5 / 10, 0.5, 6.5 / 10])


def test_on_customers_who_behave_as_the_model_says_it_is_calibrated_and_beats_the_baselines(warehouse):
    stock(warehouse, POPULATION)
    backtest = write_backtest(warehouse, AS_OF)
    model, constant, recency = (backtest.figures[name] for name in ("mbg_nbd", "constant", "recency"))
    assert backtest.origin == ORIGIN
    assert model.ece < 0.03
    assert constant.auc == 0.5
    assert recency.auc is not None
    assert model.auc is not None
    assert recency.auc < model.auc < 0.95
    assert model.log_loss < min(constant.log_loss, recency.log_loss)
    assert "| mbg_nbd |" in figures_as_markdown(backtest)
    assert "█" in calibration_as_markdown(backtest)
    written = rows(warehouse)
    assert [row["model"] for row in written] == ["constant", "mbg_nbd", "recency"]
    assert [row["auc"] for row in written] == [constant.auc, model.auc, recency.auc]
    assert {(row["origin"], row["horizon_days"], row["customers"]) for row in written} == {
        (ORIGIN, 90, model.customers)
    }


def test_the_forecast_does_not_know_the_window_it_is_judged_by(warehouse):
    stock(warehouse, POPULATION)
    before = run_backtest(warehouse, ORIGIN)
    everybody = {name for name in POPULATION["customer_id"].to_pylist() if name}
    stock(warehouse, POPULATION, sales((name, 10) for name in everybody))
    after = run_backtest(warehouse, ORIGIN)
    assert after.model_version == before.model_version
    model, other = before.figures["mbg_nbd"], after.figures["mbg_nbd"]
    assert [bin.predicted for bin in other.bins] == [bin.predicted for bin in model.bins]
    assert (other.churned, other.auc) == (0, None)


def test_a_second_run_replaces_its_origin_and_another_day_adds_one(warehouse):
    stock(warehouse, POPULATION)
    write_backtest(warehouse, AS_OF)
    first = rows(warehouse)
    write_backtest(warehouse, AS_OF)
    assert rows(warehouse) == first
    write_backtest(warehouse, AS_OF - timedelta(days=1))
    assert [row for row in rows(warehouse) if row["origin"] == ORIGIN] == first
    assert len(rows(warehouse)) == 6


@pytest.mark.parametrize(
    ("update", "reason"),
    [({"min_customers": 99_999}, "too few customers"), ({"min_history_days": 450}, "too little history")],
)
def test_too_little_at_the_origin_leaves_no_figures_and_says_why(warehouse, update, reason):
    stock(warehouse, POPULATION)
    write_backtest(warehouse, AS_OF)
    backtest = write_backtest(warehouse, AS_OF, CHURN_RULES.model_copy(update=update))
    assert rows(warehouse) == []
    assert backtest.explanation.startswith(f"{reason} at {ORIGIN}")
    assert figures_as_markdown(backtest) == calibration_as_markdown(backtest) == "too little was known at the origin"


def test_without_a_window_before_there_are_no_baselines(warehouse):
    stock(warehouse, simulated_sales(400, days=190))
    assert set(run_backtest(warehouse, ORIGIN).figures) == {"mbg_nbd", "constant", "recency"}
    stock(warehouse, simulated_sales(400, days=180))
    assert set(run_backtest(warehouse, ORIGIN, CHURN_RULES.model_copy(update={"min_history_days": 30})).figures) == {
        "mbg_nbd"
    }
