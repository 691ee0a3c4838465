from pathlib import Path

import dagster as dg
import pytest

from scv_platform.activation.assets import build_export_assets
from scv_platform.activation.config import load_destinations
from scv_platform.audiences.assets import build_segment_assets
from scv_platform.audiences.definitions import load_definitions
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.audiences.shop import CONSENTS, CUSTOMERS, catalogue, day, fill, make_shop, settings

AUDIENCE = """\
schema_version: 1
name: swiss
description: Swiss customers
owner: team:crm
legal_basis: {basis}
purpose: newsletter
where: {{all: [{{field: customers.country, eq: CH}}]}}
destinations:
  - {{name: files, fields: {{mail: customers.email, country: customers.country, net: customer_metrics.net_revenue}}}}
  - {{name: fiels}}
"""


def build(folder: Path, basis: str = "consent") -> dict[str, dg.AssetsDefinition]:
    path = folder / "config" / "audiences" / "swiss.yml"
    path.parent.mkdir(parents=True)
    path.write_text(AUDIENCE.format(basis=basis))
    (folder / "config" / "destinations.yml").write_text("files: {type: file, path: out, scope: external}\n")
    known, fields = settings(folder), catalogue()
    definitions = load_definitions(known.config, fields)
    assets = [
        *build_segment_assets(known, definitions, fields),
        *build_export_assets(known, definitions, fields, load_destinations(known)),
    ]
    return {asset.key.to_user_string(): asset for asset in assets}


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    warehouse = make_shop(tmp_path / "scv.duckdb")
    people = [{"customer_id": who, "email": f"canary-{who}@x.org", "country": "CH"} for who in ("c1", "c2")]
    fill(warehouse, CUSTOMERS, people)
    answer = {"purpose": "newsletter", "channel": "email", "status": "granted", "occurred_at": day("2024-01-01")}
    fill(warehouse, CONSENTS, [{**answer, "customer_id": "c1"}])
    return warehouse


def materialise(warehouse: DuckDBWarehouse, *assets: dg.AssetsDefinition) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        assets,
        resources={"warehouse": warehouse},
        instance=dg.DagsterInstance.ephemeral(),
        raise_on_error=False,
    )


def dependencies(asset: dg.AssetsDefinition) -> set[str]:
    return {key.to_user_string() for key in asset.asset_deps[asset.key]}


def test_each_destination_of_an_audience_is_an_asset_that_depends_on_what_it_reads(tmp_path: Path) -> None:
    assets = build(tmp_path)
    assert set(assets) == {"audiences/swiss", "exports/files/swiss", "exports/fiels/swiss"}
    assert dependencies(assets["exports/files/swiss"]) == {
        "audiences/swiss", "master/customers", "master/customer_metrics", "master/consents", "identity/identifiers",
        "identity/identity_map",
    }  # fmt: skip
    spec = next(iter(assets["exports/files/swiss"].specs))
    assert (spec.group_name, spec.owners) == ("exports", ["team:crm"])
    assert spec.freshness_policy is not None
    assert spec.automation_condition is not None


def test_an_internal_audience_does_not_read_consents(tmp_path: Path) -> None:
    assert "master/consents" not in dependencies(build(tmp_path, basis="internal")["exports/files/swiss"])


def test_the_metadata_tells_rows_reasons_and_path_and_no_personal_data(
    tmp_path: Path, warehouse: DuckDBWarehouse
) -> None:
    assets = build(tmp_path)
    result = materialise(warehouse, assets["audiences/swiss"], assets["exports/files/swiss"])
    assert result.success
    (event,) = result.asset_materializations_for_node("exports__files__swiss")
    assert event.metadata["dagster/row_count"].value == 1
    assert event.metadata["withheld"].value == 1
    assert event.metadata["withheld_by_reason"].value == {"no_consent": 1}
    path = str(event.metadata["path"].value)
    assert path.startswith("out/swiss/swiss-")
    assert "canary-c1@x.org" in (tmp_path / path).read_text()
    assert "| c1 | ••• | ••• |  |" in str(event.metadata["preview"].value)
    assert not any("canary" in str(value.value) for value in event.metadata.values())
    (run,) = warehouse.rows("select run_id, status from activation.sync_runs")
    assert run == {"run_id": result.run_id, "status": "succeeded"}


def test_an_unknown_destination_fails_with_its_line_and_the_nearest_name(
    tmp_path: Path, warehouse: DuckDBWarehouse
) -> None:
    assets = build(tmp_path)
    result = materialise(warehouse, assets["audiences/swiss"], assets["exports/fiels/swiss"])
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    reason = failure.step_failure_data.user_failure_data
    assert reason is not None
    assert "swiss.yml:10: unknown destination 'fiels'; did you mean 'files'?" in (reason.description or "")
