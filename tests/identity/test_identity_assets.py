from pathlib import Path

import dagster as dg
import pytest

from scv_platform.identity.assets import build_identity_assets
from scv_platform.settings import PlatformConfig, Settings
from scv_platform.summary import identity_lines
from scv_platform.warehouse.duckdb import DuckDBWarehouse


@pytest.fixture
def materialise(warehouse: DuckDBWarehouse):
    """Materialises the evaluation against a truth, with floors."""

    def run(truth: Path | None, **floors: float) -> dg.ExecuteInProcessResult:
        settings = Settings(
            warehouse="duckdb",
            duckdb_path=warehouse.path,
            landing=warehouse.path.parent,
            config=warehouse.path.parent,
            as_of=None,
            dataset_prefix="",
            platform=PlatformConfig(
                company="Test", base_currency="EUR", default_country="DE", truth=str(truth) if truth else None, **floors
            ),
            environment={},
        )
        return dg.materialize(list(build_identity_assets(settings)), resources={"warehouse": warehouse})

    return run


def test_the_evaluation_is_an_asset_that_shows_figures_and_mistakes(materialise, truth: Path, warehouse):
    (event,) = materialise(truth).get_asset_materialization_events()
    metadata = event.materialization.metadata
    assert event.asset_key == dg.AssetKey(["identity", "evaluations"])
    assert metadata["pair_recall"].value == 0.25
    assert "| c1 | 3 | 2 | 2 | phone |" in metadata["worst_false_merges"].value
    assert "| phone | 3 | 1 | 1 |" in metadata["links_by_rule"].value
    assert [row["pair_recall"] for row in warehouse.rows("select * from identity.evaluations")] == [0.25]


def test_each_run_adds_its_evaluation_and_the_summary_tells_the_newest(materialise, truth: Path, warehouse):
    assert identity_lines(warehouse) == []
    materialise(truth)
    warehouse.run(["update identity.identity_map set customer_id = 'c3' where record_id = 'crm:2'"])
    materialise(truth)
    assert [row["n"] for row in warehouse.rows("select count(*) as n from identity.evaluations")] == [2]
    assert "50.00%" in identity_lines(warehouse)[1]


def test_figures_below_a_floor_are_warned_of(materialise, truth: Path):
    (check,) = materialise(truth, min_pair_recall=0.3, min_pair_precision=0.3).get_asset_check_evaluations()
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.description == "pair_recall 0.2500 is below 0.3"
    (check,) = materialise(truth, min_pair_recall=0.2, min_pair_precision=0.3).get_asset_check_evaluations()
    assert check.passed


def test_a_truth_that_is_not_there_is_no_failure_and_nothing_is_written(materialise, tmp_path: Path, warehouse):
    result = materialise(tmp_path / "nowhere", min_pair_recall=0.9)
    assert result.success
    assert result.get_asset_materialization_events() == []
    assert not warehouse.exists("identity.evaluations")


def test_without_a_truth_there_is_no_such_asset(tmp_path: Path):
    platform = PlatformConfig(company="Test", base_currency="EUR", default_country="DE")
    settings = Settings("duckdb", tmp_path / "x.duckdb", tmp_path, tmp_path, None, "", platform, {})
    assert build_identity_assets(settings) == []
