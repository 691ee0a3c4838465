"""What stewards decide: that two records are one person, or are two, whatever the rules say.

Data flow: a decision -> checked against all that hold -> one row of `identity.steward_decisions` -> with the seed
`identity_overrides`, which is edited by hand -> `identity.overrides` -> `identity.edges`, which honours it.
Invariants: rows are only ever added, and the newest decision on a pair holds. A decision that would contradict others,
over however many links, is not written.
Known limits: of the seed, only what the warehouse has of it is known here, and of `record_aliases` nothing; `edges`
checks again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

import pyarrow as pa

from scv_platform.identity.paths import shortest_path
from scv_platform.settings import Privacy
from scv_platform.warehouse import Table, TableColumn, Warehouse, bind

STEWARD_DECISIONS = Table(
    schema="identity",
    name="steward_decisions",
    description="What stewards decided at the command line, for ever. One row per decision.",
    columns=(
        TableColumn("record_a", "string", "The lesser record."),
        TableColumn("record_b", "string", "The greater record."),
        TableColumn("decision", "string", "link or unlink."),
        TableColumn("decided_by", "string", "Who decided.", Privacy.DIRECT),
        TableColumn("reason", "string", "Why.", Privacy.SENSITIVE),
        TableColumn("decided_at", "timestamp", "When, by the clock of the command line, UTC."),
    ),
    key=("record_a", "record_b", "decided_at"),
)

DECISION_SCHEMA = pa.schema(
    [(column.name, pa.timestamp("us") if column.type == "timestamp" else pa.string())
     for column in STEWARD_DECISIONS.columns]
)  # fmt: skip

_SEED = "seeds.identity_overrides"

Verdict = Literal["link", "unlink"]


class DecisionRefused(Exception):
    """A decision that cannot hold. Says why, with the decisions against it and who made them: for the screen alone."""


@dataclass(frozen=True)
class Decision:
    """What a steward said of two records, the lesser first."""

    record_a: str
    record_b: str
    decision: Verdict
    decided_by: str
    reason: str
    decided_at: datetime

    @property
    def pair(self) -> tuple[str, str]:
        """The two records."""
        return self.record_a, self.record_b

    def __str__(self) -> str:
        when = self.decided_at.isoformat(sep=" ", timespec="seconds")
        return f"{self.decision} of {self.record_a} and {self.record_b}, by {self.decided_by}, {when} UTC"


def decide(
    warehouse: Warehouse, verdict: Verdict, one: str, other: str, by: str, reason: str, now: datetime
) -> tuple[Decision, bool]:
    """The decision that holds on the two from now on, and whether it was written: one that held already is not.

    The two are record ids, or ids of two customers. `DecisionRefused` says what stands against it.
    """
    if not warehouse.exists("identity.identity_map"):
        raise DecisionRefused("no records are known yet; run `scv run` first")
    by, reason = by.strip(), reason.strip()
    if not by or not reason:
        raise DecisionRefused("a decision says who made it and why: --by and --reason must not be empty")
    record_a, record_b = sorted(_records(warehouse, verdict, one, other))
    decision = Decision(record_a, record_b, verdict, by, reason, now)
    before = in_force(decisions(warehouse))
    earlier = [held for held in before if held.pair == decision.pair]
    if [held.decision for held in earlier] == [verdict]:
        return earlier[0], False
    if any(held.decided_at >= now for held in earlier):
        told = "; ".join(map(str, earlier))
        raise DecisionRefused(f"{told} is newer than this clock ({now:%Y-%m-%d %H:%M:%S} UTC), so it would still hold")
    known = {unlink for unlink, _ in contradictions(before)}
    after = in_force([*before, decision])
    for unlink, links in contradictions(after):
        if unlink not in known:
            lines = [f"  {told}" for told in (unlink, *links)]
            what_to_do = "Decide another way about one of these pairs first"
            raise DecisionRefused("\n".join(["these decisions would contradict each other:", *lines, what_to_do]))
    warehouse.append(STEWARD_DECISIONS, pa.Table.from_pylist([asdict(decision)], DECISION_SCHEMA))
    return decision, True


def decisions(warehouse: Warehouse) -> list[Decision]:
    """Every decision that the warehouse has: of the command line, and of the seed as it was last built."""
    columns = ", ".join(STEWARD_DECISIONS.column_names)
    found = []
    for table in (str(STEWARD_DECISIONS), _SEED):
        if warehouse.exists(table):
            # What a line of the seed lacks, a test of `identity.overrides` tells.
            found += warehouse.rows(
                f"select {columns} from {table} where record_a != record_b and decision in ('link', 'unlink')"
                " and decided_at is not null"
            )
    return [Decision(**{**row, **_ordered(row["record_a"], row["record_b"])}) for row in found]


def _ordered(one: str, other: str) -> dict[str, str]:
    return {"record_a": min(one, other), "record_b": max(one, other)}


def in_force(decisions: Iterable[Decision]) -> list[Decision]:
    """The newest decision on each pair, as in `identity.overrides`: both where a link and an unlink are of one time."""
    newest: dict[tuple[str, str], dict[str, Decision]] = {}
    for decision in sorted(decisions, key=lambda d: (d.decided_at, d.decided_by, d.reason), reverse=True):
        held = newest.setdefault(decision.pair, {})
        if all(other.decided_at == decision.decided_at for other in held.values()):
            held[decision.decision] = decision
    return [decision for _, held in sorted(newest.items()) for _, decision in sorted(held.items())]


def contradictions(in_force: Sequence[Decision]) -> list[tuple[Decision, list[Decision]]]:
    """Each unlink of two whom links join, with the shortest chain of those links."""
    linked: dict[str, dict[str, Decision]] = {}
    for decision in in_force:
        if decision.decision == "link":
            linked.setdefault(decision.record_a, {})[decision.record_b] = decision
            linked.setdefault(decision.record_b, {})[decision.record_a] = decision
    unlinks = (decision for decision in in_force if decision.decision == "unlink")
    return [(unlink, chain) for unlink in unlinks if (chain := shortest_path(linked, *unlink.pair))]


@dataclass(frozen=True)
class _Known:
    """A record that was named, by its own id or by that of its customer."""

    record_id: str
    customer_id: str | None
    by_customer: bool


def _records(warehouse: Warehouse, verdict: Verdict, one: str, other: str) -> tuple[str, str]:
    """The two records that are meant."""
    first, second = _known(warehouse, one), _known(warehouse, other)
    if first.record_id == second.record_id:
        raise DecisionRefused(f"{one} and {other} are the same record; name two")
    if (first.by_customer or second.by_customer) and first.customer_id == second.customer_id:
        raise DecisionRefused(f"{one} and {other} are one customer; name the two records of it to {verdict}")
    return first.record_id, second.record_id


def _known(warehouse: Warehouse, given: str) -> _Known:
    """The record with that id, else the oldest of the customer with that id, for which any of its records can stand."""
    records = warehouse.rows(bind(_RECORD, given=given))
    if records:
        return _Known(**records[0], by_customer=False)
    oldest = warehouse.rows(bind(_OLDEST_OF_CUSTOMER, given=given))
    if oldest:
        return _Known(**oldest[0], by_customer=True)
    near = [row["record_id"] for row in warehouse.rows(bind(_NEAR, given=given))]
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise DecisionRefused(f"{given} is neither a record (source:id) nor a customer that is known{hint}")


_RECORD = """
select
    records.record_id,
    identity_map.customer_id
from identity.source_records as records
left join identity.identity_map as identity_map on records.record_id = identity_map.record_id
where records.record_id = $given
"""

_OLDEST_OF_CUSTOMER = """
select
    identity_map.record_id,
    identity_map.customer_id
from identity.identity_map as identity_map
inner join identity.source_records as records on identity_map.record_id = records.record_id
inner join identity.record_registry as registry on identity_map.record_id = registry.record_id
where identity_map.customer_id = $given
order by registry.birth_seq, identity_map.record_id
limit 1
"""

_NEAR = """
with measured as (
    select
        record_id,
        strpos(lower(record_id), lower($given)) > 0 as contains_it,
        levenshtein(lower(record_id), lower($given)) as distance
    from identity.source_records
)

select record_id
from measured
where contains_it or distance * 4 <= length(record_id)
order by case when contains_it then 0 else 1 end, distance, record_id
limit 3
"""
