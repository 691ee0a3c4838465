"""What stewards decide holds over every rule and guard, and touches nobody else."""

import random
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scv_platform.identity import stewardship
from scv_platform.identity.stewardship import STEWARD_DECISIONS, contradictions, decide, in_force
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.dbt.conftest import Dbt
from tests.dbt.people import MODELS, SEEDS, Decision, Person, device, give, outcomes, person, resolve
from tests.dbt.test_identity import random_people, renamed

MAIL = "family@x.ch"
TEL = "+41446681800"


@dataclass(frozen=True)
class Story:
    """Records, what was decided about them, who is one customer then, and why the others are not."""

    people: tuple[Person, ...]
    decisions: tuple[Decision, ...]
    together: tuple[str, ...]
    reasons: tuple[str, ...]


def told(*people: Person, decided: str, together: str = "", reasons: tuple[str, ...] = ()) -> Story:
    """`decided` is words such as a=b (link) and a#b (unlink), the oldest first."""
    decisions = []
    for hour, word in enumerate(decided.split()):
        one, other = word.replace("#", "=").split("=")
        decisions.append(Decision("unlink" if "#" in word else "link", one, other, hour))
    return Story(people, tuple(decisions), tuple(together.split()), reasons)


STORIES: Mapping[str, Story] = {
    "link of two who share nothing": told(person("a"), person("b"), decided="a=b", together="ab"),
    "link over a guard": told(
        person("a", "anna meier", email=MAIL), person("b", "hans meier", email=MAIL), decided="b=a", together="ab"
    ),
    "who agrees with one of two linked agrees with both": told(
        person("a", "anna meier", "1980-01-02", email=MAIL),
        person("b", "hans meier", "1955-07-19", email=MAIL),
        person("c", "anna meier", "1980-01-02", email=MAIL),
        person("d", "lena meier", "1980-01-02", email=MAIL),
        decided="a=b",
        together="abc",
        reasons=("conflict",),
    ),
    "a linked guest of two names still conflicts with the other of them": told(
        person("a", "gus green", email=MAIL),
        person("b", "gina green", email=MAIL),
        replace(person("c", "gina green", email=MAIL), ordered_as=("gus", "gina")),
        decided="b=c",
        together="bc",
        reasons=("conflict",),
    ),
    "link on a number of a call centre": told(
        *(person(letter, "- -", phone=TEL) for letter in "abcdefghijkl"),
        decided="a=c",
        together="ac",
        reasons=("hub",),
    ),
    "cyclic links": told(person("a"), person("b"), person("c"), decided="a=b b=c c=a", together="abc"),
    "link through a record that never came": told(person("a"), person("b"), decided="a=z z=b"),
    "unlink of one address": told(
        person("a", "anna meier", email=MAIL),
        person("b", "anna meier", email=MAIL),
        decided="a#b",
        reasons=("steward",),
    ),
    "unlink of one user id": told(
        person("a", user_id="u1"), person("b", user_id="u1"), decided="b#a", reasons=("steward",)
    ),
    "unlink of a device": told(
        person("a", anonymous_id="d1"), device("b", "d1"), decided="a#b", reasons=("steward",)
    ),
    "unlink of one user id leaves it open whose the third record is": told(
        person("a", user_id="u1"),
        person("b", user_id="u1"),
        person("c", user_id="u1"),
        decided="a#b",
        reasons=("steward", "ambiguous"),
    ),
    "and a link tells": told(
        person("a", user_id="u1"),
        person("b", user_id="u1"),
        person("c", user_id="u1"),
        decided="a#b c=b",
        together="bc",
        reasons=("steward",),
    ),
    "unlink over a chain of strong ids": told(
        person("a", user_id="u1"),
        person("b", user_id="u1", shopify_customer_id="s1"),
        person("c", shopify_customer_id="s1"),
        decided="a#c",
        reasons=("chain",),
    ),
    "unlink over a long chain of strong ids": told(
        person("a", user_id="u1"),
        person("b", user_id="u1", shopify_customer_id="s1"),
        person("c", shopify_customer_id="s1", salesforce_id="f1"),
        person("d", salesforce_id="f1"),
        decided="a#d",
        reasons=("chain",),
    ),
    "unlink over a chain of addresses": told(
        person("a", "anna meier", email="1@x.ch"),
        person("b", "anna meier", email=("1@x.ch", "2@x.ch")),
        person("c", "anna huber", email="2@x.ch"),
        decided="a#c",
        together="ab",
        reasons=("steward",),
    ),
    "unlink of two parts the customers that stronger rules made of them": told(
        person("a", "anna meier", user_id="u1", email=MAIL),
        person("b", "anna meier", user_id="u1"),
        person("c", "anna meier", user_id="u2"),
        person("d", "anna meier", user_id="u2", email=MAIL),
        decided="b#c",
        together="ab cd",
        reasons=("steward",),
    ),
    "a linked record without a key takes its unlink along": told(
        person("a", "anna meier", email=MAIL),
        person("b", "anna meier", email=MAIL),
        person("c"),
        decided="a=c c#b",
        together="ac",
        reasons=("steward",),
    ),
    "a linked record without a key takes its name along": told(
        person("a", email=MAIL),
        person("b", "hans meier", email=MAIL),
        person("c", "anna meier"),
        decided="a=c",
        together="ac",
        reasons=("conflict",),
    ),
    "link that was taken back": told(
        person("a", "anna meier", email=MAIL), person("b", "anna meier", email=MAIL), decided="a=b b#a",
        reasons=("steward",),
    ),
    "unlink that was taken back": told(
        person("a", "anna meier", email=MAIL), person("b", "hans meier", email=MAIL), decided="a#b b=a", together="ab"
    ),
    "a stranger's chain of more strong ids than any guarded level may join": told(
        *(person(f"{number:03}", user_id=(f"u{number}", f"u{number + 1}")) for number in range(250)),
        decided="",
        together="".join(f"{number:03}" for number in range(250)),
    ),
}  # fmt: skip


