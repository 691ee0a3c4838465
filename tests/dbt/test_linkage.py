"""What likely pairs join: groups that are alike on average, and conflict in nothing that tells two people apart."""

import itertools
import random
from collections.abc import Callable, Iterable
from datetime import datetime

import pyarrow as pa
import pytest

from scv_platform.identity.matching import MATCH_MODELS
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.dbt.conftest import Dbt
from tests.dbt.people import MODELS, SEEDS, Decision, Pairs, Person, give, give_pairs, person

UNLIKELY = -10.0


@pytest.fixture(scope="module")
def dbt(make_dbt: Callable[..., Dbt]) -> Dbt:
    dbt = make_dbt()
    dbt.run("seed", "--select", *SEEDS)
    return dbt


def link(
    dbt: Dbt, people: Iterable[Person], pairs: Pairs, unreliable: str = "", decisions: Iterable[Decision] = ()
) -> None:
    """Resolve people of whom a model found these pairs likely."""
    give(dbt, people, decisions)
    warehouse = DuckDBWarehouse(dbt.path)
    give_pairs(dbt, pairs)
    models = [
        {"trained_at": datetime(2024, 1, day), "model_version": f"v{day}", "unreliable": words}
        for day, words in ((1, "given_name, birth_date"), (2, unreliable))
    ]
    blank = {column.name: None for column in MATCH_MODELS.columns}
    warehouse.rebuild(MATCH_MODELS, pa.Table.from_pylist([blank | model for model in models]))
    dbt.run("run", "--select", *MODELS)


def groups(dbt: Dbt) -> set[frozenset[str]]:
    rows = dbt.rows("select list(record_id) as members from identity.components group by component_id")
    return {frozenset(row["members"]) for row in rows if len(row["members"]) > 1}


def reasons(dbt: Dbt) -> dict[str, str | None]:
    rows = dbt.rows("select record_a || record_b as pair, reason from identity.edges where rule = 'model'")
    return {row["pair"]: row["reason"] for row in rows}


def together(*names: str) -> set[frozenset[str]]:
    return {frozenset(name) for name in names}


def test_a_likely_pair_is_joined_and_says_how_likely_it_is(dbt: Dbt):
    link(dbt, [person("a"), person("b"), person("c"), person("d")], {("b", "a"): 8.0, ("c", "d"): 1.0})
    assert groups(dbt) == together("ab", "cd")
    columns = "record_a, record_b, rule, level, strength, round(probability, 3), origin, status, reason"
    assert dbt.table("identity.edges", columns) == [
        ("a", "b", "model", 5, "strong", 0.996, "model", "kept", None),
        ("c", "d", "model", 5, "weak", 0.667, "model", "kept", None),
    ]


def test_a_chain_is_cut_where_the_average_speaks_against_it(dbt: Dbt):
    people = [person(name) for name in "abcxyz"]
    link(dbt, people, {("a", "b"): 9.0, ("b", "c"): 8.0, ("x", "y"): 30.0, ("y", "z"): 15.0})
    # b and c speak for it with 8, a and c are unlikely: -10. Of x, y and z it is 15 against -10.
    assert groups(dbt) == together("ab", "xyz")
    assert reasons(dbt) == {
        "ab": None,
        "bc": "unlike: their records are too unlike on average, or too many",
        "xy": None,
        "yz": None,
    }


def test_what_rules_joined_is_one_node_and_conflicts_as_one(dbt: Dbt):
    people = [
        person("a", email="m@x.ch"),
        person("b", "anna", email="m@x.ch"),
        person("c", "anna"),
        person("d", "hans"),
    ]
    link(dbt, people, {("a", "c"): 5.0, ("a", "d"): 20.0})
    assert groups(dbt) == together("abc")
    assert reasons(dbt) == {"ac": None, "ad": "conflict: given name"}


def test_a_group_conflicts_where_any_of_its_nodes_does(dbt: Dbt):
    people = [person("a", "anna"), person("b"), person("c", "hans"), person("d", "hans")]
    link(dbt, people, {("a", "b"): 20.0, ("b", "c"): 19.0, ("b", "d"): 19.0, ("c", "d"): 5.0})
    assert groups(dbt) == together("ab", "cd")
    assert reasons(dbt)["bc"] == reasons(dbt)["bd"] == "conflict: given name"


def test_what_tells_two_apart_keeps_them_apart_unless_it_is_often_wrong(dbt: Dbt):
    people = [
        *(person("a1", "anna"), person("a2", "hans")),
        *(person("b1", born="1980-01-02"), person("b2", born="1955-07-19")),
        *(person("c1", national_id="756.1"), person("c2", national_id="756.2")),
        *(person("d1", email="a@x.ch", phone="+41000"), person("d2", email="b@x.ch", phone="+41001")),
    ]
    pairs = {(f"{name}1", f"{name}2"): 30.0 for name in "abcd"}
    link(dbt, people, pairs)
    assert reasons(dbt) == {
        "a1a2": "conflict: given name",
        "b1b2": "conflict: birth date",
        "c1c2": "conflict: national id",
        "d1d2": "conflict: email, phone",
    }
    link(dbt, people, pairs, unreliable="birth_date, city, email, given_name, national_id")
    assert {pair for pair, reason in reasons(dbt).items() if reason is None} == {"a1a2", "b1b2", "c1c2"}
    assert reasons(dbt)["d1d2"] == "conflict: email, phone"


