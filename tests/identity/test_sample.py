"""The interval of a share, and which decisions count."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scv_platform.config_files import ConfigError
from scv_platform.identity.review import SampledLink, as_text, review_sample
from scv_platform.identity.sample import SAMPLE, RuleSample, samples, wilson_interval
from scv_platform.warehouse.duckdb import DuckDBWarehouse


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_that_of_newcombe(successes: int, trials: int, low: float, high: float):
    """Table I of Two-Sided Confidence Intervals for the Single Proportion, method 3."""
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=0.00005)
    # What failed is as sure as what did not.
    assert wilson_interval(trials - successes, trials) == pytest.approx((1 - high, 1 - low), abs=0.00005)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.integers(2, 50))
def test_an_interval_holds_the_share_and_narrows_with_what_is_known(seen: tuple[int, int], times: int):
    successes, trials = seen
    low, high = wilson_interval(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1
    surer_low, surer_high = wilson_interval(successes * times, trials * times)
    assert low <= surer_low <= surer_high <= high
    wider_low, wider_high = wilson_interval(successes, trials, 0.99)
    assert wider_low <= low <= high <= wider_high
    # By its definition: at the ends, the share is just so many standard deviations away.
    for end in {low, high} - {successes / trials}:
        assert (successes / trials - end) ** 2 == pytest.approx(1.959964**2 * end * (1 - end) / trials, rel=1e-5)


def test_a_rule_of_which_nothing_is_judged_has_no_precision():
    nothing = RuleSample("email", links=3, sampled=3, judged=0, correct=0)
    assert (nothing.precision, nothing.at_least, nothing.at_most) == (None, None, None)
    all_right = RuleSample("email", links=900, sampled=SAMPLE, judged=SAMPLE, correct=SAMPLE)
    assert (all_right.precision, round(all_right.at_least or 0, 2), all_right.at_most) == (1, 0.93, 1)


def test_a_decision_counts_once_it_is_in_force_and_no_other_pair_is_drawn_for_it(warehouse: DuckDBWarehouse):
    drawn = [SampledLink("crm:1", "shop:1", "email"), SampledLink("crm:1", "till:1", "phone")]
    assert review_sample(warehouse, 5) == drawn
    assert review_sample(warehouse, 1) == drawn[:1]
    warehouse.run(
        [
            # What the next run makes of an unlink; the second one is of two who were never one customer.
            "insert into identity.overrides values ('crm:1', 'till:1', 'unlink'), ('crm:2', 'shop:2', 'unlink')",
            "update identity.edges set status = 'refused', reason = 'steward: kept apart' where rule = 'phone'",
            "insert into identity.assignments values ('till:1', 'c4', 2, 'refused: steward: kept apart')",
        ]
    )
    assert samples(warehouse) == (RuleSample("email", 1, 1, 0, 0), RuleSample("phone", 1, 1, 1, 0))
    assert review_sample(warehouse, 5) == drawn[:1]


def test_nobody_is_named_unless_it_is_asked_for(warehouse: DuckDBWarehouse):
    warehouse.run(
        [f"alter table identity.source_records add column {name} text default '{name}'"
         for name in ("given_name", "family_name", "birth_date", "email")]
    )  # fmt: skip
    assert "family_name" not in as_text(review_sample(warehouse, 5), "Joined", "none")
    assert "given_name family_name birth_date email" in as_text(
        review_sample(warehouse, 5, show=True), "Joined", "none"
    )


def test_where_nothing_is_joined_nothing_is_drawn(warehouse: DuckDBWarehouse, tmp_path: Path):
    warehouse.run([f"delete from identity.{table}" for table in ("edges", "match_keys", "identity_map", "assignments")])
    assert (samples(warehouse), review_sample(warehouse, 5)) == ((), [])
    assert as_text([], "Joined", "nothing is left") == "nothing is left"
    with pytest.raises(ConfigError, match="scv run"):
        review_sample(DuckDBWarehouse(tmp_path / "empty.duckdb"), 5)
