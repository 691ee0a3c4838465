from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scv_platform.audiences.compiler import compile_rules
from scv_platform.audiences.definitions import Definition, Definitions, InvalidDefinition
from scv_platform.audiences.membership import (
    LastEvaluation,
    MembershipError,
    MembershipSummary,
    close_removed,
    evaluated_on,
    last_evaluation,
    open_members,
    record_membership,
)
from scv_platform.audiences.rules import Segment
from scv_platform.config_files import YamlDocument
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.audiences.shop import CUSTOMERS, catalogue, fill, make_shop

CATALOGUE = catalogue()
D1, D2, D3 = date(2024, 6, 1), date(2024, 6, 2), date(2024, 6, 3)


def definition(
    name: str = "vip", at_least: int = 0, yaml: str = "name: vip", where: dict[str, Any] | None = None
) -> Definition[Segment]:
    where = where or {"all": [{"field": "customers.record_count", "gte": at_least}]}
    rules = Segment.model_validate(
        {"schema_version": 1, "name": name, "description": "x", "owner": "team:x", "where": where}
    )
    return Definition(rules, YamlDocument(Path(f"{name}.yml"), {}, {}), yaml)


def run(
    warehouse: DuckDBWarehouse, members: set[str], as_of: date, what: Definition[Segment] | None = None
) -> MembershipSummary:
    """An evaluation on a day on which exactly these are the customers."""
    fill(warehouse, CUSTOMERS, [{"customer_id": customer_id, "record_count": 1} for customer_id in sorted(members)])
    what = what or definition()
    return record_membership(warehouse, what, compile_rules(what.rules, CATALOGUE, as_of), as_of, {})


def stays(warehouse: DuckDBWarehouse, name: str = "vip") -> list[tuple[str, date, date | None]]:
    rows = warehouse.rows("select * from audiences.segment_members order by customer_id, entered_at")
    return [(row["customer_id"], row["entered_at"], row["exited_at"]) for row in rows if row["name"] == name]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBWarehouse]:
    warehouse = make_shop(tmp_path_factory.mktemp("membership") / "scv.duckdb")
    # While one connection is open, the others open at once: many small runs would wait for the file otherwise.
    with warehouse.connection():
        yield warehouse


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[DuckDBWarehouse]:
    warehouse = make_shop(tmp_path / "scv.duckdb")
    with warehouse.connection():
        yield warehouse


def test_customers_enter_stay_and_leave(fresh: DuckDBWarehouse) -> None:
    assert run(fresh, {"a", "b"}, D1) == MembershipSummary(members=2, entered=2, exited=0)
    assert run(fresh, {"b", "c"}, D2) == MembershipSummary(members=2, entered=1, exited=1)
    assert stays(fresh) == [("a", D1, D2), ("b", D1, None), ("c", D2, None)]


def test_a_customer_who_comes_back_begins_a_new_stay(fresh: DuckDBWarehouse) -> None:
    run(fresh, {"a"}, D1)
    run(fresh, set(), D2)
    run(fresh, {"a"}, D3)
    assert stays(fresh) == [("a", D1, D2), ("a", D3, None)]


def test_a_second_run_of_the_same_day_changes_nothing(fresh: DuckDBWarehouse) -> None:
    run(fresh, {"a", "b"}, D1)
    first = run(fresh, {"b", "c"}, D2)
    before = stays(fresh)
    assert run(fresh, {"b", "c"}, D2) == first
    assert stays(fresh) == before


def test_who_left_by_mistake_earlier_on_the_same_day_never_left(fresh: DuckDBWarehouse) -> None:
    run(fresh, {"a"}, D1)
    run(fresh, set(), D2)
    run(fresh, {"a"}, D2)
    assert stays(fresh) == [("a", D1, None)]


def test_who_entered_by_mistake_earlier_on_the_same_day_was_no_member_on_any_day(fresh: DuckDBWarehouse) -> None:
    run(fresh, {"a"}, D1)
    assert run(fresh, set(), D1) == MembershipSummary(members=0, entered=0, exited=0)
    assert stays(fresh) == [("a", D1, D1)]


