"""How well the identity layer finds out who is who, measured against a known truth.

Data flow: `truth/records.parquet` (record_id, person_id) -> `identity.truth_records` -> counts of records per
(customer, person) in the warehouse -> pairs of records that are rightly, wrongly or not at all one customer.
Ground truth: two records are one person when the truth gives them one person_id; a record of several people, such as a
family's device, has none and is left out. Devices are counted apart: there are
many of them, each joined by its sign-in alone, and they would hide what happens to people.
Formulas, as Menestrina, Whang and Garcia-Molina compare them (Evaluating Entity Resolution Results, VLDB 2010):
- pair precision, recall and F1: over pairs of records; large customers and people weigh more than small ones.
- B-cubed (Bagga and Baldwin, Algorithms for Scoring Coreference Chains, 1998): the mean over records of the share of
  its customer that is its person (precision), and of its person that is in its customer (recall).
- exact people: those who are one customer that is nobody else, the cluster recall of Huang, Ertekin and Giles (2006).
Invariant: no pair of records is ever built; n records of one kind are n (n - 1) / 2 pairs.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scv_platform.config_files import ConfigError
from scv_platform.warehouse import Table, TableColumn, Warehouse

TRUTH_RECORDS = Table(
    schema="identity",
    name="truth_records",
    description="Who each person record really is, for evaluation alone. One row per person record of the truth.",
    columns=(
        TableColumn("record_id", "string", "Person record."),
        TableColumn("person_id", "string", "The person; null where the record is several people's."),
    ),
    key=("record_id",),
)

TRUTH_TRAPS = Table(
    schema="identity",
    name="truth_traps",
    description="Records of people who are easily taken for one, for evaluation alone. One row per trap and pair.",
    columns=(
        TableColumn("trap", "string", "Kind of the trap."),
        TableColumn("record_a", "string", "Record of one of the people."),
        TableColumn("record_b", "string", "Record of the other."),
    ),
    key=("trap", "record_a", "record_b"),
)

WORST = 10
"""How many false merges and splits are listed."""


@dataclass(frozen=True)
class FalseMerge:
    """A customer who is several people."""

    customer_id: str
    records: int
    people: int
    wrong_pairs: int
    rules: str
    """Rules of the links that run between two of the people."""


@dataclass(frozen=True)
class FalseSplit:
    """A person who is several customers."""

    person_id: str
    records: int
    customers: int
    missed_pairs: int
    refused: str
    """Rules of the links that were refused between two of the customers, and kinds of the reasons."""


@dataclass(frozen=True)
class Overlap:
    """How often a customer and a person have so many records in common."""

    common: int
    of_customer: int
    """Records of the customer."""
    of_person: int
    """Records of the person."""
    times: int


@dataclass(frozen=True)
class RuleFigures:
    """The kept links of a rule between records that the truth knows."""

    rule: str
    level: int
    links: int
    wrong: int


@dataclass(frozen=True)
class MissedMerges:
    """People who are several customers, by why."""

    cause: str
    people: int
    pairs: int


@dataclass(frozen=True)
class TrapFigures:
    """Planted traps of one kind."""

    kind: str
    planted: int
    sprung: int


@dataclass(frozen=True)
class Evaluation:
    """What the comparison found."""

    records: int
    people: int
    customers: int
    true_pairs: int
    found_pairs: int
    correct_pairs: int
    unknown_records: int
    """Records of the warehouse that the truth does not know."""
    absent_records: int
    """Records of the truth that never reached the warehouse."""
    devices: int
    devices_right: int
    devices_wrong: int
    overlaps: tuple[Overlap, ...]
    worst: tuple[FalseMerge, ...]
    worst_splits: tuple[FalseSplit, ...]
    rules: tuple[RuleFigures, ...]
    missed: tuple[MissedMerges, ...]
    traps: tuple[TrapFigures, ...]

    @property
    def precision(self) -> float:
        """Share of the pairs of records in one customer that are one person."""
        return self.correct_pairs / self.found_pairs if self.found_pairs else 1.0

    @property
    def recall(self) -> float:
        """Share of the pairs of records of one person that are in one customer."""
        return self.correct_pairs / self.true_pairs if self.true_pairs else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of the two."""
        return _harmonic_mean(self.precision, self.recall)

    @property
    def bcubed_precision(self) -> float:
        """Mean over records of the share of its customer that is its person."""
        return self._mean_over_records(lambda overlap: overlap.common / overlap.of_customer)

    @property
    def bcubed_recall(self) -> float:
        """Mean over records of the share of its person that is in its customer."""
        return self._mean_over_records(lambda overlap: overlap.common / overlap.of_person)

    @property
    def bcubed_f1(self) -> float:
        """Harmonic mean of the two."""
        return _harmonic_mean(self.bcubed_precision, self.bcubed_recall)

    @property
    def exact_people(self) -> int:
        """People who are one customer that is nobody else."""
        return sum(o.times for o in self.overlaps if o.common == o.of_customer == o.of_person)

    @property
    def exact_share(self) -> float:
        """Share of people who are one customer that is nobody else."""
        return self.exact_people / self.people if self.people else 1.0

    def _mean_over_records(self, share: Callable[[Overlap], float]) -> float:
        # Exactly rounded, so that the order of rows does not show.
        total = math.fsum(overlap.times * overlap.common * share(overlap) for overlap in self.overlaps)
        return total / self.records if self.records else 1.0


