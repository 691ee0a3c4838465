"""The whole graph, loaded as `dagster dev` loads it."""

import subprocess
import sys
from collections.abc import Callable

import dagster as dg
import pytest

from scv_platform.definitions import build_definitions
from scv_platform.settings import PROJECT_ROOT, RESERVED_FIELD_NAMES
from scv_platform.transformation.project import load_manifest
from tests.conftest import Platform

SOURCES = {"salesforce", "stripe", "shopify", "zendesk", "web_events", "app_db"}


@pytest.fixture(scope="module")
def definitions(install: Callable[..., Platform]) -> dg.Definitions:
    return build_definitions(install().settings)


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


@pytest.fixture(scope="module")
def on_bigquery(install: Callable[..., Platform]) -> dg.Definitions:
    return build_definitions(
        install(SCV_WAREHOUSE="bigquery", SCV_BIGQUERY_PROJECT="acme", SCV_DATASET_PREFIX="dev_").settings
    )


def test_every_asset_tells_what_it_is_whose_it_is_and_how_fresh_it_must_be(
    definitions: dg.Definitions, specs: dict[str, dg.AssetSpec]
) -> None:
    executable = {key.to_user_string() for key in definitions.resolve_asset_graph().executable_asset_keys}
    lacking = {
        key: [
            name
            for name, present in {
                "description": spec.description,
                "group": spec.group_name not in {None, "default"},
                "owner": spec.owners,
                "kinds": spec.kinds,
                "freshness": spec.freshness_policy or key not in executable,
            }.items()
            if not present
        ]
        for key, spec in specs.items()
    }
    assert {key: names for key, names in lacking.items() if names} == {}


def test_every_model_says_its_grain(specs: dict[str, dg.AssetSpec]) -> None:
    assert [key for key, spec in specs.items() if "one row per" not in (spec.description or "").lower()] == []


def test_lineage_runs_from_the_raw_rows_to_the_exported_audience(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    exports = [key for key in graph.get_all_asset_keys() if key.path[0] == "exports"]
    assert exports
    for export in exports:
        upstream = dg.AssetSelection.assets(export).upstream().resolve(graph)
        assert {dg.AssetKey(["shopify", "customers"]), dg.AssetKey(["app_db", "users"])} <= upstream
        assert dg.AssetKey(["identity", "identity_map"]) in upstream
        assert dg.AssetKey(["master", "customers"]) in upstream


def test_the_shipped_segments_and_audiences_are_valid_and_all_on_view(specs: dict[str, dg.AssetSpec]) -> None:
    files = {f"{path.parent.name}/{path.stem}" for path in (PROJECT_ROOT / "config").glob("[sa]*s/*.yml")}
    assert len(files) == 11
    shown = {dep.asset_key.to_user_string() for dep in specs["serving/customer_360"].deps}
    # What has problems has no flag in the wide table.
    assert files <= shown
    assert {"master/customers", "master/customer_metrics", "intelligence/rfm", "intelligence/churn_scores"} <= shown


def test_tests_of_sources_and_models_are_asset_checks(definitions: dg.Definitions) -> None:
    checks = definitions.resolve_asset_graph().asset_check_keys
    checked = {key.asset_key.to_user_string() for key in checks}
    assert {
        "files/people",
        "stripe/charges",
        "app_db/users",
        "identity/identity_map",
        "master/customers",
        "intelligence/rfm",
    } <= checked
    aged = {key.asset_key.path[0] for key in checks if key.name == "data_age"}
    assert aged == {
        "shopify",
        "web_events",
        "app_db",
        "master",
        "intelligence",
        "segments",
        "audiences",
        "serving",
        "exports",
    }


def test_every_test_of_the_dbt_project_is_an_asset_check(
    definitions: dg.Definitions, install: Callable[..., Platform]
) -> None:
    checks = {key.name for key in definitions.resolve_asset_graph().asset_check_keys}
    nodes = load_manifest(install().settings)["nodes"].values()
    assert {node["name"] for node in nodes if node["resource_type"] == "test"} - checks == set()


def test_every_asset_downstream_of_the_sources_updates_by_itself(specs: dict[str, dg.AssetSpec]) -> None:
    by_hand = {key for key, spec in specs.items() if spec.automation_condition is None}
    # What people decide comes when they decide it.
    by_hand.remove("identity/steward_decisions")
    assert {key.split("/")[0] for key in by_hand} == SOURCES | {"files"}
    assert {key.split("/")[0] for key in specs if key not in by_hand} & SOURCES == set()


def test_no_custom_field_can_take_the_name_of_a_column_it_would_stand_beside(install: Callable[..., Platform]) -> None:
    nodes = load_manifest(install().settings)["nodes"].values()
    beside = [node for node in nodes if "custom_fields(" in node.get("raw_code", "")]
    assert {"int_people", "int_transactions"} <= {node["name"] for node in beside}
    assert {column for node in beside for column in node["columns"]} - RESERVED_FIELD_NAMES == set()


def test_importing_the_definitions_module_reads_nothing_and_starts_nothing() -> None:
    code = "import os; os.environ['SCV_WAREHOUSE'] = 'nonsense'; import scv_platform.definitions"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_enabled_source_is_watched_by_a_sensor_that_is_on(definitions: dg.Definitions) -> None:
    sensors = {sensor.name: sensor for sensor in definitions.sensors or []}
    landing = {f"{source}_landing" for source in SOURCES - {"app_db"}}
    assert landing | {"app_db_watermark"} <= set(sensors)
    assert {sensor.default_status for sensor in sensors.values()} == {dg.DefaultSensorStatus.RUNNING}


def test_the_graph_on_bigquery_is_the_graph_on_duckdb(definitions: dg.Definitions, on_bigquery: dg.Definitions) -> None:
    here, there = definitions.resolve_asset_graph(), on_bigquery.resolve_asset_graph()
    assert there.get_all_asset_keys() == here.get_all_asset_keys()
    assert there.asset_check_keys == here.asset_check_keys
    for key in here.get_all_asset_keys():
        assert there.get(key).parent_keys == here.get(key).parent_keys
        assert there.get(key).group_name == here.get(key).group_name
    kinds = {kind for spec in on_bigquery.resolve_all_asset_specs() for kind in spec.kinds}
    assert "bigquery" in kinds
    assert "duckdb" not in kinds
