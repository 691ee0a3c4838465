"""The contract of `Warehouse`; every engine passes the same tests."""

import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from google.cloud import bigquery
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from scv_platform.warehouse import Table, TableColumn, Warehouse, WarehouseError, bind, literal
from scv_platform.warehouse.bigquery import BigQueryWarehouse
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

KINDS = Table(
    "lab",
    "kinds",
    "One row per kind of value.",
    tuple(
        TableColumn(f"a_{kind}", kind, "A value.")
        for kind in ("string", "integer", "float", "decimal", "boolean", "date", "timestamp")
    ),
    key=("a_string",),
    partition_by="a_date",
)
ONE_OF_EACH = {
    "a_string": "Zoë's \\ \n \U0001f600",
    "a_integer": 2**62,
    "a_float": 0.1,
    "a_decimal": Decimal("-12345678901234.5678"),
    "a_boolean": False,
    "a_date": date(2026, 1, 31),
    "a_timestamp": datetime(2026, 1, 31, 23, 59, 59, 999999),
}

BOTH = ["duckdb", pytest.param("bigquery", marks=pytest.mark.parity)]


@pytest.fixture(params=BOTH)
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    if request.param == "duckdb":
        return DuckDBWarehouse(tmp_path / "deep" / "w.duckdb")
    made: Warehouse = request.getfixturevalue("make_bigquery_warehouse")()
    return made


def row(person: str, day: str, score: int) -> str:
    return f"select '{person}' as person, date '{day}' as day, {score} as score"


def scores(warehouse: Warehouse) -> set[tuple[str, int]]:
    return {(r["person"], int(r["score"])) for r in warehouse.rows("select * from lab.scores")}


def test_replace_without_a_slice_replaces_every_row(warehouse: Warehouse) -> None:
    warehouse.replace(SCORES, row("a", "2026-01-01", 1))
    assert warehouse.replace(SCORES, row("b", "2026-01-01", 2)) == 1
    assert scores(warehouse) == {("b", 2)}


def test_replace_of_a_slice_leaves_the_other_rows(warehouse: Warehouse) -> None:
    warehouse.append(SCORES, f"{row('a', '2026-01-01', 1)} union all {row('b', '2026-01-02', 2)}")
    assert warehouse.replace(SCORES, row("c", "2026-01-02", 3), where={"day": date(2026, 1, 2)}) == 1
    assert scores(warehouse) == {("a", 1), ("c", 3)}


def test_replace_by_nothing_leaves_nothing(warehouse: Warehouse) -> None:
    warehouse.append(SCORES, row("a", "2026-01-01", 1))
    nothing = pa.table({"person": pa.nulls(0), "day": pa.nulls(0), "score": pa.nulls(0)})
    assert warehouse.replace(SCORES, nothing) == 0
    assert scores(warehouse) == set()


def select_of(values: dict[str, Any]) -> exp.Expr:
    as_duckdb_says = {"integer": "bigint", "float": "double", "decimal": "decimal(18, 4)"}
    kinds = {column.name: as_duckdb_says.get(column.type, column.type) for column in KINDS.columns}
    return exp.select(*(exp.alias_(exp.cast(literal(value), kinds[name]), name) for name, value in values.items()))


@pytest.mark.parametrize("as_arrow", [True, False])
def test_values_of_every_type_come_back_as_they_were(warehouse: Warehouse, as_arrow: bool) -> None:
    rows = [ONE_OF_EACH, dict.fromkeys(ONE_OF_EACH)]
    data = [pa.Table.from_pylist(rows)] if as_arrow else [select_of(values) for values in rows]
    for part in data:
        warehouse.append(KINDS, part)
    found = warehouse.rows("select * from lab.kinds order by a_string nulls last")
    assert found == rows
    assert str(found[0]["a_decimal"]) == "-12345678901234.5678"


def test_a_decimal_is_rounded_half_away_from_zero(warehouse: Warehouse) -> None:
    written = pa.table(
        {"person": ["a", "b"], "day": [date(2026, 1, 1)] * 2, "score": [Decimal("0.00005"), Decimal("-0.00005")]}
    )
    warehouse.append(SCORES, written)
    assert [r["score"] for r in warehouse.rows("select score from lab.scores order by person")] == [
        Decimal("0.0001"),
        Decimal("-0.0001"),
    ]


def test_a_moment_with_a_zone_is_stored_as_utc(warehouse: Warehouse) -> None:
    moment = datetime.fromisoformat("2026-01-01T01:30:00+02:00")
    rows = warehouse.rows(bind("select $moment as naive, cast($moment as date) as day", moment=moment))
    assert rows == [{"naive": datetime(2025, 12, 31, 23, 30), "day": date(2025, 12, 31)}]


