"""The contract of `Warehouse`; every engine passes the same tests."""

import traceback
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from scv_platform.warehouse import Table, TableColumn, Warehouse, WarehouseError, in_one_session, literal
from scv_platform.warehouse.duckdb import DuckDBWarehouse

SCORES = Table(
    "lab",
    "scores",
    "One row per (person, day).",
    (
        TableColumn("person", "string", "Who."),
        TableColumn("day", "date", "When."),
        TableColumn("score", "decimal", "How much."),
    ),
    key=("person", "day"),
)


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(tmp_path / "deep" / "w.duckdb")


def row(person: str, day: str, score: int) -> str:
    return f"select '{person}' as person, date '{day}' as day, {score} as score"


def scores(warehouse: Warehouse) -> set[tuple[str, int]]:
    return {(r["person"], int(r["score"])) for r in warehouse.rows("select * from lab.scores")}


def test_replace_without_a_slice_replaces_every_row(warehouse: DuckDBWarehouse) -> None:
    warehouse.replace(SCORES, row("a", "2026-01-01", 1))
    assert warehouse.replace(SCORES, row("b", "2026-01-01", 2)) == 1
    assert scores(warehouse) == {("b", 2)}


def test_replace_of_a_slice_leaves_the_other_rows(warehouse: DuckDBWarehouse) -> None:
    warehouse.append(SCORES, f"{row('a', '2026-01-01', 1)} union all {row('b', '2026-01-02', 2)}")
    warehouse.replace(SCORES, row("c", "2026-01-02", 3), where={"day": date(2026, 1, 2)})
    assert scores(warehouse) == {("a", 1), ("c", 3)}


def test_rebuild_leaves_exactly_the_columns_types_and_descriptions_of_the_table(warehouse: DuckDBWarehouse) -> None:
    warehouse.append(SCORES, row("old", "2026-01-01", 1))
    columns = (TableColumn("score", "decimal", "It's how much."), TableColumn("order", "string", "A word of SQL."))
    narrow = Table("lab", "scores", "One row per person.", columns, key=("order",))
    assert warehouse.rebuild(narrow, "select 'a' as \"order\", 3 as score union all select 'b', null") == 2
    assert sorted(map(str, warehouse.table("from lab.scores").to_pylist())) == [
        "{'score': Decimal('3.0000'), 'order': 'a'}",
        "{'score': None, 'order': 'b'}",
    ]
    (described,) = warehouse.rows("select comment from duckdb_tables() where table_name = 'scores'")
    assert described["comment"] == "One row per person."
    comments = warehouse.rows("select comment from duckdb_columns() where table_name = 'scores' order by column_index")
    assert [row["comment"] for row in comments] == ["It's how much.", "A word of SQL."]


def test_rebuild_that_fails_leaves_the_table_as_it_was(warehouse: DuckDBWarehouse) -> None:
    warehouse.append(SCORES, row("a", "2026-01-01", 1))
    with pytest.raises(WarehouseError):
        warehouse.rebuild(SCORES, "select 'b' as person, 'no day' as day, 1 as score")
    assert scores(warehouse) == {("a", 1)}


def test_rebuild_may_read_the_table_that_it_replaces(warehouse: DuckDBWarehouse) -> None:
    warehouse.append(SCORES, row("a", "2026-01-01", 1))
    warehouse.rebuild(SCORES, pa.Table.from_pylist([{"person": "c", "day": date(2026, 1, 1), "score": Decimal(3)}]))
    warehouse.rebuild(SCORES, "select person, day, score + 1 as score from lab.scores")
    assert scores(warehouse) == {("c", 4)}


def test_merge_replaces_rows_of_the_same_key_and_is_idempotent(warehouse: DuckDBWarehouse) -> None:
    warehouse.append(SCORES, f"{row('a', '2026-01-01', 1)} union all {row('b', '2026-01-02', 2)}")
    for _ in range(2):
        warehouse.merge(SCORES, row("b", "2026-01-02", 9))
    assert scores(warehouse) == {("a", 1), ("b", 9)}


