"""`scv identity train`, on the simulated company."""

from collections.abc import Callable

import dagster as dg
import pytest
from click.testing import CliRunner

from scv_platform.cli import main
from tests.conftest import Platform


def test_training_leaves_a_new_model_and_its_report_in_the_run_history(
    copy_of_company: Callable[[], Platform], monkeypatch: pytest.MonkeyPatch
) -> None:
    company = copy_of_company()
    for name, value in company.environment.items():
        monkeypatch.setenv(name, value)
    trained = CliRunner().invoke(main, ["identity", "train"])
    assert trained.exit_code == 0, trained.output
    assert "scores from the next run" in trained.output
    models = company.warehouse.rows("select model, rules from identity.match_models order by trained_at")
    assert [row["model"] is None for row in models] == [True, False]
    with dg.DagsterInstance.from_config(str(company.folder)) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["identity", "match_models"]))
    assert event is not None
    assert event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    assert metadata["training"].value == "on demand"
    assert "given_name" in str(metadata["match_weights"].value)


def test_before_the_first_run_there_is_nothing_to_train_on(
    install: Callable[..., Platform], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in install().environment.items():
        monkeypatch.setenv(name, value)
    trained = CliRunner().invoke(main, ["identity", "train"])
    assert trained.exit_code == 2
    assert "scv run" in trained.output
