"""The figures and paths that SQL and Python find, against slow ones that follow the definitions, on random worlds."""

import hashlib
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations, permutations
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scv_platform.identity.evaluate import WORST, evaluate
from scv_platform.identity.explain import Link, path_between
from scv_platform.identity.matching import PROBABILITIES
from scv_platform.identity.sample import SAMPLE, SEED
from scv_platform.identity.shape import HOPS, LARGEST, WAY, ThresholdFigures, measure
from scv_platform.warehouse import Table, TableColumn
from scv_platform.warehouse.duckdb import DuckDBWarehouse

RULES = {"mail_and_name": ("mail",), "mail": ("mail",), "phone": ("phone",), "user": ("user",)}
"""Identifier types by rule."""
STRENGTHS = {
    "mail_and_name": "strong", "mail": "strong", "phone": "weak", "user": "certain",
    "model": "weak", "steward": "certain",
}  # fmt: skip
OTHERS = ("model", "steward")
"""Who proposes links beside the rules."""
APART = "steward: kept apart"
LEVELS = {rule: level for level, rule in enumerate(STRENGTHS, start=1)}
TABLES = {
    "identity_map": "record_id customer_id source",
    "source_records": "record_id record_type",
    "edges": "record_a record_b rule key_hash level:integer strength probability:float origin status reason",
    "match_keys": "record_id rule level:integer key_hash blocked_because",
    "rule_keys": "rule key_name is_identifier:boolean",
    "scored_pairs": "record_a record_b probability:float",
    "overrides": "record_a record_b decision",
    "assignments": "record_id customer_id generation:integer cause",
}


