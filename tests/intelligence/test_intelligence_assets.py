from datetime import date, datetime
from pathlib import Path

import dagster as dg
import pytest

from scv_platform.intelligence.assets import build_intelligence_assets
from scv_platform.settings import PlatformConfig, Settings
from scv_platform.warehouse.duckdb import DuckDBWarehouse

AS_OF = date(2026, 6, 30)


@pytest.fixture
def run(tmp_path: Path):
    """Materialises the scores of a shop with sales on these days, with their checks."""
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

    def materialise(*days: date) -> dg.ExecuteInProcessResult:
        values = ", ".join(
            f"('c_{number}', 'sale', timestamp '{datetime.combine(day, datetime.min.time())}', true, 10.0)"
            for number, day in enumerate(days)
        )
        warehouse.run(
            [
                "create schema if not exists master",
                f"""
                create or replace table master.transactions as
                select * from (values {values})
                    as rows (customer_id, transaction_type, occurred_at, is_counted, net_amount_base)
                """,
            ]
        )
        return dg.materialize(list(build_intelligence_assets(settings)), resources={"warehouse": warehouse})

    return materialise


def test_the_asset_reports_rows_and_segments_and_its_check_passes(run):
    result = run(AS_OF, date(2026, 1, 1))
    (materialisation,) = result.get_asset_materialization_events()
    metadata = materialisation.materialization.metadata
    assert materialisation.asset_key == dg.AssetKey(["intelligence", "rfm"])
    assert metadata["dagster/row_count"].value == 2
    assert metadata["as_of"].value == "2026-06-30"
    assert "| new | 1 | 50% | 10.00 | ███████████████ |" in metadata["segments"].value
    (check,) = result.get_asset_check_evaluations()
    assert check.passed
    assert check.metadata["buyers"].value == 2


def test_sales_after_the_day_do_not_upset_the_check(run):
    result = run(AS_OF, date(2026, 7, 1))
    (check,) = result.get_asset_check_evaluations()
    assert check.passed
    assert check.metadata["buyers"].value == 1
