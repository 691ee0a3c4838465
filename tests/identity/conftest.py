"""A partition into customers that can be counted by hand, and the truth about it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scv_platform.identity.matching import SCORED_PAIRS
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
    "till:guest:1": ("c1", None, "guest"),
    "web:device:4": ("c1", None, "device"),
    "crm:9": ("c9", None, "person"),
    "gone:1": (None, "anna", None),
}
"""Customer, person and type by record.

Anna is right, Hans is three customers, one of them hers. A receipt and a device are both people's; nobody
knows crm:9, and gone:1 never came."""

EDGES = """
    ('crm:1', 'shop:1', 'email', 'anna@x.ch', 2, 'strong', null::double, 'rule', 'kept', null),
    ('crm:1', 'till:1', 'phone', '1', 3, 'weak', null, 'rule', 'kept', null),
    ('crm:2', 'shop:2', 'email', 'hans@x.ch', 2, 'strong', null, 'rule', 'refused', 'conflict: given name')
"""

KEYS = """
    ('crm:1', 'email', 2, 'anna@x.ch', null), ('shop:1', 'email', 2, 'anna@x.ch', null),
    ('crm:1', 'phone', 3, '1', null), ('shop:1', 'phone', 3, '1', null), ('till:1', 'phone', 3, '1', null),
    ('crm:2', 'email', 2, 'hans@x.ch', null), ('shop:2', 'email', 2, 'hans@x.ch', null)
"""

RULES = "('email', 'email', true), ('phone', 'phone', true)"


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    known = {record: person for record, (_, person, _) in RECORDS.items() if record != "crm:9"}
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
            f"""
            create table identity.identity_map as
            select *, split_part(record_id, ':', 1) as source
            from (values {values}) as t (record_id, customer_id, record_type)
            """,
            "create table identity.source_records as select record_id, record_type from identity.identity_map",
            f"create table identity.edges as from (values {EDGES})"
            " as t (record_a, record_b, rule, key_hash, level, strength, probability, origin, status, reason)",
            f"create table identity.match_keys as from (values {KEYS})"
            " as t (record_id, rule, level, key_hash, blocked_because)",
            f"create table identity.rule_keys as from (values {RULES}) as t (rule, key_name, is_identifier)",
            "create table identity.overrides (record_a text, record_b text, decision text)",
            "create table identity.assignments as"
            " select record_id, customer_id, 1 as generation, 'arrived' as cause from identity.identity_map",
        ]
    )
    warehouse.ensure(SCORED_PAIRS)
    return warehouse