def test_rebuild_leaves_exactly_the_columns_and_types_of_the_table(warehouse: Warehouse) -> None:
    warehouse.append(SCORES, row("old", "2026-01-01", 1))
    columns = (TableColumn("score", "decimal", "It's how much."), TableColumn("order", "string", "A word of SQL."))
    narrow = Table("lab", "scores", "One row per person.", columns, key=("order",))
    assert warehouse.rebuild(narrow, "select 'a' as \"order\", 3 as score union all select 'b', null") == 2
    assert sorted(map(str, warehouse.table("from lab.scores").to_pylist())) == [
        "{'score': Decimal('3.0000'), 'order': 'a'}",
        "{'score': None, 'order': 'b'}",
    ]
    assert described(warehouse, "scores") == {
        "": "One row per person.",
        "score": "It's how much.",
        "order": "A word of SQL.",
    }


def described(warehouse: Warehouse, name: str) -> dict[str, str]:
    """The comments of a table and its columns, as the engine tells them."""
    if isinstance(warehouse, BigQueryWarehouse):
        table = bigquery.Client(warehouse.project).get_table(f"{warehouse.prefix}lab.{name}")
        return {"": table.description, **{field.name: field.description for field in table.schema}}
    (table,) = warehouse.rows(f"select comment from duckdb_tables() where table_name = '{name}'")
    columns = warehouse.rows(f"select column_name, comment from duckdb_columns() where table_name = '{name}'")
    return {"": table["comment"], **{row["column_name"]: row["comment"] for row in columns}}


def test_rebuild_that_fails_leaves_the_table_as_it_was(warehouse: Warehouse) -> None:
    warehouse.append(SCORES, row("a", "2026-01-01", 1))
    with pytest.raises(WarehouseError):
        warehouse.rebuild(SCORES, "select 'b' as person, 'no day' as day, 1 as score")
    assert scores(warehouse) == {("a", 1)}


def test_rebuild_may_read_the_table_that_it_replaces(warehouse: Warehouse) -> None:
    warehouse.append(SCORES, row("a", "2026-01-01", 1))
    warehouse.rebuild(SCORES, pa.Table.from_pylist([{"person": "c", "day": date(2026, 1, 1), "score": Decimal(3)}]))
    warehouse.rebuild(SCORES, "select person, day, score + 1 as score from lab.scores")
    assert scores(warehouse) == {("c", 4)}


def test_merge_replaces_rows_of_the_same_key_and_is_idempotent(warehouse: Warehouse) -> None:
    warehouse.append(SCORES, f"{row('a', '2026-01-01', 1)} union all {row('b', '2026-01-02', 2)}")
    for _ in range(2):
        assert warehouse.merge(SCORES, f"{row('b', '2026-01-02', 9)} union all {row('c', '2026-01-02', 3)}") == 2
    assert scores(warehouse) == {("a", 1), ("b", 9), ("c", 3)}


def test_in_the_key_of_a_merge_nothing_equals_nothing(warehouse: Warehouse) -> None:
    for score in (1, 2):
        warehouse.merge(SCORES, f"select 'a' as person, cast(null as date) as day, {score} as score")
    assert scores(warehouse) == {("a", 2)}


def test_arrow_rows_and_selects_are_written_alike_and_a_select_may_read_its_own_target(warehouse: Warehouse) -> None:
    arrow = pa.table({"score": [Decimal("1.5")], "person": ["a"], "day": [date(2026, 1, 1)]})
    warehouse.append(SCORES, arrow)
    warehouse.replace(SCORES, "select person, day, score * 2 as score from lab.scores")
    assert warehouse.rows("select * from lab.scores") == [
        {"person": "a", "day": date(2026, 1, 1), "score": Decimal("3.0000")}
    ]


def test_ensure_adds_missing_columns_and_keeps_the_rows(warehouse: Warehouse) -> None:
    (person, *_) = SCORES.columns
    warehouse.append(Table("lab", "scores", "One row per person.", (person,), key=("person",)), "select 'a' as person")
    warehouse.ensure(SCORES)
    assert warehouse.rows("select * from lab.scores") == [{"person": "a", "day": None, "score": None}]


def test_a_statement_that_fails_undoes_the_ones_before_it(warehouse: Warehouse) -> None:
    warehouse.append(SCORES, row("a", "2026-01-01", 1))
    with pytest.raises(WarehouseError, match="nowhere"):
        warehouse.run(["delete from lab.scores where true", "select * from lab.nowhere"])
    with pytest.raises(WarehouseError, match="nowhere"):
        warehouse.replace(SCORES, "select * from lab.nowhere")
    assert scores(warehouse) == {("a", 1)}


def test_statements_of_one_run_share_their_temporary_tables(warehouse: Warehouse) -> None:
    warehouse.append(SCORES, row("a", "2026-01-01", 1))
    for _ in range(2):
        warehouse.run(
            [
                "create temporary table doubled as select person, day, score * 2 as score from lab.scores",
                "delete from lab.scores where true",
                "insert into lab.scores (person, day, score) select person, day, score from doubled",
            ]
        )
    assert scores(warehouse) == {("a", 4)}


