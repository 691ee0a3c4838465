"""What a steward should look at, for a terminal or another program: doubts, the most valuable first, or sampled links.

Invariant: nobody's name is shown unless it is asked for.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scv_platform.config_files import ConfigError
from scv_platform.identity.evaluations import aligned
from scv_platform.identity.sample import SAMPLED
from scv_platform.identity.shape import READ
from scv_platform.warehouse import Warehouse, bind

_QUEUE = "identity.review_queue"


@dataclass(frozen=True)
class Doubt:
    """Two records of which somebody should say whether they are one person's."""

    record_a: str
    record_b: str
    customer_a: str
    customer_b: str
    reason: str
    rules: str
    net_revenue: int
    """What both bought, less what they gave back, in whole units of the base currency: the queue's order."""


@dataclass(frozen=True)
class ShownDoubt(Doubt):
    """The same, with who they say they are."""

    person_a: str
    person_b: str


@dataclass(frozen=True)
class SampledLink:
    """Two records that a rule joined, drawn to find out how often it is right."""

    record_a: str
    record_b: str
    rule: str


@dataclass(frozen=True)
class ShownLink(SampledLink):
    """The same, with who they say they are."""

    person_a: str
    person_b: str


def review(warehouse: Warehouse, limit: int, show: bool = False) -> list[Doubt]:
    """The doubts that cost most; with `show`, with names, birth dates and e-mail addresses."""
    if not warehouse.exists(_QUEUE):
        raise ConfigError([f"{_QUEUE} is not built yet; run `scv run` first"])
    kind, people = (ShownDoubt, _PEOPLE) if show else (Doubt, "")
    return [kind(**row) for row in warehouse.rows(bind(_DOUBTS.format(people=people), limit=limit))]


def review_sample(warehouse: Warehouse, limit: int, show: bool = False) -> list[SampledLink]:
    """The links of the sample that nobody judged yet, of all rules in turn; with `show` as above."""
    if not {*READ} <= warehouse.columns("identity").keys():
        raise ConfigError(["the identities are not built yet; run `scv run` first"])
    kind, people = (ShownLink, _PEOPLE) if show else (SampledLink, "")
    return [kind(**row) for row in warehouse.rows(bind(_LINKS.format(people=people), limit=limit))]


def as_text(rows: Sequence[Any], title: str, nothing: str) -> str:
    """What is to be looked at for a terminal, with what to do about it."""
    if not rows:
        return nothing
    return "\n".join(
        [
            title,
            *aligned(rows),
            "",
            "One person: scv identity link RECORD_A RECORD_B --by WHO --reason WHY",
            "Two:        scv identity unlink RECORD_A RECORD_B --by WHO --reason WHY",
        ]
    )


def as_json(rows: Sequence[Any]) -> str:
    """The same for another program."""
    return json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False)


_DOUBTS = """
select
    queue.record_a,
    queue.record_b,
    coalesce(queue.customer_a, 'visitor') as customer_a,
    coalesce(queue.customer_b, 'visitor') as customer_b,
    queue.reason,
    queue.rules,
    {people}
    cast(round(queue.net_revenue) as bigint) as net_revenue
from identity.review_queue as queue
inner join identity.source_records as one on queue.record_a = one.record_id
inner join identity.source_records as other on queue.record_b = other.record_id
order by queue.net_revenue desc, queue.record_a, queue.record_b
limit $limit
"""

_LINKS = f"""
{SAMPLED}

select
    sampled.record_a,
    sampled.record_b,
    {{people}}
    sampled.rule
from sampled
inner join identity.source_records as one on sampled.record_a = one.record_id
inner join identity.source_records as other on sampled.record_b = other.record_id
where sampled.decision is null
order by sampled.place, sampled.level nulls last, sampled.rule
limit $limit
"""


def person(record: str) -> str:
    """SQL of who a record of `identity.source_records` says it is."""
    parts = (
        f"{record}.given_name",
        f"{record}.family_name",
        f"cast({record}.birth_date as string)",
        f"{record}.email",
    )
    return "trim(" + " || ".join(f"coalesce({part} || ' ', '')" for part in parts) + ")"


_PEOPLE = f"{person('one')} as person_a, {person('other')} as person_b,"
