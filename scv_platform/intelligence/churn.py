"""Churn scores: the chance that a customer buys nothing in the next 90 days.

Data flow: purchase histories, collapsed in the warehouse -> MBG/NBD (`churn_model`) -> one probability per different
history, as Arrow -> joined to the customers in the warehouse -> `intelligence.churn_scores`.
Invariant: customers with the same history have the same probability and decile, and a row without a probability
says why. What is published is P(no purchase), never 1 - P(alive): a customer who is alive may well stay silent.
Known limits: the model knows no seasons and no rhythm, so it is calmer than the data before Christmas and
underrates subscribers; its figures on the last closed window stand beside every score.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from sqlglot import exp

from scv_platform.intelligence.backtest import MODEL_BACKTESTS
from scv_platform.intelligence.churn_model import (
    CHURN_RULES,
    MODEL,
    PURCHASE_DAYS,
    ChurnRules,
    Ineligible,
    Population,
    PurchaseHistories,
    fit_population,
    read_histories,
)
from scv_platform.settings import Privacy
from scv_platform.warehouse import Table, TableColumn, Warehouse, bind

CHURN_SCORES = Table(
    schema="intelligence",
    name="churn_scores",
    description=(
        "How likely a customer is to buy nothing in the next 90 days, and the facts behind it."
        " One row per (customer, as_of), with a probability or the reason why there is none."
    ),
    columns=(
        TableColumn("customer_id", "string", "The customer."),
        TableColumn("as_of", "date", "The day, inclusive, up to which purchases are known."),
        TableColumn("horizon_days", "integer", "Days after as_of in which no purchase means churn."),
        TableColumn("churn_probability", "float", "Chance of no purchase in those days, 0 to 1.", Privacy.QUASI),
        TableColumn("decile", "integer", "Tenth of the scored customers, 10 most likely to churn.", Privacy.QUASI),
        TableColumn("reason_1", "string", "Days since the last purchase against the usual interval.", Privacy.QUASI),
        TableColumn("reason_2", "string", "How often the customer bought, and since when.", Privacy.QUASI),
        TableColumn("reason_3", "string", "Purchases of late against the time before.", Privacy.QUASI),
        TableColumn("eligible", "boolean", "Whether there is a probability.", Privacy.QUASI),
        TableColumn(
            "reason_ineligible", "string", f"Why there is none: {', '.join(Ineligible)}; else null.", Privacy.QUASI
        ),
        TableColumn("model_version", "string", "Version of formula, rules, data and parameters that gave the row."),
        TableColumn("backtest_auc", "float", "Ranking of the last closed window: .5 is chance, 1 is perfect."),
        TableColumn("backtest_ece", "float", "Mean error of the probability in the last closed window."),
    ),
    key=("customer_id", "as_of"),
    partition_by="as_of",
)

_CURVE = Table(
    schema="intelligence",
    name="churn_curve",
    description="The churn probability of each purchase history of the last run. One row per (x, t_x, t).",
    columns=(
        TableColumn("x", "integer", "Purchase days after the first."),
        TableColumn("t_x", "integer", "Days from the first purchase to the last."),
        TableColumn("t", "integer", "Days from the first purchase to as_of."),
        TableColumn("churn_probability", "float", "Chance of no purchase in the horizon, 0 to 1."),
    ),
    key=("x", "t_x", "t"),
)

_DIGITS = 6
"""Digits of a published probability: more would differ between machines, and mean nothing."""


@dataclass(frozen=True)
class Decile:
    """The customers of one decile."""

    decile: int
    customers: int
    mean_probability: float


@dataclass(frozen=True)
class ChurnSummary:
    """What a run wrote."""

    rows: int
    scored: int
    ineligible: Mapping[str, int]
    deciles: tuple[Decile, ...]
    population: Population


@dataclass(frozen=True)
class Soundness:
    """The rows of a day against the customers; everything but `customers` and `scores` must be zero."""

    customers: int
    scores: int
    customers_without_a_row: int
    rows_of_nobody: int
    customers_with_two_rows: int
    probabilities_out_of_range: int
    rows_without_probability_or_reason: int

    @property
    def is_sound(self) -> bool:
        """Whether each customer has exactly one row, with a probability or a reason."""
        return self.customers == self.scores and not (
            self.customers_without_a_row
            or self.rows_of_nobody
            or self.customers_with_two_rows
            or self.probabilities_out_of_range
            or self.rows_without_probability_or_reason
        )


def write_churn(warehouse: Warehouse, as_of: date, rules: ChurnRules = CHURN_RULES) -> ChurnSummary:
    """Replace the rows of that day, and of no other, in `intelligence.churn_scores`."""
    histories = read_histories(warehouse, as_of)
    population = fit_population(histories, rules)
    warehouse.replace(_CURVE, _curve(histories, population, rules))
    warehouse.ensure(MODEL_BACKTESTS)
    rows = warehouse.replace(CHURN_SCORES, churn_select(as_of, population, rules), where={"as_of": as_of})
    found = warehouse.rows(bind(_SUMMARY, as_of=as_of))
    deciles = tuple(
        Decile(row["decile"], row["customers"], row["mean_probability"]) for row in found if row["decile"] is not None
    )
    ineligible = {row["reason_ineligible"]: row["customers"] for row in found if row["decile"] is None}
    return ChurnSummary(rows, sum(decile.customers for decile in deciles), ineligible, deciles, population)


def judge_scores(warehouse: Warehouse, as_of: date) -> Soundness:
    """Whether `intelligence.churn_scores` has the right rows for that day."""
    (row,) = warehouse.rows(bind(_JUDGE, as_of=as_of))
    return Soundness(**row)


def backtest_figures(warehouse: Warehouse, as_of: date) -> tuple[float | None, float | None]:
    """AUC and ECE that stand beside the scores of that day."""
    (row,) = warehouse.rows(bind(_FIGURES, as_of=as_of))
    return row["auc"], row["ece"]


def churn_select(as_of: date, population: Population, rules: ChurnRules) -> exp.Expr:
    """The rows of `intelligence.churn_scores` for that day, from `intelligence.churn_curve` of this run."""
    horizon = timedelta(days=rules.horizon_days)
    return bind(
        _SELECT,
        as_of=as_of,
        until=as_of,
        window_start=as_of - horizon,
        window_before=as_of - 2 * horizon,
        horizon_days=rules.horizon_days,
        model=str(MODEL),
        model_version=population.version,
        ineligible=population.ineligible and str(population.ineligible),
        no_purchase=str(Ineligible.NO_PURCHASE),
    )


def _curve(histories: PurchaseHistories, population: Population, rules: ChurnRules) -> pa.Table:
    probability = population.churn_probability(histories, rules.horizon_days)
    n = probability.size
    return pa.table(
        {
            "x": histories.x[:n],
            "t_x": histories.t_x[:n],
            "t": histories.t[:n],
            "churn_probability": np.round(probability, _DIGITS),
        }
    )


_SELECT = f"""
with purchase_days as ({PURCHASE_DAYS}),

