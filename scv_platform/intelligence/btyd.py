"""Buy till you die: who will not buy again, from how often, how lately and how long each customer bought.

A customer buys at a rate lambda of its own until it leaves; lambda ~ Gamma(r, alpha). In **BG/NBD** (Fader, Hardie,
Lee 2005, "Counting Your Customers the Easy Way", Marketing Science 24) it leaves with its own probability
p ~ Beta(a, b) after each *repeat* purchase, so that nobody with a single purchase has left. In **MBG/NBD**
(Batislam, Denizel, Filiztekin 2007, IJRM 24; Hoppe, Wagner 2007, Marketing ZFP 29) also after the first one.

A history is (x, t_x, T): repeat purchases, time of the last one, and end of observation, both since the first
purchase, so t_x is the last less the first purchase, and not the "recency" of RFM. For one customer
    MBG/NBD  L(lambda, p) = lambda^x (1-p)^x [(1-p) e^(-lambda T) + p e^(-lambda t_x)]
    BG/NBD   L(lambda, p) = lambda^x [(1-p)^x e^(-lambda T) + [x > 0] p (1-p)^(x-1) e^(-lambda t_x)]
and for a customer of whom nothing else is known, the integral over both distributions (`log_likelihood`).
Any unit of time will do; alpha is in that unit. Known limits: no seasons, no trend, purchases without rhythm.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

_LOG_BOUND = 10.0
"""Parameters lie in e^-10 .. e^10, alpha in mean lengths of observation: beyond, the model is at a limit of its own
(all customers alike, nobody ever leaves), and the likelihood is flat."""
_FLAT = 1e-5
"""A fit has converged where no logarithm of a parameter can change the mean log-likelihood faster than this."""
_STARTS = ((1.0, 1.0, 1.0), (0.3, 0.5, 4.0))
"""r, a and b to begin from; alpha follows from the rate of purchases. The likelihood may have several summits."""


class FitError(Exception):
    """No parameters are the best ones for these histories; the message says why."""


class Model(StrEnum):
    """When a customer may leave."""

    BG_NBD = "bg_nbd"
    MBG_NBD = "mbg_nbd"


@dataclass(frozen=True)
class Histories:
    """Purchase histories; equal ones stand once, with how many customers share them."""

    x: Floats
    t_x: Floats
    t: Floats
    customers: Floats

    def __post_init__(self) -> None:
        arrays = (self.x, self.t_x, self.t, self.customers)
        if len({array.shape for array in arrays}) != 1 or self.x.ndim != 1:
            raise ValueError("x, t_x, t and customers must be arrays of one length")
        if not all(np.isfinite(array).all() for array in arrays):
            raise ValueError("x, t_x, t and customers must be finite")
        wrong = (self.x < 0) | (self.t_x < 0) | (self.t_x > self.t) | (self.customers <= 0)
        wrong |= (self.x == 0) & (self.t_x > 0)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(
                f"not a purchase history: x = {self.x[row]}, t_x = {self.t_x[row]}, t = {self.t[row]}"
                f" of {self.customers[row]} customers; 0 <= t_x <= t, and t_x = 0 where x = 0"
            )


@dataclass(frozen=True)
class Parameters:
    """Of a population: rates ~ Gamma(r, alpha), chance to leave after a purchase ~ Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float


@dataclass(frozen=True)
class Fit:
    """The parameters under which the histories are likeliest."""

    model: Model
    parameters: Parameters
    log_likelihood: float
    at_bound: tuple[str, ...]
    """Parameters that would grow or shrink without end: customers do not differ there as the model expects."""


def fit(model: Model, histories: Histories) -> Fit:
    """Maximum likelihood over the logarithms of the parameters; `FitError` when it has not converged."""
    from scipy.optimize import minimize

    if not (histories.x > 0).any():
        raise FitError("nobody has bought twice")
    total = float(np.sum(histories.customers))
    unit = float(np.sum(histories.customers * histories.t)) / total
    scaled = Histories(histories.x, histories.t_x / unit, histories.t / unit, histories.customers)
    rate = float(np.sum(scaled.customers * scaled.x)) / total

    def loss(logs: Floats) -> tuple[float, Floats]:
        value, slope = _log_likelihood_and_slope(model, Parameters(*np.exp(logs)), scaled)
        return -value / total, -slope / total

    best = None
    for r, a, b in _STARTS:
        start = np.clip(np.log([r, r / rate, a, b]), -_LOG_BOUND, _LOG_BOUND)
        found = minimize(
            loss,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(-_LOG_BOUND, _LOG_BOUND)] * 4,
            options={"ftol": 1e-13, "gtol": 1e-8, "maxiter": 1_000, "maxfun": 2_000},
        )
        if np.isfinite(found.fun) and (best is None or found.fun < best.fun):
            best = found
    if best is None:
        raise FitError("the likelihood is not finite at any start")
    inside = np.clip(best.x - best.jac, -_LOG_BOUND, _LOG_BOUND) - best.x
    if np.max(np.abs(inside)) > _FLAT:
        raise FitError(f"not converged after {best.nit} steps: {best.message}")
    r, alpha, a, b = (float(value) for value in np.exp(best.x))
    parameters = Parameters(r, alpha * unit, a, b)
    at_bound = tuple(
        name for name, value in zip(("r", "alpha", "a", "b"), best.x, strict=True) if abs(value) > _LOG_BOUND - 1e-6
    )
    return Fit(model, parameters, log_likelihood(model, parameters, histories), at_bound)


