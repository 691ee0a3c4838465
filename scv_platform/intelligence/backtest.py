"""How good the churn scores are: a forecast of the past, beside forecasts that anybody could make.

The origin is the newest day whose label window has closed, as_of less the horizon. The model is fitted to purchases
up to the origin, scores everybody who had bought by then, and is compared with who bought nothing in the days after.
The baselines know only what was known at the origin: what happened in the window that ended with it.
Known limits: one origin per as_of, so one season; purchases that arrived late count as if known at the origin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from scv_platform.intelligence.btyd import Floats
from scv_platform.intelligence.churn_model import (
    CHURN_RULES,
    MODEL,
    ChurnRules,
    Counts,
    PurchaseHistories,
    fit_population,
    read_histories,
)
from scv_platform.warehouse import Table, TableColumn, Warehouse

CONSTANT = "constant"
"""Everybody churns as often as customers did in the window before the origin."""
RECENCY = "recency"
"""Everybody churns as often as customers with as many days since the last purchase did in that window."""

MODEL_BACKTESTS = Table(
    schema="intelligence",
    name="model_backtests",
    description=(
        "How well churn was forecast from a day in the past, by the model and by two baselines."
        " One row per (model, origin, horizon_days)."
    ),
    columns=(
        TableColumn("model", "string", "mbg_nbd, or a baseline: constant, recency."),
        TableColumn("origin", "date", "The day, inclusive, up to which the forecast knew purchases."),
        TableColumn("horizon_days", "integer", "Days after the origin in which no purchase means churn."),
        TableColumn("customers", "integer", "Customers with a purchase by the origin."),
        TableColumn("churned", "integer", "Those of them who bought nothing in the window."),
        TableColumn("auc", "float", "Chance that a churned customer has the higher score; null if all are alike."),
        TableColumn("brier", "float", "Mean squared error of the probability."),
        TableColumn("log_loss", "float", "Mean of -ln of the probability given to what happened."),
        TableColumn("ece", "float", "Mean distance of probability and frequency over ten bins of probability."),
        TableColumn("model_version", "string", "Version of the model that gave the forecast."),
    ),
    key=("model", "origin", "horizon_days"),
)

_BINS = 10
_RECENCY_BIN_DAYS = 30
_RECENCY_BINS = 13
_LEAST_PROBABILITY = 1e-9


@dataclass(frozen=True)
class Bin:
    """Customers with about the same probability."""

    customers: int
    predicted: float
    actual: float


@dataclass(frozen=True)
class Figures:
    """How a forecast compares with what happened."""

    customers: int
    churned: int
    auc: float | None
    brier: float
    log_loss: float
    ece: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class Backtest:
    """The forecasts from one origin; without figures when too little was known there."""

    origin: date
    horizon_days: int
    figures: dict[str, Figures]
    model_version: str
    explanation: str


def write_backtest(warehouse: Warehouse, as_of: date, rules: ChurnRules = CHURN_RULES) -> Backtest:
    """Replace the rows of the newest origin whose window has closed by as_of; none are left when it knew too little."""
    backtest = run_backtest(warehouse, as_of - timedelta(days=rules.horizon_days), rules)
    shared = {"origin": backtest.origin, "horizon_days": backtest.horizon_days, "model_version": backtest.model_version}
    rows = [{"model": model, **shared, **vars(figures)} for model, figures in backtest.figures.items()]
    data = pa.Table.from_pylist(rows, schema=_SCHEMA)
    warehouse.replace(MODEL_BACKTESTS, data, where={"origin": backtest.origin, "horizon_days": backtest.horizon_days})
    return backtest


def run_backtest(warehouse: Warehouse, origin: date, rules: ChurnRules = CHURN_RULES) -> Backtest:
    """Forecast from the origin, and measure. The caller sees to it that the window after the origin has closed."""
    histories = read_histories(warehouse, origin, rules.horizon_days)
    population = fit_population(histories, rules)
    if population.fitted is None:
        explanation = f"{population.ineligible} at {origin}: {population.explanation}"
        return Backtest(origin, rules.horizon_days, {}, population.version, explanation)
    forecasts = {str(MODEL): population.churn_probability(histories, rules.horizon_days)}
    before = read_histories(warehouse, origin - timedelta(days=rules.horizon_days), rules.horizon_days)
    if before.customers.size:
        forecasts |= baselines(before, histories)
    figures = {
        name: measure(probability, histories.silent, histories.customers) for name, probability in forecasts.items()
    }
    return Backtest(origin, rules.horizon_days, figures, population.version, population.explanation)


def baselines(before: PurchaseHistories, histories: PurchaseHistories) -> dict[str, Floats]:
    """Forecasts from the frequencies of the window before: one for all, and one by days since the last purchase."""
    overall = float(before.silent.sum() / before.customers.sum())
    customers = np.bincount(_recency_bin(before), before.customers, _RECENCY_BINS)
    silent = np.bincount(_recency_bin(before), before.silent, _RECENCY_BINS)
    # One customer of average behaviour in each bin, so that an empty one has a frequency too.
    by_recency = (silent + overall) / (customers + 1)
    return {CONSTANT: np.full(histories.x.size, overall), RECENCY: by_recency[_recency_bin(histories)]}


def measure(probability: Floats, happened: Counts, customers: Counts) -> Figures:
    """Compare probabilities with how many of the customers that share each it happened to."""
    total = float(customers.sum())
    not_happened = customers - happened
    certain = np.clip(probability, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    bins = _bins(probability, happened, customers)
    return Figures(
        customers=int(total),
        churned=int(happened.sum()),
        auc=_auc(probability, happened, not_happened),
        brier=float((happened * (1 - probability) ** 2 + not_happened * probability**2).sum() / total),
        log_loss=float(-(happened * np.log(certain) + not_happened * np.log1p(-certain)).sum() / total),
        ece=sum(bin.customers * abs(bin.predicted - bin.actual) for bin in bins) / total,
        bins=tuple(bins),
    )


def _auc(probability: Floats, happened: Counts, not_happened: Counts) -> float | None:
    """The share of pairs of either kind in which the one it happened to has the higher score; a tie is half a pair."""
    pairs = float(happened.sum()) * float(not_happened.sum())
    if not pairs:
        return None
    values, at = np.unique(probability, return_inverse=True)
    positive = np.bincount(at, happened, values.size)
    negative = np.bincount(at, not_happened, values.size)
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / pairs)


def _bins(probability: Floats, happened: Counts, customers: Counts) -> Sequence[Bin]:
    at = np.minimum((probability * _BINS).astype(np.int64), _BINS - 1)
    counts = np.bincount(at, customers, _BINS)
    predicted = np.bincount(at, customers * probability, _BINS)
    actual = np.bincount(at, happened, _BINS)
    return [Bin(int(n), float(p / n), float(a / n)) for n, p, a in zip(counts, predicted, actual, strict=True) if n]


def _recency_bin(histories: PurchaseHistories) -> Counts:
    return np.minimum(histories.recency_days // _RECENCY_BIN_DAYS, _RECENCY_BINS - 1)


_SCHEMA = pa.schema(
    {
        "model": pa.string(),
        "origin": pa.date32(),
        "horizon_days": pa.int64(),
        "customers": pa.int64(),
        "churned": pa.int64(),
        "auc": pa.float64(),
        "brier": pa.float64(),
        "log_loss": pa.float64(),
        "ece": pa.float64(),
        "model_version": pa.string(),
    }
)
