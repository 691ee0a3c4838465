"""What a change of rules would merge and split, told before it is published.

Data flow: the newest of `identity.assignments` -> a copy in schemas of their own -> the identity models, built there
by the rules as they are on disk -> what they would do to the customers that are published -> the schemas dropped.
Invariants: nothing outside of those schemas is written, and nothing reads them, so a preview that is killed leaves
only what the next one drops. It is told by the models that a run would build, so a run does what it tells.
Known limits: what lies before the identity models (staging, standardisation) is read as the last run left it. Where
the publish gate held that run back, what it would have changed is told, too.
"""

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from scv_platform.config_files import ConfigError
from scv_platform.identity.evaluations import aligned
from scv_platform.identity.review import person
from scv_platform.warehouse import Table, TableColumn, Warehouse, bind

SUFFIX = "__preview"
"""How the names of the schemas end. The prefix of another installation has no two underscores, so none of its schemas
has such a name."""
LAST_MODEL = "identity_events"
"""The model that tells what happens to customers; it is built with all that it is made of."""
READ_MODELS = frozenset({"record_registry"})
"""Models of the identity that are not built, as a preview registers nobody."""
EXAMPLES = 10
"""How many examples of each event are told, the largest first."""

_IDENTITY, _SEEDS = f"identity{SUFFIX}", f"seeds{SUFFIX}"

_STATE = Table(
    schema=_IDENTITY,
    name="assignments",
    description="What was published last of each record, and what would be. One row per (record_id, generation).",
    columns=(
        TableColumn("record_id", "string", "Person record."),
        TableColumn("customer_id", "string", "The customer."),
        TableColumn("own_customer_id", "string", "The name that the record gives."),
        TableColumn("generation", "integer", "Number of the run."),
        TableColumn("assigned_at", "timestamp", "When the newest load was complete that the run knew, UTC."),
        TableColumn("cause", "string", "Why."),
    ),
    key=("record_id",),
)


@dataclass(frozen=True)
class Gate:
    """What the publish gate weighs."""

    figure: str
    found: int
    allowed: int

    @property
    def verdict(self) -> str:
        """What its check would say."""
        return "too many" if self.found > self.allowed else "ok"


@dataclass(frozen=True)
class Events:
    """The customers to whom the same happens for the same reason."""

    event: str
    cause: str
    customers: int


@dataclass(frozen=True)
class Example:
    """A customer to whom something happens, and the strongest link that says why."""

    event: str
    customer_id: str
    records: int
    """Of the customer: those that it has; of one that comes into being, those that it would have."""
    other_customer_id: str | None
    other_records: int | None
    """Those that the other customer has."""
    cause: str
    record_a: str | None
    """Of the customer; None where no single link says why."""
    record_b: str | None


@dataclass(frozen=True)
class ShownExample(Example):
    """The same, with who they say they are."""

    person_a: str
    person_b: str


@dataclass(frozen=True)
class Preview:
    """What the next run would change."""

    records: int
    """Records that are, or would be, a customer's."""
    records_moved: int
    """Those of them that would be another one's."""
    customers: int
    customers_after: int
    held_back: int
    """Records that the last run would have moved, had the gate not held it back."""
    gate: tuple[Gate, ...]
    events: tuple[Events, ...]
    examples: tuple[Example, ...]

    @property
    def is_allowed(self) -> bool:
        """Whether the publish gate would let it through."""
        return all(figure.found <= figure.allowed for figure in self.gate)


def preview(warehouse: Warehouse, build: Callable[[], Sequence[str]], show: bool = False) -> Preview:
    """What publishing the rules as they are would change; `show` tells names, birth dates and e-mail addresses.

    `build` builds `LAST_MODEL` in the schemas of the preview; what it returns are problems, raised as `ConfigError`.
    """
    if not warehouse.exists("identity.assignments"):
        raise ConfigError(["identity.assignments is not built yet; run `scv run` first"])
    _drop(warehouse)
    try:
        warehouse.rebuild(_STATE, _PUBLISHED)
        if problems := build():
            raise ConfigError(problems)
        with warehouse.session("preview_identity"):
            return _read(warehouse, show)
    finally:
        _drop(warehouse)


def _drop(warehouse: Warehouse) -> None:
    for schema in (_IDENTITY, _SEEDS):
        warehouse.drop(schema)


def _read(warehouse: Warehouse, show: bool) -> Preview:
    (totals,) = warehouse.rows(_TOTALS)
    kind, people = (ShownExample, _PEOPLE) if show else (Example, "")
    examples = warehouse.rows(bind(_EXAMPLES.format(people=people), shown=EXAMPLES))
    return Preview(
        **totals,
        gate=tuple(Gate(**row) for row in warehouse.rows(_GATE)),
        events=tuple(Events(**row) for row in warehouse.rows(_EVENTS)),
        examples=tuple(kind(**row) for row in examples),
    )


def as_text(found: Preview) -> str:
    """The preview for a terminal."""
    blocks = [_summary(found)]
    if found.events:
        blocks += [
            _table("What would happen to customers", found.events),
            *(
                _table(f"{event.replace('_', ' ')}, the largest (up to {EXAMPLES})", list(examples))
                for event, examples in itertools.groupby(found.examples, lambda example: example.event)
            ),
        ]
    verdict = "let it through" if found.is_allowed else "hold it back"
    blocks.append(_table(f"The publish gate would {verdict}", found.gate))
    return "\n\n".join(blocks)


def as_json(found: Preview) -> str:
    """The preview for another program."""
    return json.dumps({"is_allowed": found.is_allowed, **asdict(found)}, indent=2, ensure_ascii=False)