def decided_of(story: str, decisions: Iterable[Decision]) -> list[Decision]:
    """The decisions about the records as `renamed` calls them."""
    return [replace(one, record_a=f"{story}:{one.record_a}", record_b=f"{story}:{one.record_b}") for one in decisions]


@pytest.fixture(scope="module")
def dbt(make_dbt: Callable[..., Dbt]) -> Dbt:
    made = make_dbt()
    made.run("seed", "--select", *SEEDS)
    return made


@pytest.fixture(scope="module")
def resolved(dbt: Dbt) -> dict[str, tuple[set[str], set[str]]]:
    """What became of each story."""
    people = [one for story, told in STORIES.items() for one in renamed(story, told.people)]
    decisions = [one for story, told in STORIES.items() for one in decided_of(story, told.decisions)]
    return outcomes(dbt, resolve(dbt, people, decisions), STORIES)


@pytest.mark.parametrize("story", STORIES)
def test_a_decision_holds(story: str, resolved: dict[str, tuple[set[str], set[str]]]):
    groups, reasons = resolved[story]
    assert groups == set(STORIES[story].together)
    assert reasons == set(STORIES[story].reasons)


def test_a_links_edge_is_the_stewards_and_the_tests_of_the_models_pass(
    dbt: Dbt, resolved: dict[str, tuple[set[str], set[str]]]
):
    edges = dbt.rows("select distinct level, strength, origin, status from identity.edges where rule = 'steward'")
    assert edges == [{"level": 0, "strength": "certain", "origin": "steward", "status": "kept"}]
    problems = dbt.run("test", "--select", "overrides", "edges", "assert_every_decision_of_a_steward_holds",
                       "--exclude", "test_type:unit", "--indirect-selection", "cautious")  # fmt: skip
    assert problems == {}


def test_a_decision_about_a_record_that_is_not_here_is_a_warning(
    dbt: Dbt, resolved: dict[str, tuple[set[str], set[str]]]
):
    (problem,) = dbt.run("test", "--select", "assert_every_decision_is_about_records_that_are_here").values()
    assert problem.startswith("warn: Got 2 results")


def random_decisions(dice: random.Random, people: list[Person]) -> list[Decision]:
    """Some decisions about these people that do not contradict each other."""
    decisions: list[Decision] = []
    for hour in range(dice.randrange(1, 4)):
        one, other = dice.sample([person.record_id for person in people], 2)
        more = [*decisions, Decision(dice.choice(("link", "unlink")), one, other, hour)]
        if not contradictions(in_force(map(as_decided, more))):
            decisions = more
    return decisions


def as_decided(one: Decision) -> stewardship.Decision:
    record_a, record_b = sorted((one.record_a, one.record_b))
    verdict: stewardship.Verdict = "link" if one.decision == "link" else "unlink"
    return stewardship.Decision(record_a, record_b, verdict, "ann", "", datetime(2024, 1, 1, one.hour))


