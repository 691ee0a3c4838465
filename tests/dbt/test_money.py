"""Properties of money, from raw rows to `int_transactions`: nothing is lost, every sum is safe, refunds undo sales."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dbt.conftest import Dbt

Row = Mapping[str, Any]
Book = Callable[[Sequence[Row], Sequence[Row]], list[dict[str, Any]]]
"""Books headers and lines of a file: the rows of `int_transactions`."""

MODELS = ("int_transaction_lines", "int_transactions")
UNIONS_OF_FILES = {
    "int_transaction_lines_unioned": "select * from staging.stg_files__transaction_lines",
    "int_transactions_unioned": """
        select *, cast(null as varchar) as order_source, source || ':' || seller_source_id as seller_record_id
        from staging.stg_files__transactions
    """,
}
"""What the unions are without vendors, which hundreds of examples would plan in vain."""

LOAD = "1700000001.5"

cents = st.integers(1, 50_000).map(lambda number: Decimal(number) / 100)
signed_cents = st.tuples(cents, st.sampled_from([1, -1, 0])).map(lambda pair: pair[0] * pair[1])
types = st.sampled_from(["sale", "return", "refund", None])
statuses = st.sampled_from([None, "paid", "cancelled"])
numbers = st.sampled_from(["o1", "o2", "o3"])
headers = st.lists(
    st.fixed_dictionaries(
        {"source_id": st.sampled_from([f"t{number}" for number in range(8)])},
        optional={
            "order_id": numbers, "transaction_type": types, "gross_amount": signed_cents, "discount_amount": cents,
            "refund_amount": signed_cents, "cost_amount": cents, "status": statuses,
        },
    ),
    unique_by=lambda row: row["source_id"],
    max_size=6,
)  # fmt: skip
lines = st.lists(
    st.fixed_dictionaries(
        {
            "transaction_source_id": st.sampled_from([f"t{number}" for number in range(8)]),
            "quantity": st.sampled_from([Decimal(number) for number in (-2, -1, 0, 1, 2)]),
            "unit_price": signed_cents,
        },
        optional={"transaction_type": types, "discount_amount": cents, "status": statuses, "order_id": numbers},
    ),
    max_size=8,
)


@pytest.fixture(scope="module")
def book(empty_dbt: Dbt) -> Iterator[Book]:
    """Runs the compiled SQL of the models on rows of a file, on the real staging views, and rolls everything back."""
    compiled = empty_dbt.compiled(*MODELS)
    connection = duckdb.connect(str(empty_dbt.path))
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set threads = 1")

    def insert(table: str, rows: Sequence[Row]) -> None:
        for row in rows:
            names = ", ".join(row)
            marks = ", ".join("?" for _ in row)
            connection.execute(f"insert into raw_files.{table} ({names}) values ({marks})", list(row.values()))

    def run(headers: Sequence[Row], lines: Sequence[Row]) -> list[dict[str, Any]]:
        connection.begin()
        try:
            insert("_dlt_loads", [{"load_id": LOAD, "status": 0, "inserted_at": "2024-01-01 00:00:00+00"}])
            for entity, rows in (("transactions", headers), ("transaction_lines", lines)):
                ledger = {"source": "s", "entity": entity, "file": "f", "file_hash": entity, "_dlt_load_id": LOAD}
                insert("_loaded_files", [ledger])
                lineage = {
                    "source": "s",
                    "_content_hash": entity,
                    "_dlt_load_id": LOAD,
                    "occurred_at": "2024-01-01 00:00:00+00",
                }
                insert(entity, [{"source_id": str(i), **lineage, "_line": i, **row} for i, row in enumerate(rows)])
            for name, sql in {**UNIONS_OF_FILES, **compiled}.items():
                connection.execute(f"create or replace table intermediate.{name} as {sql}")
            return list(connection.sql("from intermediate.int_transactions order by all").to_arrow_table().to_pylist())
        finally:
            connection.rollback()

    yield run
    connection.close()


def quickly(examples: int) -> Callable[..., Any]:
    return settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def as_sale(row: Row) -> Row:
    """The header or line as a plain sale, with a discount that is no greater than the goods."""
    positive = {name: abs(row[name]) for name in ("gross_amount", "quantity", "unit_price") if name in row}
    goods = positive.get("gross_amount", positive.get("quantity", 0) * positive.get("unit_price", 0))
    discount = {"discount_amount": min(row.get("discount_amount", 0), goods)}
    return {
        **row,
        **positive,
        **discount,
        "transaction_type": "sale",
        **({"refund_amount": 0} if "refund_amount" in row else {}),
    }


def total(rows: Sequence[Row], column: str) -> Decimal:
    return sum((row[column] for row in rows), Decimal(0))


@given(headers=headers, lines=lines)
@quickly(35)
def test_amounts_are_positive_stand_on_their_side_and_make_every_sum_safe(book: Book, headers, lines):
    rows = book(headers, lines)
    for row in rows:
        assert min(row["gross_amount"], row["discount_amount"], row["refund_amount"], row["cost_amount"] or 0) >= 0
        assert row["net_amount"] == row["gross_amount"] - row["discount_amount"] - row["refund_amount"]
        if row["transaction_type"] == "sale":
            assert row["refund_amount"] == 0
        else:
            assert row["gross_amount"] == row["discount_amount"] == 0
    assert len({row["transaction_id"] for row in rows}) == len(rows)


@given(lines=lines)
@quickly(20)
def test_the_net_of_lines_without_types_is_the_net_of_the_file(book: Book, lines):
    lines = [
        {key: row[key] for key in row if key in {"transaction_source_id", "quantity", "unit_price"}} for row in lines
    ]
    rows = book([], lines)
    assert total(rows, "net_amount") == sum((line["quantity"] * line["unit_price"] for line in lines), Decimal(0))
    assert total(rows, "gross_amount") - total(rows, "refund_amount") == total(rows, "net_amount")


@given(headers=headers)
@quickly(20)
def test_the_net_of_headers_without_types_is_the_net_of_the_file(book: Book, headers):
    headers = [{key: row[key] for key in row if key in {"source_id", "gross_amount"}} for row in headers]
    rows = book(headers, [])
    assert len(rows) == len(headers)
    assert total(rows, "net_amount") == sum((header.get("gross_amount", 0) for header in headers), Decimal(0))


@given(headers=headers, lines=lines, returned=st.lists(cents, max_size=3))
@quickly(35)
def test_refunding_everything_leaves_nothing(book: Book, headers, lines, returned):
    headers, lines = [as_sale(row) for row in headers], [as_sale(row) for row in lines]
    sales = book(headers, lines)
    assert {row["transaction_type"] for row in sales} <= {"sale"}
    undone = [
        {"source_id": f"r{number}", "order_id": sale["order_id"].removeprefix("s:"), "transaction_type": "refund",
         "refund_amount": sale["net_amount"]}
        for number, sale in enumerate(sales)
        if sale["is_counted"]
    ]  # fmt: skip
    # What came back is worth nothing more, once the money was refunded.
    undone += [
        {
            "source_id": f"b{number}",
            "order_id": undone[0]["order_id"],
            "transaction_type": "return",
            "gross_amount": worth,
        }
        for number, worth in enumerate(returned)
        if undone and undone[0]["refund_amount"] > 0
    ]
    rows = book([*headers, *undone], lines)
    by_order: dict[str, Decimal] = {}
    for row in rows:
        if row["is_counted"]:
            by_order[row["order_id"]] = by_order.get(row["order_id"], Decimal(0)) + row["net_amount"]
    assert set(by_order.values()) <= {Decimal(0)}


@given(headers=headers, lines=lines)
@quickly(20)
def test_cancelling_every_sale_counts_nothing_of_its_order(book: Book, headers, lines):
    cancelled = [{**row, "status": "cancelled"} if row.get("transaction_type") != "refund" else row for row in headers]
    rows = book(cancelled, [{**row, "status": "cancelled"} for row in lines])
    sold = {row["order_id"] for row in rows if row["transaction_type"] == "sale"}
    assert not [row for row in rows if row["order_id"] in sold and row["is_counted"]]


@given(headers=headers, lines=lines, random=st.randoms(use_true_random=False))
@quickly(20)
def test_the_order_of_rows_does_not_matter(book: Book, headers, lines, random):
    numbered = [{**row, "source_id": f"l{number}"} for number, row in enumerate(lines)]
    shuffled_headers, shuffled_lines = list(headers), list(numbered)
    random.shuffle(shuffled_headers)
    random.shuffle(shuffled_lines)
    assert book(shuffled_headers, shuffled_lines) == book(headers, numbered)
