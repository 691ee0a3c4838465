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
    assert "| hans | 3 | 3 | 3 | email conflict |" in metadata["worst_false_splits"].value
    assert "| email | 1 | 1 | 0 | 0 |" in metadata["judged_sample"].value
    assert "| c1 | 4 | 2 | crm, shop, till, web | 1 email, 1 phone | phone |" in metadata["largest_customers"].value
    (row,) = warehouse.rows("select * from identity.evaluations")
    assert (row["pair_recall"], row["published_customers"], row["exact_people"]) == (0.25, 4, 0)


def test_each_run_adds_its_evaluation_and_the_summary_tells_the_newest(materialise, truth: Path, warehouse):
    assert identity_lines(warehouse) == []
    materialise(truth)
    warehouse.run(["update identity.identity_map set customer_id = 'c3' where record_id = 'crm:2'"])
    materialise(truth)
    (event,) = materialise(truth).get_asset_materialization_events()
    assert [row["n"] for row in warehouse.rows("select count(*) as n from identity.evaluations")] == [3]
    _, _, *runs = event.materialization.metadata["last_evaluations"].value.splitlines()
    assert [line.count("0.2500") for line in runs] == [0, 0, 1]
    assert "50.00%" in identity_lines(warehouse)[1]


def test_figures_below_a_floor_are_warned_of(materialise, truth: Path):
    (check,) = materialise(truth, min_pair_recall=0.3, min_pair_precision=0.3).get_asset_check_evaluations()
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.description == "pair_recall 0.2500 is below 0.3"
    (check,) = materialise(truth, min_pair_recall=0.2, min_pair_precision=0.3).get_asset_check_evaluations()
    assert check.passed


def test_what_a_higher_threshold_would_part_is_told_where_pairs_are_likely(materialise, warehouse: DuckDBWarehouse):
    warehouse.run(
        [
            "insert into identity.scored_pairs values ('crm:1', 'shop:1', .9, 3), ('shop:2', 'till:2', .8, 2)",
            "insert into identity.identity_map values ('till:2', 'c3', 'person', 'till')",
            "insert into identity.source_records values ('till:2', 'person')",
            "insert into identity.edges values"
            " ('shop:2', 'till:2', 'model', 'k', 4, 'weak', .8, 'model', 'kept', null)",
        ]
    )
    (event,) = materialise(None).get_asset_materialization_events()
    _, _, *steps = event.materialization.metadata["threshold_sensitivity"].value.splitlines()
    assert steps[0] == f"| 0.5 | 2 | 1 | 1 | {'█' * 30} |"
    assert [step[2:6] for step in steps if step.endswith("| 0 | 0 |  |")] == ["0.9 ", "0.95", "0.99"]
    assert "| c3 | 2 | 0 | shop, till | 1 model | model |" in event.materialization.metadata["largest_customers"].value
    columns = "model_links, model_customers, threshold_sensitivity, judged_links, judged_correct"
    assert warehouse.table(f"select {columns} from identity.evaluations").to_pydict() == {
        "model_links": [1],
        "model_customers": [1],
        "threshold_sensitivity": [1.0],
        "judged_links": [0],
        "judged_correct": [0],
    }


@pytest.mark.parametrize("has_setting", [True, False])
def test_without_a_truth_what_shows_by_itself_is_measured(materialise, tmp_path: Path, warehouse, has_setting: bool):
    result = materialise(tmp_path / "nowhere" if has_setting else None, min_pair_recall=0.9)
    assert result.success
    (event,) = result.get_asset_materialization_events()
    assert event.materialization.metadata["conflict_rate"].value == pytest.approx(1 / 3)
    assert not {"pair_recall", "threshold_sensitivity"} & event.materialization.metadata.keys()
    (row,) = warehouse.rows("select * from identity.evaluations")
    assert (row["pair_recall"], row["people"], row["largest_customer"]) == (None, None, 4)
    assert (row["model_links"], row["threshold_sensitivity"]) == (None, None)
    (check,) = result.get_asset_check_evaluations()
    assert (check.passed, check.description) == (True, "nothing was measured: there is no truth")
    assert identity_lines(warehouse) == []


def test_where_no_floor_is_set_there_is_no_check(materialise):
    assert list(materialise(None).get_asset_check_evaluations()) == []
