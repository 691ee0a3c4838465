"""`master.customers` and `master.transactions` for the scores: written by hand, or of a simulated population."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa

from scv_platform.warehouse.duckdb import DuckDBWarehouse

AS_OF = date(2026, 6, 30)

SALES = pa.schema(
    {
        "customer_id": pa.string(),
        "transaction_type": pa.string(),
        "occurred_at": pa.timestamp("us"),
        "is_counted": pa.bool_(),
        "net_amount_base": pa.decimal128(18, 4),
    }
)


def late_on(days_ago: int) -> datetime:
    """Near the end of that day."""
    return datetime.combine(AS_OF - timedelta(days=days_ago), datetime.min.time()) + timedelta(hours=23, minutes=59)


def sales(rows: Iterable[tuple[str | None, int]], kind: str = "sale", is_counted: bool = True) -> pa.Table:
    """One transaction for each (customer, days before AS_OF)."""
    rows = list(rows)
    columns = {
        "customer_id": [customer for customer, _ in rows],
        "transaction_type": [kind] * len(rows),
        "occurred_at": [late_on(days_ago) for _, days_ago in rows],
        "is_counted": [is_counted] * len(rows),
        "net_amount_base": [10] * len(rows),
    }
    return pa.table(columns, schema=SALES)


def simulated_sales(customers: int, days: int = 500, seed: int = 1) -> pa.Table:
    """Sales of customers who buy at rates of their own, and leave with chances of their own, up to AS_OF."""
    random = np.random.default_rng(seed)
    rate, leaving = random.gamma(0.9, 1 / 40, customers), random.beta(0.8, 3, customers)
    names = np.array([f"c_{number}" for number in range(customers)])
    day = random.integers(0, days, customers).astype(float)
    here, rows = np.ones(customers, bool), []
    while here.any():
        rows += zip(names[here], days - 1 - day[here].astype(int), strict=True)
        here &= random.random(customers) >= leaving
        day = day + random.exponential(1, customers) / rate
        here &= day < days
    return sales((str(name), int(days_ago)) for name, days_ago in rows)


def stock(warehouse: DuckDBWarehouse, *tables: pa.Table, others: Iterable[str] = ()) -> None:
    """Make these the transactions, and who is in them and the others the customers."""
    transactions = pa.concat_tables([SALES.empty_table(), *tables])
    names = {*transactions.column("customer_id").to_pylist(), *others} - {None}
    with warehouse.connection() as connection:
        connection.register("sold", transactions)
        connection.register("known", pa.table({"customer_id": pa.array(sorted(names), pa.string())}))
        connection.execute("create schema if not exists master")
        connection.execute("create or replace table master.transactions as select * from sold")
        connection.execute("create or replace table master.customers as select * from known")