def test_query_gives_batches_and_exists_tells_tables_from_nothing(warehouse: Warehouse) -> None:
    assert not warehouse.exists("lab.scores")
    assert warehouse.columns("lab") == {}
    days = pa.array([date(2026, 1, n) for n in range(1, 11)])
    warehouse.append(SCORES, pa.table({"person": ["a"] * 10, "day": days, "score": pa.nulls(10)}))
    batches = list(warehouse.query("select * from lab.scores", batch_rows=4))
    assert sum(batch.num_rows for batch in batches) == 10
    assert warehouse.exists("lab.scores")
    assert warehouse.columns("lab") == {"scores": {"person", "day", "score"}}


def test_a_schema_is_dropped_with_its_tables_and_views_and_no_other_one(warehouse: Warehouse) -> None:
    warehouse.ensure(SCORES)
    warehouse.ensure(replace(SCORES, schema="lab_2"))
    warehouse.run(["create view lab.best as select * from lab.scores"])
    warehouse.drop("lab")
    assert warehouse.columns("lab") == {}
    assert warehouse.exists("lab_2.scores")
    warehouse.drop("lab")


def test_a_warehouse_is_known_by_its_place(warehouse: Warehouse) -> None:
    warehouse.ensure(SCORES)
    assert warehouse.identity() is not None
    assert warehouse.identity() == warehouse.identity()
    assert warehouse.is_free()


HOSTILE = [
    "",
    "O'Brien",
    '"; drop table x; --',
    "\\",
    "\\'",
    "' or 1 = 1 --",
    "a\\nb",
    "two\nlines\r\n",
    "\t\b\a\v\f\x01\x7f",
    "`tick`",
    "'''",
    '"""',
    "r'raw'",
    "%s {0} {{ x }} @p ? $name $1",
    "Zoë 😀 \u202e\u2028",
    "/* no comment */ -- none",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_ever_a_value(warehouse: Warehouse, text: str) -> None:
    assert warehouse.rows(bind("select $text as text, $text = $text as same", text=text)) == [
        {"text": text, "same": True}
    ]


@pytest.fixture(scope="module", params=BOTH)
def shared_warehouse(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    if request.param == "bigquery":
        warehouse: Warehouse = request.getfixturevalue("make_bigquery_warehouse")()
    else:
        warehouse = DuckDBWarehouse(tmp_path_factory.mktemp("w") / "w.duckdb")
    with warehouse.session():
        yield warehouse


@settings(deadline=None, max_examples=50)
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
def test_a_literal_comes_back_as_the_text_it_was(shared_warehouse: Warehouse, text: str) -> None:
    assert shared_warehouse.rows(exp.select(exp.alias_(literal(text), "text"))) == [{"text": text}]


def test_within_a_session_each_transaction_is_its_own(warehouse: Warehouse) -> None:
    with warehouse.session():
        warehouse.append(SCORES, row("a", "2026-01-01", 1))
        with pytest.raises(WarehouseError), warehouse.session():
            warehouse.append(SCORES, "select no_such_function() as person, date '2026-01-01' as day, 1 as score")
        for batch in warehouse.query("select * from lab.scores"):
            warehouse.append(SCORES, row("c", "2026-01-02", 3))
            assert batch.num_rows == 1
    assert scores(warehouse) == {("a", 1), ("c", 3)}


def test_an_error_quotes_no_row_neither_in_its_text_nor_behind_it(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="its text is left out") as caught:
        warehouse.rows("select cast(name as integer) from (select 'Ottilie ' || 'Kanarienvogel' as name) as people")
    assert "Ottilie Kanarienvogel" not in "".join(traceback.format_exception(caught.value))
    warehouse.ensure(SCORES)
    named = pa.table({"person": ["a"], "day": [date(2026, 1, 1)], "score": ["Ottilie Kanarienvogel"]})
    with pytest.raises(WarehouseError) as caught:
        warehouse.append(SCORES, named)
    assert "Ottilie Kanarienvogel" not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(WarehouseError, match="no_such_table"):
        warehouse.rows("select * from lab.no_such_table")


def test_beside_the_warehouse_selects_are_relations_and_nothing_stays(warehouse: Warehouse) -> None:
    warehouse.append(SCORES, f"{row('a', '2026-01-01', 1)} union all {row('b', '2026-01-02', 2)}")
    with warehouse.session():
        for _ in range(2):
            all_scores = "select * from lab.scores"
            nobody = bind("select person from lab.scores where person = $name", name="x")
            with warehouse.beside(scores=all_scores, nobody=nobody) as connection:
                connection.execute("create table copied as select s.* from scores as s left join nobody using (person)")
                found = connection.sql("select person, score from copied order by person").fetchall()
                assert found == [("a", Decimal(1)), ("b", Decimal(2))]
                assert connection.sql("from nobody").columns == ["person"]
        assert scores(warehouse) == {("a", 1), ("b", 2)}
        assert not warehouse.exists("main.copied")


def test_what_fails_beside_the_warehouse_leaves_it_usable(warehouse: Warehouse) -> None:
    warehouse.append(SCORES, row("a", "2026-01-01", 1))
    with warehouse.session():
        with pytest.raises(ZeroDivisionError), warehouse.beside(scores="select * from lab.scores"):
            _ = 1 / 0
        assert scores(warehouse) == {("a", 1)}