def _summary(found: Preview) -> str:
    lines = ["Nothing was changed. By the rules as they are now, the next run"]
    if found.records_moved:
        lines.append(
            f"would move {found.records_moved:,} of {found.records:,} records,"
            f" and make {found.customers_after:,} customers of {found.customers:,}."
        )
    else:
        lines.append(f"would leave all {found.customers:,} customers of {found.records:,} records as they are.")
    if found.held_back:
        lines.append(
            f"The last run was held back: {found.held_back:,} records would have moved without a change of rules."
        )
    return "\n".join(lines)


def _table(title: str, rows: Sequence[object]) -> str:
    return "\n".join([title, *aligned(rows)])


_PUBLISHED = """
select *
from identity.assignments
where true
qualify row_number() over (partition by record_id order by generation desc) = 1
"""

_WOULD_BE = f"""
published as (
    select record_id, customer_id
    from {_IDENTITY}.assignments
    where generation <= (select coalesce(max(generation), 0) from identity.assignments)
),

would_be as (
    select record_id, customer_id
    from {_IDENTITY}.assignments
    where true
    qualify row_number() over (partition by record_id order by generation desc) = 1
)"""

_TOTALS = f"""
with {_WOULD_BE},

records as (
    select
        published.customer_id as former_customer_id,
        would_be.customer_id
    from would_be
    left join published on would_be.record_id = published.record_id
)

select
    count(coalesce(former_customer_id, customer_id)) as records,
    count(case when customer_id is distinct from former_customer_id then 1 end) as records_moved,
    count(distinct former_customer_id) as customers,
    count(distinct customer_id) as customers_after,
    (
        select count(*)
        from identity.candidate_map as candidates
        left join identity.identity_map as identity_map on candidates.record_id = identity_map.record_id
        where candidates.customer_id is distinct from identity_map.customer_id
    ) as held_back
from records
"""

_GATE = f"select figure, found, allowed from {_IDENTITY}.publish_gate order by figure"

_HAPPENING = f"""
{_WOULD_BE},

events as (
    select
        event,
        customer_id,
        other_customer_id,
        cause
    from {_IDENTITY}.identity_events
    where generation > (select coalesce(max(generation), 0) from identity.assignments)
),

edges as (
    select record_a, record_b, level, rule, status, reason
    from {_IDENTITY}.edges
    union all
    select record_a, record_b, level, rule, 'former' as status, reason
    from identity.edges
    where status = 'kept'
),

ends as (
    select record_a as record_id, record_b as other_record_id, level, rule, status, reason
    from edges
    union all
    select record_b as record_id, record_a as other_record_id, level, rule, status, reason
    from edges
),

-- The strongest link that joins a customer to others. Of a part that leaves, the strongest that is refused to those who
-- stay; should none be, the strongest that held it there.
links as (
    select
        events.customer_id,
        ends.record_id as record_a,
        ends.other_record_id as record_b,
        ends.rule,
        ends.status
    from events
    inner join published
        on
            case when events.event = 'split_from' then events.other_customer_id else events.customer_id end
            = published.customer_id
    inner join would_be on published.record_id = would_be.record_id
    inner join ends on published.record_id = ends.record_id
    inner join would_be as other_after on ends.other_record_id = other_after.record_id
    left join published as other_before on ends.other_record_id = other_before.record_id
    where
        case
            when events.event = 'split_from'
                then
                    ends.status in ('refused', 'former')
                    and would_be.customer_id = events.customer_id
                    and other_before.customer_id = events.other_customer_id
                    and other_after.customer_id is distinct from events.customer_id
            else ends.status = 'kept' and other_before.customer_id is distinct from events.customer_id
        end
    qualify
        row_number() over (
            partition by events.customer_id
            order by
                case when ends.status = 'former' then 1 else 0 end,
                ends.level,
                ends.rule,
                ends.reason nulls last,
                ends.record_id,
                ends.other_record_id
        ) = 1
),

happening as (
    select
        events.event,
        events.customer_id,
        events.other_customer_id,
        case when links.status = 'former' then 'no longer linked: ' || links.rule else events.cause end as cause,
        links.record_a,
        links.record_b
    from events
    left join links on events.customer_id = links.customer_id
)"""

_EVENTS = f"""
with {_HAPPENING}

select
    event,
    cause,
    count(*) as customers
from happening
group by event, cause
order by event, customers desc, cause
"""

_EXAMPLES = f"""
with {_HAPPENING},

sizes as (
    select customer_id, count(*) as records
    from published
    group by customer_id
),

sizes_after as (
    select customer_id, count(*) as records
    from would_be
    group by customer_id
),

examples as (
    select
        happening.*,
        case
            when happening.event in ('created', 'split_from') then sizes_after.records
            else sizes.records
        end as records,
        others.records as other_records
    from happening
    left join sizes on happening.customer_id = sizes.customer_id
    left join sizes_after on happening.customer_id = sizes_after.customer_id
    left join sizes as others on happening.other_customer_id = others.customer_id
),

largest as (
    select *
    from examples
    where true
    qualify row_number() over (partition by event order by records desc nulls last, customer_id) <= $shown
)

select
    largest.event,
    largest.customer_id,
    largest.records,
    largest.other_customer_id,
    largest.other_records,
    largest.cause,
    {{people}}
    largest.record_a,
    largest.record_b
from largest
left join {_IDENTITY}.source_records as one on largest.record_a = one.record_id
left join {_IDENTITY}.source_records as other on largest.record_b = other.record_id
order by largest.event, largest.records desc nulls last, largest.customer_id
"""

_PEOPLE = f"{person('one')} as person_a, {person('other')} as person_b,"
