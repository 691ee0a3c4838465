"""Files through dlt into a warehouse: rows, ledger and quarantine of one load, complete or not there."""

import gzip
import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dlt.normalize.items_normalizers import ArrowItemsNormalizer

from scv_platform.settings import PROJECT_ROOT
from scv_platform.sources.entities import ENTITIES, LINEAGE_COLUMNS, LOADED_FILES, REJECTED_ROWS
from scv_platform.sources.landing import LoadSummary, load, loaded_files
from scv_platform.sources.landing.convert import convert

PEOPLE = "{source_id: id, email: mail}"

SHOP = """
shop:
  from: files
  path: "${SCV_LANDING}/*.csv"
  format: csv
  entities:
    people: {fields: {source_id: customer, email: mail}}
    transactions:
      skip: [{column: order, matches: "^T", reason: test order}]
      fields: {source_id: order, person_source_id: customer, occurred_at: at, gross_amount: amount}
"""
ORDERS = """\
order,customer,mail,at,amount
1,7,a@x.org,2024-01-01,10.50
2,7,a@x.org,2024-01-02,x
T3,8,b@x.org,2024-01-03,1
4,,,2024-01-04,2
5,9
"""


def test_rows_ledger_and_quarantine_travel_in_one_load(project):
    project.configure(SHOP)
    path = project.write("orders.csv", ORDERS)
    assert project.load() == {
        "people": LoadSummary(1, (), 2, 1, 2, {"no source_id": 1, "repeated": 1}),
        "transactions": LoadSummary(1, (), 2, 2, 1, {"test order": 1}),
    }
    (load_id,) = {row["load_id"] for row in project.rows("select load_id from raw_files._dlt_loads where status = 0")}
    transactions = project.rows("select * from raw_files.transactions order by _line")
    assert [(row["_line"], row["source_id"], row["gross_amount"]) for row in transactions] == [
        (2, "1", Decimal("10.5")),
        (5, "4", Decimal(2)),
    ]
    assert transactions[0]["occurred_at"] == datetime(2024, 1, 1, tzinfo=UTC)
    ledger = project.rows("select * from raw_files._loaded_files order by entity")
    assert [row["entity"] for row in ledger] == ["people", "transactions"]
    assert {row["_content_hash"] for row in transactions} == {row["file_hash"] for row in ledger}
    assert (ledger[0]["file"], ledger[0]["size_bytes"]) == ("landing/orders.csv", path.stat().st_size)
    rejected = project.rows("select * from raw_files._rejected_rows order by table_name, line")
    assert [(row["table_name"], row["file"], row["line"], row["reason"]) for row in rejected] == [
        ("people", "landing/orders.csv", 6, "2 columns instead of 5"),
        ("transactions", "landing/orders.csv", 3, "gross_amount: not a number"),
        ("transactions", "landing/orders.csv", 6, "2 columns instead of 5"),
    ]
    assert rejected[1]["raw"] == '{"order":"2","customer":"7","mail":"a@x.org","at":"2024-01-02","amount":"x"}'
    everything = [*transactions, *ledger, *rejected, *project.rows("from raw_files.people")]
    assert {row["_dlt_load_id"] for row in everything} == {load_id}


_TYPES = {
    "text": "VARCHAR",
    "decimal": "DECIMAL(38,9)",
    "bigint": "BIGINT",
    "bool": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "json": "VARCHAR",
}


def declared(project, table: str) -> dict[str, str]:
    columns = project.rows(
        f"""
        select column_name as name, data_type as type
        from information_schema.columns
        where table_schema = 'raw_files' and table_name = '{table}'
        """
    )
    return {row["name"]: row["type"] for row in columns}


def test_every_raw_table_has_its_declared_columns_even_before_its_first_file(project):
    needed = {
        name: ", ".join(f"{column.name}: c" for column in entity.columns if column.required)
        for name, entity in ENTITIES.items()
    }
    blocks = "\n".join(f"    {name}: {{fields: {{{fields}}}}}" for name, fields in needed.items())
    project.configure(
        f'shop:\n  from: files\n  path: "${{SCV_LANDING}}/*.csv"\n  format: csv\n  entities:\n{blocks}\n',
        custom_fields="{points: {entity: people, type: integer, privacy: none, description: Points}}",
    )
    assert project.load() == {}
    for name, entity in ENTITIES.items():
        custom = {"points": "BIGINT"} if name == "people" else {}
        columns = (*LINEAGE_COLUMNS, *entity.columns)
        assert declared(project, name) == {column.name: _TYPES[column.type] for column in columns} | custom
    assert declared(project, "_loaded_files") == {column.name: _TYPES[column.type] for column in LOADED_FILES}
    assert declared(project, "_rejected_rows") == {column.name: _TYPES[column.type] for column in REJECTED_ROWS}


