"""Edges and components after a change: those of a full refresh, row for row, over random histories.

A history is that of a small world of records which share many values. Many worlds live side by side, and in each step
some of them change: what has no key in common has no influence on each other, but for a few values that records of all
worlds may have. SCV_HISTORIES tells how many are tried; `benchmarks/identity_histories.py` tries a thousand.
"""

import json
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import duckdb
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from scv_platform.warehouse import Table, TableColumn
from scv_platform.warehouse.bigquery import BigQueryWarehouse
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.dbt.conftest import Dbt
from tests.dbt.people import MODELS, SEEDS, Decision, Person, device, give, give_pairs, person

HISTORIES = int(os.environ.get("SCV_HISTORIES", "25"))
WORLDS = 25
STEPS = 5
TABLES = ("edges", "components", "edge_scopes", "closed_keys")
Rows = list[tuple[Any, ...]]

BYSTANDERS = [
    person(f"by:{number:03}", "anna meier", email=f"by{number // 3}@x.ch", phone=f"by{number // 2}")
    for number in range(300)
]
"""Nothing ever happens to them."""


@dataclass(frozen=True)
class World:
    """What is known of the records of a world."""

    people: dict[str, Person] = field(default_factory=dict)
    blocked: dict[str, str] = field(default_factory=dict)
    decisions: dict[tuple[str, str], str] = field(default_factory=dict)
    pairs: dict[tuple[str, str], float] = field(default_factory=dict)

    def records(self) -> Iterator[Person]:
        """The records with what is blocked."""
        for one in self.people.values():
            yield replace(
                one, blocked={value: self.blocked[value] for _, value in one.values() if value in self.blocked}
            )


OF_ALL_WORLDS = (("phone", "office", 0.12), ("email", "info", 0.2), ("anonymous_id", "kiosk", 0.03))
"""Values that records of any world have, so that about as many have one as may: type, value, probability."""


def some_person(dice: random.Random, world: str, number: int) -> Person:
    """A record with few values, so that it shares many, some with records of all worlds."""

    def some(kind: str, probability: float, values: int) -> dict[str, list[str]]:
        if dice.random() > probability:
            return {}
        given = {f"{world}:{kind}{dice.randrange(values)}" for _ in range(dice.choice((1, 1, 2)))}
        return {kind: sorted(given)}

    if dice.random() < 0.15:
        return device(f"{world}:{number:02}", f"{world}:anonymous_id{dice.randrange(2)}")
    identifiers = some("user_id", 0.2, 3) | some("email", 0.7, 3) | some("phone", 0.4, 2) | some("anonymous_id", 0.4, 2)
    for kind, value, probability in OF_ALL_WORLDS:
        if dice.random() < probability:
            identifiers[kind] = [*identifiers.get(kind, []), value]
    return Person(
        record_id=f"{world}:{number:02}",
        given_name=dice.choice((None, None, "robert", "bob", "r", "anna", "rosa")),
        family_name=dice.choice((None, f"{world} meier", f"{world} meier", f"{world} huber")),
        birth_date=dice.choice((None, None, "1980-01-02", "1980-02-01", "1955-07-19")),
        identifiers=identifiers | some("national_id", 0.1, 2),
        ordered_as=dice.choice(((), (), (), ("rosa",))),
    )


def toggled(known: dict[Any, Any], key: Any, value: Any) -> dict[Any, Any]:
    """Without the key, or with it."""
    return {k: v for k, v in known.items() if k != key} if key in known else known | {key: value}


def agree(decisions: dict[tuple[str, str], str]) -> bool:
    """Whether no two are kept apart whom links join."""
    group = {record: record for pair in decisions for record in pair}
    links = [pair for pair, decision in decisions.items() if decision == "link"]
    for one, other in links * len(links):
        group[one] = group[other] = min(group[one], group[other])
    return all(group[one] != group[other] for (one, other), decision in decisions.items() if decision == "unlink")


def changed(dice: random.Random, name: str, past: list[World]) -> World:
    """The world after something happened to it."""
    world = past[-1]
    pairs = list(combinations(sorted(world.people), 2))
    event = dice.choice(("add", "add", "change", "change", "delete", "block", "decide", "score", "revert"))
    if event == "revert":
        return dice.choice(past)
    if event == "add" or not pairs:
        number = dice.randrange(12)
        return replace(world, people=world.people | {f"{name}:{number:02}": some_person(dice, name, number)})
    if event == "change":
        record = dice.choice(sorted(world.people))
        return replace(world, people=world.people | {record: some_person(dice, name, int(record[-2:]))})
    if event == "delete":
        return replace(world, people=toggled(world.people, dice.choice(sorted(world.people)), None))
    if event == "block":
        value = f"{name}:{dice.choice(('email0', 'email1', 'phone0', 'user_id0'))}"
        return replace(world, blocked=toggled(world.blocked, value, dice.choice(("shared", "placeholder"))))
    if event == "score":
        return replace(world, pairs=toggled(world.pairs, dice.choice(pairs), dice.choice((1.0, 5.0, 9.0, 20.0))))
    decisions = toggled(world.decisions, dice.choice(pairs), dice.choice(("link", "unlink", "unlink")))
    return replace(world, decisions=decisions) if agree(decisions) else world


