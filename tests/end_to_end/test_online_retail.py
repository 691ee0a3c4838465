"""The platform on UCI Online Retail II against `examples/online_retail/definition.sql`, plain SQL on the file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scv_platform.settings import PROJECT_ROOT
from scv_platform.warehouse import Warehouse

DEFINITION = PROJECT_ROOT / "examples" / "online_retail" / "definition.sql"

FIGURES = """
    count(case when transaction_type = 'sale' then 1 end) as sales,
    count(case when transaction_type = 'return' then 1 end) as returns,
    round(coalesce(sum(gross_amount), 0), 2) as gross,
    round(coalesce(sum(refund_amount), 0), 2) as refund,
    round(coalesce(sum(net_amount), 0), 2) as net
"""


@pytest.fixture(scope="session")
def expected(real_data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        sheet = real_data / "online_retail_ii" / "2009-2010.parquet"
        connection.execute("set variable sheet = ?", [str(sheet)])
        connection.execute(DEFINITION.read_text(encoding="utf-8"))
        yield connection


def rows_of(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    return list(connection.sql(sql).to_arrow_table().to_pylist())


def test_customers_sales_returns_and_money_equal_the_definition(online_retail: Warehouse, expected):
    (found,) = online_retail.rows(
        f"""
        select
            (select count(*) from master.customers) as customers,
            count(distinct case when transaction_type = 'sale' then customer_id end) as buyers,
            {FIGURES}
        from master.transactions
        where is_counted
        """
    )
    assert found == rows_of(expected, "from totals")[0]


def test_every_customer_equals_the_definition(online_retail: Warehouse, expected):
    found = online_retail.rows(
        f"""
        select identity_map.source_id as customer, {FIGURES}
        from identity.identity_map
        left join master.transactions
            on transactions.customer_id = identity_map.customer_id
            and transactions.is_counted
        group by identity_map.source_id
        order by customer
        """
    )
    assert found == rows_of(expected, "from by_customer order by customer")


def test_every_month_equals_the_definition(online_retail: Warehouse, expected):
    found = online_retail.rows(
        f"""
        select cast(date_trunc('month', occurred_at) as date) as month, {FIGURES}
        from master.transactions
        where is_counted
        group by 1
        order by month
        """
    )
    assert found == rows_of(expected, "from by_month order by month")


def test_every_kind_of_transaction_is_a_sale_or_a_return_in_pounds(online_retail: Warehouse):
    kinds = online_retail.rows(
        """
        select distinct transaction_type, currency, is_counted, net_amount_base = net_amount as is_base
        from master.transactions
        order by transaction_type
        """
    )
    assert kinds == [
        {"transaction_type": kind, "currency": "GBP", "is_counted": True, "is_base": True}
        for kind in ("return", "sale")
    ]


def test_lines_are_skipped_for_the_reasons_of_the_definition(online_retail: Warehouse, expected):
    (ledger,) = online_retail.rows(
        "select rows_loaded, rows_rejected, skipped from raw_files._loaded_files where entity = 'transaction_lines'"
    )
    reasons = rows_of(expected, "select not_goods, count(*) as n from lines where not_goods is not null group by 1")
    assert json.loads(ledger["skipped"]) == {row["not_goods"]: row["n"] for row in reasons}
    (goods,) = rows_of(expected, "select count(*) as n from lines where not_goods is null")
    assert (ledger["rows_loaded"], ledger["rows_rejected"]) == (goods["n"], 0)


def test_equal_lines_of_an_invoice_are_all_there(online_retail: Warehouse, expected):
    (found,) = online_retail.rows("select count(*) as n from master.transaction_lines")
    (goods,) = rows_of(expected, "select count(*) as n from lines where not_goods is null")
    assert found == goods


def test_country_names_become_codes_and_the_newest_invoice_decides(online_retail: Warehouse):
    # The newest invoices of 12422 say Switzerland after Australia, those of 12423 Belgium after Denmark.
    expected = {"13085": "GB", "14911": "IE", "12422": "CH", "12423": "BE"}
    rows = online_retail.rows(
        """
        select identity_map.source_id as customer, customers.country
        from master.customers
        join identity.identity_map using (customer_id)
        where identity_map.source_id in ('13085', '14911', '12422', '12423')
        """
    )
    assert {row["customer"]: row["country"] for row in rows} == expected


def test_every_buyer_has_an_rfm_segment_on_the_last_day(online_retail: Warehouse, expected):
    (found,) = online_retail.rows("select count(*) as n, max(as_of) as as_of from intelligence.rfm")
    (totals,) = rows_of(expected, "select buyers from totals")
    assert (found["n"], str(found["as_of"])) == (totals["buyers"], "2010-12-09")


def test_the_audience_of_the_example_is_exported_without_consent_because_it_is_internal(online_retail: Warehouse):
    (run,) = online_retail.rows(
        "select rows_sent, rows_withheld, status from activation.sync_runs where audience = 'big_spenders_abroad'"
    )
    (members,) = online_retail.rows(
        "select count(*) as n from audiences.audience_members where name = 'big_spenders_abroad' and exited_at is null"
    )
    assert run["rows_sent"] == members["n"] > 0
    assert run["rows_withheld"] == 0


def test_churn_is_ranked_as_well_as_this_data_allows_and_better_than_by_recency(online_retail: Warehouse, expected):
    (totals,) = rows_of(expected, "select customers, buyers from totals")
    (scores,) = online_retail.rows(
        "select count(*) as customers, count(churn_probability) as buyers from intelligence.churn_scores"
    )
    assert scores == totals
    backtests = online_retail.rows("select * from intelligence.model_backtests")
    auc = {row["model"]: row["auc"] for row in backtests}
    log_loss = {row["model"]: row["log_loss"] for row in backtests}
    assert {str(row["origin"]) for row in backtests} == {"2010-09-10"}
    assert 0.65 < auc["mbg_nbd"] < 0.85
    assert auc["recency"] < auc["mbg_nbd"]
    assert log_loss["mbg_nbd"] < min(log_loss["constant"], log_loss["recency"])
