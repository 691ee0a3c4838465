from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scv_platform.config_files import ConfigError
from scv_platform.intelligence.markdown import segments_as_markdown
from scv_platform.intelligence.rfm import GRID_FILE, compare_with_sales, read_grid, rfm_select, write_rfm
from scv_platform.warehouse.duckdb import DuckDBWarehouse

AS_OF = date(2026, 6, 30)
SCORES = range(1, 6)


@dataclass(frozen=True)
class Transaction:
    customer_id: str | None
    days_ago: int = 0
    amount: str = "10.00"
    transaction_type: str = "sale"
    is_counted: bool = True

    @property
    def occurred_at(self) -> datetime:
        return datetime.combine(AS_OF - timedelta(days=self.days_ago), datetime.min.time()) + timedelta(hours=23)


TRANSACTIONS = pa.schema(
    {
        "customer_id": pa.string(),
        "transaction_type": pa.string(),
        "occurred_at": pa.timestamp("us"),
        "is_counted": pa.bool_(),
        "net_amount_base": pa.decimal128(18, 4),
    }
)


def as_table(transactions: Iterable[Transaction]) -> pa.Table:
    rows = [
        {
            "customer_id": row.customer_id,
            "transaction_type": row.transaction_type,
            "occurred_at": row.occurred_at,
            "is_counted": row.is_counted,
            "net_amount_base": Decimal(row.amount).quantize(Decimal("0.0001")),
        }
        for row in transactions
    ]
    return pa.Table.from_pylist(rows, schema=TRANSACTIONS)


@pytest.fixture
def shop(tmp_path: Path) -> Callable[..., DuckDBWarehouse]:
    """A warehouse with these transactions in `master.transactions`."""

    def build(*transactions: Transaction) -> DuckDBWarehouse:
        warehouse = DuckDBWarehouse(tmp_path / "shop.duckdb")
        with warehouse.connection() as connection:
            connection.register("rows", as_table(transactions))
            connection.execute("create schema if not exists master")
            connection.execute("create or replace table master.transactions as select * from rows")
        return warehouse

    return build


def scores(warehouse: DuckDBWarehouse, as_of: date = AS_OF) -> dict[str, dict[str, Any]]:
    rows = warehouse.rows("select * from intelligence.rfm order by customer_id, as_of")
    return {row["customer_id"]: row for row in rows if row["as_of"] == as_of}


GRID = read_grid()
SELECT = rfm_select(AS_OF, GRID).sql(dialect="duckdb")
MEMORY = duckdb.connect()
MEMORY.execute("create schema master")


def score_in_memory(transactions: Iterable[Transaction]) -> dict[str, dict[str, Any]]:
    """The same select on an in-memory database, for tests with many examples."""
    MEMORY.register("transactions_now", as_table(transactions))
    MEMORY.execute("create or replace table master.transactions as select * from transactions_now")
    rows = MEMORY.sql(SELECT).to_arrow_table().to_pylist()
    assert len({row["customer_id"] for row in rows}) == len(rows)
    return {row["customer_id"]: row for row in rows}


shop_days = st.lists(
    st.builds(
        Transaction,
        customer_id=st.sampled_from([None, *(f"c_{number}" for number in range(12))]),
        days_ago=st.integers(-5, 900),
        amount=st.decimals(-500, 500, places=2).map(str),
        transaction_type=st.sampled_from(["sale", "sale", "sale", "refund", "return"]),
        is_counted=st.sampled_from([True, True, True, False]),
    ),
    max_size=60,
)


def test_figures_are_those_of_counted_transactions_up_to_the_day(shop):
    warehouse = shop(
        Transaction("c_1", days_ago=3, amount="100"),
        Transaction("c_1", days_ago=10, amount="50.5"),
        Transaction("c_1", days_ago=1, amount="-20.25", transaction_type="refund"),
        Transaction("c_1", days_ago=0, amount="999", is_counted=False),
        Transaction("c_1", days_ago=-1, amount="999"),
        Transaction(None, days_ago=0, amount="999"),
    )

    summary = write_rfm(warehouse, AS_OF)

    assert summary.rows == 1
    row = scores(warehouse)["c_1"]
    assert (row["recency_days"], row["frequency"], row["monetary"]) == (3, 2, Decimal("130.2500"))
    assert row["model_version"] == GRID.version