@dataclass
class History:
    """Worlds from step to step."""

    dice: random.Random
    past: dict[str, list[World]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number in range(WORLDS):
            name = f"w{number:02}"
            people = [some_person(self.dice, name, record) for record in range(self.dice.randrange(2, 7))]
            self.past[name] = [World({one.record_id: one for one in people})]

    def step(self) -> None:
        """Something happens to some of the worlds."""
        for name, past in self.past.items():
            if self.dice.random() < 0.25:
                past.append(changed(self.dice, name, past))

    def give(self, dbt: Dbt) -> None:
        """Put what is known now where the models read it, in any order."""
        worlds = [past[-1] for past in self.past.values()]
        people = [*BYSTANDERS, *(one for world in worlds for one in world.records())]
        decisions = [Decision(decision, *pair) for world in worlds for pair, decision in world.decisions.items()]
        give(dbt, self.dice.sample(people, len(people)), decisions)
        here = {one.record_id for one in people}
        give_pairs(
            dbt, {pair: weight for world in worlds for pair, weight in world.pairs.items() if here.issuperset(pair)}
        )


@pytest.fixture(scope="module")
def dbt(make_dbt: Callable[..., Dbt]) -> Dbt:
    made = make_dbt()
    made.run("seed", "--select", *SEEDS)
    return made


def execute(dbt: Dbt, *statements: str) -> None:
    with duckdb.connect(str(dbt.path)) as connection:
        for statement in statements:
            connection.execute(statement)


def tables(dbt: Dbt) -> dict[str, Rows]:
    return {name: dbt.table(f"identity.{name}") for name in TABLES}


def refresh(dbt: Dbt) -> dict[str, Rows]:
    """What a full refresh makes."""
    dbt.run("run", "--select", "edges", "components", "--full-refresh")
    return tables(dbt)


# A seed is not made simpler by being less.
@settings(max_examples=max(HISTORIES // WORLDS, 1), deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.integers(0, 2**32))
def test_what_changed_is_resolved_as_a_full_refresh_does(dbt: Dbt, seed: int):
    history = History(random.Random(seed))
    history.give(dbt)
    dbt.run("run", "--select", *MODELS)
    for _ in range(STEPS):
        history.step()
        history.give(dbt)
        before = dbt.rows("select * from identity.edges where record_a like 'by:%' order by all")
        execute(dbt, "update identity.edges set reason = 'as it was' where record_a like 'by:%'")
        dbt.run("run", "--select", *MODELS)
        kept = dbt.rows("select * from identity.edges where record_a like 'by:%' order by all")
        assert kept == [edge | {"reason": "as it was"} for edge in before], "what did not change was not resolved again"
        execute(dbt, "update identity.edges set reason = null where record_a like 'by:%'")
        found = tables(dbt)
        expected = refresh(dbt)
        for name in TABLES:
            assert found[name] == expected[name], name


def family(mail: str) -> list[Person]:
    return [
        person("a", "anna meier", email=mail),
        person("b", "anna meier", email=["x@x.ch", "y@x.ch"]),
        person("c", "- -", email=["x@x.ch", "z@x.ch"]),
    ]


def test_what_is_the_same_for_all_is_resolved_anew_for_all(dbt: Dbt, monkeypatch: pytest.MonkeyPatch):
    give(
        dbt,
        [
            *family("x@x.ch"),
            person("cap:1", "eva kern", email="cap1@x.ch"),
            person("cap:2", "eva kern", email=["cap1@x.ch", "cap2@x.ch"]),
            person("cap:3", "eva kern", email="cap2@x.ch"),
            person("born:1", "ida graf", "1980-01-02", email="ida@x.ch"),
            person("born:2", "ida graf", "1980-02-01", email="ida@x.ch"),
            person("guard:1", "lea frei", "1980-01-02", email="lea@x.ch"),
            person("guard:2", "lea frei", "1955-07-19", email="lea@x.ch"),
            person("form:1", "robert roth", email="robert@x.ch"),
            person("form:2", "bob roth", email="robert@x.ch"),
            *(person(f"strong:{number}", "jan vogt") for number in range(2)),
            person("firm:1", "tim kuhn", "1980-01-02"),
            person("firm:2", "tim kuhn", "1955-07-19"),
        ],
    )
    give_pairs(dbt, {("strong:0", "strong:1"): 9.0, ("firm:1", "firm:2"): 3.0})
    rule = {"name": "email", "keys": ["email"], "level": 3, "guard": ["given_name", "birth_date"]}
    model = {"level": 5, "guard": ["birth_date"], "contacts": ["email"], "most": 20, "unlikely": -10, "strong": 0.99}
    given = {"identity_rules": [rule], "identity_model": model}
    dbt.run("run", "--select", *MODELS, "--vars", json.dumps(given))
    before = tables(dbt)

    def resolve_anew(*whom: str, **changed: Any) -> None:
        """What changed since the last time decides otherwise now, about these records."""
        nonlocal before
        given.update(changed)
        options = ("run", "--select", "edges", "components", "--vars", json.dumps(given))
        dbt.run(*options)
        found = tables(dbt)
        dbt.run(*options, "--full-refresh")
        expected = tables(dbt)
        for name in TABLES:
            assert found[name] == expected[name], (whom, name)
        assert {row[1].partition(":")[0] for row in set(found["edges"]) ^ set(before["edges"])} == set(whom)
        before = found

    agree = dbt.manifest.macros["macro.scv.birth_dates_agree"]
    names = "update seeds.given_names set given_name = '{}' where given_name = '{}'"
    unreliable = "('m', timestamp '2024-01-01', 'birth_date')"
    try:
        execute(dbt, names.format("-", "bob"))
        resolve_anew("form")
        monkeypatch.setattr(agree, "macro_sql", "{% macro birth_dates_agree(first, second) %}false{% endmacro %}")
        resolve_anew("born")
        resolve_anew("born", "guard", identity_rules=[rule | {"guard": ["given_name"]}])
        resolve_anew("strong", identity_model=model | {"strong": 0.999})
        execute(dbt, f"insert into identity.match_models (model_version, trained_at, unreliable) values {unreliable}")
        resolve_anew("firm")
        resolve_anew("b", "c", identity_max_values={"email": 2})
        resolve_anew("cap", identity_size_cap=2)
    finally:
        execute(dbt, names.format("bob", "-"), "delete from identity.match_models")


def test_after_a_run_that_was_killed_everything_is_resolved(dbt: Dbt):
    give(dbt, [*BYSTANDERS, *family("x@x.ch")])
    give_pairs(dbt, {})
    dbt.run("run", "--select", *MODELS)
    before = tables(dbt)
    give(dbt, [*BYSTANDERS, *family("other@x.ch")])
    # It had replaced the edges, and not yet what they came of.
    execute(dbt, "create table identity.scopes_of_before as from identity.edge_scopes")
    dbt.run("run", "--select", *MODELS)
    execute(
        dbt,
        "drop table identity.closed_keys",
        "create or replace table identity.edge_scopes as from identity.scopes_of_before",
        "drop table identity.scopes_of_before",
    )
    give(dbt, [*BYSTANDERS, *family("x@x.ch")])
    dbt.run("run", "--select", *MODELS)
    assert tables(dbt) == before


INPUTS = (
    "identity.source_records", "identity.identifiers", "identity.steward_decisions", "identity.scored_pairs",
    "intermediate.int_guest_names",
)  # fmt: skip


def copied(dbt: Dbt, warehouse: BigQueryWarehouse) -> None:
    """Put what the identity models read on DuckDB where they read it on BigQuery."""
    kinds = {"VARCHAR": "string", "BOOLEAN": "boolean", "DATE": "date", "DOUBLE": "float", "TIMESTAMP": "timestamp"}
    for name in INPUTS:
        schema, _, table = name.partition(".")
        described = dbt.rows(f"describe {name}")
        columns = [TableColumn(row["column_name"], kinds[row["column_type"]], "") for row in described]
        rows = DuckDBWarehouse(dbt.path).table(f"select * from {name}")
        warehouse.rebuild(Table(schema, table, "", tuple(columns), (columns[0].name,)), rows)


@pytest.mark.parity
def test_bigquery_resolves_what_changed_as_duckdb_does(
    dbt: Dbt,
    make_bigquery_dbt: Callable[..., Dbt],
    make_bigquery_warehouse: Callable[[], BigQueryWarehouse],
):
    warehouse = make_bigquery_warehouse()
    other = make_bigquery_dbt(warehouse.prefix)
    other.run("seed", "--select", *SEEDS)
    history = History(random.Random(1))
    for _ in range(2):
        history.give(dbt)
        copied(dbt, warehouse)
        dbt.run("run", "--select", *MODELS)
        other.run("run", "--select", *MODELS)
        for name in ("edges", "components", "closed_keys"):
            found = [tuple(row.values()) for row in warehouse.rows(f"select * from identity.{name}")]
            assert sorted(found, key=repr) == sorted(dbt.table(f"identity.{name}"), key=repr), name
        history.step()