def evaluate(warehouse: Warehouse, truth: Path) -> Evaluation:
    """Compare `identity.identity_map` with the truth in that folder, which is loaded beside it."""
    if not warehouse.exists("identity.identity_map"):
        raise ConfigError(["identity.identity_map is not built yet; run `scv run` first"])
    warehouse.replace(TRUTH_RECORDS, read_truth(truth))
    (counts,) = warehouse.rows(_COUNTS)
    (devices,) = warehouse.rows(_DEVICES)
    return Evaluation(
        **counts,
        **devices,
        overlaps=tuple(Overlap(**row) for row in warehouse.rows(_OVERLAPS)),
        worst=tuple(FalseMerge(**row) for row in warehouse.rows(_WORST)),
        worst_splits=tuple(FalseSplit(**row) for row in warehouse.rows(_WORST_SPLITS)),
        rules=tuple(RuleFigures(**row) for row in warehouse.rows(_RULES)),
        missed=tuple(MissedMerges(**row) for row in warehouse.rows(_MISSED)),
        traps=tuple(_traps(warehouse, truth / "traps.parquet")),
    )


def read_truth(folder: Path) -> pa.Table:
    """The records of the truth; `ConfigError` when the file is missing or is not one row per record."""
    path = folder / "records.parquet"
    if not path.is_file():
        raise ConfigError([f"{path} does not exist; the truth is a folder that `scv simulate` writes"])
    table = pq.read_table(path)
    if missing := {"record_id", "person_id"} - set(table.column_names):
        raise ConfigError(
            [f"{path} has no column {', '.join(sorted(missing))}; it has {', '.join(table.column_names)}"]
        )
    table = table.select(["record_id", "person_id"]).cast(pa.schema([("record_id", "string"), ("person_id", "string")]))
    if len(table["record_id"].unique()) != len(table):
        raise ConfigError([f"{path} has a record_id more than once"])
    return table


