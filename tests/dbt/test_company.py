"""The whole project on a company that can be worked out by hand: two loads, a mapping that was wrong, a killed load."""

import hashlib
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest

from tests.dbt import company
from tests.dbt.conftest import Dbt


def guest(source: str, email: str) -> str:
    """The record of a guest, as the contract says it is made."""
    return f"{source}:guest:{hashlib.sha256(email.encode()).hexdigest()[:16]}"


def named_by(record_id: str) -> str:
    """The id of the customer that a record names, as the contract says it is made."""
    return "c_" + hashlib.sha256(record_id.encode()).hexdigest()[:20]


ANNA, BOB, CARLA = named_by("crm:1"), named_by("crm:2"), named_by("crm:3")
RECEPTION, DESK = named_by("crm:4"), named_by("crm:5")
GUEST = named_by(guest("shop", "guest@y.com"))
STRANGER = named_by("shop:Z")


def test_what_a_person_has_to_look_at_is_warned_of_and_nothing_else(company_dbt: Dbt):
    assert {name: message.split(":")[0] for name, message in company_dbt.warnings.items()} == {
        "assert_every_country_is_known": "warn",
        "assert_every_currency_is_the_base_currency": "warn",
        "assert_no_line_waits_for_its_transaction": "warn",
    }


def test_everyone_whom_a_source_or_a_fact_names_is_a_person_record(company_dbt: Dbt):
    assert dict(company_dbt.table("identity.source_records", "record_id, record_type")) == {
        **{f"crm:{number}": "person" for number in range(1, 6)},
        "shop:A": "person",
        "shop:B": "person",
        "shop:Z": "reference",
        "desk:q7": "reference",
        "web:w1": "reference",
        "web:device:d1": "device",
        guest("desk", "carla@x.ch"): "guest",
        guest("news", "anna@x.ch"): "guest",
        guest("shop", "guest@y.com"): "guest",
        guest("shop", "noreply@shop.ch"): "guest",
        guest("till", "guest@y.com"): "guest",
    }


def test_records_with_one_address_are_one_customer_named_by_the_record_that_came_first(company_dbt: Dbt):
    assert dict(company_dbt.table("identity.identity_map", "record_id, customer_id")) == {
        "crm:1": ANNA,
        "shop:A": ANNA,
        guest("news", "anna@x.ch"): ANNA,
        "crm:2": BOB,
        "shop:B": BOB,
        "crm:3": CARLA,
        "web:w1": CARLA,
        guest("desk", "carla@x.ch"): CARLA,
        "crm:4": RECEPTION,
        "crm:5": DESK,
        guest("shop", "guest@y.com"): GUEST,
        guest("till", "guest@y.com"): GUEST,
        "desk:q7": GUEST,
        "shop:Z": STRANGER,
        guest("shop", "noreply@shop.ch"): None,
        "web:device:d1": None,
    }


def test_a_role_mailbox_joins_nobody_and_the_refusal_says_so(company_dbt: Dbt):
    refused = company_dbt.rows("select record_a, record_b, reason from identity.edges where status = 'refused'")
    assert refused == [{"record_a": "crm:4", "record_b": "crm:5", "reason": "blocked: role mailbox"}]


def test_an_identifier_belongs_to_one_customer_or_to_none(company_dbt: Dbt):
    owners = company_dbt.table("identity.identifier_map", "identifier_type, identifier_value, customer_id")
    assert owners == [
        ("card", "4711", GUEST),
        ("email", "anna@x.ch", ANNA),
        ("email", "bob@x.ch", BOB),
        ("email", "carla@x.ch", CARLA),
        ("email", "guest@y.com", GUEST),
        ("phone", "+41446681800", ANNA),
        ("user_id", "u1", CARLA),
    ]


def test_customers_have_the_newest_values_of_records_that_are_not_deleted(company_dbt: Dbt):
    columns = "customer_id, full_name, email, phone, city, country, loyalty_tier, points, record_count, sources"
    assert {row[0]: row[1:] for row in company_dbt.table("master.customers", columns)} == {
        # The shop changed her name last; only the CRM knows town and phone.
        ANNA: (
            "Anna M. Meier",
            "anna@x.ch",
            "+41446681800",
            "Bern",
            "CH",
            "gold",
            Decimal("12.5"),
            3,
            "crm, news, shop",
        ),
        # The CRM deleted its newer record.
        BOB: ("Bobby", "bob@x.ch", None, None, None, None, None, 2, "crm, shop"),
        # The later file wins where no record has a time.
        CARLA: ("Carla Caro", "carla@x.ch", None, None, "IT", None, None, 3, "crm, desk, web"),
        RECEPTION: ("Reception", "info@x.ch", None, None, None, None, None, 1, "crm"),
        DESK: ("Desk", "info@x.ch", None, None, None, None, None, 1, "crm"),
        GUEST: (None, "guest@y.com", None, None, None, None, None, 3, "desk, shop, till"),
        STRANGER: (None, None, None, None, None, None, None, 1, "shop"),
    }


def test_transactions_have_the_right_money_customer_and_flags(company_dbt: Dbt):
    columns = "transaction_id, customer_id, net_amount, net_amount_base, margin_amount_base, is_counted, gift_wrap"
    assert {row[0]: row[1:] for row in company_dbt.table("master.transactions", columns)} == {
        "shop:o1": (ANNA, 100, 100, 50, True, True),
        "shop:o2": (BOB, 50, 50, None, True, None),
        "shop:r2": (BOB, -50, -50, None, True, None),
        "shop:o3": (GUEST, 30, 30, None, True, None),
        "shop:o4": (None, 7, 7, None, True, None),
        "shop:o5": (STRANGER, 11, None, None, True, None),
        "shop:o6": (ANNA, 999, 999, None, False, None),
        "till:t1": (GUEST, 60, 60, 35, True, None),
        "till:t1:return": (GUEST, -10, -10, -10, True, None),
    }