@dataclass
class World:
    """Records that are somebody's, became somebody, and share keys."""

    customers: dict[str, str | None] = field(default_factory=dict)
    people: dict[str, str | None] = field(default_factory=dict)
    devices: set[str] = field(default_factory=set)
    keys: set[tuple[str, str, str]] = field(default_factory=set)
    """Record, rule and key."""
    closed: set[tuple[str, str]] = field(default_factory=set)
    """Rule and key."""
    edges: set[tuple[str, str, str, str, str | None]] = field(default_factory=set)
    """Two records, rule, key, and why it is refused."""
    probabilities: dict[tuple[str, str], float] = field(default_factory=dict)
    """Of likely pairs."""
    decisions: dict[tuple[str, str], str] = field(default_factory=dict)
    """Of stewards on two records."""

    @classmethod
    def random(cls, seed: int) -> "World":
        """Groups of a few records with few keys, so that they share many."""
        dice, world = random.Random(seed), cls()
        for group in range(dice.choice([0, 1, 25, 60])):
            records = [f"{dice.choice('st')}:{group}.{number}" for number in range(dice.randrange(1, 12))]
            keys = [f"k{group}.{number}" for number in range(3)]
            for record in records:
                world.customers[record] = dice.choice([None, f"c{group}", *[f"d{group}"] * 2, *[f"e{group}"] * 3])
                world.people[record] = dice.choice([None, f"p{group}", *[f"q{group}"] * 2, *[f"r{group}"] * 2])
                if dice.random() < 0.15:
                    world.devices.add(record)
                world.keys |= {(record, rule, dice.choice(keys)) for rule in RULES if dice.random() < 0.6}
            world.closed |= {(rule, key) for rule in RULES for key in keys if dice.random() < 0.15}
            # Where nothing else joins records, it shows how likely pairs are.
            proposing = dice.choice([(*RULES, *OTHERS), OTHERS])
            for one, other in combinations(records, 2):
                if dice.random() < 0.2:
                    world.decisions[one, other] = dice.choice(["link", "unlink"])
                for rule in proposing:
                    if dice.random() < 0.2:
                        reason = dice.choice(
                            [*[None] * 3, "conflict: given name", "chain: too long", "ambiguous: both"]
                        )
                        if rule == "steward":
                            reason = None
                        elif (one, other) in world.decisions:
                            reason = APART
                        if rule == "model":
                            world.probabilities[one, other] = dice.choice(PROBABILITIES)
                        world.edges.add((one, other, rule, dice.choice(keys), reason))
        return world

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """The rows of the tables that are read."""
        hubs = [("a", "b", rule, key, "hub: many") for rule, key in self.closed]
        return {
            "identity_map": [(record, customer, record[0]) for record, customer in self.customers.items()],
            "source_records": [(r, "device" if r in self.devices else "person") for r in self.customers],
            "edges": [
                (
                    a, b, rule, key, LEVELS[rule], STRENGTHS[rule],
                    self.probabilities[a, b] if rule == "model" else None,
                    rule if rule in OTHERS else "rule", "refused" if reason else "kept", reason,
                )
                for a, b, rule, key, reason in [*self.edges, *hubs]
            ],
            "match_keys": [(record, rule, LEVELS[rule], key, None) for record, rule, key in self.keys],
            "rule_keys": [(rule, kind, True) for rule, kinds in RULES.items() for kind in kinds],
            "scored_pairs": [(*pair, probability) for pair, probability in self.probabilities.items()],
            "overrides": [(*pair, decision) for pair, decision in self.decisions.items()],
            "assignments": [(record, customer, 1, "arrived") for record, customer in self.customers.items()],
        }  # fmt: skip

    def known(self) -> list[str]:
        """Records of which the truth knows whose they are."""
        return [r for r in self.customers if r not in self.devices and self.people[r]]

    def customer(self, record: str) -> str:
        """The customer; a record of none is alone."""
        return self.customers[record] or record

    def found_again(self, rule: str, one: str, other: str) -> bool:
        """Whether other evidence than the rule's leads from the one to the other inside their customer."""
        reached = {one}
        for _ in range(HOPS):
            reached |= {near for record in reached for near in self.members(record) if self.agree(rule, record, near)}
        return other in reached

    def members(self, record: str) -> list[str]:
        """The records of the same customer, without devices."""
        return [r for r, c in self.customers.items() if c and c == self.customers[record] and r not in self.devices]

    def agree(self, rule: str, one: str, other: str) -> bool:
        """Whether two records share something that the rule does not compare."""
        for name, kinds in RULES.items():
            if not {*kinds} & {*RULES[rule]}:
                of_one, of_other = ({k for r, n, k in self.keys if (r, n) == (x, name)} for x in (one, other))
                if any((name, key) not in self.closed for key in of_one & of_other):
                    return True
        return any({a, b} == {one, other} and name in OTHERS and not why for a, b, name, _, why in self.edges)

    def holds(self, customer: str, probability: float) -> bool:
        """Whether links lead from the first record of the customer to all, were only such likely pairs links."""
        members = {record for record, of in self.customers.items() if of == customer}
        links = [
            {a, b}
            for a, b, rule, _, reason in self.edges
            if not reason and {a, b} <= members and (rule != "model" or self.probabilities[a, b] >= probability)
        ]
        reached = {min(members)}
        for _ in range(WAY):
            reached |= {record for link in links if link & reached for record in link}
        return reached == members

    def sample(self, rule: str) -> list[tuple[str, str]]:
        """The first pairs, by a hash, of the rule's links and of those that it would have linked but for a decision."""
        pairs = {(a, b) for a, b, name, _, reason in self.edges if name == rule and not reason}
        pairs |= {pair for pair in self.decisions if self.proposes(*pair) == rule}
        hashes = {hashlib.md5(f"{SEED}:{a}:{b}".encode()).hexdigest(): (a, b) for a, b in pairs}
        return [hashes[h] for h in sorted(hashes) if self.devices.isdisjoint(hashes[h])][:SAMPLE]

    def proposes(self, one: str, other: str) -> str | None:
        """The strongest rule that says that two records of a customer are one person."""
        if self.customers[one] is None or self.customers[one] != self.customers[other]:
            return None
        for rule in RULES:
            of_one, of_other = ({k for r, n, k in self.keys if (r, n) == (x, rule)} for x in (one, other))
            if any((rule, key) not in self.closed for key in of_one & of_other):
                return rule
        return "model" if (one, other) in self.probabilities else None


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBWarehouse]:
    warehouse = DuckDBWarehouse(tmp_path_factory.mktemp("worlds") / "scv.duckdb")
    with warehouse.session():
        yield warehouse


def give(warehouse: DuckDBWarehouse, world: World) -> None:
    for name, rows in world.tables().items():
        columns = [(*column.split(":"), "string")[:2] for column in TABLES[name].split()]
        types = {"string": pa.string(), "integer": pa.int64(), "float": pa.float64(), "boolean": pa.bool_()}
        data = pa.table(
            {
                column: pa.array([row[place] for row in rows], types[kind])
                for place, (column, kind) in enumerate(columns)
            }
        )
        table = Table("identity", name, "", tuple(TableColumn(column, kind, "") for column, kind in columns), ())
        warehouse.rebuild(table, data)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**32))
