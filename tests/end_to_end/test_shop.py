"""The demo shop from its landing files to its exports, against what the files and the truth say."""

import hashlib
import json
from pathlib import Path

import duckdb
import pytest

from tests.conftest import Platform


@pytest.fixture(scope="module")
def files() -> duckdb.DuckDBPyConnection:
    """A DuckDB without any tables, to read files with plain SQL."""
    return duckdb.connect()


def read_export(shop: Platform, audience: str) -> tuple[dict[str, object], Path]:
    manifest = json.loads((shop.folder / "exports" / audience / "manifest.json").read_text())
    return manifest, shop.folder / "exports" / audience / str(manifest["file"])


def test_no_two_people_of_the_truth_share_a_customer_and_records_become_fewer_customers(
    shop: Platform, files: duckdb.DuckDBPyConnection
) -> None:
    truth = files.sql(f"select * from '{shop.settings.landing}/truth/records.parquet'").to_arrow_table()
    files.register("truth", truth)
    files.register("found", shop.warehouse.table("select record_id, customer_id from identity.identity_map"))
    joined = files.sql("select * from truth full join found using (record_id)")
    assert joined.filter("person_id is null or customer_id is null").fetchall() == []
    assert (
        files.sql(
            "select customer_id from truth join found using (record_id) group by 1 having count(distinct person_id) > 1"
        ).fetchall()
        == []
    )
    (records, people, customers), *_ = files.sql(
        "select count(*), count(distinct person_id), count(distinct customer_id)"
        " from truth join found using (record_id)"
    ).fetchall()
    assert people <= customers < records


def test_every_broken_row_is_in_quarantine_with_its_file_line_and_reason_and_nothing_else_is(shop: Platform) -> None:
    rows = shop.warehouse.rows("select table_name, file, line, reason from quarantine.rejected_rows order by 1, 2, 3")
    assert [(row["table_name"], Path(row["file"]).name) for row in rows] == [
        ("consents", "subscribers.csv"),
        ("consents", "consents.jsonl"),
        ("people", "subscribers.csv"),
        ("people", "people.csv"),
        ("people", "people.csv"),
        ("transaction_lines", "receipts.csv"),
        ("transactions", "transactions.csv"),
        ("transactions", "transactions.csv"),
    ]
    for row in rows:
        lines = (shop.settings.landing / row["file"]).read_text().splitlines()
        assert row["line"] > len(lines) - 3, "the simulation writes broken rows last"
        assert row["reason"]


def test_revenue_is_what_the_files_of_the_shop_and_the_till_say(
    shop: Platform, files: duckdb.DuckDBPyConnection
) -> None:
    landing = shop.settings.landing
    (web,), *_ = files.sql(
        f"""
        with booked as (select * from read_csv('{landing}/shop/transactions.csv', all_varchar = true)),
        cancelled as (select order_number from booked where kind = 'order' and state = 'cancelled'),
        refunded as (select order_number from booked where kind = 'refund')
        select sum(case
            when kind = 'order' then try_cast(goods as decimal(18, 4)) - cast(voucher as decimal(18, 4))
            when kind = 'return' and order_number in (from refunded) then 0
            else -cast(refunded as decimal(18, 4))
        end)
        from booked
        where order_number not in (from cancelled) and try_cast(booked_at as timestamp) is not null
            and coalesce(try_cast(goods as decimal(18, 4)), 0) = coalesce(try_cast(goods as decimal(18, 4)), -1)
            or kind <> 'order' and order_number not in (from cancelled)
        """
    ).fetchall()
    (till,), *_ = files.sql(
        f"""
        select sum(cast("Menge" as int) * cast(replace(replace("Einzelpreis", '.', ''), ',', '.') as decimal(18, 2)))
        from read_csv('{landing}/till/receipts.csv', all_varchar = true, delim = ';')
        where "Artikel" <> 'BAG' and try_strptime("Zeit", '%d.%m.%Y %H:%M') is not null
        """
    ).fetchall()
    rows = shop.warehouse.rows(
        "select source, sum(net_amount) as net from master.transactions where is_counted group by 1 order by 1"
    )
    assert {row["source"]: row["net"] for row in rows} == {"shop": web, "till": till}


def test_an_export_is_whole_and_its_manifest_tells_the_truth_about_it(shop: Platform) -> None:
    for audience in ("camping_newsletter", "win_back_review"):
        manifest, path = read_export(shop, audience)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == manifest["sha256"]
        assert len(path.read_text().splitlines()) - 1 == manifest["rows"]
        assert sorted(file.name for file in path.parent.iterdir()) == sorted([path.name, "manifest.json"])


def test_nobody_who_withdrew_consent_is_in_an_export_that_needs_it(
    shop: Platform, files: duckdb.DuckDBPyConnection
) -> None:
    manifest, path = read_export(shop, "camping_newsletter")
    assert manifest["legal_basis"] == "consent"
    landing = shop.settings.landing
    denied = files.sql(
        f"""
        with answers as (
            select lower(mail) as email, status, cast(answered_at as timestamp) as answered_at
            from read_json('{landing}/shop/consents.jsonl', ignore_errors = true)
            where purpose = 'email_marketing'
            union all
            select lower("E-Mail"), case when "Status" = 'abgemeldet' then 'denied' else 'granted' end,
                try_strptime("Letzte Änderung", '%d.%m.%Y %H:%M')
            from read_csv('{landing}/newsletter/subscribers.csv', all_varchar = true, delim = ';')
        )
        select email from answers group by email having arg_max(status, answered_at) = 'denied'
        """
    )
    exported = files.sql(f"select lower(email) as email from read_csv('{path}')")
    assert denied.fetchall()
    assert exported.fetchall()
    assert files.sql("select * from exported join denied using (email)").fetchall() == []


def test_a_custom_field_reaches_customers_and_exports_without_code(
    shop: Platform, files: duckdb.DuckDBPyConnection
) -> None:
    tiers = shop.warehouse.rows("select distinct loyalty_tier from master.customers where loyalty_tier is not null")
    assert {row["loyalty_tier"] for row in tiers} <= {"bronze", "silver", "gold"}
    _, path = read_export(shop, "camping_newsletter")
    assert files.sql(f"select count(loyalty_tier) from read_csv('{path}')").fetchall()[0][0] > 0


def test_the_summary_shows_the_state_of_the_warehouse(shop: Platform) -> None:
    text = shop.scv("summary")
    (row,) = shop.warehouse.rows("select count(*) as n from master.customers")
    assert f"{row['n']:,}" in text
    for word in (
        "rows in quarantine",
        "net revenue",
        "champions",
        "next 90 days",
        "camping_newsletter",
        "withheld by the gate",
    ):
        assert word in text