def test_lines_take_from_catalogue_and_header_what_they_do_not_say(company_dbt: Dbt):
    columns = "transaction_line_id, transaction_id, product_name, category, amount, amount_base, currency, occurred_at"
    assert company_dbt.table("master.transaction_lines", columns) == [
        ("shop:o1-1", "shop:o1", "Pot", "Kitchen", 100, 100, "EUR", datetime(2024, 6, 30, 22, 30)),
        ("till:1", "till:t1", "Pot", "Kitchen", 60, 60, "EUR", datetime(2024, 4, 1, 10)),
        ("till:2", "till:t1:return", "Pan", None, 10, 10, "EUR", datetime(2024, 4, 1, 9)),
    ]


def test_metrics_cover_every_customer(company_dbt: Dbt):
    columns = "customer_id, as_of, orders, net_revenue, refunds, days_since_last_order, tickets, favourite_product_id"
    day = date(2024, 6, 30)
    assert {row[0]: row[1:] for row in company_dbt.table("master.customer_metrics", columns)} == {
        ANNA: (day, 1, 100, 0, 0, 0, "p1"),
        BOB: (day, 1, 0, 50, 60, 0, None),
        CARLA: (day, 0, 0, 0, None, 1, None),
        RECEPTION: (day, 0, 0, 0, None, 0, None),
        DESK: (day, 0, 0, 0, None, 0, None),
        GUEST: (day, 2, 80, 10, 29, 0, "p1"),
        STRANGER: (day, 1, 0, 0, 27, 0, None),
    }


def test_products_are_the_catalogue_and_what_was_sold_besides(company_dbt: Dbt):
    assert company_dbt.table("master.products", "product_id, product_name, category, cost") == [
        ("p1", "Pot", "Kitchen", 25),
        ("p2", "Pan", None, None),
    ]


def test_consents_find_their_customer_by_person_address_or_phone(company_dbt: Dbt):
    assert company_dbt.table("master.consents", "customer_id, purpose, channel, status") == [
        (ANNA, "email_marketing", "email", "denied"),
        (ANNA, "sms", "any", "granted"),
    ]


def test_rejected_rows_are_shown_of_the_newest_load_of_each_file(company_dbt: Dbt):
    assert company_dbt.table("quarantine.rejected_rows") == [
        ("crm", "people", "contacts.csv", 9, "source_id is null", ",,Nobody", datetime(2024, 1, 1, 1))
    ]


def test_a_full_refresh_and_a_build_after_each_load_give_the_same_tables(
    company_dbt: Dbt, make_dbt: Callable[..., Dbt], tables: Callable[[Dbt], dict[str, list[tuple[object, ...]]]]
):
    built = tables(company_dbt)
    # Views are there already.
    again = ("--exclude-resource-type", "test", "--exclude", "config.materialized:view", "resource_type:seed")
    company_dbt.build(*again, "--full-refresh")
    assert tables(company_dbt) == built

    step_by_step = make_dbt(SCV_CUSTOM_FIELDS=company.LOYALTY)
    company.bring(step_by_step.path, 1, company.LOADS[0])
    step_by_step.build("--exclude-resource-type", "test")
    company.bring(step_by_step.path, 2, company.LOADS[1])
    company.bring(step_by_step.path, 3, company.LOADS[2])
    step_by_step.build(*again)
    assert tables(step_by_step) == built


def test_another_order_of_arrival_gives_the_same_customers_whatever_their_ids(
    company_dbt: Dbt, make_dbt: Callable[..., Dbt]
):
    shuffled = make_dbt(SCV_CUSTOM_FIELDS=company.LOYALTY)
    files = [file for load in company.LOADS[:2] for file in load]
    for number, file in enumerate(company.backwards(files), start=1):
        company.bring(shuffled.path, number, [file])
    shuffled.build("--exclude-resource-type", "test")

    def partition(dbt: Dbt) -> set[frozenset[str]]:
        rows = dbt.rows("select list(record_id) as members from identity.identity_map group by customer_id")
        return {frozenset(row["members"]) for row in rows}

    assert partition(shuffled) == partition(company_dbt)
    money = "transaction_id, order_id, transaction_type, net_amount, margin_amount_base, is_counted"
    assert shuffled.table("master.transactions", money) == company_dbt.table("master.transactions", money)


OF_THE_RUNS = ("assignments", "identity_events", "customer_redirects", "publish_gate")
"""Tables that tell what the runs did, one after the other."""


@pytest.fixture(scope="module")
def tables() -> Callable[[Dbt], dict[str, list[tuple[object, ...]]]]:
    """The content of every table of the published and the identity layer."""

    def read(dbt: Dbt) -> dict[str, list[tuple[object, ...]]]:
        found = dbt.rows(
            "select schema_name || '.' || table_name as name from duckdb_tables()"
            " where schema_name in ('intermediate', 'identity', 'master')"
        )
        assert len(found) > 15
        names = {row["name"] for row in found} - {f"identity.{name}" for name in OF_THE_RUNS}
        return {name: dbt.table(name) for name in names}

    return read
