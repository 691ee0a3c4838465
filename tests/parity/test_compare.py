"""The comparer bites: whatever may differ between two warehouses is told by relation, columns and rows."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.parity.catalogue import Column, catalogue, common_type
from tests.parity.compare import SHOWN_ROWS, Contents, canonical_json, contents, differences

TABLES = (
    """
    create table shop.orders as
    select
        'o' || n as order_id,
        n as position,
        n * 1.25::decimal(18, 4) as amount,
        n / 3.0::double as share,
        timestamp '2026-06-30 12:00:00' + n * interval 1 hour as ordered_at,
        date '2026-06-30' as day,
        n % 2 = 0 as is_paid,
        json_object('n', n, 'a', 1) as items,
        'load 1' as _dlt_load_id
    from range(20) as numbers (n)
    """,
    "create view shop.paid as select order_id from shop.orders where is_paid",
)

Make = Callable[..., Contents]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """What a small warehouse holds after these changes."""
    made: list[DuckDBWarehouse] = []

    def build(*changes: str, tables: Sequence[str] = TABLES) -> Contents:
        warehouse = DuckDBWarehouse(tmp_path / f"{len(made)}.duckdb")
        made.append(warehouse)
        warehouse.run(["create schema shop", *tables, *changes])
        return contents(warehouse)

    return build


def test_equal_warehouses_do_not_differ(make: Make) -> None:
    left = make()
    assert {name: relation.rows.num_rows for name, relation in left.items()} == {"shop.orders": 20, "shop.paid": 10}
    assert differences(left, make()) == []


@pytest.mark.parametrize(
    "change",
    [
        "update shop.orders set amount = amount + 0.0001 where order_id = 'o7'",
        "update shop.orders set share = share + 0.000002 where order_id = 'o7'",
        "update shop.orders set ordered_at = ordered_at + interval 1 microsecond where order_id = 'o7'",
        "update shop.orders set day = null where order_id = 'o7'",
        "update shop.orders set order_id = '' where order_id = 'o7'",
        "update shop.orders set items = '{\"n\": 8, \"a\": 1}' where order_id = 'o7'",
        "update shop.orders set is_paid = null where order_id = 'o7'",
        "delete from shop.orders where order_id = 'o7'",
        "insert into shop.orders select * from shop.orders where order_id = 'o7'",
    ],
)
def test_one_changed_row_bites(make: Make, change: str) -> None:
    (found,) = differences(make(), make(change))
    assert found.startswith("shop.orders has other rows (20 on duckdb, ")


@pytest.mark.parametrize(
    ("change", "left", "right"),
    [
        ("alter table shop.orders drop column day", "day date", "none"),
        ("alter table shop.orders add column day_2 date", "none", "day_2 date"),
        ("alter table shop.orders alter position type varchar", "position integer", "position string"),
        ("alter table shop.orders alter ordered_at type varchar", "ordered_at timestamp", "ordered_at string"),
        ("alter table shop.orders alter items type varchar", "items json", "items string"),
        ("alter table shop.orders alter amount type double", "amount decimal", "amount float"),
    ],
)
def test_a_missing_column_and_a_changed_type_bite(make: Make, change: str, left: str, right: str) -> None:
    tables = TABLES[:1]
    (found,) = differences(make(tables=tables), make(change, tables=tables))
    assert found == f"shop.orders has other columns\n  duckdb alone has {left}\n  bigquery alone has {right}"


def test_columns_in_another_order_bite(make: Make) -> None:
    orders = ("1 as a, 2 as b", "2 as b, 1 as a")
    left, right = (make(tables=(f"create table shop.pairs as select {select}",)) for select in orders)
    assert differences(left, right) == ["shop.pairs has its columns in another order"]


def test_a_relation_of_one_side_bites_even_when_it_is_empty(make: Make) -> None:
    found = make("create table shop.more (id varchar)")
    assert differences(make(), found) == ["shop.more is on bigquery only"]
    assert differences(found, make()) == ["shop.more is on duckdb only"]


def test_a_difference_is_told_by_columns_and_five_rows_of_each_side(make: Make) -> None:
    (found,) = differences(make(), make("update shop.orders set share = 0, day = null where position >= 10"))
    lines = found.splitlines()
    assert lines[:3] == [
        "shop.orders has other rows (20 on duckdb, 20 on bigquery)",
        "  columns: share, day",
        "  duckdb alone has 10, such as",
    ]
    assert lines[3 + SHOWN_ROWS] == "  bigquery alone has 10, such as"
    assert len(lines) == 4 + 2 * SHOWN_ROWS


def test_what_means_the_same_does_not_differ(make: Make) -> None:
    assert not differences(
        make(),
        make(
            "update shop.orders set _dlt_load_id = 'load 2'",
            "update shop.orders set share = share + 1e-12",
            "update shop.orders set share = -0.0 where share = 0",
            "update shop.orders set items = json_object('a', 1.0, 'n', position)",
            "alter table shop.orders alter ordered_at type timestamptz",
            "alter table shop.orders alter position type hugeint",
            "alter table shop.orders alter amount type decimal(38, 9)",
            "create or replace table shop.orders as select * from shop.orders order by share desc",
        ),
    )


def test_values_that_are_not_numbers_are_compared_too(make: Make) -> None:
    broken = "update shop.orders set share = '{}' where order_id = 'o7'"
    assert not differences(make(broken.format("nan")), make(broken.format("nan")))
    assert differences(make(broken.format("nan")), make(broken.format("inf")))


def test_json_is_the_same_document_in_any_spelling() -> None:
    texts = pa.chunked_array([['{"b": [1.0, "x"], "a": null}', None], ['{"a":null,"b":[1,"x"]}', '["1"]', "[1]"]])
    first, null, second, *others = canonical_json(texts).to_pylist()
    assert first == second
    assert null is None
    assert len({first, *others}) == 3


def test_a_type_without_a_common_name_is_no_equal_of_any() -> None:
    assert common_type("NUMERIC(18, 4)") == common_type("DECIMAL(18,4)") == "decimal"
    assert common_type("DATETIME") == "DATETIME"
    assert common_type("BIGNUMERIC") == "BIGNUMERIC"


def test_the_catalogue_has_columns_in_their_order(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb")
    warehouse.run(["create schema s", 'create table s."group" (b varchar, a timestamp)'])
    assert catalogue(warehouse) == {"s.group": (Column("b", "string"), Column("a", "timestamp"))}