@settings(max_examples=1, deadline=None)
@given(st.integers(0, 2**32))
def test_decisions_hold_in_any_order_and_touch_nobody_else(dbt: Dbt, seed: int):
    dice = random.Random(seed)
    worlds = {f"w{number}": renamed(f"w{number}", random_people(dice)) for number in range(80)}
    decided = {world: random_decisions(dice, people) for world, people in worlds.items() if dice.random() < 0.5}
    people = [one for members in worlds.values() for one in members]
    decisions = [one for some in decided.values() for one in some]

    groups = resolve(dbt, people, decisions)
    edges = dbt.table("identity.edges")
    customers = {record: group for group in groups for record in group}
    for held in in_force(map(as_decided, decisions)):
        assert (held.record_b in customers.get(held.record_a, ())) == (held.decision == "link")

    assert resolve(dbt, dice.sample(people, len(people)), dice.sample(decisions, len(decisions))) == groups
    assert dbt.table("identity.edges") == edges
    untouched = {group for group in resolve(dbt, people) if next(iter(group)).split(":")[0] not in decided}
    assert {group for group in groups if next(iter(group)).split(":")[0] not in decided} == untouched


@pytest.mark.parametrize(
    ("decisions", "told"),
    [
        (
            [Decision("link", "a", "b"), Decision("link", "b", "c", 1), Decision("unlink", "c", "a", 2)],
            ["unlink of a and c (2024-01-01 02", "link of a and b (2024-01-01 00", "link of b and c (2024-01-01 01"],
        ),
        ([Decision("link", "a", "b"), Decision("unlink", "b", "a")], ["unlink of a and b", "link of a and b"]),
        (
            # Records that never came contradict each other too.
            [Decision("link", "y", "z"), Decision("unlink", "z", "y")],
            ["unlink of y and z", "link of y and z"],
        ),
    ],
    ids=["over a chain", "at one time", "of unknown records"],
)
def test_a_contradiction_stops_the_build_and_names_the_decisions(dbt: Dbt, decisions: list[Decision], told: list[str]):
    give(dbt, [person("a"), person("b"), person("c")], decisions)
    problems = dbt.run("run", "--select", *MODELS, expect=False)
    assert "decisions of stewards contradict each other" in problems["edges"]
    assert [text for text in told if text not in problems["edges"]] == []


def test_a_line_of_the_seed_that_lacks_something_fails_a_test(dbt: Dbt):
    give(dbt, [person("a"), person("b")], [Decision("Link", "a", "b"), Decision("link", "a", "a")])
    dbt.run("run", "--select", "overrides")
    problems = dbt.run("test", "--select", "overrides", "--exclude", "test_type:unit", expect=False)
    assert problems["a_decision_is_about_two_records_and_says_what_who_why_and_when"].startswith("fail: Got 2 results")


def test_the_table_of_decisions_is_the_same_whoever_makes_it(empty_dbt: Dbt, tmp_path):
    made_by_python = DuckDBWarehouse(tmp_path / "scv.duckdb")
    made_by_python.ensure(STEWARD_DECISIONS)
    describe = f"describe {STEWARD_DECISIONS}"
    assert empty_dbt.rows(describe) == made_by_python.rows(describe)
    source = empty_dbt.manifest.sources["source.scv.identity.steward_decisions"]
    assert {name: column.description for name, column in source.columns.items()} == {
        column.name: column.description for column in STEWARD_DECISIONS.columns
    }


def test_a_merge_and_its_undoing_run_through_to_the_customers(company_dbt: Dbt, tmp_path):
    path = tmp_path / "scv.duckdb"
    shutil.copy(company_dbt.path, path)
    dbt, warehouse = replace(company_dbt, path=path), DuckDBWarehouse(path)

    def customers() -> dict[str, str]:
        return dict(dbt.table("identity.identity_map", "record_id, customer_id"))

    def build() -> None:
        dbt.build("--select", "overrides", "edges", "components", "candidate_map", "publish_gate", "assignments",
                  "identity_map", "review_queue")  # fmt: skip

    before = customers()
    one, other = sorted({customer: record for record, customer in sorted(before.items()) if customer}.values())[:2]
    assert before[one] != before[other]
    decide(warehouse, "link", before[one], other, "ann", "one family name, one voice", datetime(2024, 7, 1))
    build()
    merged = customers()
    assert merged[one] == merged[other]
    assert merged[one] in {before[one], before[other]}
    (linked,) = dbt.rows("select record_a, record_b from identity.overrides")
    decide(warehouse, "unlink", *linked.values(), "ben", "two voices", datetime(2024, 7, 2))
    build()
    assert customers() == before
