"""Vendors from landing files: their objects become the raw tables of the contract, whatever a file looks like."""

import gzip
import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scv_platform.config_files import ConfigError
from scv_platform.settings import PROJECT_ROOT
from scv_platform.sources.contract import read_contracts
from scv_platform.sources.entities import LINEAGE_COLUMNS, LOADED_FILES, REJECTED_ROWS
from scv_platform.sources.landing import LoadSummary

CONTRACTS = read_contracts(PROJECT_ROOT / "scv_dbt")
ANNA = {"id": 5001, "email": "anna@example.org", "created_at": "2026-01-05T10:00:00-05:00", "verified_email": True,
        "updated_at": "2026-01-06T09:00:00+01:00", "default_address": {"zip": "01234"}, "note": None,
        "orders_count": 3}  # fmt: skip


def test_objects_become_the_columns_of_the_contract_and_other_keys_stay_unread(company):
    company.write("shopify/customers", "a.jsonl", [ANNA])
    assert company.load("shopify") == {"customers": LoadSummary(files=1, rows_loaded=1)}
    (row,) = company.rows("select * from raw_shopify.customers")
    columns = CONTRACTS["shopify"].tables["customers"].columns
    assert list(row) == [*(column.name for column in LINEAGE_COLUMNS[1:]), *(column.name for column in columns)]
    assert (row["id"], row["_line"], row["verified_email"], row["note"]) == ("5001", 1, True, None)
    assert row["created_at"] == datetime(2026, 1, 5, 15, tzinfo=UTC)
    assert row["updated_at"] == datetime(2026, 1, 6, 8, tzinfo=UTC)
    assert json.loads(row["default_address"]) == {"zip": "01234"}
    assert company.load("shopify") == {}


def _parquet(rows: list[dict]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()


CSV = """\
id,updated_at,email,created_at,default_address
5001,2026-01-06T08:00:00Z,anna@example.org,2026-01-05T15:00:00Z,"{""zip"":""01234""}"
"""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", json.dumps(ANNA)),
        ("a.ndjson.gz", gzip.compress(json.dumps(ANNA).encode())),
        ("A.CSV", CSV),
        ("a.csv.gz", gzip.compress(CSV.encode())),
        ("a.parquet", _parquet([ANNA])),
    ],
)
def test_a_file_of_any_format_gives_the_same_row_and_may_lack_what_is_not_required(company, name, content):
    company.write("shopify/customers", name, content)
    assert company.load("shopify")["customers"].rows_loaded == 1
    (row,) = company.rows("select id, email, created_at, updated_at, default_address, state from raw_shopify.customers")
    assert json.loads(row.pop("default_address")) == {"zip": "01234"}
    assert row == {
        "id": "5001",
        "email": "anna@example.org",
        "created_at": datetime(2026, 1, 5, 15, tzinfo=UTC),
        "updated_at": datetime(2026, 1, 6, 8, tzinfo=UTC),
        "state": None,
    }


def test_real_objects_of_stripe_load_with_every_column_they_have(company, real_data):
    resources = json.loads((real_data / "stripe" / "fixtures3.json").read_text())["resources"]
    objects = {"customers": "customer", "charges": "charge", "refunds": "refund", "invoices": "invoice",
               "subscriptions": "subscription"}  # fmt: skip
    for table, name in objects.items():
        company.write(f"stripe/{table}", "objects.jsonl", [resources[name]])
    assert company.load("stripe") == {table: LoadSummary(files=1, rows_loaded=1) for table in objects}
    for table, name in objects.items():
        (row,) = company.rows(f"select * from raw_stripe.{table}")
        for column in CONTRACTS["stripe"].tables[table].columns:
            value, stored = resources[name].get(column.name), row[column.name]
            assert (json.loads(stored) if column.type == "json" and stored else stored) == value, (table, column.name)


@pytest.mark.parametrize("source", ["salesforce", "web_events"])
def test_every_declared_column_is_in_the_warehouse_before_the_first_file(company, source):
    company.configure(f"{source}: {{from: landing}}")
    assert company.load(source) == {}
    columns = company.rows(
        f"select table_name, column_name from information_schema.columns where table_schema = 'raw_{source}'"
    )
    present = {(row["table_name"], row["column_name"]) for row in columns if not row["table_name"].startswith("_dlt")}
    declared = {
        (table.name, column.name)
        for table in CONTRACTS[source].tables.values()
        for column in (*table.columns, *table.lineage)
    }
    own = {("_loaded_files", column.name) for column in LOADED_FILES}
    assert present == declared | own | {("_rejected_rows", column.name) for column in REJECTED_ROWS}


def test_vendor_keys_that_differ_from_columns_and_names_that_sql_reserves_load(company):
    company.configure("salesforce: {from: landing}\nweb_events: {from: landing, tables: [group]}\n")
    company.write(
        "salesforce/opportunity",
        "a.jsonl",
        [{"Id": "006", "Amount": 1200.5, "CloseDate": "2026-03-01", "SystemModstamp": "2026-01-05T10:00:00.000+0000"}],
    )
    company.write(
        "web_events/group", "a.jsonl", [{"messageId": "m", "timestamp": "2026-01-05T10:00:00.123Z", "groupId": 7}]
    )
    assert company.load("salesforce")["opportunity"].rows_loaded == 1
    (deal,) = company.rows("select id, amount, close_date, system_modstamp from raw_salesforce.opportunity")
    assert (deal["id"], deal["amount"], str(deal["close_date"])) == ("006", Decimal("1200.5"), "2026-03-01")
    assert deal["system_modstamp"] == datetime(2026, 1, 5, 10, tzinfo=UTC)
    assert company.load("web_events")["group"].rows_loaded == 1
    (call,) = company.rows('select message_id, group_id, timestamp from raw_web_events."group"')
    assert call == {"message_id": "m", "group_id": "7", "timestamp": datetime(2026, 1, 5, 10, 0, 0, 123000, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("strip: {from: landing}", "1: no raw tables are declared for source 'strip'; did you mean 'stripe'?"),
        ("stripe: {from: files, entities: {}}", "1: stripe reads from 'landing'; name other sources otherwise"),
        ("stripe: {from: landing,\n tables: [charge]}", "2: stripe has no table 'charge'; did you mean 'charges'?"),
        ("stripe: {from: landing,\n tables: []}", "2: tables: must not be empty"),
        ("stripe: {from: landing,\n format: csv}", "2: unknown key 'format'; did you mean 'from'?"),
        ("stripe: {from: landing,\n path: '${NOWHERE}/x'}", "2: ${NOWHERE}/x: environment variable NOWHERE is not set"),
        ("stripe:\n  from: lending", "2: from: 'lending'; did you mean 'landing'?"),
        ("stripe:", "1: 'from' is missing; valid: database, files, landing"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_its_line_and_the_nearest_name(company, text, expected):
    company.configure(text)
    with pytest.raises(ConfigError) as error:
        company.sources  # noqa: B018
    assert [problem.removeprefix(f"{company.folder / 'sources.yml'}:") for problem in error.value.problems] == [
        expected
    ]


def test_the_tables_of_a_source_may_be_some_and_lie_elsewhere(company):
    company.configure("stripe: {from: landing, tables: [refunds, charges], path: '${SCV_LANDING}/payments'}")
    dataset = company.sources.dataset("stripe")
    assert list(dataset.tables) == ["charges", "refunds"]
    assert dataset.mappings[0].pattern == str(company.landing / "payments" / "charges" / "*")
