"""The evaluation against a partition that can be counted by hand."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scv_platform.config_files import ConfigError
from scv_platform.identity.evaluate import FalseMerge, MissedMerges, RuleFigures, TrapFigures, as_text, evaluate
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


def test_devices_are_counted_apart(warehouse: DuckDBWarehouse, truth: Path):
    found = evaluate(warehouse, truth)
    assert (found.devices, found.devices_right, found.devices_wrong) == (3, 1, 1)


def test_false_merges_name_the_rules_that_made_them_and_missed_ones_the_cause(warehouse: DuckDBWarehouse, truth: Path):
    found = evaluate(warehouse, truth)
    assert found.worst == (FalseMerge("c1", records=3, people=2, wrong_pairs=2, rules="phone"),)
    assert found.rules == (RuleFigures("email", 2, links=1, wrong=0), RuleFigures("phone", 3, links=1, wrong=1))
    assert found.missed == (MissedMerges("refused, conflict", people=1, pairs=3),)
    assert found.traps == (TrapFigures("family e-mail", planted=2, sprung=1),)


def test_the_text_names_figures_and_no_person(warehouse: DuckDBWarehouse, truth: Path):
    text = as_text(evaluate(warehouse, truth))
    assert "pair precision  0.3333" in text
    assert "  c1           3        2       2            phone" in text
    assert "anna" not in text


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
    with pytest.raises(ConfigError, match="scv run"):
        evaluate(DuckDBWarehouse(tmp_path / "empty.duckdb"), tmp_path)
