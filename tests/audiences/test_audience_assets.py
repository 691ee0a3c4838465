from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from scv_platform.audiences.assets import build_segment_assets
from scv_platform.audiences.definitions import load_definitions
from scv_platform.audiences.membership import last_evaluation, open_members
from scv_platform.settings import Settings
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.audiences.shop import AS_OF, CUSTOMERS, EVENTS, LINES, SCORES, catalogue, day, fill, make_shop
from tests.audiences.shop import settings as shop_settings

HEAD = "schema_version: 1\nname: {name}\ndescription: Some customers.\nowner: team:crm\n"
SWISS = "where:\n  all:\n    - {field: customers.country, eq: CH}\n    - {field: customers.email, is_null: false}\n"
BABY = "where: {all: [{segment: swiss}, {purchase: {category: [Baby]}}, {field: scores.score, gte: 0.5}]}\n"
OTHERS = "where: {all: [{segment: swiss, member: false}]}\n"
CAUTIOUS = "where: {all: [{segment: torn, member: false}]}\n"
INTERNAL = "legal_basis: internal\ndestinations: [{name: files}]\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    for group, name, body in (
        ("segments", "swiss", SWISS),
        ("segments", "torn", SWISS.replace("country", "contry")),
        ("audiences", "baby", BABY + INTERNAL),
        ("audiences", "others", OTHERS + INTERNAL),
        ("audiences", "cautious", CAUTIOUS + INTERNAL),
    ):
        path = tmp_path / "config" / group / f"{name}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD.format(name=name) + body)
    return shop_settings(tmp_path)


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[DuckDBWarehouse]:
    # While one connection is open, the others open at once.
    with DuckDBWarehouse(settings.duckdb_path).connection():
        yield make_filled_shop(settings.duckdb_path)


def make_filled_shop(path: Path) -> DuckDBWarehouse:
    warehouse = make_shop(path)
    fill(
        warehouse,
        CUSTOMERS,
        [
            {"customer_id": "c1", "country": "CH", "email": "canary@example.com"},
            {"customer_id": "c2", "country": "CH", "email": "other@example.com"},
            {"customer_id": "c3", "country": "DE", "email": "third@example.com"},
        ],
    )
    sale = {"transaction_type": "sale", "is_counted": True, "occurred_at": day("2024-06-01")}
    lines = [{"transaction_id": f"t{n}", "customer_id": f"c{n}", "category": "Baby"} for n in (1, 3)]
    fill(warehouse, LINES, [{**sale, **line} for line in lines])
    fill(warehouse, SCORES, [{"customer_id": "c1", "as_of": date(2024, 6, 30), "score": 0.9, "segment": "champions"}])
    return warehouse


def assets(settings: Settings) -> dict[str, dg.AssetsDefinition]:
    built = build_segment_assets(settings, load_definitions(settings.config, catalogue()), catalogue())
    return {asset.key.to_user_string(): asset for asset in built}


def materialise(settings: Settings, warehouse: DuckDBWarehouse, *names: str) -> dg.ExecuteInProcessResult:
    built = assets(settings)
    return dg.materialize(
        [built[name] for name in names],
        resources={"warehouse": warehouse},
        instance=dg.DagsterInstance.ephemeral(),
        raise_on_error=False,
    )


def test_every_file_is_an_asset(settings: Settings) -> None:
    assert set(assets(settings)) == {
        "segments/swiss", "segments/torn", "audiences/baby", "audiences/others", "audiences/cautious"
    }  # fmt: skip


def test_an_asset_depends_on_exactly_what_its_rule_reads(settings: Settings) -> None:
    built = assets(settings)
    assert {key.to_user_string() for key in built["segments/swiss"].asset_deps[dg.AssetKey(["segments", "swiss"])]} == {
        "master/customers"
    }
    assert {key.to_user_string() for key in built["audiences/baby"].asset_deps[dg.AssetKey(["audiences", "baby"])]} == {
        "master/customers",
        "master/transaction_lines",
        "intelligence/scores",
        "segments/swiss",
    }


def test_the_spec_says_who_owns_it_and_what_it_holds(settings: Settings) -> None:
    spec = next(iter(assets(settings)["segments/swiss"].specs))
    assert spec.owners == ["team:crm"]
    assert spec.group_name == "segments"
    assert spec.description is not None
    assert "One row per (customer, stay)" in spec.description
    assert spec.freshness_policy is not None
    assert spec.automation_condition is not None


def test_an_audience_sees_the_segment_that_was_just_evaluated(settings: Settings, warehouse: DuckDBWarehouse) -> None:
    assert materialise(settings, warehouse, "segments/swiss", "audiences/baby").success
    rows = warehouse.rows("select name, customer_id, entered_at, exited_at from audiences.audience_members")
    assert rows == [{"name": "baby", "customer_id": "c1", "entered_at": date(2024, 6, 30), "exited_at": None}]


