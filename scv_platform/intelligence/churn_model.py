"""The population behind the churn scores: purchase histories from the warehouse, and MBG/NBD fitted to them.

A purchase is a day with at least one counted sale: two orders of one day are one decision to buy, and a sale that
came back later was one too. Histories are counted in days and fitted in weeks, the unit of the literature.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sqlglot import exp

from scv_platform.config_files import StrictModel
from scv_platform.intelligence.btyd import Fit, FitError, Floats, Histories, Model, fit, p_no_purchase
from scv_platform.warehouse import Warehouse, bind

MODEL = Model.MBG_NBD

Counts: TypeAlias = NDArray[np.int64]

PURCHASE_DAYS = """
    select distinct
        customer_id,
        cast(occurred_at as date) as day
    from master.transactions
    where is_counted
        and transaction_type = 'sale'
        and customer_id is not null
        and cast(occurred_at as date) <= $until
"""
"""One row per (customer, day with a counted sale) up to the day `until`."""

_FORMULA_VERSION = "1"
_DAYS_PER_WEEK = 7.0


class ChurnRules(StrictModel):
    """What is predicted, and how much must be known for it. Part of the model's version."""

    horizon_days: int = Field(90, ge=1, description="Days ahead in which no purchase means churn.")
    min_history_days: int = Field(90, ge=1, description="Days from the first purchase of all to the day of the score.")
    min_customers: int = Field(100, ge=2, description="Customers with a purchase.")
    min_repeat_customers: int = Field(30, ge=1, description="Customers with purchases on two days.")


CHURN_RULES = ChurnRules()


class Ineligible(StrEnum):
    """Why a customer has no churn probability."""

    NO_PURCHASE = "no purchase"
    TOO_LITTLE_HISTORY = "too little history"
    TOO_FEW_CUSTOMERS = "too few customers"
    FIT_FAILED = "fit failed"


@dataclass(frozen=True)
class PurchaseHistories:
    """The different histories up to a day, in days since the first purchase, ordered."""

    x: Counts
    t_x: Counts
    t: Counts
    customers: Counts
    silent: Counts
    """How many of those customers bought nothing in the days of the label window."""

    def in_weeks(self) -> Histories:
        """What the model is fitted to."""
        return Histories(
            self.x.astype(np.float64),
            self.t_x / _DAYS_PER_WEEK,
            self.t / _DAYS_PER_WEEK,
            self.customers.astype(np.float64),
        )

    @property
    def recency_days(self) -> Counts:
        """Days since the last purchase."""
        return self.t - self.t_x

    @property
    def fingerprint(self) -> str:
        """Changes with the histories, the label window aside."""
        content = b"".join(array.tobytes() for array in (self.x, self.t_x, self.t, self.customers))
        return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Population:
    """The model of one day, or why there is none."""

    fitted: Fit | None
    ineligible: Ineligible | None
    explanation: str
    version: str

    def churn_probability(self, histories: PurchaseHistories, horizon_days: int) -> Floats:
        """P(no purchase in that many days) of each history; nothing when there is no model."""
        if self.fitted is None:
            return np.empty(0)
        weeks = histories.in_weeks()
        return p_no_purchase(
            self.fitted.model, self.fitted.parameters, weeks.x, weeks.t_x, weeks.t, horizon_days / _DAYS_PER_WEEK
        )


def read_histories(warehouse: Warehouse, day: date, label_days: int = 0) -> PurchaseHistories:
    """The histories of all who bought by that day, collapsed in the warehouse, with the label of the days after it."""
    rows = warehouse.table(histories_select(day, label_days))
    columns = (rows.column(name).to_numpy().astype(np.int64) for name in ("x", "t_x", "t", "customers", "silent"))
    return PurchaseHistories(*columns)


def histories_select(day: date, label_days: int = 0) -> exp.Expr:
    """One row per different history up to that day. Later purchases reach the label only."""
    return bind(_HISTORIES, day=day, until=day + timedelta(days=label_days))


def fit_population(histories: PurchaseHistories, rules: ChurnRules = CHURN_RULES) -> Population:
    """The model of these histories when they are enough and the fit converges, else the reason."""
    fitted, ineligible, explanation = None, _lacks(histories, rules), ""
    if ineligible is None:
        try:
            fitted = fit(MODEL, histories.in_weeks())
        except FitError as error:
            ineligible, explanation = Ineligible.FIT_FAILED, str(error)
    outcome = repr(fitted.parameters) if fitted else str(ineligible)
    content = f"{_FORMULA_VERSION} {rules.model_dump_json()} {histories.fingerprint} {outcome}"
    version = f"{MODEL}-{_FORMULA_VERSION}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"
    return Population(fitted, ineligible, explanation or _describe(histories, rules), version)


def _lacks(histories: PurchaseHistories, rules: ChurnRules) -> Ineligible | None:
    if int(histories.customers.sum()) < rules.min_customers:
        return Ineligible.TOO_FEW_CUSTOMERS
    if int(histories.customers[histories.x > 0].sum()) < rules.min_repeat_customers:
        return Ineligible.TOO_FEW_CUSTOMERS
    if int(histories.t.max()) < rules.min_history_days:
        return Ineligible.TOO_LITTLE_HISTORY
    return None


def _describe(histories: PurchaseHistories, rules: ChurnRules) -> str:
    return (
        f"{int(histories.customers.sum()):,} customers with a purchase (needed: {rules.min_customers:,}),"
        f" {int(histories.customers[histories.x > 0].sum()):,} of them on two days or more"
        f" (needed: {rules.min_repeat_customers:,}), over {int(histories.t.max(initial=0)):,} days"
        f" (needed: {rules.min_history_days:,})"
    )


_HISTORIES = f"""
with purchase_days as ({PURCHASE_DAYS}),

histories as (
    select
        customer_id,
        count(case when day <= $day then 1 end) - 1 as x,
        date_diff('day', min(day), max(case when day <= $day then day end)) as t_x,
        date_diff('day', min(day), $day) as t,
        case when max(day) > $day then 0 else 1 end as silent
    from purchase_days
    group by customer_id
    having min(day) <= $day
)

select
    x,
    t_x,
    t,
    count(*) as customers,
    cast(sum(silent) as bigint) as silent
from histories
group by x, t_x, t
order by x, t_x, t
"""
