"""How well churn is forecast on real purchases, and how long the scores take on many simulated customers.

Run with `SCV_REAL_DATA=<folder> python benchmarks/churn_backtest.py`; without the folder only times are measured.
Real purchases: UCI Online Retail II, 2009-2010, by `examples/online_retail/definition.sql`. A forecast knows what was
bought up to its origin; its label is no purchase in the 90 days after.
"""

import os
import resource
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from scv_platform.intelligence.backtest import run_backtest
from scv_platform.intelligence.churn import write_churn
from scv_platform.intelligence.churn_model import fit_population, read_histories
from scv_platform.warehouse.duckdb import DuckDBWarehouse

DEFINITION = Path(__file__).resolve().parents[1] / "examples" / "online_retail" / "definition.sql"
ORIGINS = [date(2010, 4, 1), date(2010, 6, 1), date(2010, 7, 1), date(2010, 8, 1), date(2010, 9, 10)]
AS_OF = date(2026, 6, 30)
DAYS = 730


def load_online_retail(warehouse: DuckDBWarehouse, folder: Path) -> None:
    with warehouse.connection() as connection:
        connection.execute("set variable sheet = ?", [str(folder / "online_retail_ii" / "2009-2010.parquet")])
        connection.execute(DEFINITION.read_text(encoding="utf-8"))
        connection.execute("create schema master")
        connection.execute(
            """
            create table master.transactions as
            select customer as customer_id, type as transaction_type, true as is_counted, invoiced_at as occurred_at
            from invoices
            """
        )


def simulated_sales(customers: int) -> pa.Table:
    """Sales of customers who buy at rates of their own, and leave with chances of their own, over two years."""
    random = np.random.default_rng(1)
    rate, leaving = random.gamma(0.9, 1 / 60, customers), random.beta(0.8, 3, customers)
    who, day = np.arange(customers), random.uniform(0, DAYS, customers)
    numbers, days = [], []
    while who.size:
        numbers.append(who)
        days.append(day)
        stays = random.random(who.size) >= leaving[who]
        who, day = who[stays], day[stays]
        day = day + random.exponential(1, who.size) / rate[who]
        who, day = who[day < DAYS], day[day < DAYS]
    start = np.datetime64(AS_OF - timedelta(days=DAYS - 1), "us")
    moments = start + (np.concatenate(days) * 86_400_000_000).astype("timedelta64[us]")
    return pa.table({"number": np.concatenate(numbers), "occurred_at": moments})


def load_simulated(warehouse: DuckDBWarehouse, customers: int) -> int:
    sold = simulated_sales(customers)
    with warehouse.connection() as connection:
        connection.register("sold", sold)
        connection.execute("create schema master")
        connection.execute(
            """
            create table master.transactions as
            select 'c_' || number as customer_id, 'sale' as transaction_type, true as is_counted, occurred_at
            from sold
            """
        )
        connection.execute(
            "create table master.customers as select distinct customer_id from master.transactions order by customer_id"
        )
    return sold.num_rows


def print_figures(folder: Path, data: Path) -> None:
    warehouse = DuckDBWarehouse(folder / "online_retail.duckdb")
    load_online_retail(warehouse, data)
    print("| origin | forecast | customers | churned | AUC | Brier | log loss | ECE |")
    print("|---|---|--:|--:|--:|--:|--:|--:|")
    for origin in ORIGINS:
        for name, of in run_backtest(warehouse, origin).figures.items():
            print(
                f"| {origin} | {name} | {of.customers:,} | {of.churned / of.customers:.1%} | {of.auc:.3f}"
                f" | {of.brier:.4f} | {of.log_loss:.4f} | {of.ece:.3f} |"
            )


def print_times(folder: Path) -> None:
    print("\n| customers | sales | histories (s) | fit (s) | all of churn_scores (s) | peak memory (MB) |")
    print("|--:|--:|--:|--:|--:|--:|")
    for customers in (10_000, 100_000, 1_000_000):
        warehouse = DuckDBWarehouse(folder / f"{customers}.duckdb")
        sales = load_simulated(warehouse, customers)
        started = time.perf_counter()
        histories = read_histories(warehouse, AS_OF)
        read = time.perf_counter()
        fit_population(histories)
        fitted = time.perf_counter()
        summary = write_churn(warehouse, AS_OF)
        written = time.perf_counter()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"| {summary.rows:,} | {sales:,} | {read - started:.2f} | {fitted - read:.2f}"
            f" | {written - fitted:.2f} | {memory:,} |"
        )


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = os.environ.get("SCV_REAL_DATA")
        if data:
            print_figures(folder, Path(data))
        else:
            print("SCV_REAL_DATA does not name the folder of real data: no figures on real purchases")
        print_times(folder)


if __name__ == "__main__":
    main()
