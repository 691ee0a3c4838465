"""The whole project on a company that can be worked out by hand: two loads, a mapping that was wrong, a killed load."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest

from tests.dbt import company
from tests.dbt.conftest import Dbt
from tests.dbt.raw import load


@pytest.fixture(scope="module")
def dbt(make_dbt: Callable[..., Dbt]) -> Dbt:
    dbt = make_dbt(SCV_CUSTOM_FIELDS=company.LOYALTY)
    load(dbt.path, 1, company.FIRST_LOAD)
    load(dbt.path, 2, company.SECOND_LOAD)
    load(dbt.path, 3, company.KILLED_LOAD, complete=False)
    dbt.problems = dbt.build()
    return dbt


def test_what_a_person_has_to_look_at_is_warned_of_and_nothing_else(dbt):
    assert {name: message.split()[0] for name, message in dbt.problems.items()} == {
        "assert_every_country_is_known": "warn:",
        "assert_every_currency_is_the_base_currency": "warn:",
        "assert_no_line_waits_for_its_transaction": "warn:",
    }


def test_every_source_and_every_fact_gives_person_records(dbt):
    assert dbt.table("identity.source_records", "record_id, record_type") == [
        ("crm:1", "person"),
        ("crm:2", "person"),
        ("crm:3", "person"),
        ("crm:4", "person"),
        ("crm:5", "person"),
        ("desk:guest:" + GUEST["carla@x.ch"], "guest"),
        ("desk:q7", "reference"),
        ("news:guest:" + GUEST["anna@x.ch"], "guest"),
        ("shop:A", "person"),
        ("shop:B", "person"),
        ("shop:Z", "reference"),
        ("shop:guest:" + GUEST["guest@y.com"], "guest"),
        ("shop:guest:" + GUEST["noreply@shop.ch"], "guest"),
        ("till:guest:" + GUEST["guest@y.com"], "guest"),
        ("web:w1", "reference"),
    ]


GUEST = {
    "anna@x.ch": "1e5ac5ecf0b0b51e",
    "carla@x.ch": "",
    "guest@y.com": "",
    "noreply@shop.ch": "",
}


def test_probe(dbt):
    for t in ["identity.identity_map","master.customers","master.transactions","master.transaction_lines","master.customer_metrics","master.products","master.consents","quarantine.rejected_rows","identity.edges","identity.record_registry"]:
        print(t); 
        for r in dbt.rows(f"from {t} order by all"): print("  ",{k:(str(v) if v is not None else None) for k,v in r.items() if v is not None})
