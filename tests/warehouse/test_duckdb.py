"""What DuckDB adds to the contract of a warehouse: one file, which others need as well."""

from pathlib import Path

import duckdb
import pytest

from scv_platform.warehouse import WarehouseError
from scv_platform.warehouse.duckdb import DuckDBWarehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(tmp_path / "w.duckdb")


def assert_file_is_free(warehouse: DuckDBWarehouse) -> None:
    # A second configuration in this process is refused while any connection is open.
    with duckdb.connect(str(warehouse.path), config={"threads": 1}) as connection:
        assert connection.sql("select 1").fetchall() == [(1,)]


def test_an_error_leaves_no_connection_open(warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(WarehouseError):
        warehouse.rows("select * from nowhere")
    assert_file_is_free(warehouse)


def test_the_file_is_free_after_a_session_even_one_that_failed(warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(WarehouseError), warehouse.session():
        warehouse.rows("select * from nowhere")
    assert_file_is_free(warehouse)


def test_every_connection_is_in_utc(warehouse: DuckDBWarehouse) -> None:
    with warehouse.session():
        for _ in range(2):
            with warehouse.connection() as connection:
                assert connection.sql("select current_setting('TimeZone')").fetchall() == [("UTC",)]


def test_it_bills_nothing(warehouse: DuckDBWarehouse) -> None:
    with warehouse.session("lab/scores") as bill:
        warehouse.rows("select 1 as one")
    assert bill.metadata == {}


def test_another_file_in_its_place_is_another_warehouse(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    assert warehouse.identity() is None
    warehouse.rows("select 1 as one")
    before = warehouse.identity()
    assert before is not None
    warehouse.path.rename(tmp_path / "former.duckdb")
    warehouse.rows("select 1 as one")
    assert warehouse.identity() != before