def test_figures_with_a_truth_follow_their_definitions(
    warehouse: DuckDBWarehouse, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    world = World.random(seed)
    give(warehouse, world)
    truth = tmp_path_factory.mktemp("truth")
    people = {
        "record_id": pa.array(world.people, pa.string()),
        "person_id": pa.array(world.people.values(), pa.string()),
    }
    pq.write_table(pa.table(people), truth / "records.parquet")
    found = evaluate(warehouse, truth)

    records = world.known()
    of_customer: dict[str, set[str]] = {}
    of_person: dict[str, set[str]] = {}
    for record in records:
        of_customer.setdefault(world.customer(record), set()).add(record)
        of_person.setdefault(str(world.people[record]), set()).add(record)
    pairs = [
        (world.customer(a) == world.customer(b), world.people[a] == world.people[b])
        for a, b in combinations(records, 2)
    ]
    joined, same, both = (sum(map(test, pairs)) for test in (lambda p: p[0], lambda p: p[1], all))
    assert found.precision == (both / joined if joined else 1)
    assert found.recall == (both / same if same else 1)
    shares = [
        (len(c & p) / len(c), len(c & p) / len(p))
        for c, p in ((of_customer[world.customer(r)], of_person[str(world.people[r])]) for r in records)
    ]
    assert found.bcubed_precision == pytest.approx(sum(s for s, _ in shares) / len(records) if records else 1)
    assert found.bcubed_recall == pytest.approx(sum(s for _, s in shares) / len(records) if records else 1)
    assert found.exact_people == sum(person in of_customer.values() for person in of_person.values())
    split = {
        person: (len(rs), len({world.customer(r) for r in rs}),
                 sum(world.customer(a) != world.customer(b) for a, b in combinations(rs, 2)))
        for person, rs in of_person.items()
    }  # fmt: skip
    assert [(s.person_id, (s.records, s.customers, s.missed_pairs)) for s in found.worst_splits] == sorted(
        ((person, figures) for person, figures in split.items() if figures[1] > 1), key=lambda s: (-s[1][2], s[0])
    )[:WORST]


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32))
def test_figures_without_a_truth_follow_their_definitions(warehouse: DuckDBWarehouse, seed: int) -> None:
    world = World.random(seed)
    give(warehouse, world)
    found = measure(warehouse)

    members = {r: c for r, c in world.customers.items() if c}
    sizes = Counter(dict.fromkeys(members.values(), 0))
    sizes.update(c for r, c in members.items() if r not in world.devices)
    assert (found.customers, found.records) == (len(sizes), sizes.total())
    assert found.largest_customer == max(sizes.values(), default=0)
    devices = Counter(c for r, c in members.items() if r in world.devices)
    assert [(one.customer_id, one.records, one.devices) for one in found.largest] == sorted(
        ((c, n, devices[c]) for c, n in sizes.items()), key=lambda one: (-one[1], -one[2], one[0])
    )[:LARGEST]
    for rule in found.rules:
        reasons = [edge[4] for edge in world.edges if edge[2] == rule.rule and edge[4] != APART]
        assert (rule.kept, rule.contradicted) == (reasons.count(None), sum(reason is not None for reason in reasons))
        links = {
            (a, b)
            for a, b, name, _, reason in world.edges
            if name == rule.rule and reason is None and {a, b}.isdisjoint(world.devices)
            if world.customers[a] and world.customers[a] == world.customers[b]
        }
        assert rule.held_out == len(links)
        assert rule.found_again == sum(world.found_again(rule.rule, a, b) for a, b in links)
    sampled = {rule: world.sample(rule) for rule in (*RULES, "model")}
    assert {one.rule: (one.sampled, one.judged, one.correct) for one in found.samples} == {
        rule: (
            len(pairs),
            *(sum(world.decisions.get(p) in wanted for p in pairs) for wanted in ({"link", "unlink"}, {"link"})),
        )
        for rule, pairs in sampled.items()
        if pairs
    }
    joined = [(a, b) for a, b, rule, _, reason in world.edges if rule == "model" and not reason]
    held = {world.customers[a] for a, _ in joined} - {None}
    assert found.thresholds == tuple(
        ThresholdFigures(
            probability,
            sum(likely >= probability for likely in world.probabilities.values()),
            sum(world.probabilities[pair] >= probability for pair in joined),
            sum(world.holds(str(customer), probability) for customer in held),
        )
        for probability in (PROBABILITIES if world.probabilities else ())
    )


def link(one: int, other: int, level: int) -> Link:
    a, b = sorted((f"r{one}", f"r{other}"))
    return Link(a, b, "x", "x", None, None, f"rule{level}", "k", level, "strong", None, "rule", None)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 3)), max_size=12), st.randoms())
def test_a_path_is_the_shortest_and_of_those_the_first_by_record(
    drawn: list[tuple[int, int, int]], dice: random.Random
) -> None:
    links = [link(*one) for one in drawn if one[0] != one[1]]
    joined = {frozenset((one.record_a, one.record_b)) for one in links}
    records = sorted({record for pair in joined for record in pair} | {"r0", "r5"})
    paths = [
        ("r0", *between, "r5")
        for count in range(len(records) - 1)
        for between in permutations([r for r in records if r not in ("r0", "r5")], count)
        if all(frozenset(step) in joined for step in zip(("r0", *between), (*between, "r5"), strict=True))
    ]
    if not paths:
        with pytest.raises(ValueError, match="no link leads from r0 to r5"):
            path_between(links, "r0", "r5")
        return
    found = path_between(dice.sample(links, len(links)), "r0", "r5")
    assert ("r0", *(one.record_b for one in found)) == min(paths, key=lambda path: (len(path), path))
    for step in found:
        ends = {step.record_a, step.record_b}
        assert step.level == min(one.level for one in links if {one.record_a, one.record_b} == ends)
