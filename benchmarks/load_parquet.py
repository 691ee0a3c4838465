"""One million rows of parquet into the warehouse: the whole no-code path against a plain `create table as`.

The path is the real one: discovery, mapping to the canonical columns with a check of every value, load id, ledger and
quarantine, through dlt. Both write the same rows to a new DuckDB file; the runs alternate, so that a busy machine
slows both. Run: `python benchmarks/load_parquet.py [--rows N] [--repetitions N]`
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import duckdb

from scv_platform.settings import Settings
from scv_platform.sources.config import load_sources
from scv_platform.sources.landing import load, load_summary, loaded_files
from scv_platform.warehouse.duckdb import DuckDBWarehouse

PLATFORM = "{company: Benchmark, base_currency: EUR, default_country: DE}"
SOURCES = """
shop:
  from: files
  path: "${SCV_LANDING}/*.parquet"
  format: parquet
  timezone: Europe/Berlin
  entities:
    transactions:
      fields:
        source_id: order_number
        person_source_id: customer_id
        email: email
        occurred_at: ordered_at
        currency: currency
        gross_amount: goods
        discount_amount: discount
        tax_amount: tax
        status: status
        store_id: store
"""


def write_orders(path: Path, rows: int) -> None:
    """Orders in the types that exports have: floats for numbers with nulls and for money, times without a zone."""
    with duckdb.connect() as connection:
        connection.execute("select setseed(0.5)")
        connection.execute(
            f"""
            copy (
                select
                    'order-' || i as order_number,
                    case when i % 50 > 0 then cast(i % 200000 as double) end as customer_id,
                    'user' || i % 200000 || '@example.com' as email,
                    timestamp '2024-01-01' + to_minutes((i * 7) % 1000000) as ordered_at,
                    ['EUR', 'GBP', 'CHF'][1 + i % 3] as currency,
                    round(random() * 500, 2) as goods,
                    cast(random() * 20 as decimal(10, 2)) as discount,
                    round(random() * 50, 2) as tax,
                    ['paid', 'open', 'cancelled'][1 + i % 3] as status,
                    'store-' || i % 40 as store,
                from range({rows}) as numbers (i)
            ) to '{path}' (format parquet)
            """
        )


def seconds_plain(orders: Path, folder: Path) -> float:
    started = time.perf_counter()
    with duckdb.connect(str(folder / "plain.duckdb")) as connection:
        connection.execute(f"create table orders as select * from read_parquet('{orders}')")
    return time.perf_counter() - started


def seconds_platform(orders: Path, folder: Path, rows: int) -> float:
    (folder / "platform.yml").write_text(PLATFORM)
    (folder / "sources.yml").write_text(SOURCES)
    environment = {
        "SCV_CONFIG": str(folder),
        "SCV_LANDING": str(orders.parent),
        "SCV_DUCKDB_PATH": str(folder / "scv.duckdb"),
    }
    settings = Settings.load(environment)
    warehouse = DuckDBWarehouse(settings.duckdb_path)
    started = time.perf_counter()
    dataset = load_sources(settings).dataset("files")
    info = load(settings, dataset, loaded_files(warehouse, dataset.schema))
    elapsed = time.perf_counter() - started
    summary = load_summary(warehouse, dataset.schema, info.loads_ids[0])["transactions"]
    if (summary.rows_loaded, summary.rows_rejected) != (rows, 0):
        raise SystemExit(f"expected {rows} rows, got {summary}")
    return elapsed


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--repetitions", type=int, default=5)
    given = arguments.parse_args()
    ratios = []
    with tempfile.TemporaryDirectory() as root:
        orders = Path(root, "landing", "orders.parquet")
        orders.parent.mkdir()
        write_orders(orders, given.rows)
        print(f"{given.rows:,} rows, 10 columns, {orders.stat().st_size / 1e6:.0f} MB of parquet\n")
        print("| repetition | create table as (s) | platform (s) | ratio |\n|--:|--:|--:|--:|")
        for repetition in range(1, given.repetitions + 1):
            with tempfile.TemporaryDirectory(dir=root) as folder:
                plain = seconds_plain(orders, Path(folder))
                platform = seconds_platform(orders, Path(folder), given.rows)
            ratios.append(platform / plain)
            print(f"| {repetition} | {plain:.2f} | {platform:.2f} | {ratios[-1]:.1f} |")
    print(f"| median | | | {statistics.median(ratios):.1f} |")


if __name__ == "__main__":
    main()
