"""What can be said of identities when nobody knows who is who: sizes, contradictions, and what other rules confirm.

Data flow: the published map, the edges and the match keys -> figures, each of them one statement in the warehouse.
Formulas, both of this project:
- conflict rate: the share of the links a rule could make that is refused because names or birth dates contradict each
  other (reasons conflict, ambiguous, chain). A rule whose share rises joins strangers.
- rule-holdout recall: leave a rule out, and count which of its kept links the others find again, over at most `HOPS`
  shared keys inside the customer. Rules that compare the same type of identifier see the same evidence, so they do
  not count. Low for a rule that alone knows something; it falls when identifiers go missing. Overall: the links of the
  certain and the strong rules. Devices are left out, as each hangs on its sign-in alone.
Known limit: the keys that may join are those of this run, although without a rule other limits might hold.
"""

from dataclasses import dataclass

from scv_platform.config_files import ConfigError
from scv_platform.warehouse import Warehouse

HOPS = 3
"""Over how many shared keys a link counts as found again."""
LARGEST = 10
"""How many of the largest customers are listed."""
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
    sources: int
    links: str


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
class Shape:
    """The figures of one state of the identities."""

    customers: int
    records: int
    """Of customers, without devices."""
    largest_customer: int
    sizes: tuple[SizeFigures, ...]
    largest: tuple[LargeCustomer, ...]
    rules: tuple[RuleShape, ...]

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
    if "rule_keys" not in warehouse.columns("identity"):
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
        count(distinct source) as sources
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
        members.customer_id,
        edges.rule,
        edges.level,
        count(*) as n
    from identity.edges as edges
    inner join members on edges.record_b = members.record_id
    inner join largest on members.customer_id = largest.customer_id
    where edges.status = 'kept'
    group by members.customer_id, edges.rule, edges.level
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
    coalesce(rules.links, '') as links
from largest
left join rules on largest.customer_id = rules.customer_id
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

closed_keys as (
    select distinct
        rule,
        key_hash
    from identity.edges
    where reason like 'blocked:%' or reason like 'hub:%' or reason like 'shared:%'
),

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
