"""Decisions of stewards: what holds, what contradicts what, and what the command line writes and refuses."""

import json
import random
import re
from datetime import datetime, timedelta
from itertools import combinations

import dagster as dg
import pytest
from click.testing import CliRunner, Result

from scv_platform.cli import main
from scv_platform.definitions import build_definitions
from scv_platform.identity.assets import STEWARD_DECISIONS_KEY
from scv_platform.identity.stewardship import (
    STEWARD_DECISIONS,
    Decision,
    DecisionRefused,
    Verdict,
    contradictions,
    decide,
    decisions,
    in_force,
)
from scv_platform.run import select_assets, warehouse_lock
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.conftest import Platform

NOON = datetime(2024, 7, 1, 12)


def said(verdict: Verdict, one: str, other: str, hour: int = 0, by: str = "ann") -> Decision:
    return Decision(one, other, verdict, by, "because", NOON + timedelta(hours=hour))


@pytest.fixture
def stewarded(warehouse: DuckDBWarehouse) -> DuckDBWarehouse:
    """The records of `conftest`, of which crm:1 came first, and a seed with a decision."""
    warehouse.run(
        [
            "create table identity.record_registry as"
            " select record_id, row_number() over (order by record_id) as birth_seq from identity.source_records",
            "create schema seeds",
            """
            create table seeds.identity_overrides as from (values
                ('shop:2', 'crm:2', 'unlink', 'eve', 'cousins', timestamp '2024-06-30'),
                ('shop:2', 'crm:2', 'Link', 'eve', 'a slip', timestamp '2024-06-30'),
                ('shop:2', null, 'link', 'eve', 'a slip', timestamp '2024-06-30')
            ) as t (record_a, record_b, decision, decided_by, reason, decided_at)
            """,
        ]
    )
    return warehouse


def test_the_newest_decision_on_a_pair_holds_in_whatever_order_they_come():
    link, unlink, again = said("link", "a", "b"), said("unlink", "a", "b", 1), said("unlink", "a", "b", 1, by="zoe")
    other = said("link", "b", "c")
    dice = random.Random(1)
    for _ in range(20):
        assert in_force(dice.sample([link, unlink, other, again], 4)) == [unlink, other]
    at_one_time = [said("link", "a", "b"), said("unlink", "a", "b")]
    assert in_force(at_one_time[::-1]) == at_one_time


