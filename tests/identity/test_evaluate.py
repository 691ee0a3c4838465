"""The evaluation against a partition that can be counted by hand."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scv_platform.config_files import ConfigError
from scv_platform.identity.evaluate import FalseMerge, FalseSplit, MissedMerges, RuleFigures, TrapFigures, evaluate
from scv_platform.identity.evaluations import as_text
from scv_platform.identity.shape import LargeCustomer, RuleShape, SizeFigures, measure
from scv_platform.warehouse.duckdb import DuckDBWarehouse


def test_pairs_are_counted_over_customers_and_people(warehouse: DuckDBWarehouse, truth: Path):
    found = evaluate(warehouse, truth)
    assert (found.records, found.people, found.customers) == (5, 2, 3)
    # In c1 three pairs, of which one is Anna's; of Hans' three pairs none is found.
    assert (found.found_pairs, found.true_pairs, found.correct_pairs) == (3, 4, 1)
    assert found.precision == pytest.approx(1 / 3)
    assert found.recall == 0.25
    assert found.f1 == pytest.approx(2 / 7)
    assert (found.unknown_records, found.absent_records) == (1, 1)


def test_records_are_weighed_one_by_one_and_people_as_a_whole(warehouse: DuckDBWarehouse, truth: Path):
    found = evaluate(warehouse, truth)
    # Anna's two are two thirds of c1, Hans' one of it a third; his other two are alone.
    assert found.bcubed_precision == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)
    assert found.bcubed_recall == pytest.approx((1 + 1 + 1 / 3 + 1 / 3 + 1 / 3) / 5)
    # Anna is one customer, but not alone in it.
    assert (found.exact_people, found.exact_share) == (0, 0)
    warehouse.run(["update identity.identity_map set customer_id = 'c2' where record_id = 'till:1'"])
    assert evaluate(warehouse, truth).exact_people == 1


def test_devices_are_counted_apart(warehouse: DuckDBWarehouse, truth: Path):
    found = evaluate(warehouse, truth)
    assert (found.devices, found.devices_right, found.devices_wrong) == (3, 1, 1)


def test_false_merges_name_the_rules_that_made_them_and_missed_ones_the_cause(warehouse: DuckDBWarehouse, truth: Path):
    found = evaluate(warehouse, truth)
    assert found.worst == (FalseMerge("c1", records=3, people=2, wrong_pairs=2, rules="phone"),)
    assert found.rules == (RuleFigures("email", 2, links=1, wrong=0), RuleFigures("phone", 3, links=1, wrong=1))
    assert found.missed == (MissedMerges("refused, conflict", people=1, pairs=3),)
    assert found.worst_splits == (FalseSplit("hans", records=3, customers=3, missed_pairs=3, refused="email conflict"),)
    assert found.traps == (TrapFigures("family e-mail", planted=2, sprung=1),)


def test_the_text_names_figures_and_no_person(warehouse: DuckDBWarehouse, truth: Path):
    text = as_text(measure(warehouse), evaluate(warehouse, truth))
    assert "pair precision  0.3333" in text
    assert "  c1           3        2       2            phone" in text
    assert "B-cubed         0.7333 precision, 0.6000 recall" in text
    assert "anna" not in text


def test_without_a_truth_sizes_contradictions_and_what_other_rules_find_are_told(warehouse: DuckDBWarehouse):
    found = measure(warehouse)
    assert (found.customers, found.records, found.largest_customer) == (4, 7, 4)
    assert found.sizes == (SizeFigures("1", 3), SizeFigures("3 to 5", 1))
    assert found.largest[0] == LargeCustomer(
        "c1", records=4, devices=2, sources="crm, shop, till, web", links="1 email, 1 phone", weakest="phone"
    )
    # That crm:1 and shop:1 are one, the phone tells too; that till:1 is the same, nothing else.
    assert found.rules == (
        RuleShape("email", 2, "strong", kept=1, contradicted=1, held_out=1, found_again=1),
        RuleShape("phone", 3, "weak", kept=1, contradicted=0, held_out=1, found_again=0),
    )
    assert (found.conflict_rate, found.holdout_recall) == (1 / 3, 1)
    text = as_text(found, None)
    assert "4 customers of 7 records; the largest has 4" in text
    assert "pair precision" not in text


def test_a_truth_that_is_none_is_refused_with_its_path(warehouse: DuckDBWarehouse, tmp_path: Path):
    with pytest.raises(ConfigError, match="does not exist"):
        evaluate(warehouse, tmp_path / "nowhere")
    pq.write_table(pa.table({"record_id": ["a"], "person": ["b"]}), tmp_path / "records.parquet")
    with pytest.raises(ConfigError, match="no column person_id; it has record_id, person"):
        evaluate(warehouse, tmp_path)
    pq.write_table(pa.table({"record_id": ["a", "a"], "person_id": ["b", "b"]}), tmp_path / "records.parquet")
    with pytest.raises(ConfigError, match="more than once"):
        evaluate(warehouse, tmp_path)


def test_a_warehouse_without_identities_says_what_to_do(tmp_path: Path):
    empty = DuckDBWarehouse(tmp_path / "empty.duckdb")
    for measured in (lambda: evaluate(empty, tmp_path), lambda: measure(empty)):
        with pytest.raises(ConfigError, match="scv run"):
            measured()
