"""Person records as `source_records` and `identifiers` hold them, for tests of the identity layer alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import pyarrow as pa

from scv_platform.identity.matching import SCORED_PAIRS
from scv_platform.identity.stewardship import DECISION_SCHEMA, STEWARD_DECISIONS
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.dbt.conftest import Dbt

MODELS = ("overrides", "match_keys", "record_traits", "edges", "components")
IDS = (
    "rule_keys", "record_registry", "candidate_map", "assignments",
    "identity_map", "identity_events", "customer_redirects",
)  # fmt: skip
SEEDS = ("given_names", "identity_blocklist", "identity_overrides", "record_aliases")

Pairs = Mapping[tuple[str, str], float]
"""Match weight by pair."""

_PAIR_SCHEMA = pa.schema(
    [
        ("record_a", pa.string()),
        ("record_b", pa.string()),
        ("probability", pa.float64()),
        ("match_weight", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Decision:
    """What a steward said of two records at the command line."""

    decision: str
    record_a: str
    record_b: str
    hour: int = 0


@dataclass(frozen=True)
class Person:
    """One person record and its identifiers, each kind with one value or several."""

    record_id: str
    given_name: str | None = None
    family_name: str | None = None
    birth_date: str | None = None
    identifiers: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    is_device: bool = False
    blocked: Mapping[str, str] = field(default_factory=dict)
    """Kind of the block by value."""
    ordered_as: Sequence[str] = ()
    """Given names on the orders of a guest."""

    def values(self) -> list[tuple[str, str]]:
        """The identifiers as (type, value)."""
        return [
            (kind, value)
            for kind, values in self.identifiers.items()
            for value in ([values] if isinstance(values, str) else values)
        ]


def person(record_id: str, name: str = "", born: str | None = None, **identifiers: str | Sequence[str]) -> Person:
    """A record; `name` is "given family", where - stands for none."""
    given, _, family = name.partition(" ")
    given, family = ((None if part in ("", "-") else part.replace("_", " ")) for part in (given, family))
    return Person(record_id, given, family, born, identifiers)


def device(record_id: str, anonymous_id: str) -> Person:
    """A browser that was seen."""
    return Person(record_id, identifiers={"anonymous_id": anonymous_id}, is_device=True)


def either_way(born: str | None) -> str | None:
    """A birth date in which day and month may be swapped."""
    if born is None:
        return None
    year, *rest = born.split("-")
    return "-".join([year, *sorted(rest)])


def give(dbt: Dbt, people: Iterable[Person], decisions: Iterable[Decision] = ()) -> None:
    """Put the records, and what stewards decided about them, where the identity models read them."""
    people = list(people)
    records = pa.table(
        {
            "record_id": pa.array([p.record_id for p in people], pa.string()),
            "given_name_normalised": pa.array([p.given_name for p in people], pa.string()),
            "family_name_normalised": pa.array([p.family_name for p in people], pa.string()),
            "birth_date": pa.array([p.birth_date for p in people], pa.string()),
            "birth_date_either_way": pa.array([either_way(p.birth_date) for p in people], pa.string()),
            "is_anonymous": pa.array([p.is_device for p in people], pa.bool_()),
        }
    )
    rows = [
        (p.record_id, kind, value, f"{kind}:{value}", p.blocked.get(value))
        for p in people
        for kind, value in p.values()
    ]
    columns = ("record_id", "identifier_type", "identifier_value", "key_hash", "blocked_as")
    identifiers = pa.table(
        {name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(columns)}
    )
    names = [(p.record_id, name) for p in people for name in p.ordered_as]
    guest_names = pa.table(
        {
            "record_id": pa.array([record_id for record_id, _ in names], pa.string()),
            "given_name_normalised": pa.array([name for _, name in names], pa.string()),
        }
    )
    decided = [
        {
            "record_a": one.record_a,
            "record_b": one.record_b,
            "decision": one.decision,
            "decided_by": "ann",
            "reason": "she knows them",
            "decided_at": datetime(2024, 1, 1, one.hour),
        }
        for one in decisions
    ]
    DuckDBWarehouse(dbt.path).replace(STEWARD_DECISIONS, pa.Table.from_pylist(decided, DECISION_SCHEMA))
    with duckdb.connect(str(dbt.path)) as connection:
        connection.execute("create schema if not exists identity")
        connection.execute("create schema if not exists intermediate")
        connection.register("records", records)
        connection.register("given_identifiers", identifiers)
        connection.execute(
            """
            create or replace table identity.source_records as
            select
                * replace (cast(birth_date as date) as birth_date),
                given_name_normalised as given_name_folded,
                family_name_normalised as family_name_folded,
                cast(null as varchar) as postcode_normalised,
                cast(null as varchar) as address_normalised
            from records
            """
        )
        connection.execute(
            """
            create or replace table identity.identifiers as
            select *, 'because' as blocked_because from given_identifiers
            """
        )
        connection.register("given_names", guest_names)
        connection.execute("create or replace table intermediate.int_guest_names as select * from given_names")
        connection.execute("update identity.identifiers set blocked_because = null where blocked_as is null")


def give_pairs(dbt: Dbt, pairs: Pairs) -> None:
    """Put the pairs that a model found likely where the identity models read them."""
    scored = [
        {"record_a": min(pair), "record_b": max(pair), "probability": 2**w / (1 + 2**w), "match_weight": w}
        for pair, w in pairs.items()
    ]
    DuckDBWarehouse(dbt.path).rebuild(SCORED_PAIRS, pa.Table.from_pylist(scored, _PAIR_SCHEMA))


def resolve(dbt: Dbt, people: Iterable[Person], decisions: Iterable[Decision] = ()) -> set[frozenset[str]]:
    """Who is who: the components of the records, of more than one record each."""
    give(dbt, people, decisions)
    dbt.run("run", "--select", *MODELS)
    rows = dbt.rows("select list(record_id) as members from identity.components group by component_id")
    return {frozenset(row["members"]) for row in rows if len(row["members"]) > 1}


def publish(dbt: Dbt, people: Iterable[Person], decisions: Iterable[Decision] = ()) -> None:
    """A run that gives the people customer ids that hold."""
    give(dbt, people, decisions)
    DuckDBWarehouse(dbt.path).run(
        [
            "create or replace table intermediate.int_loads as"
            " select 'l1' as load_id, timestamp '2024-01-01 10:00:00' as loaded_at",
            """
            create or replace table identity.source_records as
            select
                *,
                split_part(record_id, ':', 1) as source,
                split_part(record_id, ':', 2) as source_id,
                case when is_anonymous then 'device' else 'person' end as record_type,
                timestamp '2024-01-01' as first_seen_at,
                cast(null as timestamp) as created_at,
                false as is_deleted,
                'l1' as first_load_id
            from identity.source_records
            """,
        ]
    )
    dbt.run("run", "--select", *MODELS, *IDS)


def outcomes(
    dbt: Dbt, groups: Iterable[frozenset[str]], stories: Iterable[str]
) -> dict[str, tuple[set[str], set[str]]]:
    """Of each story, the groups that became one customer and the kinds of reasons of refused links."""
    found: dict[str, tuple[set[str], set[str]]] = {story: (set(), set()) for story in stories}
    for group in groups:
        (story,) = {record.split(":")[0] for record in group}
        found[story][0].add("".join(sorted(record.split(":")[1] for record in group)))
    for row in dbt.rows("select record_b, reason from identity.edges where status = 'refused'"):
        found[row["record_b"].split(":")[0]][1].add(row["reason"].split(":")[0])
    return found
