"""Explanations of families, call centres, chains and decisions, over the real models and two runs."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pytest

from scv_platform.config_files import ConfigError
from scv_platform.identity.explain import Comparison, Evidence, Held, Subject, compare, explain
from scv_platform.identity.explain_text import as_json, as_text
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.dbt.conftest import Dbt
from tests.dbt.people import SEEDS, Decision, device, person, publish

MAIL, TEL, CENTRE = "family@x.ch", "+41446681800", "+41800800800"

PEOPLE = [
    # Anna, over a user id and a telephone number; her husband has her address.
    person("crm:anna", "anna meier", "1980-01-02", user_id="u1", email=MAIL),
    person("app:anna", user_id="u1", phone=TEL),
    person("shop:anna", "anna meier", phone=TEL, anonymous_id="d1"),
    device("web:d1", "d1"),
    person("till:hans", "hans meier", "1955-07-19", email=MAIL),
    # Two who conflict, and who stands between them.
    person("crm:gus", "gus green", "1980-01-02", email="green@x.ch"),
    person("crm:gina", "gina green", "1980-01-02", phone="+41446681801"),
    person("crm:green", "- green", email="green@x.ch", phone="+41446681801"),
    # More than a person has records share a number.
    *(person(f"desk:{number}", "- -", phone=CENTRE) for number in "abcdefghijk"),
    # What stewards know: the second and the third pair is decided on anew in the second run.
    person("crm:ida", "ida frei"),
    person("till:ida", "ida frei"),
    person("crm:udo", "udo frei"),
    person("crm:bea", "bea"),
    person("till:bea", "bea"),
    person("crm:dora", "dora"),
    person("till:dirk", "dirk"),
    # Nobody.
    device("web:d9", "d9"),
    person("crm:alone", "otto"),
    replace(person("crm:info", "max", email="info@x.ch"), blocked={"info@x.ch": "shared"}),
    replace(person("shop:info", "max", email="info@x.ch"), blocked={"info@x.ch": "shared"}),
]
DECISIONS = [Decision("link", "crm:ida", "till:ida"), Decision("unlink", "till:ida", "crm:udo")]
FIRST_RUN = [*DECISIONS, Decision("link", "crm:dora", "till:dirk")]
SECOND_RUN = [*DECISIONS, Decision("link", "crm:bea", "till:bea")]


@dataclass(frozen=True)
class Runs:
    """The customer of each record after two runs."""

    first: Mapping[str, str]
    second: Mapping[str, str]


@pytest.fixture(scope="module")
def dbt(make_dbt: Callable[..., Dbt]) -> Dbt:
    made = make_dbt()
    made.run("seed", "--select", *SEEDS, "record_aliases")
    return made


@pytest.fixture(scope="module")
def warehouse(dbt: Dbt) -> DuckDBWarehouse:
    return DuckDBWarehouse(dbt.path)


@pytest.fixture(scope="module", autouse=True)
def runs(dbt: Dbt, warehouse: DuckDBWarehouse) -> Runs:
    return Runs(run(dbt, warehouse, FIRST_RUN), run(dbt, warehouse, SECOND_RUN))


def run(dbt: Dbt, warehouse: DuckDBWarehouse, decisions: Sequence[Decision]) -> dict[str, str]:
    """A run over the people, with what was decided until then; the customer of each record."""
    publish(dbt, PEOPLE, decisions)
    return customers(warehouse)


def customers(warehouse: DuckDBWarehouse) -> dict[str, str]:
    return {row["record_id"]: row["customer_id"] for row in warehouse.rows("from identity.identity_map")}


def path(found: Comparison) -> list[tuple[str, str, str]]:
    return [(link.record_a, link.rule, link.record_b) for link in found.path]


def test_a_path_has_the_fewest_links_and_what_each_hangs_on(warehouse: DuckDBWarehouse) -> None:
    found = compare(warehouse, "shop:anna", "crm:anna")
    assert found.is_one
    assert path(found) == [("shop:anna", "phone", "app:anna"), ("app:anna", "user_id", "crm:anna")]
    assert [link.evidence for link in found.path] == [(Evidence("phone", "+•••00"),), (Evidence("user_id", "u•••"),)]
    shown = compare(warehouse, "shop:anna", "crm:anna", show=True)
    assert shown.path[0].evidence == (Evidence("phone", TEL),)
    assert "app:anna and crm:anna share user id u••• (rule user_id, level 1, certain)" in as_text(found)


def test_a_customer_stands_for_the_record_that_named_it(warehouse: DuckDBWarehouse, runs: Runs) -> None:
    anna = runs.second["crm:anna"]
    assert path(compare(warehouse, "shop:anna", anna)) == [("shop:anna", "phone", "app:anna")]
    assert path(compare(warehouse, anna, "crm:anna")) == [("app:anna", "user_id", "crm:anna")]
    assert path(compare(warehouse, anna, "app:anna")) == []


def test_those_who_contradict_each_other_are_told_in_what(warehouse: DuckDBWarehouse, runs: Runs) -> None:
    ids = runs.second
    found = compare(warehouse, "shop:anna", "till:hans", show=True)
    assert not found.is_one
    strongest, weaker = (way[0] for way in found.refused)
    assert (strongest.record_a, strongest.record_b) == ("crm:anna", "till:hans")
    assert (strongest.customer_a, strongest.customer_b) == (ids["crm:anna"], ids["till:hans"])
    assert strongest.evidence == (Evidence("email", MAIL), Evidence("family_name", "meier"))
    assert weaker.evidence == (Evidence("email", MAIL),)
    # Her name is that of the shop's record, whom the phone joined later: what counts is the node of the level.
    assert strongest.held == (
        Held("birth_date", ("1980-01-02",), ("1955-07-19",)),
        Held("given_name", ("anna",), ("hans",)),
    )
    assert compare(warehouse, "till:hans", "shop:anna").refused[0][0].record_a == "till:hans"
    text = as_text(compare(warehouse, "shop:anna", "till:hans"))
    assert "share email f•••@x.ch and family name m•••, but conflict: birth date, given name" in text
    assert MAIL not in text


def test_two_who_meet_in_a_third_are_told_over_it(warehouse: DuckDBWarehouse) -> None:
    found = compare(warehouse, "desk:d", "desk:k")
    ((to_centre, from_centre),) = found.refused
    assert (to_centre.record_a, to_centre.record_b) == ("desk:d", "desk:a")
    assert (from_centre.record_a, from_centre.record_b) == ("desk:a", "desk:k")
    assert to_centre.reason == "hub: shared by 11"
    centre = explain(warehouse, "desk:a")
    assert (len(centre.refused), centre.refused_count) == (10, 10)
    assert compare(warehouse, "desk:a", "desk:k").refused[0][0].evidence == (Evidence("phone", "+•••00"),)


def test_what_a_steward_decided_is_told(warehouse: DuckDBWarehouse) -> None:
    found = compare(warehouse, "till:ida", "crm:ida")
    assert path(found) == [("till:ida", "steward", "crm:ida")]
    assert found.path[0].evidence == (Evidence("ann", "she knows them"),)
    assert "were linked by ann: she knows them" in as_text(found)
    apart = compare(warehouse, "crm:ida", "crm:udo")
    assert [(made.decision, made.decided_by) for made in apart.decisions] == [("unlink", "ann")]
    assert "ann decided on crm:udo and till:ida: unlink, because she knows them" in as_text(apart)


def test_nothing_is_said_to_link_two_strangers(warehouse: DuckDBWarehouse) -> None:
    found = compare(warehouse, "crm:alone", "crm:anna")
    assert (found.is_one, found.path, found.refused, found.decisions) == (False, (), (), ())
    assert "no rule links them" in as_text(found)


def test_a_customer_is_told_with_its_records_links_and_border(warehouse: DuckDBWarehouse) -> None:
    found = explain(warehouse, "shop:anna")
    assert [record.record_id for record in found.records] == ["app:anna", "crm:anna", "shop:anna", "web:d1"]
    assert [link.rule for link in found.links] == ["user_id", "phone", "sign_in"]
    assert [(link.record_a, link.record_b, link.rule) for link in found.refused] == [
        ("crm:anna", "till:hans", "email_and_family_name"),
        ("crm:anna", "till:hans", "email"),
    ]
    text = as_text(found)
    assert "4 records: app 1, crm 1, shop 1, web 1" in text
    assert "Held together by 3 links: user_id 1, phone 1, sign_in 1" in text
    assert "2 refused links to others" in text


def test_the_border_tells_blocked_values_too(warehouse: DuckDBWarehouse) -> None:
    (link,) = explain(warehouse, "shop:info", show=True).refused
    assert (link.record_b, link.reason) == ("crm:info", "blocked: because")
    assert link.evidence == (Evidence("email", "info@x.ch"),)


def test_an_id_that_was_merged_is_told_as_what_it_is_now(warehouse: DuckDBWarehouse, runs: Runs) -> None:
    old, new = runs.first["till:bea"], runs.second["till:bea"]
    assert old != new == runs.first["crm:bea"]
    found = explain(warehouse, old)
    assert found.subject == Subject(old, "till:bea", new, is_old_id=True)
    assert found.old_ids == explain(warehouse, "crm:bea").old_ids == (old,)
    assert [(event.event, event.other_customer_id) for event in found.history if event.customer_id == old] == [
        ("created", None),
        ("merged_into", new),
    ]
    assert f"{old} is {new} now" in as_text(found)
    assert f"2024-01-01  {old} merged into {new}: linked: steward" in as_text(found)
    assert path(compare(warehouse, old, new)) == [("till:bea", "steward", "crm:bea")]


def test_an_id_that_came_back_tells_where_it_was(warehouse: DuckDBWarehouse, runs: Runs) -> None:
    both, dirk = runs.first["till:dirk"], runs.second["till:dirk"]
    assert both == runs.second["crm:dora"] != dirk
    found = explain(warehouse, "till:dirk")
    assert [(event.event, event.other_customer_id) for event in found.history] == [("split_from", both)]
    assert found.history[0] in explain(warehouse, both).history
    assert explain(warehouse, both).old_ids == ()


def test_an_id_of_which_nothing_is_left_is_told(warehouse: DuckDBWarehouse) -> None:
    warehouse.run(["insert into identity.customer_redirects values ('c_gone', null)"])
    with pytest.raises(ConfigError, match="c_gone was a customer, of whom no record is left"):
        explain(warehouse, "c_gone")


def test_a_map_that_was_held_back_is_told(warehouse: DuckDBWarehouse, runs: Runs) -> None:
    assert explain(warehouse, "crm:anna").is_published
    rename = "update identity.identity_map set customer_id = '{}' where record_id = 'crm:alone'"
    warehouse.run([rename.format(runs.second["till:hans"])])
    try:
        assert not explain(warehouse, "till:hans").is_published
        found = compare(warehouse, "crm:alone", "till:hans")
        assert (found.is_one, found.is_published) == (False, False)
        assert "held the new one back" in as_text(found)
    finally:
        warehouse.run([rename.format(runs.second["crm:alone"])])


def test_a_record_that_no_run_published_is_told(dbt: Dbt, warehouse: DuckDBWarehouse) -> None:
    warehouse.run(["delete from identity.identity_map where record_id = 'crm:alone'"])
    try:
        with pytest.raises(ConfigError, match="crm:alone is not published yet: the publish gate holds back"):
            explain(warehouse, "crm:alone")
    finally:
        dbt.run("run", "--select", "identity_map")


def test_a_visitor_is_nobody_and_has_a_border(warehouse: DuckDBWarehouse) -> None:
    found = explain(warehouse, "web:d9")
    assert (found.subject.customer_id, found.links, found.is_published) == (None, (), True)
    assert "web:d9 is a visitor's" in as_text(found)


def test_what_is_told_as_json_is_all_that_was_found(warehouse: DuckDBWarehouse) -> None:
    told = json.loads(as_json(compare(warehouse, "shop:anna", "till:hans")))
    assert told["is_one"] is False
    assert told["refused"][0][0]["evidence"] == [
        {"kind": "email", "value": "f•••@x.ch"},
        {"kind": "family_name", "value": "m•••"},
    ]
    told = json.loads(as_json(explain(warehouse, "shop:anna")))
    assert [record["record_id"] for record in told["records"]] == ["app:anna", "crm:anna", "shop:anna", "web:d1"]
    assert MAIL not in json.dumps(told)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("crm:ana", "did you mean 'crm:anna'"),
        ("alone", "crm:alone"),
        ("x", "a record is named source:id, a customer c_…"),
        ("'; drop table identity.edges; --", "a record is named source:id, a customer c_…"),
    ],
)
def test_a_name_that_is_none_is_told_with_what_is_near(warehouse: DuckDBWarehouse, name: str, hint: str) -> None:
    with pytest.raises(ConfigError, match="no record and no customer") as told:
        explain(warehouse, name)
    assert hint in str(told.value)


def test_a_warehouse_without_identities_says_what_to_do(tmp_path) -> None:
    with pytest.raises(ConfigError, match="run `scv run` first"):
        explain(DuckDBWarehouse(tmp_path / "empty.duckdb"), "crm:1")
