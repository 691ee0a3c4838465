"""What share of each rule's links is right, as stewards judge a sample of them.

Data flow: the kept links, with those that were kept until a steward decided on them -> the first `SAMPLE` of each rule
in the order of a hash -> those without a decision, to be judged -> of those with one, the share that is right.
Invariants: a pair stays in the sample when it is judged. Decisions on other pairs do not count: who looks for
mistakes finds more of them than there are.
Known limits: a decision counts from the next run on. Two whom a steward linked before anything else had joined them
were in doubt, and are no link of a rule; that is told by `assignments`, so by what was published. Devices are left out.
"""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from scv_platform.warehouse import Warehouse

SAMPLE = 50
"""How many links of each rule are judged: where all are right, at least 93 % of the rule's links are."""
SEED = "1"
"""Another one draws another sample."""
CONFIDENCE = 0.95


@dataclass(frozen=True)
class RuleSample:
    """What stewards found of a rule's links."""

    rule: str
    links: int
    sampled: int
    judged: int
    correct: int

    @property
    def precision(self) -> float | None:
        """Share of the judged links that are right."""
        return self.correct / self.judged if self.judged else None

    @property
    def at_least(self) -> float | None:
        """Lower end of the interval of the rule's precision."""
        return wilson_interval(self.correct, self.judged)[0] if self.judged else None

    @property
    def at_most(self) -> float | None:
        """Upper end of it."""
        return wilson_interval(self.correct, self.judged)[1] if self.judged else None


def wilson_interval(successes: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Where a share lies that was seen so often in so many independent trials, of which there is at least one.

    Wilson's score interval, without correction for continuity (Probable Inference, the Law of Succession, and
    Statistical Inference, JASA 22, 1927; method 3 of Newcombe, Two-Sided Confidence Intervals for the Single
    Proportion, Statistics in Medicine 17, 1998): the shares p' with |p - p'| <= z sqrt(p' (1 - p') / n), so that it
    is right for few trials and shares near 1, too.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, spread = successes / trials, z * z / trials
    centre = share + spread / 2
    reach = sqrt(spread * (share * (1 - share) + spread / 4))
    # Rounding pushes neither the share out, nor an end over 0 and 1.
    low, high = (centre - reach) / (1 + spread), (centre + reach) / (1 + spread)
    return max(0.0, min(share, low)), min(1.0, max(share, high))


def samples(warehouse: Warehouse) -> tuple[RuleSample, ...]:
    """What stewards found so far, by rule."""
    return tuple(RuleSample(**row) for row in warehouse.rows(_BY_RULE))


# Keys of which the rules say that they join nobody.
CLOSED_KEYS = """
closed_keys as (
    select distinct
        rule,
        key_hash
    from identity.edges
    where reason like 'blocked:%' or reason like 'hub:%' or reason like 'shared:%'
)"""

SAMPLED = f"""
with {CLOSED_KEYS},

spans as (
    select
        record_id,
        customer_id,
        cause,
        generation,
        lead(generation) over (partition by record_id order by generation) as next_generation
    from identity.assignments
    where record_id in (
        select record_a from identity.overrides
        union all
        select record_b from identity.overrides
    )
),

-- What was decided of two who were one customer, and not by a steward.
decided as (
    select distinct
        overrides.record_a,
        overrides.record_b,
        overrides.decision
    from identity.overrides as overrides
    inner join spans as of_a on overrides.record_a = of_a.record_id
    inner join spans as of_b on overrides.record_b = of_b.record_id and of_a.customer_id = of_b.customer_id
    where
        of_a.generation < coalesce(of_b.next_generation, of_a.generation + 1)
        and of_b.generation < coalesce(of_a.next_generation, of_b.generation + 1)
        and case when of_a.generation < of_b.generation then of_b.cause else of_a.cause end != 'linked: steward'
),

-- The decision took the place of the link, which was of the strongest rule that proposes it.
proposed as (
    select
        decided.record_a,
        decided.record_b,
        decided.decision,
        of_a.rule,
        of_a.level
    from decided
    inner join identity.match_keys as of_a on decided.record_a = of_a.record_id
    inner join identity.match_keys as of_b
        on decided.record_b = of_b.record_id and of_a.rule = of_b.rule and of_a.key_hash = of_b.key_hash
    left join closed_keys on of_a.rule = closed_keys.rule and of_a.key_hash = closed_keys.key_hash
    where of_a.blocked_because is null and closed_keys.rule is null
    union all
    select
        decided.record_a,
        decided.record_b,
        decided.decision,
        'model' as rule,
        cast(null as bigint) as level
    from decided
    inner join identity.scored_pairs as scored
        on decided.record_a = scored.record_a and decided.record_b = scored.record_b
),

strongest as (
    select *
    from proposed
    where true
    qualify row_number() over (partition by record_a, record_b order by level nulls last, rule) = 1
),

links as (
    select distinct
        record_a,
        record_b,
        cast(null as string) as decision,
        rule,
        level
    from identity.edges
    where status = 'kept' and origin != 'steward'
    union all
    select
        record_a,
        record_b,
        decision,
        rule,
        level
    from strongest
),

placed as (
    select
        links.*,
        count(*) over (partition by links.rule) as links,
        row_number() over (
            partition by links.rule
            order by md5('{SEED}:' || links.record_a || ':' || links.record_b), links.record_a, links.record_b
        ) as place
    from links
    inner join identity.source_records as of_a on links.record_a = of_a.record_id
    inner join identity.source_records as of_b on links.record_b = of_b.record_id
    where of_a.record_type != 'device' and of_b.record_type != 'device'
),

sampled as (
    select *
    from placed
    where place <= {SAMPLE}
)"""

_BY_RULE = f"""
{SAMPLED}

select
    rule,
    max(links) as links,
    count(*) as sampled,
    count(decision) as judged,
    count(case when decision = 'link' then 1 end) as correct
from sampled
group by rule
order by min(level) nulls last, rule
"""