def log_likelihood(model: Model, parameters: Parameters, histories: Histories) -> float:
    """The logarithm of the likelihood of all these customers, the constants of the distributions included."""
    return _log_likelihood_and_slope(model, parameters, histories)[0]


def p_alive(model: Model, parameters: Parameters, x: Floats, t_x: Floats, t: Floats) -> Floats:
    """The chance that a customer had not left by t. Not a churn score: see `p_no_purchase`."""
    from scipy.special import expit

    alive, left = _log_weights(model, parameters, x, t_x, t)
    chance: Floats = expit(alive - left)
    return chance


def p_no_purchase(model: Model, parameters: Parameters, x: Floats, t_x: Floats, t: Floats, horizon: float) -> Floats:
    """The chance of no purchase in (t, t + horizon], given the history.

    No purchase up to t + h is the history (x, t_x, t + h), so the chance is L(x, t_x, t + h) / L(x, t_x, t). In both
    models only the part of those alive depends on t, as (alpha + t)^-(r + x), which leaves
        1 - P(alive at t) (1 - ((alpha + t) / (alpha + t + h))^(r + x)).
    The last factor is the chance of a purchase when alive: a customer leaves only after a purchase, and the rate of
    one that is alive is Gamma(r + x, alpha + t).
    """
    silent = (parameters.r + x) * -np.log1p(horizon / (parameters.alpha + t))
    return 1.0 + p_alive(model, parameters, x, t_x, t) * np.expm1(silent)


def _log_weights(model: Model, parameters: Parameters, x: Floats, t_x: Floats, t: Floats) -> tuple[Floats, Floats]:
    """What being alive at t, and having left at t_x, add to the likelihood, up to a factor common to both.

    Each without alpha^-r, taken out of (alpha + t)^-(r + x), so that a large r cancels before it is rounded.
    """
    r, alpha, a, b = parameters.r, parameters.alpha, parameters.a, parameters.b
    alive = -r * np.log1p(t / alpha) - x * np.log(alpha + t)
    left = np.log(a) - r * np.log1p(t_x / alpha) - x * np.log(alpha + t_x)
    if model is Model.MBG_NBD:
        return alive + np.log(b + x), left
    return alive, np.where(x > 0, left - np.log(np.where(x > 0, b + x - 1, 1.0)), -np.inf)


def _log_likelihood_and_slope(model: Model, parameters: Parameters, histories: Histories) -> tuple[float, Floats]:
    """The log-likelihood, and its derivatives by the logarithms of r, alpha, a and b."""
    from scipy.special import digamma, expit, gammaln

    r, alpha, a, b = parameters.r, parameters.alpha, parameters.a, parameters.b
    x, t_x, t, customers = histories.x, histories.t_x, histories.t, histories.customers
    modified = 1.0 if model is Model.MBG_NBD else 0.0
    alive, left = _log_weights(model, parameters, x, t_x, t)
    is_alive = expit(alive - left)
    has_left = 1.0 - is_alive

    # Few distinct counts of purchases: the costly functions see each once.
    counts, at = np.unique(x, return_inverse=True)
    by_count = gammaln(r + counts) - gammaln(r) + gammaln(b + counts) - gammaln(b)
    by_count += gammaln(a + b) - gammaln(a + b + counts + modified)
    value = by_count[at] + np.logaddexp(alive, left)

    by_r = (digamma(r + counts) - digamma(r))[at] - is_alive * np.log1p(t / alpha) - has_left * np.log1p(t_x / alpha)
    by_alpha = r / alpha - (r + x) * (is_alive / (alpha + t) + has_left / (alpha + t_x))
    by_both = digamma(a + b) - digamma(a + b + counts + modified)
    by_a = by_both[at] + has_left / a
    by_b = (by_both + digamma(b + counts) - digamma(b))[at]
    by_b += is_alive / (b + x) if modified else -has_left / np.where(x > 0, b + x - 1, 1.0)
    slope = [np.sum(customers * by) for by in (r * by_r, alpha * by_alpha, a * by_a, b * by_b)]
    return float(np.sum(customers * value)), np.array(slope)
