from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from scv_platform.conventions import in_one_session
from scv_platform.warehouse import Bill, Warehouse
from scv_platform.warehouse.duckdb import DuckDBWarehouse


def test_an_asset_uses_the_warehouse_in_one_session_and_keeps_what_it_says(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb")

    @dg.asset(key=["lab", "scores"])
    @in_one_session
    def scores(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[None]:
        assert isinstance(warehouse, DuckDBWarehouse)
        with warehouse.connection() as first, warehouse.connection() as second:
            first.execute("create temporary table a as select 1 as x")
            second.execute("select 1")
        return dg.MaterializeResult(metadata={"rows": 3})

    result = dg.materialize([scores], resources={"warehouse": warehouse})
    (event,) = result.asset_materializations_for_node("lab__scores")
    assert event.metadata["rows"].value == 3
    # An engine that bills nothing has no bill to show.
    assert "bytes_billed" not in event.metadata
    assert warehouse.is_free()


def test_a_bill_is_told_where_there_is_one() -> None:
    assert Bill().metadata == {}
    assert Bill(0).metadata == {"bytes_billed": 0}


def test_a_generator_cannot_be_a_session() -> None:
    def generator(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[dg.MaterializeResult[None]]:
        yield dg.MaterializeResult()

    with pytest.raises(TypeError, match="is a generator"):
        in_one_session(generator)  # type: ignore[arg-type]