def test_arrow_rows_and_selects_are_written_alike_and_a_select_may_read_its_own_target(
    warehouse: DuckDBWarehouse,
) -> None:
    arrow = pa.table({"score": [Decimal("1.5")], "person": ["a"], "day": [date(2026, 1, 1)]})
    warehouse.append(SCORES, arrow)
    warehouse.replace(SCORES, "select person, day, score * 2 as score from lab.scores")
    assert warehouse.rows("select * from lab.scores") == [
        {"person": "a", "day": date(2026, 1, 1), "score": Decimal("3.0000")}
    ]


def test_ensure_adds_missing_columns_and_keeps_the_rows(warehouse: DuckDBWarehouse) -> None:
    warehouse.run(
        ["create schema lab", "create table lab.scores (person varchar)", "insert into lab.scores values ('a')"]
    )
    warehouse.ensure(SCORES)
    assert warehouse.rows("select * from lab.scores") == [{"person": "a", "day": None, "score": None}]


def test_a_statement_that_fails_undoes_the_ones_before_it(warehouse: DuckDBWarehouse) -> None:
    warehouse.append(SCORES, row("a", "2026-01-01", 1))
    with pytest.raises(Exception, match="nowhere"):
        warehouse.run(["delete from lab.scores", "select * from nowhere"])
    with pytest.raises(Exception, match="nowhere"):
        warehouse.replace(SCORES, "select * from nowhere")
    assert scores(warehouse) == {("a", 1)}


def test_an_error_leaves_no_connection_open(warehouse: DuckDBWarehouse) -> None:
    import duckdb

    with pytest.raises(WarehouseError):
        warehouse.rows("select * from nowhere")
    # A second configuration in this process is refused while any connection is open.
    duckdb.connect(str(warehouse.path), read_only=True).close()


def test_query_gives_batches_and_exists_tells_tables_from_nothing(warehouse: DuckDBWarehouse) -> None:
    batches = list(warehouse.query("select i from range(10) t(i)", batch_rows=4))
    assert sum(batch.num_rows for batch in batches) == 10
    assert not warehouse.exists("lab.scores")
    warehouse.ensure(SCORES)
    assert warehouse.exists("lab.scores")


@pytest.fixture(scope="module")
def shared_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBWarehouse]:
    warehouse = DuckDBWarehouse(tmp_path_factory.mktemp("w") / "w.duckdb")
    with warehouse.session():
        yield warehouse


@settings(deadline=None)
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
def test_a_literal_comes_back_as_the_text_it_was(shared_warehouse: DuckDBWarehouse, text: str) -> None:
    assert shared_warehouse.rows(exp.select(exp.alias_(literal(text), "text"))) == [{"text": text}]


def test_a_session_keeps_the_file_open_and_each_transaction_its_own(warehouse: DuckDBWarehouse) -> None:
    with warehouse.session():
        warehouse.append(SCORES, row("a", "2026-01-01", 1))
        with pytest.raises(WarehouseError), warehouse.session():
            warehouse.append(SCORES, row("b", "2026-01-01", 2).replace("date", "no_such_function"))
        for batch in warehouse.query("select * from lab.scores"):
            warehouse.append(SCORES, row("c", "2026-01-02", 3))
            assert batch.num_rows == 1
        with warehouse.connection() as connection:
            assert connection.sql("select current_setting('TimeZone')").fetchall() == [("UTC",)]
    assert scores(warehouse) == {("a", 1), ("c", 3)}


def test_the_file_is_free_after_a_session_even_one_that_failed(warehouse: DuckDBWarehouse) -> None:
    warehouse.append(SCORES, row("a", "2026-01-01", 1))

    @in_one_session
    def fail(warehouse: Warehouse) -> None:
        warehouse.rows("select 1 as one")
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fail(warehouse=warehouse)
    with duckdb.connect(str(warehouse.path), config={"threads": 1}) as connection:
        assert connection.sql("select person from lab.scores").fetchall() == [("a",)]


def test_a_generator_cannot_be_a_session() -> None:
    def generator(warehouse: Warehouse):
        yield from warehouse.query("select 1")

    with pytest.raises(TypeError, match="is a generator"):
        in_one_session(generator)


def test_an_error_quotes_no_row_neither_in_its_text_nor_behind_it(warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(WarehouseError, match="Conversion Error") as caught:
        warehouse.rows("select cast(name as integer) from (select 'Ottilie ' || 'Kanarienvogel' as name)")
    assert "Ottilie Kanarienvogel" not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(WarehouseError, match="no_such_table"):
        warehouse.rows("select * from no_such_table")