def test_the_whole_last_day_counts(shop):
    warehouse = shop(Transaction("c_1", days_ago=0))
    write_rfm(warehouse, AS_OF)
    assert scores(warehouse)["c_1"]["recency_days"] == 0


def test_what_lies_before_the_window_counts_for_recency_only(shop):
    window = GRID.window_days
    warehouse = shop(
        Transaction("c_first_day", days_ago=window - 1, amount="7"),
        Transaction("c_day_before", days_ago=window, amount="7"),
    )
    write_rfm(warehouse, AS_OF)
    rows = scores(warehouse)
    assert (rows["c_first_day"]["frequency"], rows["c_first_day"]["monetary"]) == (1, Decimal(7))
    assert (rows["c_day_before"]["frequency"], rows["c_day_before"]["monetary"]) == (0, Decimal(0))
    assert rows["c_day_before"]["recency_days"] == window


def test_a_customer_with_refunds_only_has_no_row(shop):
    warehouse = shop(Transaction("c_1", transaction_type="refund"), Transaction("c_2", is_counted=False))
    assert write_rfm(warehouse, AS_OF).rows == 0
    assert scores(warehouse) == {}


def test_an_empty_shop_gives_an_empty_table_and_a_full_list_of_segments(shop):
    warehouse = shop()
    summary = write_rfm(warehouse, AS_OF)
    assert summary.rows == 0
    assert [row.customers for row in summary.segments] == [0] * len(GRID.segments)
    assert compare_with_sales(warehouse, AS_OF).is_complete
    assert "champions" in segments_as_markdown(summary)