def test_the_declared_columns_are_there_in_any_order_of_loads(project):
    project.configure(SHOP)
    project.write("orders.csv", ORDERS)
    assert set(project.load(frozenset({"transactions"}))) == {"transactions"}
    assert declared(project, "people") == {}
    assert set(project.load()) == {"people"}
    assert project.load() == {}


def test_a_custom_field_that_comes_later_is_a_new_column(project):
    project.entity("people", PEOPLE)
    project.write("a.csv", "id,mail,tier\n1,a,gold\n")
    project.load()
    project.entity("people", "{source_id: id, email: mail, tier: tier}")
    project.configure(
        (project.folder / "sources.yml").read_text(),
        "{tier: {entity: people, type: string, privacy: quasi, description: Tier}}",
    )
    assert project.load()["people"].rows_loaded == 1
    tiers = project.rows("select tier from raw_files.people order by tier nulls first")
    assert [row["tier"] for row in tiers] == [None, "gold"]
    project.write("b.csv", "id,mail,tier\n2,b,silver\n")
    assert project.load()["people"].rows_loaded == 1


def test_a_file_loads_once_whatever_happens_to_its_name_and_its_time(project):
    project.entity("people", PEOPLE)
    path = project.write("a.csv", "id,mail\n1,a\n")
    assert project.load()["people"].files == 1
    os.utime(path, (1, 1))
    assert project.load() == {}
    path = path.rename(path.with_name("b.csv"))
    assert project.load() == {}
    project.write("copy.csv", path.read_bytes())
    assert project.load() == {}
    project.write("b.csv", "id,mail\n1,a\n2,b\n")
    assert project.load()["people"].rows_loaded == 2
    assert project.rows("select count(*) as n from raw_files.people") == [{"n": 3}]


def test_the_same_file_twice_at_once_loads_once(project):
    project.entity("people", PEOPLE)
    for name in ("a.csv", "b.csv"):
        project.write(name, "id,mail\n1,a\n")
    assert project.load()["people"] == LoadSummary(files=1, rows_loaded=1)


def test_a_changed_mapping_loads_its_files_again(project):
    project.entity("people", PEOPLE)
    project.write("a.csv", "id,mail,phone\n1,a,5\n")
    project.load()
    project.entity("people", "{source_id: id, email: mail, phone: phone}")
    assert project.load()["people"].rows_loaded == 1
    rows = project.rows("select phone from raw_files.people order by _dlt_load_id")
    assert [row["phone"] for row in rows] == [None, "5"]


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_an_empty_file_loads_no_rows_and_is_in_the_ledger(project, format):
    project.entity("people", PEOPLE, format=format)
    project.write("empty", b"")
    assert project.load() == {"people": LoadSummary(files=1)}
    assert project.load() == {}


def test_a_missing_file_is_an_error_that_names_it_and_nothing_is_loaded(project):
    project.configure(SHOP.replace("*.csv", "orders.csv"))
    with pytest.raises(Exception, match=r"sources.yml:4: .*/orders.csv: missing file"):
        project.load()
    project.write("orders.csv", ORDERS)
    assert project.load()["transactions"].rows_loaded == 2


def test_files_that_cannot_be_read_are_in_quarantine_and_the_others_load(project):
    project.entity("people", PEOPLE)
    project.write("1.csv", b"id,mail\n1,\xff\n")
    project.write("2.csv", "id,e-mail\n2,b\n")
    project.write("3.csv", gzip.compress(b"id,mail\n3,c\n")[:-9])
    project.write("4.csv", "id,mail\n4,d\n")
    unreadable = ("landing/1.csv", "landing/2.csv", "landing/3.csv")
    assert project.load()["people"] == LoadSummary(4, unreadable, rows_loaded=1, rows_rejected=3)
    reasons = project.rows("select line, reason, raw from raw_files._rejected_rows order by file")
    assert [(row["line"], row["raw"]) for row in reasons] == [(None, None)] * 3
    place = f"{project.folder / 'sources.yml'}:10: shop.people.email"
    assert [row["reason"] for row in reasons] == [
        "not utf-8 text from line 2 on (invalid start byte); set its encoding",
        f"{place}: the file has no column 'mail'; did you mean 'e-mail'?",
        "damaged gzip file: Compressed file ended before the end-of-stream marker was reached",
    ]
    assert project.load() == {}
    project.write("2.csv", "id,mail\n2,b\n")
    assert project.load()["people"] == LoadSummary(files=1, rows_loaded=1)


def test_a_damaged_parquet_is_in_quarantine(project):
    project.entity("people", PEOPLE, format="parquet")
    good, cut, text = (project.landing / f"{name}.parquet" for name in ("good", "cut", "text"))
    pq.write_table(pa.table({"id": list(range(5000)), "mail": ["a"] * 5000}), good)
    cut.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    damaged = bytearray(good.read_bytes())
    damaged[100:300] = bytes(200)
    (project.landing / "damaged.parquet").write_bytes(damaged)
    text.write_text("id,mail\n1,a\n")
    summary = project.load()["people"]
    assert (summary.files, len(summary.unreadable), summary.rows_loaded) == (4, 3, 5000)
    reasons = project.rows("select reason from raw_files._rejected_rows")
    assert all(row["reason"].startswith("not a readable parquet file: ") for row in reasons)


