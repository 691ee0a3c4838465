"""The wide table, planned in pure parts and materialised as Dagster does."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from scv_platform.audiences.assets import build_customer_360, build_segment_assets
from scv_platform.audiences.catalogue import Catalogue, CatalogueError
from scv_platform.audiences.customer_360 import compose, tables_read
from scv_platform.audiences.definitions import load_definitions
from scv_platform.settings import CustomField, CustomFieldType, Privacy, Settings
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.audiences.shop import (
    AS_OF,
    CONSENTS,
    CUSTOM_FIELDS,
    CUSTOMERS,
    METRICS,
    SCORES,
    TICKETS,
    catalogue,
    day,
    fill,
    make_shop,
    manifest,
)
from tests.audiences.shop import settings as shop_settings

HEAD = "schema_version: 1\nname: {name}\ndescription: Some customers.\nowner: team:crm\n"
SWISS = "where: {all: [{field: customers.country, eq: CH}]}\n"
DELICATE = "where: {all: [{field: customers.extras, is_null: false}]}\n"
SEEN = "where: {all: [{event: Seen, where: {all: [{field: events.items, is_null: false}]}}]}\n"
BOTH = "where: {all: [{segment: swiss}, {consent: calls, status: denied}]}\n"
INTERNAL = "legal_basis: internal\ndestinations: [{name: files}]\n"


def write(settings: Settings, group: str, name: str, body: str) -> Path:
    path = settings.config / group / f"{name}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD.format(name=name) + body)
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = shop_settings(tmp_path)
    write(settings, "segments", "swiss", SWISS)
    write(settings, "audiences", "swiss", SWISS + INTERNAL)
    return settings


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[DuckDBWarehouse]:
    # While one connection is open, the others open at once.
    with DuckDBWarehouse(settings.duckdb_path).connection():
        yield make_filled_shop(settings.duckdb_path)


def make_filled_shop(path: Path) -> DuckDBWarehouse:
    warehouse = make_shop(path)
    customers = [
        {"customer_id": "c1", "country": "CH", "email": "canary@example.com", "extras": '{"canary": 1}'},
        {"customer_id": "c2", "country": "DE", "email": "other@example.com", "loyalty_tier": "gold"},
        {"customer_id": "c3"},
    ]
    fill(warehouse, CUSTOMERS, customers)
    fill(warehouse, METRICS, [{"customer_id": f"c{n}", "as_of": AS_OF, "orders": n} for n in (1, 2, 3)])
    scores = [("c1", AS_OF, "champions"), ("c1", AS_OF - timedelta(days=1), "lost"), ("c9", AS_OF, "nobody")]
    fill(warehouse, SCORES, [{"customer_id": who, "as_of": when, "segment": name} for who, when, name in scores])
    tickets = [
        {"status": "closed", "created_at": day("2024-06-01"), "solved_at": day("2024-06-02"), "satisfaction": "bad"},
        {"status": "open", "created_at": day("2024-06-30")},
        {"status": "open", "created_at": day("2024-07-01")},
    ]
    fill(warehouse, TICKETS, [{"customer_id": "c2", **ticket} for ticket in tickets])
    answers = [
        ("c1", "email_marketing", "email", "granted"),
        ("c2", "email_marketing", "email", "granted"),
        ("c2", "email_marketing", "post", "denied"),
        ("c3", "Ask \"me\" 'later'", "any", "granted"),
    ]
    fill(warehouse, CONSENTS, [dict(zip(CONSENTS.column_names, answer, strict=False)) for answer in answers])
    return warehouse


def materialise(
    settings: Settings, warehouse: DuckDBWarehouse, *without: str, known: Catalogue | None = None
) -> dg.ExecuteInProcessResult:
    """A run of every segment and audience but those, and of the wide table."""
    known = known or catalogue()
    definitions = load_definitions(settings.config, known)
    memberships = [
        asset
        for asset in build_segment_assets(settings, definitions, known)
        if asset.key.to_user_string() not in without
    ]
    return dg.materialize(
        [*memberships, *build_customer_360(settings, definitions, known)],
        resources={"warehouse": warehouse},
        instance=dg.DagsterInstance.ephemeral(),
        raise_on_error=False,
    )


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (event,) = result.asset_materializations_for_node("serving__customer_360")
    return {name: value.value for name, value in event.metadata.items()}


def rows(warehouse: DuckDBWarehouse) -> list[dict[str, Any]]:
    return warehouse.rows("select * from serving.customer_360 order by customer_id")


def test_each_customer_is_one_row_of_all_that_is_known(settings: Settings, warehouse: DuckDBWarehouse) -> None:
    assert materialise(settings, warehouse).success
    first, second, third = rows(warehouse)
    assert list(first) == [
        "customer_id", "as_of", "email", "country", "birth_date", "first_seen_at", "record_count", "is_staff", "extras",
        "loyalty_tier", "metrics_net_revenue", "metrics_orders", "metrics_last_order_at", "scores_segment",
        "scores_score", "tickets_open", "tickets_rated_bad", "tickets_last_at",
        "consent_email_marketing", "in_segment_swiss", "in_audience_swiss",
    ]  # fmt: skip
    assert first["as_of"] == AS_OF
    assert [row["metrics_orders"] for row in (first, second, third)] == [1, 2, 3]
    assert [row["scores_segment"] for row in (first, second, third)] == ["champions", None, None]
    assert [row["consent_email_marketing"] for row in (first, second, third)] == ["granted", "denied", None]
    assert [row["in_segment_swiss"] for row in (first, second, third)] == [True, False, False]
    assert second["loyalty_tier"] == "gold"
    assert [row["tickets_open"] for row in (first, second, third)] == [0, 1, 0]
    assert [row["tickets_rated_bad"] for row in (first, second, third)] == [0, 1, 0]
    assert [row["tickets_last_at"] for row in (first, second, third)] == [None, day("2024-06-30"), None]


def test_a_second_run_gives_the_same_table(settings: Settings, warehouse: DuckDBWarehouse) -> None:
    assert materialise(settings, warehouse).success
    before = rows(warehouse)
    assert materialise(settings, warehouse).success
    assert rows(warehouse) == before


def test_a_new_file_is_a_new_column_and_one_that_is_gone_is_none(
    settings: Settings, warehouse: DuckDBWarehouse
) -> None:
    gone = write(settings, "segments", "abroad", SWISS.replace("CH", "DE"))
    assert materialise(settings, warehouse).success
    assert [row["in_segment_abroad"] for row in rows(warehouse)] == [False, True, False]
    gone.unlink()
    result = materialise(settings, warehouse)
    assert "in_segment_abroad" not in rows(warehouse)[0]
    assert metadata(result)["memberships_ended_with_their_file"] == ["segments/abroad"]
    open_stays = "select name from audiences.segment_members where exited_at is null"
    assert warehouse.rows(open_stays) == [{"name": "swiss"}]


def test_a_membership_of_another_day_or_rule_is_unknown_and_not_false(
    settings: Settings, warehouse: DuckDBWarehouse
) -> None:
    assert materialise(settings, warehouse).success
    write(settings, "segments", "swiss", SWISS.replace("CH", "DE"))
    result = materialise(settings, warehouse, "segments/swiss")
    assert [row["in_segment_swiss"] for row in rows(warehouse)] == [None, None, None]
    assert [row["in_audience_swiss"] for row in rows(warehouse)] == [True, False, False]
    assert metadata(result)["memberships_unknown"] == ["in_segment_swiss"]


def test_figures_of_another_day_are_refused(settings: Settings, warehouse: DuckDBWarehouse) -> None:
    result = materialise(replace(settings, as_of=AS_OF + timedelta(days=1)), warehouse)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "has no rows of 2024-07-01; materialise" in str(failure.step_failure_data.error)
    assert not warehouse.exists("serving.customer_360")


def test_every_column_is_described_in_the_warehouse_and_in_the_metadata(
    settings: Settings, warehouse: DuckDBWarehouse
) -> None:
    shown = metadata(materialise(settings, warehouse))
    comments = warehouse.rows(
        "select column_name as name, comment from duckdb_columns() where table_name = 'customer_360' order by 1"
    )
    schema = {column.name: column for column in shown["dagster/column_schema"].columns}
    assert {row["name"]: row["comment"] for row in comments} == {
        name: column.description for name, column in schema.items()
    }
    assert schema["metrics_orders"].description == "The orders. (customer_metrics.orders)"
    assert schema["in_segment_swiss"].description == "Whether in segment 'swiss' on the day: Some customers."
    assert schema["email"].tags == {"privacy": "direct"}
    assert schema["metrics_net_revenue"].type == "decimal"
    assert shown["dagster/row_count"] == 3


def test_the_preview_shows_no_personal_data(settings: Settings, warehouse: DuckDBWarehouse) -> None:
    write(settings, "segments", "delicate", DELICATE)
    write(settings, "segments", "circumspect", "where: {all: [{segment: delicate}]}\n")
    write(settings, "segments", "watched", SEEN)
    shown = metadata(materialise(settings, warehouse))
    assert "| country | ••• | ••• | ••• |" in shown["preview"]
    assert "| email | ••• | ••• | ••• |" in shown["preview"]
    # Who is in a segment that rests on a sensitive field is as sensitive as the field, however indirectly.
    for flag in ("in_segment_delicate", "in_segment_circumspect", "in_segment_watched"):
        assert f"| {flag} | ••• | ••• | ••• |" in shown["preview"]
    assert not any("canary" in str(value) for value in shown.values())


def test_the_check_fails_when_a_customer_is_missing_twice_there_or_unknown(
    settings: Settings, warehouse: DuckDBWarehouse
) -> None:
    result = materialise(settings, warehouse)
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.passed
    _, check = build_customer_360(settings, load_definitions(settings.config, catalogue()), catalogue())
    assert isinstance(check, dg.AssetChecksDefinition)
    warehouse.run(["create table serving.undamaged as from serving.customer_360"])
    for damage in (
        "delete from serving.customer_360 where customer_id = 'c1'",
        "insert into serving.customer_360 select * from serving.customer_360 where customer_id = 'c2'",
        "update serving.customer_360 set customer_id = 'stranger' where customer_id = 'c3'",
    ):
        warehouse.run(["create or replace table serving.customer_360 as from serving.undamaged", damage])
        judged = check(warehouse)
        assert isinstance(judged, dg.AssetCheckResult)
        assert not judged.passed


def test_it_depends_on_everything_it_shows(settings: Settings) -> None:
    definitions = load_definitions(settings.config, catalogue())
    asset = build_customer_360(settings, definitions, catalogue())[0]
    assert isinstance(asset, dg.AssetsDefinition)
    assert {key.to_user_string() for key in asset.asset_deps[asset.key]} == {
        "master/customers", "master/customer_metrics", "master/tickets", "master/consents", "intelligence/scores",
        "segments/swiss", "audiences/swiss",
    }  # fmt: skip


def test_the_order_of_tables_in_the_manifest_and_of_purposes_changes_nothing() -> None:
    turned = manifest()
    turned["nodes"] = dict(reversed(turned["nodes"].items()))
    other = Catalogue.build(turned, shop_settings(Path("nowhere")), [SCORES])
    assert tables_read(other) == tables_read(catalogue())
    one = compose(catalogue(), AS_OF, ["b", "a"], [])
    assert compose(other, AS_OF, ["a", "b"], []).select.sql("duckdb") == one.select.sql("duckdb")
    assert one.select.sql("bigquery").count("LOGICAL_OR(") == 4


def test_a_purpose_asked_about_by_a_rule_has_its_column_before_anybody_answers(
    settings: Settings, warehouse: DuckDBWarehouse
) -> None:
    write(settings, "audiences", "both", BOTH + "purpose: post\nlegal_basis: contract\ndestinations: [{name: files}]\n")
    assert materialise(settings, warehouse).success
    assert {"consent_calls", "consent_email_marketing", "consent_post"} <= set(rows(warehouse)[0])


def test_two_columns_of_one_name_are_refused() -> None:
    field = CustomField(entity="people", type=CustomFieldType.STRING, privacy=Privacy.NONE, description="Taken.")
    settings = shop_settings(Path("nowhere"))
    platform = settings.platform.model_copy(update={"custom_fields": {**CUSTOM_FIELDS, "metrics_orders": field}})
    taken = Catalogue.build(manifest(), replace(settings, platform=platform), [SCORES])
    with pytest.raises(CatalogueError, match="would have two columns 'metrics_orders'; rename one of the two"):
        compose(taken, date(2024, 6, 30), [], [])
