"""Customer ids over many runs: the compiled models on records whose components, not their edges, are given.

`Publisher` is what `dbt build` does from the registry on, in a database in memory, so that long histories are cheap.
What the ids have to be is told in another way by `expected`.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dbt import company
from tests.dbt.conftest import Dbt

STATE = ("record_registry", "assignments")
STEPS = (
    "record_registry", "candidate_map", "publish_gate", "assignments",
    "identity_map", "identity_events", "customer_redirects",
)  # fmt: skip
Compiled = Mapping[str, str]
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Day:
    """What a run finds: which records there are, and which of them belong together."""

    components: tuple[str, ...] = ()
    """The letters of the records of each; a digit is a device."""
    aliases: tuple[str, ...] = ()
    """Old and new record."""
    edges: tuple[tuple[str, str, str | None], ...] = ()
    """Two records, a rule, and why the link is refused."""

    @property
    def records(self) -> list[str]:
        """Every record."""
        return sorted("".join(self.components))


def day(*components: str, **more: Any) -> Day:
    """Components, as words of records."""
    return Day(components, **more)


def id_of(record: str) -> str:
    """The name that a record gives."""
    return f"c_{hashlib.sha256(record.encode()).hexdigest()[:20]}"


def expected(days: Sequence[Day]) -> dict[str, str | None]:
    """The customer of each record on the last day."""
    born: list[str] = []
    for one in days:
        born += [record for record in one.records if record not in born]
    places = {record: (born.index(record), record) for record in born}
    for new in sorted({alias[1] for alias in days[-1].aliases} & set(born)):
        olds = [old for old, other in days[-1].aliases if other == new and old in born]
        oldest = min(olds, key=born.index, default=new)
        if born.index(oldest) < born.index(new):
            places[new], places[oldest] = places[oldest], places[new]
    customers: dict[str, str | None] = {}
    for component in days[-1].components:
        people = [record for record in component if record.isalpha()]
        name = id_of(min(places[record] for record in people)[1]) if people else None
        customers |= dict.fromkeys(component, name)
    return customers


@dataclass
class Publisher:
    """A warehouse from run to run."""

    first: Compiled
    later: Compiled
    days: list[Day] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.execute("attach ':memory:' as scv")
        self.connection.execute("create schema scv.identity; create schema scv.intermediate; create schema scv.seeds")
        self.connection.execute("use scv.identity")

    def run(self, found: Day, steps: int = len(STEPS)) -> None:
        """One run, which is killed after so many steps."""
        self.days.append(found)
        self._give(found)
        for name in STEPS[:steps]:
            known = {table for (table,) in self.rows("select table_name from duckdb_tables()")}
            read = name if name in STATE else "assignments"
            sql = (self.later if read in known else self.first)[name]
            verb = f"insert into {name}" if name in STATE and name in known else f"create or replace table {name} as"
            self.connection.execute(f"{verb} {sql}")

    def _give(self, found: Day) -> None:
        loads = {record: number for number, one in reversed(list(enumerate(self.days))) for record in one.records}
        tables: dict[str, tuple[str, Rows]] = {
            "identity.source_records": (
                "record_id, source, source_id, is_anonymous, created_at, first_load_id",
                [(r, "s", r, r.isdigit(), None, f"l{loads[r]:03}") for r in found.records],
            ),
            "identity.components": (
                "record_id, component_id",
                [(record, min(component)) for component in found.components for record in component],
            ),
            "identity.edges": (
                "record_a, record_b, rule, level, status, reason",
                [
                    (min(pair), max(pair), rule, 1, "refused" if reason else "kept", reason)
                    for pair, rule, reason in found.edges
                ],
            ),
            "identity.record_traits": ("record_id, trait, trait_value", []),
            "identity.match_models": ("model_version, trained_at, unreliable", []),
            "identity.scored_pairs": ("record_a, record_b", []),
            "seeds.record_aliases": ("old_record_id, new_record_id", [tuple(alias) for alias in found.aliases]),
            "intermediate.int_loads": (
                "load_id, loaded_at",
                [(f"l{number:03}", f"2024-01-01 00:00:{number:02}") for number in range(len(self.days))],
            ),
        }
        types = {"is_anonymous": "boolean", "level": "bigint"}
        types |= dict.fromkeys(("created_at", "loaded_at", "trained_at"), "timestamp")
        for name, (columns, rows) in tables.items():
            given = ", ".join(f"{column} {types.get(column, 'varchar')}" for column in columns.split(", "))
            self.connection.execute(f"create or replace table scv.{name} ({given})")
            if rows:
                marks = ", ".join("?" for _ in rows[0])
                self.connection.executemany(f"insert into scv.{name} values ({marks})", rows)

    def rows(self, sql: str) -> Rows:
        """The result of a query."""
        return self.connection.execute(sql).fetchall()

    @property
    def customers(self) -> dict[str, str | None]:
        """The customer of each record."""
        return dict(self.rows("select record_id, customer_id from identity_map"))

    @property
    def redirects(self) -> dict[str, str | None]:
        """Where ids lead."""
        return dict(self.rows("from customer_redirects"))

    def events(self, generation: int) -> set[tuple[str, str, str | None]]:
        """What happened to whom in a generation."""
        return set(
            self.rows(
                f"select customer_id, event, other_customer_id from identity_events where generation = {generation}"
            )
        )

    def causes(self, generation: int) -> dict[str, str]:
        """Why each record was assigned anew in a generation."""
        return dict(self.rows(f"select record_id, cause from assignments where generation = {generation}"))

    def everything(self) -> dict[str, Rows]:
        """The rows of every table that stays."""
        return {name: self.rows(f"from {name} order by all") for name in STEPS if name != "publish_gate"}


@pytest.fixture(scope="module")
def compiled(make_dbt: Callable[..., Dbt]) -> tuple[Compiled, Compiled]:
    """The SQL of the models, of the first run and of those that follow."""
    dbt = make_dbt()
    first = dbt.compiled(*STEPS)
    with duckdb.connect(str(dbt.path)) as connection:
        connection.execute("create schema identity")
        for name in STATE:
            connection.execute(f"create table identity.{name} (record_id varchar)")
    return first, dbt.compiled(*STEPS)


@pytest.fixture
def publish(compiled: tuple[Compiled, Compiled]) -> Iterator[Callable[..., Publisher]]:
    """Makes a warehouse that ran on these days."""
    made = []

    def make(*days: Day) -> Publisher:
        made.append(Publisher(*compiled))
        for one in days:
            made[-1].run(one)
        return made[-1]

    yield make
    for one in made:
        one.connection.close()


A, B, C, D, E = map(id_of, "abcde")


def test_a_run_without_news_adds_nothing(publish: Callable[..., Publisher]):
    publisher = publish(day("ab", "c", "1"))
    before = publisher.everything()
    publisher.run(day("ab", "c", "1"))
    assert publisher.everything() == before
    assert publisher.rows("select distinct generation from assignments") == [(1,)]


def test_a_merge_keeps_the_older_id_and_an_unlink_gives_both_back(publish: Callable[..., Publisher]):
    publisher = publish(day("ab", "cd"), day("abcd", edges=(("bc", "email", None),)))
    assert set(publisher.customers.values()) == {A}
    assert publisher.redirects == {C: A}
    assert publisher.events(2) == {(C, "merged_into", A)}
    assert publisher.causes(2) == {"c": "linked: email", "d": "linked: email"}

    publisher.run(day("ab", "cd", edges=(("bc", "steward", "steward: kept apart"),)))
    assert publisher.customers == {"a": A, "b": A, "c": C, "d": C}
    assert publisher.redirects == {}
    assert publisher.events(3) == {(C, "split_from", A)}
    assert set(publisher.causes(3).values()) == {"refused: steward: kept apart"}


def test_two_merges_in_one_run_lead_to_the_oldest(publish: Callable[..., Publisher]):
    publisher = publish(day("a", "b", "c", "d"), day("a", "b", "cd"), day("abcd"))
    assert publisher.redirects == {B: A, C: A, D: A}
    assert publisher.events(3) == {(B, "merged_into", A), (C, "merged_into", A)}


def test_the_oldest_record_takes_the_name_with_it(publish: Callable[..., Publisher]):
    publisher = publish(day("abc", "d"), day("ad", "bc"))
    assert publisher.customers == {"a": A, "d": A, "b": B, "c": B}
    assert publisher.events(2) == {(A, "reassigned", D), (D, "merged_into", A), (B, "split_from", A)}
    assert publisher.redirects == {D: A}
    assert publisher.rows("select found from publish_gate where figure = 'lost'") == [(1,)]


def test_a_customer_who_loses_a_part_stays_who_it_was(publish: Callable[..., Publisher]):
    publisher = publish(day("abcd", "e"), day("abce", "d"))
    assert publisher.events(2) == {(D, "split_from", A), (E, "merged_into", A)}


def test_a_record_that_goes_and_comes_back_is_who_it_was(publish: Callable[..., Publisher]):
    publisher = publish(day("ab", "c"), day("b"), day("ab", "c"))
    assert publisher.customers == {"a": A, "b": A, "c": C}
    assert publisher.events(2) == {(A, "retired", None), (C, "retired", None), (B, "split_from", A)}
    assert publisher.causes(2) == {"a": "gone", "b": "no link left", "c": "gone"}
    assert publisher.events(3) == {(A, "created", None), (C, "created", None), (B, "merged_into", A)}
    assert publisher.redirects == {B: A}


def test_an_id_whose_record_is_gone_leads_to_the_oldest_that_is_left(publish: Callable[..., Publisher]):
    publisher = publish(day("abc", "d"), day("bc", "d"), day())
    publisher.run(day("bc"))
    assert publisher.redirects == {A: B, D: None}


def test_a_visitor_becomes_a_customer_and_no_customer_is_called_after_a_device(publish: Callable[..., Publisher]):
    publisher = publish(day("1"), day("1a", "2"))
    assert publisher.customers == {"1": A, "2": None, "a": A}
    # The device is shared now, so it is nobody's again.
    publisher.run(day("1", "2", "a", "b"))
    assert publisher.customers == {"1": None, "2": None, "a": A, "b": B}
    assert publisher.events(2) == {(B, "created", None)}
    assert publisher.causes(2) == {"1": "visitor", "b": "arrived"}


def test_a_record_under_a_new_id_keeps_the_name(publish: Callable[..., Publisher]):
    publisher = publish(day("ab", "c"), day("db", "c", aliases=("ad",)))
    assert publisher.customers == {"d": A, "b": A, "c": C}
    assert publisher.events(2) == set()
    assert publisher.redirects == {}

    too_late = publish(day("a", "c"), day("d", "c"))
    assert too_late.events(2) == {(A, "retired", None), (D, "created", None)}
    too_late.run(day("d", "c", aliases=("ad",)))
    assert too_late.customers == {"d": A, "c": C}
    assert too_late.events(3) == {(A, "created", None), (D, "merged_into", A)}
    assert too_late.causes(3) == {"d": "alias"}
    assert too_late.redirects == {D: A}


people = st.sampled_from("abcdef")
worlds = st.builds(
    lambda homes, devices, aliases: Day(
        tuple(
            "".join(sorted(record for record, home in (*homes.items(), *devices.items()) if home == number))
            for number in sorted({*homes.values(), *devices.values()})
        ),
        aliases,
    ),
    st.dictionaries(people, st.integers(1, 3), max_size=6),
    st.dictionaries(st.sampled_from("12"), st.integers(1, 4), max_size=2),
    st.sampled_from([(), (), ("ae",), ("ae", "bf"), ("be", "ae")]),
)


@settings(max_examples=8, deadline=None)
@given(st.lists(worlds, min_size=2, max_size=5), st.lists(st.integers(1, len(STEPS)), min_size=5, max_size=5))
def test_ids_hold_over_any_history(compiled: tuple[Compiled, Compiled], days: list[Day], kills: list[int]):
    publisher, killed = Publisher(*compiled), Publisher(*compiled)
    live: set[str] = set()
    published: set[str] = set()
    for number, one in enumerate(days):
        publisher.run(one)
        customers = publisher.customers
        assert customers == expected(days[: number + 1])

        current = {customer for customer in customers.values() if customer}
        published |= current
        redirects = publisher.redirects
        assert set(redirects) == published - current, "every id that was published leads somewhere"
        assert set(redirects.values()) - {None} <= current, "where somebody is"
        lost = {old for old, customer in redirects.items() if customer is None}
        left = publisher.rows(
            "select distinct before.customer_id from assignments as before join identity_map using (record_id)"
            " where identity_map.customer_id is not null"
        )
        assert lost.isdisjoint(customer for (customer,) in left), "unless nobody is left"

        # The events tell who lives.
        ((generation,),) = publisher.rows("select coalesce(max(generation), 0) from assignments")
        happened = publisher.events(generation) if current != live else set()
        began = {customer for customer, event, _ in happened if event in {"created", "split_from"}}
        ended = {customer for customer, event, _ in happened if event in {"merged_into", "retired"}}
        assert began == current - live
        assert ended == live - current
        assert {other for _, event, other in happened if event == "merged_into"} <= current
        assert {other for _, event, other in happened if event == "split_from"} <= live
        live = current

        # Killed after any step, and run again.
        killed.run(one, kills[number])
        killed.days.pop()
        killed.run(one)
    assert killed.everything() == publisher.everything()

    # Whoever is joined and parted again has the id of before.
    before = publisher.customers
    publisher.run(replace(days[-1], components=("".join(days[-1].records),)))
    publisher.run(days[-1])
    assert publisher.customers == before

    # The registry alone gives the ids.
    publisher.connection.execute("drop table assignments")
    publisher.run(days[-1])
    assert publisher.customers == before
    for one in (publisher, killed):
        one.connection.close()


def test_what_the_gate_stops_changes_nothing_until_it_is_let_through(make_dbt: Callable[..., Dbt]):
    dbt = make_dbt()
    strict = "{identity_gate: {always_allowed: 1, merged_percent: 0, split_percent: 0, lost_percent: 0, "
    strict += "conflicting_percent: 0, largest_customer: 2}}"
    kept = ("identity.assignments", "identity.identity_map", "identity.identity_events", "identity.identifier_map",
            "identity.customer_redirects", "master.customers")  # fmt: skip
    identity = ("--select", "int_people", "path:models/identity", "customers")

    def content() -> dict[str, Rows]:
        return {name: dbt.table(name) for name in kept}

    company.bring_people(dbt.path, 1, {"1": "a@x.ch", "2": "b@x.ch", "3": "c@x.ch"})
    dbt.build("--exclude-resource-type", "test", "--select", "+path:models/identity", "+customers")
    before = content()
    assert len(before["master.customers"]) == 3

    company.bring_people(dbt.path, 2, {"2": "a@x.ch", "3": "a@x.ch"})
    problems = dbt.build("--vars", strict, *identity, expect=False)
    assert set(problems) == {"not_too_many_customers_merge", "no_customer_has_too_many_records"}
    assert content() == before
    assert dbt.rows("select count(distinct customer_id) as customers from identity.candidate_map") == [{"customers": 1}]
    assert ("merged", 2, 1) in dbt.table("identity.publish_gate")

    # The operator looks at it, and wants it.
    dbt.run("run", "--select", "assignments+,path:models/identity", "customers")
    assert len(dbt.table("master.customers")) == 1
    assert len(dbt.table("identity.customer_redirects")) == 2

    # And is sorry.
    company.bring_people(dbt.path, 3, {"2": "b@x.ch", "3": "c@x.ch"})
    dbt.build("--exclude-resource-type", "test", *identity)
    assert dbt.table("identity.identity_map") == before["identity.identity_map"]
    assert dbt.table("identity.customer_redirects") == []
    assert ("split", 2, 100) in dbt.table("identity.publish_gate")