def test_ten_distinct_customers_fill_the_five_scores_evenly(shop):
    warehouse = shop(
        *(
            Transaction(f"c_{number}", days_ago=9 - number, amount=str(number))
            for number in range(10)
            for _ in range(number + 1)
        )
    )
    write_rfm(warehouse, AS_OF)
    rows = scores(warehouse)
    expected = [1 + number // 2 for number in range(10)]
    for score in ("f_score", "m_score"):
        assert [rows[f"c_{number}"][score] for number in range(10)] == expected
    assert [rows[f"c_{number}"]["r_score"] for number in range(10)] == expected


def test_a_crowd_of_first_time_buyers_of_today_is_new(shop):
    warehouse = shop(*(Transaction(f"c_{number}") for number in range(7)))
    write_rfm(warehouse, AS_OF)
    assert {(row["r_score"], row["f_score"], row["segment"]) for row in scores(warehouse).values()} == {(5, 1, "new")}


def test_a_second_run_of_the_same_day_gives_the_same_rows(shop):
    warehouse = shop(*(Transaction(f"c_{number}", days_ago=number % 7) for number in range(50)))
    first = write_rfm(warehouse, AS_OF)
    rows = scores(warehouse)
    assert write_rfm(warehouse, AS_OF) == first
    assert scores(warehouse) == rows


def test_a_run_leaves_the_rows_of_other_days_alone(shop):
    warehouse = shop(Transaction("c_1", days_ago=20), Transaction("c_2", days_ago=2))
    earlier = AS_OF - timedelta(days=10)
    write_rfm(warehouse, earlier)
    before = scores(warehouse, earlier)
    write_rfm(warehouse, AS_OF)
    assert set(before) == {"c_1"}
    assert scores(warehouse, earlier) == before
    assert set(scores(warehouse)) == {"c_1", "c_2"}


def test_the_summary_counts_customers_and_money_by_segment(shop):
    warehouse = shop(Transaction("c_1", days_ago=0, amount="5"), Transaction("c_2", days_ago=400, amount="7"))
    summary = write_rfm(warehouse, AS_OF)
    assert sum(row.customers for row in summary.segments) == summary.rows == 2
    assert sum(row.monetary for row in summary.segments) == Decimal(12)


@pytest.mark.parametrize(
    "statement",
    [
        "delete from intelligence.rfm where customer_id = 'c_1'",
        "insert into intelligence.rfm select * from intelligence.rfm where customer_id = 'c_1'",
        "update intelligence.rfm set customer_id = 'c_stranger' where customer_id = 'c_1'",
        "update intelligence.rfm set as_of = as_of - 1",
    ],
    ids=["missing", "twice", "stranger", "of another day"],
)
def test_the_coverage_check_notices_wrong_rows(shop, statement):
    warehouse = shop(Transaction("c_1"), Transaction("c_2"))
    write_rfm(warehouse, AS_OF)
    assert compare_with_sales(warehouse, AS_OF).is_complete
    warehouse.run([statement])
    assert not compare_with_sales(warehouse, AS_OF).is_complete


@given(shop_days, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_rows_does_not_matter(transactions, random):
    shuffled = random.sample(transactions, len(transactions))
    assert score_in_memory(shuffled) == score_in_memory(transactions)


@given(shop_days)
@settings(max_examples=60, deadline=None)
def test_scores_are_fair(transactions):
    rows = list(score_in_memory(transactions).values())
    for row in rows:
        assert {row["r_score"], row["f_score"], row["m_score"]} <= set(SCORES)
        assert (row["r_score"], row["f_score"]) in GRID.segments[row["segment"]].cells()
        assert row["m_score"] in GRID.value_tiers[row["value_tier"]]
    for measure, score, sign in (
        ("recency_days", "r_score", -1),
        ("frequency", "f_score", 1),
        ("monetary", "m_score", 1),
    ):
        for better in rows:
            for other in rows:
                if better[measure] == other[measure]:
                    assert better[score] == other[score]
                elif sign * better[measure] > sign * other[measure]:
                    assert better[score] >= other[score]


@given(shop_days, st.integers(0, 900))
@settings(max_examples=40, deadline=None)
def test_one_more_purchase_never_lowers_recency_or_frequency(transactions, days_ago):
    before = score_in_memory(transactions)
    after = score_in_memory([*transactions, Transaction("c_1", days_ago=days_ago)])
    if "c_1" in before:
        assert after["c_1"]["r_score"] >= before["c_1"]["r_score"]
        assert after["c_1"]["f_score"] >= before["c_1"]["f_score"]


def test_the_select_is_rendered_for_bigquery_too():
    assert "DATE_DIFF(CAST('2026-06-30' AS DATE), MAX(" in rfm_select(AS_OF, GRID).sql(dialect="bigquery")


def test_every_cell_of_the_grid_has_exactly_one_segment():
    cells = [cell for segment in GRID.segments.values() for cell in segment.cells()]
    assert sorted(cells) == [(r, f) for r in SCORES for f in SCORES]
    assert sorted(score for tier in GRID.value_tiers.values() for score in tier) == list(SCORES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda grid: grid["segments"].pop("new"), "r = 5, f = 1 must be in exactly one segment, but is in none"),
        (lambda grid: grid["segments"]["new"].update(f=[1, 2]), r"r = 5, f = 2 .* \['new', 'potential_loyalists'\]"),
        (lambda grid: grid["value_tiers"].pop("low"), "m = 1 must be in exactly one value tier"),
        (lambda grid: grid["segments"]["new"].update(r=[6]), "less than or equal to 5"),
        (lambda grid: grid.update(window_day=30), "did you mean 'window_days'"),
    ],
    ids=["gap", "overlap", "tier", "score", "key"],
)
def test_a_wrong_grid_is_refused_with_its_file(tmp_path, change, message):
    grid = yaml.safe_load(GRID_FILE.read_text(encoding="utf-8"))
    change(grid)
    path = tmp_path / "grid.yml"
    path.write_text(yaml.safe_dump(grid), encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as error:
        read_grid(path)
    assert "grid.yml" in str(error.value)


def test_a_changed_grid_is_another_model_version():
    assert GRID.model_copy(update={"window_days": GRID.window_days + 1}).version != GRID.version
