"""When the automation conditions of the real graph ask for updates."""

from collections.abc import Callable, Iterator

import dagster as dg
import pytest

from scv_platform.definitions import build_definitions
from tests.conftest import Platform


@pytest.fixture(scope="module")
def definitions(install: Callable[..., Platform]) -> dg.Definitions:
    return build_definitions(install().settings)


class Ticks:
    """Evaluations of the automation conditions, one after the other."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self.definitions, self.instance, self.graph = definitions, instance, definitions.resolve_asset_graph()
        self._cursor: str | None = None

    def requested(self) -> set[str]:
        result = dg.evaluate_automation_conditions(self.definitions, self.instance, cursor=self._cursor)
        self._cursor = result.cursor
        return {key.to_user_string() for key in self.graph.get_all_asset_keys() if result.get_num_requested(key)}

    def materialise(self, *keys: str) -> None:
        """Each asset is materialised, and passes its checks, as in a run of its own."""
        for key in keys:
            self.instance.report_runless_asset_event(dg.AssetMaterialization(dg.AssetKey(key.split("/"))))
            for check in self.graph.asset_check_keys:
                if check.asset_key.to_user_string() == key:
                    self.check(key, check.name, passed=True)

    def check(self, asset: str, name: str, passed: bool) -> None:
        evaluation = dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(asset.split("/")),
            check_name=name,
            passed=passed,
            severity=dg.AssetCheckSeverity.ERROR,
            blocking=True,
            metadata={},
        )
        self.instance.report_runless_asset_event(evaluation)


@pytest.fixture
def ticks(definitions: dg.Definitions) -> Iterator[Ticks]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Ticks(definitions, instance)


def test_a_new_file_updates_everything_downstream_of_its_entity_down_to_the_export_and_nothing_else(
    ticks: Ticks,
) -> None:
    everything = [key.to_user_string() for key in ticks.graph.executable_asset_keys]
    ticks.materialise(*everything)
    ticks.requested()
    ticks.materialise("files/products")
    requested = ticks.requested()
    downstream = dg.AssetSelection.assets(["files", "products"]).downstream().resolve(ticks.graph)
    assert requested == {key.to_user_string() for key in downstream} - {"files/products"}
    assert "exports/files/we_miss_you" in requested
    assert "staging/stg_files__people" not in requested


def test_an_audience_that_failed_its_check_is_not_exported(ticks: Ticks) -> None:
    ticks.materialise(*(key.to_user_string() for key in ticks.graph.executable_asset_keys))
    ticks.requested()
    ticks.materialise("audiences/we_miss_you")
    ticks.check("audiences/we_miss_you", "data_age", passed=False)
    assert "exports/files/we_miss_you" not in ticks.requested()
