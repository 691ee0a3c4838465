"""The evaluation against a partition that can be counted by hand."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scv_platform.config_files import ConfigError
from scv_platform.identity.evaluate import FalseMerge, MissedMerges, RuleFigures, TrapFigures, as_text, evaluate
from scv_platform.warehouse.duckdb import DuckDBWarehouse

RECORDS = {
    "crm:1": ("c1", "anna", "person"),
    "shop:1": ("c1", "anna", "person"),
    "till:1": ("c1", "hans", "person"),
    "crm:2": ("c2", "hans", "person"),
    "shop:2": ("c3", "hans", "guest"),
    "web:device:1": ("c1", "anna", "device"),
    "web:device:2": ("c2", "anna", "device"),
    "web:device:3": (None, "hans", "device"),
    "crm:9": ("c9", None, "person"),
    "gone:1": (None, "anna", None),
}
"""Customer, person and type by record.

Anna is right, Hans is three customers, one of them hers. Nobody knows crm:9, and gone:1 never came."""

EDGES = """
    ('crm:1', 'shop:1', 'email', 2, 'kept', null),
    ('crm:1', 'till:1', 'phone', 3, 'kept', null),
    ('crm:2', 'shop:2', 'email', 2, 'refused', 'conflict: given name')
"""


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    known = {record: person for record, (_, person, _) in RECORDS.items() if person}
    pq.write_table(
        pa.table({"record_id": list(known), "person_id": list(known.values())}), tmp_path / "records.parquet"
    )
    traps = {"trap": ["family e-mail"] * 2, "record_a": ["crm:1"] * 2, "record_b": ["till:1", "crm:2"]}
    pq.write_table(pa.table(traps), tmp_path / "traps.parquet")
    return tmp_path


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    warehouse = DuckDBWarehouse(tmp_path / "scv.duckdb")
    rows = [(record, customer, kind) for record, (customer, _, kind) in RECORDS.items() if kind]
    values = ", ".join(f"('{r}', {'null' if c is None else repr(c)}, '{k}')" for r, c, k in rows)
    warehouse.run(
        [
            "create schema identity",
            f"create table identity.identity_map as from (values {values}) as t (record_id, customer_id, record_type)",
            "create table identity.source_records as select record_id, record_type from identity.identity_map",
            f"create table identity.edges as from (values {EDGES})"
            " as t (record_a, record_b, rule, level, status, reason)",
        ]
    )
    return warehouse


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