def test_who_differs_in_a_contact_agrees_in_something_else_that_is_not_of_a_household(dbt: Dbt):
    people = [
        *(person("a1", email="anna@x.ch"), person("a2", email="a.meier@y.ch")),
        *(person("b1", email="a.meier1@x.ch"), person("b2", email="a.meier2@x.ch")),
        *(
            person("c1", email="carla.meier1@x.ch", phone="+4101"),
            person("c2", email="carla.meer1@x.ch", phone="+4102"),
        ),
        *(person("d1", born="1980-01-02", phone="+4103"), person("d2", born="1980-01-02", phone="+4104")),
        *(person("e1", email="e@x.ch"), person("e2", phone="+4105")),
    ]
    link(dbt, people, {(f"{name}1", f"{name}2"): 30.0 for name in "abcde"})
    assert reasons(dbt) == {
        "a1a2": "conflict: email",
        "b1b2": "conflict: email",
        "c1c2": None,
        "d1d2": None,
        "e1e2": None,
    }


def test_a_contact_of_one_record_tells_its_whole_group_apart(dbt: Dbt):
    people = [person("a", "luis"), person("b", "luis", email="son@x.ch"), person("c", email="father@x.ch")]
    link(dbt, people, {("a", "b"): 20.0, ("a", "c"): 15.0, ("b", "c"): 20.0})
    assert groups(dbt) == together("ab")
    assert reasons(dbt) == {"ab": None, "ac": "conflict: email", "bc": "conflict: email"}


def test_a_steward_is_asked_before_the_model(dbt: Dbt):
    people, pairs = [person(name) for name in "abc"], {("a", "b"): 30.0, ("b", "c"): 30.0, ("a", "c"): 30.0}
    link(dbt, people, pairs, decisions=[Decision("unlink", "a", "c")])
    assert len(groups(dbt)) == 1
    assert "steward: kept apart" in reasons(dbt).values()
    link(dbt, people, {("a", "b"): 30.0}, decisions=[Decision("link", "b", "c")])
    assert groups(dbt) == together("abc")


def test_nobody_is_larger_than_the_size_cap(dbt: Dbt):
    names = [f"p{number:03}" for number in range(201)]
    link(dbt, [person(name) for name in names], dict.fromkeys(itertools.combinations(names, 2), 20.0))
    assert 100 < max(len(group) for group in groups(dbt)) <= 200
    assert {reason for reason in reasons(dbt).values() if reason} == {
        "unlike: their records are too unlike on average, or too many"
    }


def test_nobody_gets_more_identifiers_than_one_person_has(dbt: Dbt):
    people = [person(who, born="1980-01-02", phone=[f"{who}{n}" for n in range(10)]) for who in "abc"]
    link(dbt, people, dict.fromkeys(itertools.combinations("abc", 2), 20.0))
    assert sorted(len(group) for group in groups(dbt)) == [2]
    assert [reason for reason in reasons(dbt).values() if reason] == ["crowded: would have too many identifiers"] * 2


def average_linkage(pairs: Pairs) -> set[frozenset[str]]:
    """The definition: join the two most alike, one pair of groups after the other."""
    clusters = {frozenset([name]) for pair in pairs for name in pair}

    def mean(one: frozenset[str], other: frozenset[str]) -> float:
        known = [pairs.get((a, b), pairs.get((b, a), UNLIKELY)) for a in one for b in other]
        return sum(min(weight, 20.0) for weight in known) / len(known)

    while len(clusters) > 1:
        one, other = max(itertools.combinations(sorted(clusters, key=sorted), 2), key=lambda both: mean(*both))
        if mean(one, other) <= 0:
            break
        clusters = (clusters - {one, other}) | {one | other}
    return {cluster for cluster in clusters if len(cluster) > 1}


@pytest.mark.parametrize("seed", [1, 2])
def test_groups_are_those_of_average_linkage_whatever_the_order_of_rows(dbt: Dbt, seed: int):
    draw = random.Random(seed)
    names = [f"r{number:02}" for number in range(36)]
    # Weights that no two sums share.
    pairs = {
        pair: round(draw.uniform(0.01, 20), 3)
        for pair in itertools.combinations(names, 2)
        if pair[0][1] == pair[1][1] and draw.random() < 0.7
    }
    shuffled = draw.sample([*pairs.items()], len(pairs))
    link(dbt, [person(name) for name in names], {(b, a): weight for (a, b), weight in shuffled})
    assert groups(dbt) == average_linkage(pairs)
