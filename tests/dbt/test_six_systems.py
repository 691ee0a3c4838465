"""The whole project on one woman whom six systems know, each in its own words."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from tests.dbt import six_systems
from tests.dbt.conftest import Dbt
from tests.dbt.raw import load


def named_by(record_id: str) -> str:
    """The id of the account that a record names, as the contract says it is made."""
    return f"a_{hashlib.sha256(record_id.encode()).hexdigest()[:20]}"


ACME = named_by("salesforce:001A")
GUEST = f"shopify:guest:{hashlib.sha256(b'guest@y.com').hexdigest()[:16]}"


@pytest.fixture(scope="module")
def dbt(make_dbt: Callable[..., Dbt]) -> Dbt:
    dbt = make_dbt(SCV_DEFAULT_COUNTRY="CH")
    for number, files in enumerate(six_systems.LOADS, start=1):
        load(dbt.path, number, files)
    load(dbt.path, 4, [six_systems.KILLED], complete=False)
    dbt.build("--exclude-resource-type", "test")
    return dbt


@pytest.fixture(scope="module")
def customers(dbt: Dbt) -> dict[str, str | None]:
    return dict(dbt.table("identity.identity_map", "record_id, customer_id"))


@pytest.fixture(scope="module")
def ann(customers: dict[str, str | None]) -> str | None:
    return customers["salesforce:003A"]


def test_six_systems_become_one_customer_and_a_visitor_none(customers: dict[str, str | None], ann: str | None):
    assert ann is not None
    hers = {record for record, customer in customers.items() if customer == ann}
    assert hers == {
        "salesforce:00QA",
        "salesforce:00QB",
        "salesforce:003A",
        "shopify:7",
        "stripe:cus_1",
        "zendesk:9",
        "app_db:u1",
        "web_events:u1",
        "web_events:device:d1",
    }
    assert set(customers) - hers == {GUEST, "stripe:cus_2", "web_events:device:d9"}
    assert customers[GUEST] not in {None, ann}
    assert customers["web_events:device:d9"] is None


def test_each_record_says_what_its_system_says(dbt: Dbt):
    columns = "record_id, record_type, given_name, family_name, phone_e164, birth_date, country, language, user_id"
    assert {row[0]: row[1:] for row in dbt.table("intermediate.int_people", columns)} == {
        # The old version that came late does not win.
        "salesforce:003A": ("person", "Ann", "Meier", "+41791234567", date(1990, 5, 1), "CH", None, None),
        "salesforce:00QA": ("person", "Ann", "Meier", None, None, None, None, None),
        "salesforce:00QB": ("person", "Ann", "Meier", None, None, None, None, None),
        "shopify:7": ("person", "Ann", "Meier", None, None, "CH", None, None),
        GUEST: ("guest", "Gus", "Green", None, None, "GB", None, None),
        "stripe:cus_1": ("person", "Ann", "Meier", None, None, None, None, "u1"),
        "stripe:cus_2": ("person", "Acme", "AG", None, None, None, None, None),
        "zendesk:9": ("person", "Ann", "Meier", None, None, None, "de", "u1"),
        "app_db:u1": ("person", "Ann", "Meier", None, None, None, None, "u1"),
        "web_events:u1": ("reference", None, None, None, None, None, None, None),
        "web_events:device:d1": ("device", None, None, None, None, None, None, None),
        "web_events:device:d9": ("device", None, None, None, None, None, None, None),
    }


def test_events_are_told_once_in_order_and_found_by_who_the_device_turned_out_to_be(dbt: Dbt, ann: str | None):
    rows = dbt.rows(
        "select event_id, event, event_value, campaign, value, session_id, seconds_since_previous"
        f" from master.events where customer_id = '{ann}' order by event_sequence"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("salesforce:00QA:lead_created", "Lead Created", "Acme", None, None, None, None),
        ("salesforce:00QA:lead_converted", "Lead Converted", "Acme", None, None, None, 1868400),
        ("salesforce:006A:opportunity_created", "Opportunity Created", "Uniforms", None, 500, None, 118800),
        ("salesforce:006A:opportunity_won", "Opportunity Won", "Uniforms", None, 500, None, 2386800),
        ("web_events:m1", "Page Viewed", "/jeans", None, None, "web_events:m1", 2714400),
        ("web_events:m3", "Product Viewed", "Slim Jeans", "Spring", None, "web_events:m1", 300),
        ("app_db:sign_in:1", "Signed In", None, None, None, "web_events:m1", 300),
        # The web site told it too: one event, with the device of the one and the items of the other.
        (
            "shopify:1001:order_completed",
            "Order Completed",
            "2 x Slim Jeans, 1 x Baby Bib",
            None,
            90,
            "web_events:m1",
            630,
        ),
        ("zendesk:1:ticket_created", "Ticket Created", "Too small", None, None, None, 2583570),
        ("zendesk:1:ticket_solved", "Ticket Solved", "Too small", None, None, None, 86400),
        ("web_events:m5", "Unsubscribed", "Summer is here", None, None, None, 2599200),
    ]
    (items,) = dbt.rows("select items from master.events where event_id = 'shopify:1001:order_completed'")
    assert [(item["product_id"], item["quantity"]) for item in json.loads(items["items"])] == [("j", 2), ("b", 1)]


def test_a_test_order_a_payment_of_an_order_and_a_killed_load_are_no_events(dbt: Dbt, ann: str | None):
    others = dbt.table(f"(from master.events where customer_id is distinct from '{ann}')", "event_id")
    assert others == [
        ("shopify:1002:order_completed",),
        ("stripe:ch_3:order_completed",),
        ("web_events:m2",),
        ("zendesk:2:ticket_created",),
    ]


def test_tickets_and_consents_are_those_of_their_systems(dbt: Dbt, ann: str | None):
    assert dbt.table("master.tickets", "ticket_id, customer_id, body, channel, solved_at, satisfaction") == [
        ("zendesk:1", ann, "They do not fit.", "email", datetime(2024, 5, 2, 8), "good"),
        ("zendesk:2", None, None, None, None, None),
    ]
    # She subscribed in the shop and left by a mail.
    assert dbt.table("master.consents", "customer_id, purpose, channel, status, source") == [
        (ann, "email_marketing", "email", "denied", "web_events")
    ]


def test_crm_payments_and_web_site_know_one_company_and_the_crm_knows_it_twice(dbt: Dbt, ann: str | None):
    columns = "account_id, name, domain, domains, employees, country, record_count, sources"
    assert dbt.table("master.accounts", columns) == [
        (ACME, "Acme Schweiz", "acme.ch", "acme-group.com, acme.ch", 12, "CH", 4, "salesforce, stripe, web_events")
    ]
    assert dbt.table("identity.account_edges", "record_a, record_b, rule, status") == [
        ("salesforce:001A", "salesforce:001B", "merged", "kept"),
        ("salesforce:001A", "stripe:cus_2", "reference", "kept"),
        ("salesforce:001A", "web_events:g1", "domain", "kept"),
    ]
    # The deal, and what the company paid beside it.
    bought = dbt.table(f"(from master.transactions where account_id = '{ACME}')", "transaction_id, net_amount")
    assert bought == [("salesforce:006A", 500), ("stripe:ch_3", 20)]


def test_a_company_has_its_people_for_members_and_not_itself(dbt: Dbt, ann: str | None):
    members = dbt.table("master.account_members", "account_id, customer_id, job_title, known_by, sources")
    assert members == [(ACME, ann, "Buyer", "link", "salesforce")]


def test_an_account_keeps_its_id_when_records_join_it_or_are_marked_as_deleted(dbt: Dbt, tmp_path: Path):
    later = replace(dbt, path=tmp_path / "scv.duckdb")
    shutil.copy(dbt.path, later.path)
    load(later.path, 5, six_systems.LATER_ACCOUNTS)
    models = "int_accounts account_nodes account_edges account_components account_registry account_map accounts".split()
    later.build("--full-refresh", "--select", "stg_salesforce__account", "stg_files__accounts", *models)
    assert dict(later.table("identity.account_map", "account_record_id, account_id")) == {
        "salesforce:001A": ACME,
        "salesforce:001B": ACME,
        "stripe:cus_2": ACME,
        "web_events:g1": ACME,
        "erp:k1": ACME,
        # A subsidiary.
        "salesforce:001C": named_by("salesforce:001C"),
    }
    assert set(later.table("master.accounts", "account_id, is_deleted, parent_account_id")) == {
        (ACME, False, None),
        (named_by("salesforce:001C"), False, ACME),
    }


def test_rejected_rows_of_every_landing_source_are_shown(dbt: Dbt):
    assert dbt.table("quarantine.rejected_rows", "source, table_name, file, line, reason") == [
        ("salesforce", "contact", "late.jsonl", 2, "no Id")
    ]
