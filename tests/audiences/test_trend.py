from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from scv_platform.audiences.trend import DAYS, Trend, members_by_day, sparkline
from tests.audiences.shop import AS_OF

EARLIER = [AS_OF - timedelta(days=days) for days in range(50)]


@given(st.dictionaries(st.sampled_from(EARLIER), st.integers(-5, 5), max_size=10))
def test_the_members_of_a_day_are_all_changes_up_to_it(changes: dict[date, int]) -> None:
    counts = members_by_day(changes, AS_OF)
    days = [AS_OF - timedelta(days=len(counts) - 1 - n) for n in range(len(counts))]
    assert list(counts) == [sum(change for when, change in changes.items() if when <= day) for day in days]
    assert len(counts) == min(DAYS, (AS_OF - min([*changes, AS_OF])).days + 1)


def test_the_line_has_a_bar_a_day_and_the_fullest_day_is_the_highest() -> None:
    assert sparkline([0, 4, 8]) == "▁▅█"
    assert sparkline([0]) == "▁"
    assert Trend((0, 1200), 2400).markdown == "`▁█` 0 → 1,200 members (2 days)"
    assert Trend((3,), 6).markdown == "`█` 3 members (first day)"
    assert Trend((3,), 6).share == 0.5
    assert Trend((0,), 0).share == 0