def test_a_file_that_changes_while_it_is_read_waits_for_the_next_run(project, monkeypatch):
    project.entity("people", PEOPLE)
    path = project.write("growing.csv", "id,mail\n1,a\n")
    project.write("ready.csv", "id,mail\n2,b\n")

    def read_while_somebody_writes(*arguments):
        if arguments[0].path == path:
            with path.open("a") as file:
                file.write("3,c\n")
        return convert(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr("scv_platform.sources.landing.source.convert", read_while_somebody_writes)
        assert project.load()["people"] == LoadSummary(files=1, rows_loaded=1)
    assert project.load()["people"] == LoadSummary(files=1, rows_loaded=2)


def test_parquet_is_imported_as_it_was_written(project, monkeypatch):
    """dlt rewrites a file whose columns differ in name, order or nullability from those of the table: slowly."""

    def rewrite(*arguments):
        raise AssertionError("dlt rewrites the file")

    monkeypatch.setattr(ArrowItemsNormalizer, "_write_with_dlt_columns", rewrite)
    project.configure(SHOP)
    project.write("orders.csv", ORDERS)
    assert project.load()["people"].rows_loaded == 2


def test_nothing_of_the_data_stays_beside_the_warehouse(project):
    project.entity("people", PEOPLE)
    project.write("a.csv", "id,mail\n1,somebody@example.org\n")
    project.load()
    left = [path for path in project.settings.dlt_folder.rglob("*") if path.is_file()]
    assert left
    assert [path for path in left if path.suffix == ".parquet" or b"somebody" in path.read_bytes()] == []


KILLED_WHILE_LOADING = """
    import os, signal
    from dlt.destinations.impl.duckdb.duck import DuckDbCopyJob
    from scv_platform.settings import Settings
    from scv_platform.sources.config import load_sources
    from scv_platform.sources.landing import load

    insert = DuckDbCopyJob.run

    def insert_one_table_and_die(job):
        insert(job)
        if job.load_table_name == "{table}":
            os.kill(os.getpid(), signal.SIGKILL)

    DuckDbCopyJob.run = insert_one_table_and_die
    settings = Settings.load(root=__import__("pathlib").Path("{folder}"))
    load(settings, load_sources(settings).dataset("files"), frozenset())
"""

KILLED_WHILE_READING = """
    import os, signal
    from scv_platform.settings import Settings
    from scv_platform.sources.config import load_sources
    from scv_platform.sources.landing import load, source

    convert = source.convert

    def convert_one_file_and_die(*arguments):
        convert(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    source.convert = convert_one_file_and_die
    settings = Settings.load(root=__import__("pathlib").Path("{folder}"))
    load(settings, load_sources(settings).dataset("files"), frozenset())
"""


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(KILLED_WHILE_READING, id="while it reads"),
        pytest.param(KILLED_WHILE_LOADING.replace("{table}", "transactions"), id="between rows and ledger"),
        pytest.param(KILLED_WHILE_LOADING.replace("{table}", "_loaded_files"), id="between ledger and completion"),
    ],
)
def test_after_a_kill_the_next_run_gives_what_a_clean_one_gives(project, tmp_path_factory, script):
    project.configure(SHOP)
    project.write("orders.csv", ORDERS)
    program = textwrap.dedent(script).replace("{folder}", str(project.folder))
    killed = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT_ROOT,
        env=os.environ | project.environment,
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert loaded_files(project.warehouse, "raw_files") == frozenset()
    project.load()

    clean = type(project)(tmp_path_factory.mktemp("clean"))
    clean.configure(SHOP)
    clean.write("orders.csv", ORDERS)
    clean.load()

    def seen(of, table: str) -> list[dict]:
        """The rows that staging reads: those of complete loads."""
        rows = of.rows(
            f"""
            select rows.* exclude (_dlt_load_id)
            from raw_files.{table} as rows
            join raw_files._dlt_loads as loads on loads.load_id = rows._dlt_load_id and loads.status = 0
            order by all
            """
        )
        return [{name: value for name, value in row.items() if name != "loaded_at"} for row in rows]

    for table in ("people", "transactions", "_loaded_files", "_rejected_rows"):
        assert seen(project, table) == seen(clean, table)
        assert seen(project, table)
    assert project.load() == {}


def test_a_load_needs_no_ledger_to_begin_with(project):
    project.entity("people", PEOPLE)
    assert loaded_files(project.warehouse, "raw_files") == frozenset()
    project.write("a.csv", "id,mail\n1,a\n")
    assert load(project.settings, project.dataset, loaded_files(project.warehouse, "raw_files")).loads_ids
    ((source, entity, _, _),) = loaded_files(project.warehouse, "raw_files")
    assert (source, entity) == ("shop", "people")
