"""The models against published parameters, slow integrals, and simulated customers."""

import csv
from dataclasses import astuple, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from scv_platform.intelligence.btyd import (
    FitError,
    Histories,
    Model,
    Parameters,
    fit,
    log_likelihood,
    p_alive,
    p_no_purchase,
)

BOTH = pytest.mark.parametrize("model", list(Model))
SHOP = Parameters(r=0.8, alpha=6.0, a=0.9, b=2.5)


@pytest.fixture(scope="module")
def cdnow() -> Histories:
    """The 2,357 customers of the CDNOW sample, in weeks, as the authors of BG/NBD published them."""
    package = find_spec("lifetimes")
    assert package is not None
    assert package.origin is not None
    sample = Path(package.origin).with_name("datasets") / "cdnow_customers_summary.csv"
    with sample.open(encoding="utf-8") as lines:
        rows = [(float(row["frequency"]), float(row["recency"]), float(row["T"])) for row in csv.DictReader(lines)]
    assert len(rows) == 2357
    x, t_x, t = (np.array(column) for column in zip(*rows, strict=True))
    return Histories(x, t_x, t, np.ones(len(rows)))


def one(x: float, t_x: float, t: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.array([x]), np.array([t_x]), np.array([t])


def likelihood_of_one(model: Model, rate: np.ndarray, p: np.ndarray, x: float, t_x: float, t: float) -> np.ndarray:
    """The density of one history, told purchase by purchase: the definition of the models."""
    chances_to_leave_before_the_last = x if model is Model.MBG_NBD else max(x - 1, 0)
    may_leave_after_the_last = x > 0 or model is Model.MBG_NBD
    bought = rate**x * np.exp(-rate * t_x) * (1 - p) ** chances_to_leave_before_the_last
    silent = np.exp(-rate * (t - t_x))
    return bought * ((1 - p) * silent + p if may_leave_after_the_last else silent)


def simulate(model: Model, parameters: Parameters, t: np.ndarray, until: np.ndarray, seed: int):
    """Histories (x, t_x) at t, and whether nothing was bought in (t, until], customer by customer."""
    random = np.random.default_rng(seed)
    rate = random.gamma(parameters.r, 1 / parameters.alpha, t.size)
    p = random.beta(parameters.a, parameters.b, t.size)
    x, t_x, silent = np.zeros(t.size), np.zeros(t.size), np.ones(t.size, bool)
    now, here = np.zeros(t.size), np.ones(t.size, bool)
    if model is Model.MBG_NBD:
        here &= random.random(t.size) >= p
    while here.any():
        now = now + random.exponential(1, t.size) / rate
        bought = here & (now <= t)
        x += bought
        t_x = np.where(bought, now, t_x)
        silent &= ~(here & (now > t) & (now <= until))
        here &= (now <= until) & (random.random(t.size) >= p)
    return x, t_x, silent


@pytest.mark.parametrize(
    ("model", "published", "log_likelihood_published"),
    [
        (Model.BG_NBD, (0.243, 4.414, 0.793, 2.426), -9582.4),
        (Model.MBG_NBD, (0.5248, 6.1830, 0.8914, 1.6140), None),
    ],
)
def test_parameters_of_the_cdnow_sample_are_the_published_ones(cdnow, model, published, log_likelihood_published):
    found = fit(model, cdnow)
    digits = 3 if model is Model.BG_NBD else 4
    assert tuple(round(value, digits) for value in astuple(found.parameters)) == published
    if log_likelihood_published is not None:
        assert round(found.log_likelihood, 1) == log_likelihood_published
    assert found.at_bound == ()


@BOTH
def test_another_optimiser_without_slopes_finds_no_better_parameters(cdnow, model):
    found = fit(model, cdnow)
    logs = np.log(astuple(found.parameters)) + np.array([0.1, -0.1, 0.1, -0.1])
    other = optimize.minimize(
        lambda logs: -log_likelihood(model, Parameters(*np.exp(logs)), cdnow),
        logs,
        method="Nelder-Mead",
        options={"maxiter": 400},
    )
    assert found.log_likelihood >= -other.fun - 1e-6


@BOTH
def test_equal_histories_may_stand_once_and_the_unit_of_time_does_not_matter(cdnow, model):
    rows, customers = np.unique(np.stack([cdnow.x, cdnow.t_x, cdnow.t]), axis=1, return_counts=True)
    assert rows.shape[1] < cdnow.x.size
    weeks = fit(model, cdnow)
    days = fit(model, Histories(rows[0], 7 * rows[1], 7 * rows[2], customers.astype(float)))
    assert days.parameters.alpha == pytest.approx(7 * weeks.parameters.alpha, rel=1e-4)
    assert astuple(replace(days.parameters, alpha=1)) == pytest.approx(
        astuple(replace(weeks.parameters, alpha=1)), rel=1e-4
    )


@BOTH
@pytest.mark.parametrize(("x", "t_x", "t"), [(0, 0, 0), (0, 0, 30), (1, 8, 30), (1, 30, 30), (4, 11, 39), (9, 38, 39)])
def test_the_likelihood_is_the_integral_over_all_customers(model, x, t_x, t):
    # The mean over a grid of quantiles, so that the densities, which have poles at 0, need not be evaluated.
    quantiles = (np.arange(2_000) + 0.5) / 2_000
    rate = stats.gamma(SHOP.r, scale=1 / SHOP.alpha).ppf(quantiles)
    p = stats.beta(SHOP.a, SHOP.b).ppf(quantiles)
    integral = likelihood_of_one(model, rate[:, None], p[None, :], x, t_x, t).mean()
    found = log_likelihood(model, SHOP, Histories(*one(x, t_x, t), np.ones(1)))
    assert found == pytest.approx(np.log(integral), abs=1e-4)


@BOTH
@pytest.mark.parametrize(("x", "t_x", "t"), [(0, 0, 30), (1, 8, 30), (4, 11, 39), (9, 38, 39)])
def test_chances_are_those_among_customers_with_that_history(model, x, t_x, t):
    """Bayes by brute force: customers from the population, weighted by how likely each makes the history."""
    random = np.random.default_rng(1)
    rate, p = random.gamma(SHOP.r, 1 / SHOP.alpha, 1_000_000), random.beta(SHOP.a, SHOP.b, 1_000_000)
    weight = likelihood_of_one(model, rate, p, x, t_x, t)
    if model is Model.BG_NBD and x == 0:
        alive = np.ones_like(rate)
    else:
        stays = (1 - p) * np.exp(-rate * (t - t_x))
        alive = stays / (stays + p)
    silent = 1 - alive + alive * np.exp(-rate * 13)
    history = one(x, t_x, t)
    assert p_alive(model, SHOP, *history)[0] == pytest.approx(np.average(alive, weights=weight), abs=0.005)
    assert p_no_purchase(model, SHOP, *history, 13)[0] == pytest.approx(np.average(silent, weights=weight), abs=0.005)


@BOTH
def test_no_purchase_is_as_frequent_as_told_in_every_group_of_simulated_customers(model):
    t = np.random.default_rng(2).integers(0, 60, 150_000).astype(float)
    x, t_x, silent = simulate(model, SHOP, t, t + 13, seed=3)
    told = p_no_purchase(model, SHOP, x, t_x, t, 13)
    groups = np.minimum(x, 4) * 100 + np.minimum((t - t_x) // 10, 4) * 10 + t // 30
    checked = 0
    for group in np.unique(groups):
        here = groups == group
        spread = np.sqrt((told[here] * (1 - told[here])).sum())
        if here.sum() >= 100:
            assert abs(silent[here].sum() - told[here].sum()) < 4.5 * spread, f"group {group}"
            checked += 1
    assert checked > 20


@BOTH
def test_the_fit_finds_the_parameters_of_simulated_customers(model):
    t = np.random.default_rng(4).uniform(20, 100, 40_000)
    x, t_x, _ = simulate(model, SHOP, t, t, seed=5)
    found = fit(model, Histories(x, t_x, t, np.ones(t.size)))
    assert astuple(found.parameters) == pytest.approx(astuple(SHOP), rel=0.12)
    assert found.parameters.r / found.parameters.alpha == pytest.approx(SHOP.r / SHOP.alpha, rel=0.05)


def test_customers_who_never_leave_put_the_chance_to_leave_at_its_bound_and_say_so():
    t = np.random.default_rng(6).uniform(50, 100, 5_000)
    loyal = replace(SHOP, a=1e-3, b=1e3)
    x, t_x, _ = simulate(Model.MBG_NBD, loyal, t, t, seed=7)
    found = fit(Model.MBG_NBD, Histories(x, t_x, t, np.ones(t.size)))
    assert set(found.at_bound) & {"a", "b"}
    assert p_no_purchase(Model.MBG_NBD, found.parameters, x, t_x, t, 13) == pytest.approx(
        p_no_purchase(Model.MBG_NBD, loyal, x, t_x, t, 13), abs=0.02
    )


def test_a_population_without_a_second_purchase_is_refused():
    with pytest.raises(FitError, match="nobody has bought twice"):
        fit(Model.MBG_NBD, Histories(np.zeros(3), np.zeros(3), np.arange(3.0), np.ones(3)))


def test_a_fit_that_stops_before_the_summit_is_refused(cdnow, monkeypatch):
    stopped = optimize.minimize

    def stop_at_once(*arguments, options, **others):
        return stopped(*arguments, options=options | {"maxiter": 1}, **others)

    monkeypatch.setattr(optimize, "minimize", stop_at_once)
    with pytest.raises(FitError, match="not converged after 1 steps"):
        fit(Model.MBG_NBD, cdnow)


@pytest.mark.parametrize(
    ("x", "t_x", "t", "customers"),
    [(-1, 0, 5, 1), (1, 6, 5, 1), (0, 2, 5, 1), (1, 2, 5, 0), (1, -1, 5, 1), (1, np.nan, 5, 1)],
)
def test_what_is_no_history_is_refused(x, t_x, t, customers):
    with pytest.raises(ValueError, match=r"not a purchase history|finite"):
        Histories(*one(x, t_x, t), np.array([customers]))


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="one length"):
        Histories(*one(0, 0, 1), np.ones(2))


models = st.sampled_from(list(Model))
populations = st.builds(Parameters, *[st.floats(0.01, 100)] * 4)
times = st.floats(0, 500)
counts = st.integers(0, 200).map(float)


@st.composite
def histories(draw) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, t = draw(counts), draw(times)
    return one(x, draw(st.floats(0, t)) if x else 0.0, t)


@given(models, populations, histories(), times, times)
@settings(max_examples=150, deadline=None)
def test_no_purchase_in_two_windows_is_none_in_the_first_and_then_none_in_the_second(model, of, history, first, second):
    x, t_x, t = history
    told = p_no_purchase(model, of, x, t_x, t, first + second)
    step = p_no_purchase(model, of, x, t_x, t, first) * p_no_purchase(model, of, x, t_x, t + first, second)
    assert told == pytest.approx(step, rel=1e-6, abs=1e-9)


@given(models, populations, histories(), times, times)
@settings(max_examples=150, deadline=None)
def test_a_longer_silence_ahead_is_less_likely_and_never_less_likely_than_having_left(model, of, history, one_h, other):
    short, long = sorted((one_h, other))
    over_short, over_long = (p_no_purchase(model, of, *history, horizon)[0] for horizon in (short, long))
    left = 1 - p_alive(model, of, *history)[0]
    assert -1e-9 <= left - 1e-9 <= over_long <= over_short + 1e-12 <= 1 + 1e-9
    assert p_no_purchase(model, of, *history, 0.0)[0] == 1


@given(models, populations, histories(), st.floats(0, 1), times)
@settings(max_examples=150, deadline=None)
def test_who_bought_later_is_safer(model, of, history, share, horizon):
    x, t_x, t = history
    assume(x[0] > 0)
    later = t_x + share * (t - t_x)
    assert p_no_purchase(model, of, x, later, t, horizon)[0] <= p_no_purchase(model, of, x, t_x, t, horizon)[0] + 1e-12


@given(populations, times)
@settings(max_examples=50, deadline=None)
def test_one_time_buyers_may_have_left_in_the_modified_model_only(of, t):
    assert p_alive(Model.BG_NBD, of, *one(0, 0, t))[0] == 1
    assert p_alive(Model.MBG_NBD, of, *one(0, 0, t))[0] < 1
