"""The shipped segments and audiences against plain SQL over the published tables, written by hand."""

import csv
import json
from collections.abc import Mapping

import pytest

from tests.conftest import UNTIL, Platform

pytestmark = pytest.mark.company

DAY = f"date '{UNTIL}'"
EXPECTED: Mapping[tuple[str, str], str] = {
    ("segment", "jeans_lovers"): """
        select customer_id from master.customers join master.customer_metrics using (customer_id)
        where gender = 'female' and favourite_category = 'Jeans' and net_revenue > 500
    """,
    ("segment", "champions_at_risk"): f"""
        select customer_id from intelligence.rfm join intelligence.churn_scores using (customer_id, as_of)
        where as_of = {DAY} and segment in ('champions', 'loyal') and churn_probability >= 0.6
    """,
    ("segment", "newly_lapsed"): f"""
        select customer_id from master.transactions
        where is_counted and transaction_type = 'sale' and occurred_at < {DAY} + 1 and customer_id is not null
        group by customer_id
        having date_diff('day', max(occurred_at), {DAY}) between 90 and 120
    """,
    ("segment", "reachable_by_email"): """
        select customer_id from master.customers join master.consents using (customer_id)
        where email is not null and purpose = 'email_marketing'
        group by customer_id
        having bool_and(status = 'granted')
    """,
    ("audience", "baby_club"): f"""
        select distinct customer_id from master.customer_metrics join master.transaction_lines using (customer_id)
        where age between 20 and 40 and category = 'Baby' and transaction_type = 'sale' and is_counted
            and occurred_at >= {DAY} - 89 and occurred_at < {DAY} + 1
    """,
    ("audience", "baby_shelf_reminder"): f"""
        select customer_id from master.events
        where event = 'Product Viewed' and category = 'Baby' and customer_id is not null
            and occurred_at >= {DAY} - 29 and occurred_at < {DAY} + 1
        group by customer_id
        having count(*) >= 2
        except
        select customer_id from master.transaction_lines
        where category = 'Baby' and transaction_type = 'sale' and is_counted
            and occurred_at >= {DAY} - 29 and occurred_at < {DAY} + 1
    """,
    ("audience", "thank_you_card"): """
        select customer_id from master.customers join master.customer_metrics using (customer_id)
        where net_revenue >= 1000 and street is not null
    """,
}


@pytest.mark.parametrize(("kind", "name"), EXPECTED)
def test_the_members_are_those_that_plain_sql_finds(company: Platform, kind: str, name: str) -> None:
    members = f"select customer_id from audiences.{kind}_members where name = '{name}' and exited_at is null"
    found = {row["customer_id"] for row in company.warehouse.rows(members)}
    assert found == {row["customer_id"] for row in company.warehouse.rows(EXPECTED[kind, name])}


def test_the_thank_you_card_carries_the_figures_of_the_customer(company: Platform) -> None:
    folder = company.folder / "exports" / "thank_you_card"
    manifest = json.loads((folder / "manifest.json").read_text())
    with (folder / manifest["file"]).open(newline="") as file:
        rows = {row["customer_id"]: row for row in csv.DictReader(file)}
    assert rows
    assert manifest["legal_basis"] == "legitimate_interest"
    metrics = company.warehouse.rows("select * from master.customer_metrics order by customer_id")
    for figures in (row for row in metrics if row["customer_id"] in rows):
        sent = rows[figures["customer_id"]]
        assert int(sent["orders"]) == figures["orders"] > 0
        assert sent["net_revenue"] == str(figures["net_revenue"])
        assert sent["favourite_category"] == (figures["favourite_category"] or "")
        assert sent["last_order_at"][:10] == figures["last_order_at"].date().isoformat()


def test_the_wide_table_says_of_every_membership_what_its_table_says(company: Platform) -> None:
    for kind in ("segment", "audience"):
        names = company.warehouse.rows(f"select distinct name from audiences.{kind}_members order by name")
        assert names
        for name in (row["name"] for row in names):
            flagged = f"select customer_id from serving.customer_360 where in_{kind}_{name}"
            members = f"select customer_id from audiences.{kind}_members where name = '{name}' and exited_at is null"
            assert (
                company.warehouse.rows(f"({flagged}) except ({members}) union all ({members}) except ({flagged})") == []
            )