def test_a_contradiction_is_an_unlink_of_two_whom_links_join_and_tells_the_shortest_chain():
    dice = random.Random(7)
    for _ in range(300):
        records = "abcdef"[: dice.randrange(2, 7)]
        pairs = dice.sample(
            list(combinations(records, 2)), dice.randrange(1, len(records) * (len(records) - 1) // 2 + 1)
        )
        held = in_force(said(dice.choice(("link", "unlink")), *pair) for pair in pairs)
        reached = {record: {record} for record in records}
        for _ in records:
            for decision in held:
                if decision.decision == "link":
                    reached[decision.record_a] |= reached[decision.record_b]
                    reached[decision.record_b] |= reached[decision.record_a]
        found = contradictions(held)
        assert [unlink for unlink, _ in found] == [
            d for d in held if d.decision == "unlink" and d.record_b in reached[d.record_a]
        ]
        for unlink, chain in found:
            ends = [record for link in chain for record in link.pair]
            assert {record for record in ends if ends.count(record) == 1} == set(unlink.pair)


def test_a_decision_is_one_row_and_made_twice_still_one(stewarded: DuckDBWarehouse):
    made = decide(stewarded, "link", "shop:1", "crm:2", " ann ", "she called", NOON)
    assert made == (Decision("crm:2", "shop:1", "link", "ann", "she called", NOON), True)
    assert decide(stewarded, "link", "crm:2", "shop:1", "ben", "again", NOON + timedelta(days=1)) == (made[0], False)
    assert stewarded.rows(f"select * from {STEWARD_DECISIONS}") == [made[0].__dict__]
    taken_back, _ = decide(stewarded, "unlink", "crm:2", "shop:1", "ben", "two voices", NOON + timedelta(days=2))
    assert [d for d in in_force(decisions(stewarded)) if d.decided_by != "eve"] == [taken_back]


def test_a_customer_can_stand_for_its_oldest_record_where_that_is_unambiguous(stewarded: DuckDBWarehouse):
    assert decide(stewarded, "link", "c3", "c1", "ann", "one voice", NOON)[0].pair == ("crm:1", "shop:2")
    # Two records of one customer can be parted, or confirmed; the customer from itself cannot.
    assert decide(stewarded, "unlink", "crm:1", "till:1", "ann", "two voices", NOON)[1]
    with pytest.raises(DecisionRefused, match="c1 and till:1 are one customer; name the two records of it to unlink"):
        decide(stewarded, "unlink", "c1", "till:1", "ann", "two voices", NOON)


@pytest.mark.parametrize(
    ("verdict", "one", "other", "by", "why"),
    [
        ("link", "shop:11", "crm:1", "ann", r"shop:11 is neither a record .* known; did you mean shop:1\?"),
        ("link", "CRM:9", "crm:1", "ann", r"CRM:9 is neither .*; did you mean crm:9"),
        ("link", "c7", "crm:1", "ann", "c7 is neither a record .* nor a customer that is known$"),
        ("link", "crm:1", "crm:1", "ann", "crm:1 and crm:1 are the same record"),
        ("link", "crm:1", "crm:2", " ", "says who made it and why"),
    ],
)
def test_a_decision_about_nobody_or_by_nobody_is_refused_and_tells_what_to_do(
    stewarded: DuckDBWarehouse, verdict: Verdict, one: str, other: str, by: str, why: str
):
    with pytest.raises(DecisionRefused, match=why):
        decide(stewarded, verdict, one, other, by, "because", NOON)
    assert not stewarded.exists(str(STEWARD_DECISIONS))


def test_a_decision_that_contradicts_others_is_not_written_and_names_them(stewarded: DuckDBWarehouse):
    decide(stewarded, "link", "crm:1", "crm:2", "ann", "one voice", NOON)
    with pytest.raises(DecisionRefused) as refused:
        decide(stewarded, "link", "shop:2", "crm:1", "ben", "one address", NOON + timedelta(hours=1))
    assert str(refused.value).splitlines() == [
        "these decisions would contradict each other:",
        "  unlink of crm:2 and shop:2, by eve, 2024-06-30 00:00:00 UTC",
        "  link of crm:1 and crm:2, by ann, 2024-07-01 12:00:00 UTC",
        "  link of crm:1 and shop:2, by ben, 2024-07-01 13:00:00 UTC",
        "Decide another way about one of these pairs first",
    ]
    # What stood against it can be taken back.
    decide(stewarded, "unlink", "crm:1", "crm:2", "ben", "two voices", NOON + timedelta(hours=2))
    assert decide(stewarded, "link", "shop:2", "crm:1", "ben", "one address", NOON + timedelta(hours=3))[1]


def test_contradictions_that_the_seed_brought_can_be_taken_back_one_at_a_time(stewarded: DuckDBWarehouse):
    stewarded.append(
        STEWARD_DECISIONS,
        "select * from (values"
        " ('crm:1', 'crm:2', 'link', 'ann', 'x', timestamp '2024-01-01'),"
        " ('crm:1', 'shop:2', 'link', 'ann', 'x', timestamp '2024-01-01'),"
        " ('crm:9', 'till:1', 'link', 'ann', 'x', timestamp '2024-01-01'),"
        " ('crm:9', 'till:1', 'unlink', 'ann', 'x', timestamp '2024-01-01')"
        ") as t (record_a, record_b, decision, decided_by, reason, decided_at)",
    )
    assert len(contradictions(in_force(decisions(stewarded)))) == 2
    assert decide(stewarded, "unlink", "crm:1", "crm:2", "ben", "two voices", NOON)[1]
    assert decide(stewarded, "link", "crm:9", "till:1", "ben", "one voice", NOON)[1]
    assert contradictions(in_force(decisions(stewarded))) == []


def test_a_decision_that_an_older_clock_could_not_undo_is_refused(stewarded: DuckDBWarehouse):
    with pytest.raises(DecisionRefused, match="by eve, 2024-06-30 00:00:00 UTC is newer than this clock"):
        decide(stewarded, "link", "crm:2", "shop:2", "ann", "one voice", datetime(2024, 6, 30))


def test_a_warehouse_without_identities_says_what_to_do(tmp_path):
    with pytest.raises(DecisionRefused, match="scv run"):
        decide(DuckDBWarehouse(tmp_path / "empty.duckdb"), "link", "a", "b", "ann", "why", NOON)


def scv(platform: Platform, *arguments: str, expect: int = 0) -> Result:
    outcome = CliRunner().invoke(main, ["identity", *arguments], env=dict(platform.environment))
    assert outcome.exit_code == expect, outcome.output
    return outcome


def test_the_command_line_lists_decides_and_tells_automation(copy_of_company):
    platform: Platform = copy_of_company()
    queue = json.loads(scv(platform, "review", "--json", "--limit", "5").output)
    revenues = [doubt["net_revenue"] for doubt in queue]
    assert len(queue) == 5
    assert revenues == sorted(revenues, reverse=True)
    assert "person_a" not in queue[0]
    shown = scv(platform, "review", "--show", "--limit", "5").output
    assert all(doubt["record_a"] in shown and doubt["record_b"] in shown for doubt in queue)
    names = platform.warehouse.rows(
        f"select given_name from identity.source_records where record_id = '{queue[0]['record_a']}'"
    )
    assert names[0]["given_name"] in shown
    sampled = json.loads(scv(platform, "review", "--sample", "--json", "--limit", "5").output)
    assert [set(link) for link in sampled] == [{"record_a", "record_b", "rule"}] * 5

    pair, who = (queue[0]["record_a"], queue[0]["record_b"]), ("--by", "ann", "--reason", "she called")
    with warehouse_lock(platform.settings):
        assert "another `scv run`" in scv(platform, "link", *pair, *who, expect=2).output
    assert not platform.warehouse.rows(f"select * from {STEWARD_DECISIONS}")
    told = scv(platform, "link", *pair, *who).output
    assert f"decided: link of {pair[0]} and {pair[1]}, by ann" in told
    (selection,) = re.findall("scv run --select '(.*)'", told)
    selected = {key.to_user_string() for key in select_assets(build_definitions(platform.settings), selection)}
    assert {"identity/overrides", "identity/edges", "identity/identity_map", "exports/files/we_miss_you"} <= selected
    assert "identity/source_records" not in selected
    assert "decided before" in scv(platform, "link", *pair, *who).output
    assert len(platform.warehouse.rows(f"select * from {STEWARD_DECISIONS}")) == 1
    assert "Traceback" not in scv(platform, "link", pair[0], "nobody:1", *who, expect=2).output

    with dg.DagsterInstance.from_config(str(platform.folder)) as instance:
        (record,) = instance.get_asset_records([STEWARD_DECISIONS_KEY])
        assert record.asset_entry.last_materialization is not None