histories as (
    select
        customer_id,
        min(day) as first_day,
        count(*) - 1 as x,
        date_diff('day', min(day), max(day)) as t_x,
        date_diff('day', min(day), $as_of) as t,
        date_diff('day', max(day), $as_of) as recency_days,
        count(case when day > $window_start then 1 end) as days_in_window,
        count(case when day > $window_before and day <= $window_start then 1 end) as days_before
    from purchase_days
    group by customer_id
),

scored as (
    select
        histories.*,
        curve.churn_probability,
        count(*) over () as all_customers,
        rank() over (order by curve.churn_probability) - 1 as safer_customers
    from histories
    join {_CURVE} as curve
        on curve.x = histories.x
        and curve.t_x = histories.t_x
        and curve.t = histories.t
),

texts as (
    select
        *,
        case recency_days
            when 0 then 'today'
            when 1 then '1 day ago'
            else cast(recency_days as varchar) || ' days ago'
        end as ago,
        case
            when x > 0 then cast(cast(round(t_x / x) as bigint) as varchar)
        end as interval_days
    from scored
),

worded as (
    select
        *,
        case
            when x = 0 then 'one purchase so far, ' || ago
            when interval_days = '1' then 'last purchase ' || ago || ', usually every day'
            else 'last purchase ' || ago || ', usually every ' || interval_days || ' days'
        end as reason_1,
        case
            when x > 0
                then 'bought on ' || cast(x + 1 as varchar) || ' days since ' || cast(first_day as varchar)
        end as reason_2,
        case
            when x > 0 and first_day <= $window_before
                then
                    'days with a purchase: ' || cast(days_in_window as varchar)
                    || ' in the last ' || cast($horizon_days as varchar)
                    || ', ' || cast(days_before as varchar)
                    || ' in the ' || cast($horizon_days as varchar) || ' before'
        end as reason_3
    from texts
),

backtests as (
    select
        auc,
        ece
    from {MODEL_BACKTESTS}
    where model = $model
        and origin = $window_start
        and horizon_days = $horizon_days
)

select
    customers.customer_id,
    $as_of as as_of,
    $horizon_days as horizon_days,
    worded.churn_probability,
    1 + cast(floor(10 * worded.safer_customers / worded.all_customers) as bigint) as decile,
    worded.reason_1,
    worded.reason_2,
    worded.reason_3,
    worded.customer_id is not null as eligible,
    case
        when worded.customer_id is not null then null
        when histories.customer_id is null then $no_purchase
        else $ineligible
    end as reason_ineligible,
    $model_version as model_version,
    case when worded.customer_id is not null then (select max(auc) from backtests) end as backtest_auc,
    case when worded.customer_id is not null then (select max(ece) from backtests) end as backtest_ece
from master.customers as customers
left join histories
    on histories.customer_id = customers.customer_id
left join worded
    on worded.customer_id = customers.customer_id
"""

_SUMMARY = f"""
select
    decile,
    reason_ineligible,
    count(*) as customers,
    avg(churn_probability) as mean_probability
from {CHURN_SCORES}
where as_of = $as_of
group by decile, reason_ineligible
order by decile, reason_ineligible
"""

_FIGURES = f"""
select
    max(backtest_auc) as auc,
    max(backtest_ece) as ece
from {CHURN_SCORES}
where as_of = $as_of
"""

_JUDGE = f"""
with scores as (
    select *
    from {CHURN_SCORES}
    where as_of = $as_of
),

by_customer as (
    select
        customer_id,
        count(*) as n
    from scores
    group by customer_id
)

select
    (select count(*) from master.customers) as customers,
    (select count(*) from scores) as scores,
    (
        select count(*)
        from master.customers
        left join by_customer using (customer_id)
        where by_customer.n is null
    ) as customers_without_a_row,
    (
        select count(*)
        from by_customer
        left join master.customers using (customer_id)
        where customers.customer_id is null
    ) as rows_of_nobody,
    (select count(*) from by_customer where n > 1) as customers_with_two_rows,
    (
        select count(*)
        from scores
        where eligible
            and (churn_probability is null or not churn_probability between 0 and 1)
    ) as probabilities_out_of_range,
    (
        select count(*)
        from scores
        where (churn_probability is null) <> (reason_ineligible is not null)
    ) as rows_without_probability_or_reason
"""