def test_an_earlier_day_than_the_last_is_refused_and_changes_nothing(fresh: DuckDBWarehouse) -> None:
    run(fresh, {"a"}, D1)
    run(fresh, {"a"}, D3)
    with pytest.raises(MembershipError, match=r"segment 'vip' was already evaluated for 2024-06-03; the earlier day"):
        run(fresh, {"b"}, D2)
    assert stays(fresh) == [("a", D1, None)]


def test_one_segment_does_not_touch_another_nor_an_audience_of_its_name(fresh: DuckDBWarehouse) -> None:
    run(fresh, {"a"}, D1, definition("other"))
    run(fresh, {"b"}, D1, definition("vip"))
    run(fresh, set(), D2, definition("vip"))
    assert stays(fresh, "other") == [("a", D1, None)]
    assert last_evaluation(fresh, "audience", "vip") is None


def test_a_stay_keeps_the_version_by_which_it_began(fresh: DuckDBWarehouse) -> None:
    old, new = definition(), definition(at_least=1)
    run(fresh, {"a"}, D1, old)
    run(fresh, {"a", "b"}, D2, new)
    versions = fresh.rows("select customer_id, rule_version from audiences.segment_members order by 1")
    assert [row["rule_version"] for row in versions] == [old.rules.rule_version, new.rules.rule_version]


def test_each_version_of_a_rule_is_on_record_with_its_days(fresh: DuckDBWarehouse) -> None:
    hostile = "name: vip # it's; drop table x; \\ -- :name"
    run(fresh, set(), D1)
    run(fresh, set(), D2, definition(yaml=hostile))
    run(fresh, set(), D3, definition(at_least=1))
    rows = fresh.rows("select * from audiences.definitions order by first_as_of")
    assert [(row["first_as_of"], row["last_as_of"]) for row in rows] == [(D1, D2), (D3, D3)]
    assert rows[0]["yaml"] == hostile
    assert fresh.rows(rows[0]["sql"]) == []
    newest = definition(at_least=1).rules.rule_version
    assert last_evaluation(fresh, "segment", "vip") == LastEvaluation(D3, newest)


def test_the_current_version_is_the_one_that_was_evaluated_last_even_on_one_day(fresh: DuckDBWarehouse) -> None:
    old, new = definition(), definition(at_least=1)
    for what in (old, new, old):
        run(fresh, {"a"}, D1, what)
        assert last_evaluation(fresh, "segment", "vip") == LastEvaluation(D1, what.rules.rule_version)


def test_a_run_that_fails_leaves_members_and_definitions_as_they_were(fresh: DuckDBWarehouse) -> None:
    run(fresh, {"a"}, D1)
    broken = compile_rules(definition().rules, CATALOGUE, D2).from_("master.nothing_there")
    with pytest.raises(Exception, match="nothing_there"):
        record_membership(fresh, definition(), broken, D2, {})
    assert stays(fresh) == [("a", D1, None)]
    assert last_evaluation(fresh, "segment", "vip") == LastEvaluation(D1, definition().rules.rule_version)


@pytest.mark.parametrize("member", [True, False])
def test_a_rule_rests_only_on_segments_of_its_day_and_of_their_current_rule(
    fresh: DuckDBWarehouse, member: bool
) -> None:
    vip, changed = definition(), definition(at_least=1)
    rest = definition("rest", where={"any": [{"none": [{"segment": "vip", "member": member}]}]})

    def evaluate(as_of: date, versions: dict[str, str]) -> MembershipSummary:
        return record_membership(fresh, rest, compile_rules(rest.rules, CATALOGUE, as_of), as_of, versions)

    def assert_refused(as_of: date, versions: dict[str, str], why: str) -> None:
        with pytest.raises(MembershipError) as error:
            evaluate(as_of, versions)
        assert str(error.value) == (
            f"segment 'rest' reads segment 'vip', which {why} materialise segments/vip for {as_of} first"
        )
        assert last_evaluation(fresh, "segment", "rest") is None

    current = {"vip": vip.rules.rule_version}
    assert_refused(D2, current, "was never evaluated;")
    run(fresh, {"a"}, D2, vip)
    assert_refused(D2, {}, "has no valid file; mend it and")
    assert_refused(D2, {"vip": changed.rules.rule_version}, "has another rule since it was evaluated;")
    assert_refused(D1, current, "was last evaluated for 2024-06-02;")
    assert_refused(D3, current, "was last evaluated for 2024-06-02;")
    assert evaluate(D2, current).members == (0 if member else 1)


