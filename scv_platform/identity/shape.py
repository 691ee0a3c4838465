"""What can be said of identities when nobody knows who is who: sizes, contradictions, and what other rules confirm.

Data flow: the published map, the edges and the match keys -> figures, each of them one statement in the warehouse.
Formulas, both of this project:
- conflict rate: the share of the links a rule could make that is refused because names or birth dates contradict each
  other (reasons conflict, ambiguous, chain). A rule whose share rises joins strangers.
- rule-holdout recall: leave a rule out, and count which of its kept links the others find again, over at most `HOPS`
  shared keys inside the customer. Rules that compare the same type of identifier see the same evidence, so they do
  not count. Low for a rule that alone knows something; it falls when identifiers go missing. Overall: the links of the
  certain and the strong rules. Devices are left out, as each hangs on its sign-in alone.
- threshold sensitivity: which customers would fall apart, were only those likely pairs links that are likelier. A
  customer holds at the probability of the least likely link on the likeliest way to its first record; it is followed
  over at most `WAY` links, and a rule's link is certain.
Known limits: the keys that may join are those of this run, although without a rule other limits might hold; and so are
the groups of likely pairs, although from fewer pairs other averages follow.
"""

from dataclasses import dataclass

from scv_platform.config_files import ConfigError
from scv_platform.identity.matching import PROBABILITIES
from scv_platform.identity.sample import CLOSED_KEYS, RuleSample, samples
from scv_platform.warehouse import Warehouse

READ = (
    "assignments",
    "edges",
    "identity_map",
    "match_keys",
    "overrides",
    "rule_keys",
    "scored_pairs",
    "source_records",
)
"""The tables that are measured."""
HOPS = 3
"""Over how many shared keys a link counts as found again."""
LARGEST = 10
"""How many of the largest customers are listed."""
SURE = 0.9
"""At which of `PROBABILITIES` the sensitivity is told in one figure."""
WAY = 8
"""Over how many links the records of a customer are followed."""
SIZES = (1, 2, 5, 10, 20, 50)
"""Upper ends of the classes of size; the last class is open."""


@dataclass(frozen=True)
class SizeFigures:
    """The customers of a class of size."""

    records: str
    customers: int


@dataclass(frozen=True)
class LargeCustomer:
    """One of the largest customers, and how many links of which rules hold it together."""

    customer_id: str
    records: int
    devices: int
    sources: str
    links: str
    weakest: str | None
    """Rule without which its records, devices aside, would not be one: of the levels that were needed, the last."""


@dataclass(frozen=True)
class RuleShape:
    """The links that a rule proposes, and which of its kept ones other rules find again."""

    rule: str
    level: int
    strength: str
    kept: int
    contradicted: int
    held_out: int
    """Kept links between two records that are no devices."""
    found_again: int

    @property
    def conflict_rate(self) -> float | None:
        """Share of the links that names or birth dates contradict."""
        return _share(self.contradicted, self.kept + self.contradicted)

    @property
    def holdout_recall(self) -> float | None:
        """Share of the links that the other rules find again."""
        return _share(self.found_again, self.held_out)


@dataclass(frozen=True)
class ThresholdFigures:
    """What would be left of likely pairs, were they to be so likely at least."""

    probability: float
    pairs: int
    links: int
    """Pairs that join records."""
    customers: int
    """Customers that such links, and no rules, hold together."""


@dataclass(frozen=True)
class Shape:
    """The figures of one state of the identities."""

    customers: int
    records: int
    """Of customers, without devices."""
    largest_customer: int
    sizes: tuple[SizeFigures, ...]
    largest: tuple[LargeCustomer, ...]
    rules: tuple[RuleShape, ...]
    samples: tuple[RuleSample, ...]
    thresholds: tuple[ThresholdFigures, ...]
    """Empty where no pair is likely, as when the model is off."""

    @property
    def threshold_sensitivity(self) -> float | None:
        """Share of the customers that likely pairs hold together which would fall apart, were all to be `SURE`."""
        customers = {step.probability: step.customers for step in self.thresholds}
        asked, sure = customers.get(PROBABILITIES[0], 0), customers.get(SURE, 0)
        return _share(asked - sure, asked)

    @property
    def conflict_rate(self) -> float | None:
        """Share of all links that names or birth dates contradict; None where no rule proposed any."""
        contradicted = sum(rule.contradicted for rule in self.rules)
        return _share(contradicted, contradicted + sum(rule.kept for rule in self.rules))

    @property
    def holdout_recall(self) -> float | None:
        """Share of the links of certain and strong rules that other rules find again; None where there are none."""
        strong = [rule for rule in self.rules if rule.strength in ("certain", "strong")]
        return _share(sum(rule.found_again for rule in strong), sum(rule.held_out for rule in strong))


