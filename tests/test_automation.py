"""When the automation conditions of the real graph ask for updates, and what people are told."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from scv_platform.automation import build_alert_sensors, problems_of
from scv_platform.conventions import EXPORT_FRESHNESS, INGESTION_FRESHNESS
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


def test_a_decision_of_a_steward_updates_everything_downstream_of_it(ticks: Ticks) -> None:
    ticks.materialise(*(key.to_user_string() for key in ticks.graph.executable_asset_keys))
    ticks.requested()
    ticks.materialise("identity/steward_decisions")
    downstream = dg.AssetSelection.assets(["identity", "overrides"]).downstream().resolve(ticks.graph)
    requested = ticks.requested()
    assert requested == {key.to_user_string() for key in downstream}
    assert {"identity/identity_map", "exports/files/we_miss_you"} < requested


PERSON = "Ottilie Kanarienvogel"


@dg.asset(freshness_policy=INGESTION_FRESHNESS)
def fine() -> None:
    """Works."""


@dg.asset(deps=[fine], freshness_policy=EXPORT_FRESHNESS)
def broken() -> None:
    """Quotes a row in its error."""
    raise ValueError(f"cannot convert {PERSON!r}")


@dg.asset(deps=[fine])
def explained() -> None:
    """Fails with words of ours."""
    raise dg.Failure("no such destination")


@dg.asset_check(asset=fine)
def is_there() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, description="nobody is there")


@dg.asset_check(asset=fine)
def looks_odd() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


class Told:
    """An installation, and the alerts that its file got."""

    def __init__(self, platform: Platform) -> None:
        self.platform, self.settings = platform, platform.settings
        assets = [fine, broken, explained]
        self.sensors = {sensor.name: sensor for sensor in build_alert_sensors(self.settings, assets)}

    def run(self, instance: dg.DagsterInstance, *assets: dg.AssetsDefinition) -> dg.ExecuteInProcessResult:
        checks = [is_there, looks_odd]
        return dg.materialize([*assets, *checks], instance=instance, raise_on_error=False)

    @property
    def alerts(self) -> list[dict[str, object]]:
        path = self.platform.folder / "alerts.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def told(install: Callable[..., Platform]) -> Told:
    return Told(install())


def evaluate(sensor: dg.SensorDefinition, instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> None:
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    ends = {dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_SUCCESS}
    (event,) = (event for event in result.all_events if event.event_type in ends)
    context = dg.build_run_status_sensor_context(sensor.name, event, instance, run)
    sensor(context.for_run_failure() if event.is_run_failure else context)


def test_a_failed_run_is_told_with_its_steps_and_checks_and_without_a_row(told: Told) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = told.run(instance, fine, broken, explained)
        evaluate(told.sensors["tell_of_failed_runs"], instance, result)
        evaluate(told.sensors["tell_of_failed_runs"], instance, result)
    alert, _ = told.alerts
    assert (alert["kind"], alert["run_id"]) == ("run_failed", result.run_id)
    assert alert["details"] == [
        "broken: ValueError; the run in the UI has its text",
        "explained: no such destination",
        "check is_there of fine: nobody is there",
    ]
    assert PERSON in "".join(map(str, problems_of(result.all_events))), "the screen shows the whole reason"


def test_a_failed_check_of_a_run_that_went_on_is_told_and_a_warning_is_not(told: Told) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        evaluate(told.sensors["tell_of_failed_checks"], instance, told.run(instance, fine))
    (alert,) = told.alerts
    assert alert["kind"] == "check_failed"
    assert alert["details"] == ["check is_there of fine: nobody is there"]


def test_a_run_in_which_all_passed_is_not_told(told: Told) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([fine], instance=instance)
        evaluate(told.sensors["tell_of_failed_checks"], instance, result)
    assert told.alerts == []


def test_an_asset_that_is_out_of_date_is_told_once_until_it_is_updated(told: Told) -> None:
    now = datetime.now(UTC)
    (stale,) = build_alert_sensors(told.settings, [fine, broken, explained], lambda: now)[2:]
    cursor = None
    with dg.DagsterInstance.ephemeral() as instance:

        def look() -> str:
            nonlocal cursor
            with dg.build_sensor_context(instance, cursor) as context:
                skip = stale(context)
                cursor = context.cursor
            assert isinstance(skip, dg.SkipReason)
            return str(skip.skip_message)

        assert look().startswith("0 assets"), "what was never made is not out of date"
        for key in ("fine", "broken"):
            instance.report_runless_asset_event(dg.AssetMaterialization(key))
        assert look().startswith("0 assets")
        now += timedelta(hours=40, minutes=1)
        assert look() == "1 asset out of date, 1 of them newly"
        assert look() == "1 asset out of date, 0 of them newly"
        now += timedelta(days=7)
        assert look() == "2 assets out of date, 1 of them newly"
    assert [alert["details"] for alert in told.alerts] == [
        ["broken: not updated for 40 hours"],
        ["fine: not updated for 208 hours"],
    ]