def _harmonic_mean(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0


def _traps(warehouse: Warehouse, path: Path) -> list[TrapFigures]:
    if not path.is_file():
        return []
    warehouse.replace(TRUTH_TRAPS, pq.read_table(path).select(TRUTH_TRAPS.column_names))
    return [TrapFigures(**row) for row in warehouse.rows(_TRAPS)]


_KNOWN = """
known as (
    select
        identity_map.record_id,
        -- A record without a customer stands alone.
        coalesce(identity_map.customer_id, 'record ' || identity_map.record_id) as customer_id,
        truth.person_id
    from identity.identity_map as identity_map
    inner join identity.truth_records as truth on identity_map.record_id = truth.record_id
    inner join identity.source_records as records on identity_map.record_id = records.record_id
    where records.record_type != 'device' and truth.person_id is not null
),

cells as (
    select
        customer_id,
        person_id,
        count(*) as n
    from known
    group by customer_id, person_id
),

by_customer as (
    select
        customer_id,
        sum(n) as n,
        count(*) as people,
        sum(n * (n - 1) / 2) as right_pairs
    from cells
    group by customer_id
),

by_person as (
    select
        person_id,
        sum(n) as n,
        count(*) as customers,
        sum(n * (n - 1) / 2) as right_pairs
    from cells
    group by person_id
)"""

_REFUSED = """
refused as (
    select
        known_a.person_id,
        edges.rule,
        substr(edges.reason, 1, strpos(edges.reason || ':', ':') - 1) as kind
    from identity.edges as edges
    inner join known as known_a on edges.record_a = known_a.record_id
    inner join known as known_b on edges.record_b = known_b.record_id
    where
        edges.status = 'refused'
        and known_a.person_id = known_b.person_id
        and known_a.customer_id != known_b.customer_id
)"""

_COUNTS = f"""
with {_KNOWN}

select
    (select count(*) from known) as records,
    (select count(*) from by_person) as people,
    (select count(*) from by_customer) as customers,
    cast((select coalesce(sum(n * (n - 1) / 2), 0) from by_person) as bigint) as true_pairs,
    cast((select coalesce(sum(n * (n - 1) / 2), 0) from by_customer) as bigint) as found_pairs,
    cast((select coalesce(sum(right_pairs), 0) from by_customer) as bigint) as correct_pairs,
    (
        select count(*)
        from identity.identity_map as identity_map
        left join identity.truth_records as truth on identity_map.record_id = truth.record_id
        where truth.record_id is null
    ) as unknown_records,
    (
        select count(*)
        from identity.truth_records as truth
        left join identity.identity_map as identity_map on truth.record_id = identity_map.record_id
        where identity_map.record_id is null
    ) as absent_records
"""

_DEVICES = f"""
with {_KNOWN},

devices as (
    select
        identity_map.customer_id,
        max(case when cells.person_id is not null then 1 else 0 end) as is_right
    from identity.identity_map as identity_map
    inner join identity.truth_records as truth on identity_map.record_id = truth.record_id
    inner join identity.source_records as records on identity_map.record_id = records.record_id
    left join cells on identity_map.customer_id = cells.customer_id and truth.person_id = cells.person_id
    where records.record_type = 'device' and truth.person_id is not null
    group by identity_map.record_id, identity_map.customer_id
)

select
    count(*) as devices,
    cast(coalesce(sum(is_right), 0) as bigint) as devices_right,
    count(case when customer_id is not null and is_right = 0 then 1 end) as devices_wrong
from devices
"""

_OVERLAPS = f"""
with {_KNOWN}

select
    cells.n as common,
    cast(by_customer.n as bigint) as of_customer,
    cast(by_person.n as bigint) as of_person,
    count(*) as times
from cells
inner join by_customer on cells.customer_id = by_customer.customer_id
inner join by_person on cells.person_id = by_person.person_id
group by cells.n, by_customer.n, by_person.n
"""

_WORST = f"""
with {_KNOWN},

crossing as (
    select distinct
        known_a.customer_id,
        edges.rule
    from identity.edges as edges
    inner join known as known_a on edges.record_a = known_a.record_id
    inner join known as known_b on edges.record_b = known_b.record_id
    where edges.status = 'kept' and known_a.person_id != known_b.person_id
),

rules as (
    select
        customer_id,
        string_agg(rule, ', ' order by rule nulls first) as rules
    from crossing
    group by customer_id
)

select
    by_customer.customer_id,
    cast(by_customer.n as bigint) as records,
    by_customer.people,
    cast(by_customer.n * (by_customer.n - 1) / 2 - by_customer.right_pairs as bigint) as wrong_pairs,
    -- Two people can be joined through a record that is neither's alone.
    coalesce(rules.rules, 'through records of nobody') as rules
from by_customer
left join rules on by_customer.customer_id = rules.customer_id
where by_customer.people > 1
order by wrong_pairs desc, by_customer.customer_id
limit {WORST}
"""

_WORST_SPLITS = f"""
with {_KNOWN},

{_REFUSED},

refusals as (
    select distinct
        person_id,
        rule || ' ' || kind as refusal
    from refused
),

reasons as (
    select
        person_id,
        string_agg(refusal, ', ' order by refusal nulls first) as refused
    from refusals
    group by person_id
)

select
    by_person.person_id,
    cast(by_person.n as bigint) as records,
    by_person.customers,
    cast(by_person.n * (by_person.n - 1) / 2 - by_person.right_pairs as bigint) as missed_pairs,
    coalesce(reasons.refused, 'no key in common') as refused
from by_person
left join reasons on by_person.person_id = reasons.person_id
where by_person.customers > 1
order by missed_pairs desc, by_person.person_id
limit {WORST}
"""

_RULES = f"""
with {_KNOWN}

select
    edges.rule,
    edges.level,
    count(*) as links,
    count(case when known_a.person_id != known_b.person_id then 1 end) as wrong
from identity.edges as edges
inner join known as known_a on edges.record_a = known_a.record_id
inner join known as known_b on edges.record_b = known_b.record_id
where edges.status = 'kept'
group by edges.rule, edges.level
order by edges.level, edges.rule
"""

_MISSED = f"""
with {_KNOWN},

{_REFUSED},

reasons as (
    select
        person_id,
        min(kind) as reason
    from refused
    group by person_id
)

select
    coalesce('refused, ' || reasons.reason, 'no key in common') as cause,
    count(*) as people,
    cast(sum(by_person.n * (by_person.n - 1) / 2 - by_person.right_pairs) as bigint) as pairs
from by_person
left join reasons on by_person.person_id = reasons.person_id
where by_person.customers > 1
group by cause
order by pairs desc, cause
"""

_TRAPS = """
select
    traps.trap as kind,
    count(*) as planted,
    count(case when map_a.customer_id = map_b.customer_id then 1 end) as sprung
from identity.truth_traps as traps
left join identity.identity_map as map_a on traps.record_a = map_a.record_id
left join identity.identity_map as map_b on traps.record_b = map_b.record_id
group by traps.trap
order by traps.trap
"""