def measure(warehouse: Warehouse) -> Shape:
    """The figures of the published customers."""
    if not {*READ} <= warehouse.columns("identity").keys():
        raise ConfigError(["the identities are not built yet; run `scv run` first"])
    (totals,) = warehouse.rows(_TOTALS)
    holdouts = {row.pop("rule"): row for row in warehouse.rows(_HOLDOUTS)}
    return Shape(
        **totals,
        sizes=tuple(SizeFigures(**row) for row in warehouse.rows(_SIZES)),
        largest=tuple(LargeCustomer(**row) for row in warehouse.rows(_LARGEST)),
        rules=tuple(
            RuleShape(**row, **holdouts.get(row["rule"], {"held_out": 0, "found_again": 0}))
            for row in warehouse.rows(_RULES)
        ),
        samples=samples(warehouse),
        thresholds=tuple(ThresholdFigures(**row) for row in warehouse.rows(_THRESHOLDS)),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _class_of_size(size: str) -> str:
    """The name of the class that a size is in."""
    starts = [1, *(end + 1 for end in SIZES)]
    cases = [
        f"when {size} <= {end} then '{start if start == end else f'{start} to {end}'}'"
        for start, end in zip(starts, SIZES, strict=False)
    ]
    return f"case {' '.join(cases)} else 'more than {SIZES[-1]}' end"


_MEMBERS = """
members as (
    select
        identity_map.record_id,
        identity_map.customer_id,
        identity_map.source,
        case when records.record_type = 'device' then 1 else 0 end as is_device
    from identity.identity_map as identity_map
    inner join identity.source_records as records on identity_map.record_id = records.record_id
    where identity_map.customer_id is not null
),

customers as (
    select
        customer_id,
        cast(sum(1 - is_device) as bigint) as records,
        cast(sum(is_device) as bigint) as devices,
        string_agg(distinct source, ', ' order by source nulls first) as sources
    from members
    group by customer_id
)"""

_TOTALS = f"""
with {_MEMBERS}

select
    count(*) as customers,
    cast(coalesce(sum(records), 0) as bigint) as records,
    coalesce(max(records), 0) as largest_customer
from customers
"""

_SIZES = f"""
with {_MEMBERS},

classed as (
    select
        records as size,
        {_class_of_size("records")} as records
    from customers
)

select
    records,
    count(*) as customers
from classed
group by records
order by min(size)
"""

_LARGEST = f"""
with {_MEMBERS},

largest as (
    select *
    from customers
    order by records desc, devices desc, customer_id
    limit {LARGEST}
),

links as (
    select
        of_b.customer_id,
        edges.rule,
        edges.level,
        count(*) as n,
        -- Nodes of a level are what the levels above had joined, so a link of it was needed.
        case when min(of_a.is_device + of_b.is_device) = 0 then edges.level end as level_of_people
    from identity.edges as edges
    inner join members as of_a on edges.record_a = of_a.record_id
    inner join members as of_b on edges.record_b = of_b.record_id
    inner join largest on of_b.customer_id = largest.customer_id
    where edges.status = 'kept'
    group by of_b.customer_id, edges.rule, edges.level
),

weakest as (
    select
        customer_id,
        rule
    from links
    where level_of_people is not null
    qualify row_number() over (partition by customer_id order by level desc, rule) = 1
),

rules as (
    select
        customer_id,
        string_agg(cast(n as string) || ' ' || rule, ', ' order by level nulls first, rule nulls first) as links
    from links
    group by customer_id
)

select
    largest.customer_id,
    largest.records,
    largest.devices,
    largest.sources,
    coalesce(rules.links, '') as links,
    weakest.rule as weakest
from largest
left join rules on largest.customer_id = rules.customer_id
left join weakest on largest.customer_id = weakest.customer_id
order by largest.records desc, largest.devices desc, largest.customer_id
"""

_RULES = """
select
    rule,
    level,
    strength,
    count(case when status = 'kept' then 1 end) as kept,
    count(
        case when reason like 'conflict:%' or reason like 'ambiguous:%' or reason like 'chain:%' then 1 end
    ) as contradicted
from identity.edges
where origin = 'rule'
group by rule, level, strength
order by level, rule
"""


def _reached(hop: int) -> str:
    """The records to which so many keys lead from the first record of a link; a key leads to its own record too."""
    return f"""
reached_{hop} as (
    select distinct
        reached.rule,
        reached.record_a,
        reached.record_b,
        steps.other_record_id as record_id
    from reached_{hop - 1} as reached
    inner join steps on reached.record_id = steps.record_id
    left join same_evidence on reached.rule = same_evidence.rule and steps.rule = same_evidence.other_rule
    where same_evidence.rule is null
)"""


_HOLDOUTS = f"""
with {_MEMBERS},

people as (
    select * from members where is_device = 0
),

same_evidence as (
    select distinct
        one.rule,
        other.rule as other_rule
    from identity.rule_keys as one
    inner join identity.rule_keys as other on one.key_name = other.key_name
    where one.is_identifier and other.is_identifier
),
{CLOSED_KEYS},

kept as (
    select
        edges.*,
        of_a.customer_id
    from identity.edges as edges
    inner join people as of_a on edges.record_a = of_a.record_id
    inner join people as of_b on edges.record_b = of_b.record_id and of_a.customer_id = of_b.customer_id
    where edges.status = 'kept'
),

open_keys as (
    select
        match_keys.rule,
        match_keys.key_hash,
        match_keys.record_id,
        people.customer_id
    from identity.match_keys as match_keys
    inner join people on match_keys.record_id = people.record_id
    left join closed_keys on match_keys.rule = closed_keys.rule and match_keys.key_hash = closed_keys.key_hash
    where match_keys.blocked_because is null and closed_keys.rule is null
    union all
    -- A link that no rule proposed is a key of its own.
    select rule, record_a || ' ' || record_b as key_hash, record_a as record_id, customer_id
    from kept
    where origin != 'rule'
    union all
    select rule, record_a || ' ' || record_b as key_hash, record_b as record_id, customer_id
    from kept
    where origin != 'rule'
),

steps as (
    select distinct
        one.rule,
        one.record_id,
        other.record_id as other_record_id
    from open_keys as one
    inner join open_keys as other
        on one.rule = other.rule and one.key_hash = other.key_hash and one.customer_id = other.customer_id
),

reached_0 as (
    select distinct
        rule,
        record_a,
        record_b,
        record_a as record_id
    from kept
    where origin = 'rule'
),
{",".join(_reached(hop) for hop in range(1, HOPS + 1))},

found as (
    select
        rule,
        record_a,
        record_b
    from reached_{HOPS}
    where record_id = record_b
)

select
    reached_0.rule,
    count(*) as held_out,
    count(found.rule) as found_again
from reached_0
left join found
    on reached_0.rule = found.rule and reached_0.record_a = found.record_a and reached_0.record_b = found.record_b
group by reached_0.rule
"""


def _held(links: int) -> str:
    """How surely each record is of one customer with the first, by the likeliest way of so many links or fewer."""
    return f"""
held_{links} as (
    select
        steps.record_id,
        held.customer_id,
        max(least(held.probability, steps.probability)) as probability
    from held_{links - 1} as held
    inner join steps on held.record_id = steps.other_record_id
    group by steps.record_id, held.customer_id
)"""


_THRESHOLDS = f"""
with likely_links as (
    select
        edges.record_a,
        edges.probability,
        identity_map.customer_id
    from identity.edges as edges
    inner join identity.identity_map as identity_map on edges.record_a = identity_map.record_id
    where edges.status = 'kept' and edges.origin = 'model'
),

members as (
    select
        record_id,
        customer_id
    from identity.identity_map
    where customer_id in (select customer_id from likely_links)
),

links as (
    select
        edges.record_a,
        edges.record_b,
        coalesce(edges.probability, 1) as probability
    from identity.edges as edges
    inner join members as of_a on edges.record_a = of_a.record_id
    inner join members as of_b on edges.record_b = of_b.record_id and of_a.customer_id = of_b.customer_id
    where edges.status = 'kept'
),

steps as (
    select record_a as record_id, record_b as other_record_id, probability from links
    union all
    select record_b as record_id, record_a as other_record_id, probability from links
    union all
    select record_id, record_id as other_record_id, 1 as probability from members
),

held_0 as (
    select
        record_id,
        customer_id,
        case when record_id = min(record_id) over (partition by customer_id) then 1 else 0 end as probability
    from members
),
{",".join(_held(links) for links in range(1, WAY + 1))},

found as (
    select 'pair' as kind, probability from identity.scored_pairs
    union all
    select 'link' as kind, probability from likely_links
    union all
    select 'customer' as kind, min(probability) as probability from held_{WAY} group by customer_id
),

thresholds as (
    {" union all ".join(f"select cast({probability} as double) as probability" for probability in PROBABILITIES)}
)

select
    thresholds.probability,
    count(case when found.kind = 'pair' and found.probability >= thresholds.probability then 1 end) as pairs,
    count(case when found.kind = 'link' and found.probability >= thresholds.probability then 1 end) as links,
    count(case when found.kind = 'customer' and found.probability >= thresholds.probability then 1 end) as customers
from thresholds
cross join found
group by thresholds.probability
order by thresholds.probability
"""