NAMES = count()
STEPS = st.lists(st.tuples(st.integers(0, 3), st.sets(st.sampled_from("abcd"))), min_size=1, max_size=5)


@settings(max_examples=15, deadline=None)
@given(steps=STEPS)
def test_the_stays_replay_to_the_members_of_every_day(
    warehouse: DuckDBWarehouse, steps: list[tuple[int, set[str]]]
) -> None:
    what = definition(f"replay_{next(NAMES)}")
    as_of, members_by_day = D1, {}
    for gap, members in steps:
        as_of += timedelta(days=gap)
        members_by_day[as_of] = members
        summary = run(warehouse, members, as_of, what)
        assert summary.members == len(members)
    recorded = stays(warehouse, what.name)
    expected = None
    for moment in (D1 + timedelta(days=offset) for offset in range((as_of - D1).days + 1)):
        expected = members_by_day.get(moment, expected)
        if expected is not None:
            present = [who for who, entered, left in recorded if entered <= moment and (left is None or moment < left)]
            assert sorted(present) == sorted(expected)
    assert len({(who, entered) for who, entered, _ in recorded}) == len(recorded)
    now = {row["customer_id"] for row in warehouse.rows(open_members("segment", what.name))}
    assert now == steps[-1][1]
    _assert_no_overlap(recorded)


def _assert_no_overlap(recorded: list[tuple[str, date, Any]]) -> None:
    for (who, _, exited), (next_who, entered, _) in pairwise(recorded):
        assert who != next_who or (exited is not None and exited <= entered)


def test_stays_end_with_the_file_and_a_name_that_comes_back_begins_anew(fresh: DuckDBWarehouse) -> None:
    kept, gone = definition("kept"), definition("gone")
    run(fresh, {"a", "b"}, D1, gone)
    run(fresh, {"a", "b"}, D1, kept)
    with_problems = InvalidDefinition("segments", "kept", Path("kept.yml"), ("some problem",))
    assert close_removed(fresh, Definitions((kept, gone), (), ()), D2) == []
    assert close_removed(fresh, Definitions((), (), (with_problems,)), D2) == ["segments/gone"]
    assert close_removed(fresh, Definitions((), (), (with_problems,)), D2) == []
    assert stays(fresh, "gone") == [("a", D1, D2), ("b", D1, D2)]
    assert stays(fresh, "kept") == [("a", D1, None), ("b", D1, None)]
    # Nobody may exclude by it before it is evaluated again, and its history stands.
    assert last_evaluation(fresh, "segment", "gone") is None
    with pytest.raises(
        MembershipError, match="'gone' was already evaluated for 2024-06-02; the earlier day 2024-06-01"
    ):
        run(fresh, {"a"}, D1, gone)
    assert run(fresh, {"a"}, D3, gone) == MembershipSummary(members=1, entered=1, exited=0)
    assert stays(fresh, "gone") == [("a", D1, D2), ("a", D3, None), ("b", D1, D2)]


def test_an_earlier_day_ends_nothing(fresh: DuckDBWarehouse) -> None:
    run(fresh, {"a"}, D2)
    assert close_removed(fresh, Definitions((), (), ()), D1) == []
    assert stays(fresh) == [("a", D2, None)]


def test_only_what_was_evaluated_for_the_day_counts_as_of_the_day(fresh: DuckDBWarehouse) -> None:
    assert evaluated_on(fresh, D1) == set()
    former, current = definition(at_least=1), definition(at_least=0)
    run(fresh, {"a"}, D1, former)
    run(fresh, {"a"}, D1, current)
    assert evaluated_on(fresh, D1) == {("segment", "vip", current.rules.rule_version)}
    run(fresh, {"a"}, D2, current)
    assert evaluated_on(fresh, D1) == set()