def test_the_metadata_tells_members_sql_and_a_preview_without_personal_data(
    settings: Settings, warehouse: DuckDBWarehouse
) -> None:
    result = materialise(settings, warehouse, "segments/swiss")
    (event,) = result.asset_materializations_for_node("segments__swiss")
    assert event.metadata["members"].value == 2
    assert event.metadata["entered"].value == 2
    assert event.metadata["exited"].value == 0
    assert event.metadata["share_of_customers"].value == "66.7%"
    assert event.metadata["trend"].value == "`█` 2 members (first day)"
    assert "'CH'" in str(event.metadata["sql"].value)
    preview = str(event.metadata["preview"].value)
    assert "| c1 | ••• | ••• |" in preview
    assert not any("canary" in str(value.value) for value in event.metadata.values())


def test_events_that_no_source_ever_told_are_pointed_out(settings: Settings, warehouse: DuckDBWarehouse) -> None:
    fill(
        warehouse, EVENTS, [{"event_id": "e1", "customer_id": "c1", "event": "Seen", "occurred_at": day("2024-06-01")}]
    )
    told = "where: {any: [{event: Seen}, {event: O'Tent, count: {gte: 2}}]}\n"
    (settings.config / "segments" / "told.yml").write_text(HEAD.format(name="told") + told)
    result = materialise(settings, warehouse, "segments/told", "segments/swiss")
    (event,) = result.asset_materializations_for_node("segments__told")
    assert event.metadata["members"].value == 1
    assert event.metadata["events_never_seen"].value == ["O'Tent"]
    (event,) = result.asset_materializations_for_node("segments__swiss")
    assert "events_never_seen" not in event.metadata


def test_a_file_with_problems_fails_with_them_and_stops_nothing_else(
    settings: Settings, warehouse: DuckDBWarehouse
) -> None:
    result = materialise(settings, warehouse, "segments/swiss", "segments/torn")
    assert not result.success
    assert result.asset_materializations_for_node("segments__swiss")
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    data = failure.step_failure_data
    assert data.user_failure_data is not None
    assert "torn.yml:7: unknown field 'customers.contry'" in (data.user_failure_data.description or "")


def test_scores_of_another_day_empty_no_audience(settings: Settings, warehouse: DuckDBWarehouse) -> None:
    assert materialise(settings, warehouse, "segments/swiss", "audiences/baby").success
    fill(warehouse, SCORES, [{"customer_id": "c1", "as_of": date(2024, 6, 29), "score": 0.9, "segment": "champions"}])
    result = materialise(settings, warehouse, "audiences/baby")
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "intelligence.scores has no rows of 2024-06-30" in str(failure.step_failure_data.error)
    assert warehouse.rows("select count(*) as n from audiences.audience_members where exited_at is null") == [{"n": 1}]


def assert_fails(result: dg.ExecuteInProcessResult, warehouse: DuckDBWarehouse, name: str, message: str) -> None:
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert message in str(failure.step_failure_data.error)
    assert last_evaluation(warehouse, "audience", name) is None


def test_an_exclusion_by_a_segment_that_was_never_evaluated_is_refused_until_it_is(
    settings: Settings, warehouse: DuckDBWarehouse
) -> None:
    result = materialise(settings, warehouse, "audiences/others")
    assert_fails(result, warehouse, "others", "'swiss', which was never evaluated; materialise segments/swiss for")
    assert materialise(settings, warehouse, "segments/swiss", "audiences/others").success
    assert warehouse.rows(open_members("audience", "others")) == [{"customer_id": "c3"}]


def test_an_exclusion_by_a_segment_whose_file_is_broken_is_refused(
    settings: Settings, warehouse: DuckDBWarehouse
) -> None:
    path = settings.config / "segments" / "torn.yml"
    broken = path.read_text()
    path.write_text(broken.replace("contry", "country"))
    assert materialise(settings, warehouse, "segments/torn").success
    path.write_text(broken)
    result = materialise(settings, warehouse, "audiences/cautious")
    assert_fails(result, warehouse, "cautious", "reads segment 'torn', which has no valid file; mend it")


def test_an_exclusion_by_the_former_rule_of_a_segment_is_refused(
    settings: Settings, warehouse: DuckDBWarehouse
) -> None:
    assert materialise(settings, warehouse, "segments/swiss").success
    path = settings.config / "segments" / "swiss.yml"
    path.write_text(path.read_text().replace("CH", "DE"))
    result = materialise(settings, warehouse, "audiences/others")
    assert_fails(result, warehouse, "others", "'swiss', which has another rule since it was evaluated")
    assert materialise(settings, warehouse, "segments/swiss", "audiences/others").success


def test_an_exclusion_by_a_segment_of_another_day_is_refused(settings: Settings, warehouse: DuckDBWarehouse) -> None:
    assert materialise(settings, warehouse, "segments/swiss").success
    tomorrow = replace(settings, as_of=AS_OF + timedelta(days=1))
    result = materialise(tomorrow, warehouse, "audiences/others")
    assert_fails(result, warehouse, "others", "'swiss', which was last evaluated for 2024-06-30; materialise")
    assert materialise(tomorrow, warehouse, "segments/swiss", "audiences/others").success
