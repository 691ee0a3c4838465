from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from scv_platform.intelligence.assets import build_intelligence_assets, judge_figures
from scv_platform.settings import PlatformConfig, Settings
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.intelligence.sales import AS_OF, sales, simulated_sales, stock


@pytest.fixture
def run(tmp_path: Path):
    """Materialises the scores of a shop with these sales, with their checks."""
    settings = Settings(
        warehouse="duckdb",
        duckdb_path=tmp_path / "shop.duckdb",
        landing=tmp_path,
        config=tmp_path,
        as_of=AS_OF,
        dataset_prefix="",
        platform=PlatformConfig(company="Test", base_currency="EUR", default_country="DE"),
        environment={},
    )
    warehouse = DuckDBWarehouse(settings.duckdb_path)

    def materialise(*sold: pa.Table) -> dg.ExecuteInProcessResult:
        stock(warehouse, *sold)
        return dg.materialize(list(build_intelligence_assets(settings)), resources={"warehouse": warehouse})

    return materialise


def metadata_of(result: dg.ExecuteInProcessResult, table: str) -> dict:
    (materialisation,) = result.asset_materializations_for_node(f"intelligence__{table}")
    return {name: value.value for name, value in materialisation.metadata.items()}


def check_of(result: dg.ExecuteInProcessResult, name: str) -> dg.AssetCheckEvaluation:
    (check,) = (check for check in result.get_asset_check_evaluations() if check.check_name == name)
    return check


def test_rfm_reports_rows_and_segments_and_its_check_passes(run):
    result = run(sales([("c_0", 0), ("c_1", 180)]))
    metadata = metadata_of(result, "rfm")
    assert metadata["dagster/row_count"] == 2
    assert metadata["as_of"] == "2026-06-30"
    assert "| new | 1 | 50% | 10.00 | ███████████████ |" in metadata["segments"]
    check = check_of(result, "has_every_buyer")
    assert check.passed
    assert check.metadata["buyers"].value == 2


def test_sales_after_the_day_do_not_upset_the_check(run):
    check = check_of(run(sales([("c_0", 0), ("c_1", -1)])), "has_every_buyer")
    assert check.passed
    assert check.metadata["buyers"].value == 1


def test_churn_reports_scores_parameters_and_how_well_it_forecast_before(run):
    result = run(simulated_sales(1_500))
    churn, backtests = metadata_of(result, "churn_scores"), metadata_of(result, "model_backtests")
    assert (churn["dagster/row_count"], churn["scored"], churn["ineligible"]) == (1_500, 1_500, {})
    assert churn["deciles"].count("█") > 10
    assert "leave after a purchase" in churn["parameters"]
    assert (backtests["dagster/row_count"], backtests["origin"]) == (3, "2026-04-01")
    assert "| recency |" in backtests["figures"]
    assert check_of(result, "has_every_customer").passed
    forecast = check_of(result, "forecast_well_before")
    assert forecast.passed
    assert 0 < forecast.metadata["ece"].value < 0.1 < 0.5 < forecast.metadata["auc"].value < 0.95


def test_a_small_shop_gets_reasons_instead_of_scores_and_no_warning(run):
    result = run(sales([("c_0", 0), ("c_1", 180)]))
    assert metadata_of(result, "churn_scores")["ineligible"] == {"too few customers": 2}
    assert "too few customers" in metadata_of(result, "model_backtests")["known_at_origin"]
    assert check_of(result, "has_every_customer").passed
    assert check_of(result, "forecast_well_before").description == "too little history for a backtest"


@pytest.mark.parametrize(
    ("auc", "ece", "passed"),
    [(0.75, 0.1, True), (0.75, 0.11, False), (0.96, 0.01, False), (None, 0.1, True), (None, 0.2, False)],
)
def test_misleading_scores_are_warned_of_and_block_nothing(auc, ece, passed):
    result = judge_figures(auc, ece)
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.WARN
