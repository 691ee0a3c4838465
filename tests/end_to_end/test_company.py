"""The simulated company from its six systems to its exports, against the truth that the pipeline never reads."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scv_platform.identity.explain import compare, explain
from scv_platform.simulation import simulate
from scv_platform.warehouse import Warehouse
from tests.canary import CANARY
from tests.conftest import UNTIL, Platform

pytestmark = pytest.mark.company

AUDIENCES = {
    "baby_club", "baby_shelf_reminder", "champions_at_risk_review", "jeans_launch", "thank_you_card", "we_miss_you",
}  # fmt: skip


def manifest(platform: Platform, audience: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((platform.folder / "exports" / audience / "manifest.json").read_text())
    return found


def export(platform: Platform, audience: str) -> Path:
    return platform.folder / "exports" / audience / str(manifest(platform, audience)["file"])


def counted_money(warehouse: Warehouse) -> list[dict[str, Any]]:
    return warehouse.rows(
        """
        select
            source,
            transaction_type as kind,
            currency,
            count(*) as n,
            cast(sum(net_amount) as decimal(18, 2)) as net
        from master.transactions
        where is_counted and transaction_type <> 'return'
        group by source, transaction_type, currency
        order by source, kind, currency
        """
    )


def true_money(platform: Platform) -> list[dict[str, Any]]:
    truth = platform.settings.landing / "truth" / "transactions.parquet"
    with duckdb.connect() as connection:
        rows: list[dict[str, Any]] = (
            connection.sql(
                f"""
                select
                    system as source,
                    kind,
                    currency,
                    count(*) as n,
                    cast(sum(amount_net) as decimal(18, 2)) as net
                from '{truth}'
                where is_counted
                group by all
                order by source, kind, currency
                """
            )
            .to_arrow_table()
            .to_pylist()
        )
        return rows


def test_identities_reach_the_floors_that_the_platform_promises(company: Platform) -> None:
    (found,) = company.warehouse.rows("select * from identity.evaluations")
    assert found["pair_precision"] >= 0.98
    assert found["pair_recall"] >= 0.80


def test_each_company_of_the_web_site_is_its_account_in_the_crm_and_none_is_two_of_them(company: Platform) -> None:
    rows = company.warehouse.rows("select account_id, source, source_id from identity.account_map")
    found: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for row in rows:
        # Both number the companies from 0, each in its own way.
        of_crm = row["source"] == "salesforce"
        number = int(row["source_id"][10:15], 36) - 100_000 if of_crm else int(row["source_id"].removeprefix("g"))
        found[row["account_id"]].add((row["source"], number))
    assert all(len({number for _, number in records}) == 1 for records in found.values())
    in_crm = {account for account, records in found.items() if any(source == "salesforce" for source, _ in records)}
    assert set(found) == in_crm
    assert len(in_crm) < len(rows)


def test_money_equals_the_truth_to_the_cent_in_every_system_and_currency(company: Platform) -> None:
    expected = true_money(company)
    assert {row["source"] for row in expected} == {"shopify", "stripe", "salesforce"}
    assert counted_money(company.warehouse) == expected


def test_returns_carry_no_money_beside_their_refunds(company: Platform) -> None:
    (returns,) = company.warehouse.rows(
        "select count(*) as n, sum(net_amount) as net from master.transactions where transaction_type = 'return'"
    )
    assert returns["n"] > 0
    assert returns["net"] == 0


def test_every_sale_is_one_of_the_truth_with_its_amount(company: Platform) -> None:
    truth = company.settings.landing / "truth" / "transactions.parquet"
    found = company.warehouse.table(
        "select source, transaction_id, net_amount, is_counted from master.transactions where transaction_type = 'sale'"
    )
    with duckdb.connect() as connection:
        connection.register("found", found)
        differing = connection.sql(
            f"""
            select *
            from (select * from '{truth}' where kind = 'sale') as truth
            full join found
                on found.source = truth.system
                and found.transaction_id = truth.system || ':' || truth.source_id
            where truth.amount_net is distinct from found.net_amount
                or truth.is_counted is distinct from found.is_counted
            """
        ).fetchall()
    assert differing == []


def test_every_broken_row_is_in_quarantine_with_its_reason_and_nothing_else_is(
    company: Platform, tmp_path: Path
) -> None:
    rows = company.warehouse.rows("select file, line, reason from quarantine.rejected_rows")
    assert all(row["reason"] and row["line"] for row in rows)
    hers = [row for row in rows if "canary" in row["file"]]
    # Three of her rows break in a value, two are no JSON.
    assert len(hers) == 5
    # A company of any size breaks the same rows.
    assert len(rows) - len(hers) == simulate(20, seed=1, until=UNTIL, out=tmp_path).broken_rows
    for row in rows:
        if row not in hers:
            written = Path(row["file"]) if Path(row["file"]).is_absolute() else company.folder / row["file"]
            lines = written.read_text().splitlines()
            assert row["line"] > len(lines) - 3, "the simulation writes broken rows last"


def test_an_export_is_whole_and_its_manifest_tells_the_truth_about_it(company: Platform) -> None:
    for audience in AUDIENCES:
        path, told = export(company, audience), manifest(company, audience)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == told["sha256"]
        assert len(path.read_text().splitlines()) - 1 == told["rows"]
        assert sorted(file.name for file in path.parent.iterdir()) == sorted([path.name, "manifest.json"])


def test_who_did_not_say_yes_is_in_no_export_that_needs_consent(company: Platform) -> None:
    needing = {audience for audience in AUDIENCES if manifest(company, audience)["legal_basis"] == "consent"}
    assert needing
    granted = {
        row["customer_id"]
        for row in company.warehouse.rows(
            "select customer_id from master.consents where purpose = 'email_marketing' and status = 'granted'"
        )
    }
    sent, members = 0, 0
    for audience in needing:
        with duckdb.connect() as connection:
            found = connection.sql(f"select customer_id from read_csv('{export(company, audience)}')").fetchall()
        exported = {customer for (customer,) in found}
        assert exported <= granted
        (row,) = company.warehouse.rows(
            f"select count(*) as n from audiences.audience_members where name = '{audience}' and exited_at is null"
        )
        sent, members = sent + len(exported), members + row["n"]
    assert 0 < sent < members


def test_the_summary_shows_the_state_of_the_warehouse(company: Platform) -> None:
    text = company.scv("summary")
    (row,) = company.warehouse.rows("select count(*) as n from master.customers")
    assert f"{row['n']:,}" in text
    for word in ("pair precision", "rows in quarantine", "net revenue", "champions", "thank_you_card", "withheld by"):
        assert word in text
    assert CANARY.family_name not in text


@pytest.fixture(scope="module")
def next_day(copy_of_company: Callable[[], Platform]) -> Platform:
    """The company a day later, with what its systems delivered meanwhile."""
    copied = copy_of_company()
    day = (UNTIL + timedelta(days=1)).isoformat()
    platform = replace(copied, environment={**copied.environment, "SCV_AS_OF": day})
    platform.scv("simulate", "--days", "1")
    platform.scv("run")
    return platform


def test_a_day_later_money_equals_the_truth_again_and_who_was_known_keeps_the_id(
    company: Platform, next_day: Platform
) -> None:
    assert counted_money(next_day.warehouse) == true_money(next_day)
    assert true_money(next_day) != true_money(company)
    before, after = (
        {row["record_id"]: row["customer_id"] for row in platform.warehouse.rows("select * from identity.identity_map")}
        for platform in (company, next_day)
    )
    kept = sum(after[record] == customer for record, customer in before.items())
    assert before.keys() <= after.keys()
    assert kept > 0.98 * len(before)


def test_every_link_of_a_customer_can_be_told_and_any_two_of_its_records_have_a_path(company: Platform) -> None:
    largest = company.warehouse.rows(
        """
        select customer_id
        from identity.identity_map
        where customer_id is not null
        group by customer_id
        order by count(*) desc, customer_id
        limit 6
        """
    )
    for customer in (row["customer_id"] for row in largest):
        found = explain(company.warehouse, customer, show=True)
        assert found.is_published
        assert len(found.links) >= len(found.records) - 1 > 0
        # What two records have in common, or how likely the model finds that they are one person.
        links = (*found.links, *found.refused)
        assert [link for link in links if not link.evidence and link.origin != "model"] == []
        assert all((link.probability or 0) >= 0.5 for link in links if link.origin == "model")
        first, *others = (record.record_id for record in found.records)
        path = compare(company.warehouse, first, others[-1]).path
        assert [path[0].record_a, path[-1].record_b] == [first, others[-1]]


def test_an_explanation_tells_no_identifier_that_is_not_asked_for(company: Platform) -> None:
    (row,) = company.warehouse.rows(
        """
        select
            edges.record_b,
            identifiers.identifier_value
        from identity.edges as edges
        inner join identity.identifiers as identifiers
            on edges.record_b = identifiers.record_id and edges.key_hash = identifiers.key_hash
        where edges.rule = 'email' and edges.status = 'kept'
        order by edges.record_b, edges.key_hash
        limit 1
        """
    )
    told = company.scv("explain", "identity", row["record_b"])
    assert "share email" in told
    assert row["identifier_value"] not in told
    assert row["identifier_value"] not in company.scv("explain", "identity", row["record_b"], "--json")
    assert row["identifier_value"] in company.scv("explain", "identity", row["record_b"], "--show")
    assert "did you mean" in company.scv("explain", "identity", row["record_b"] + "x", expect=2)
