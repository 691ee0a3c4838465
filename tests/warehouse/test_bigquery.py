"""What BigQuery adds to the contract of a warehouse: jobs that tell what they are for, and what they may bill."""

from collections.abc import Callable
from datetime import date

import pyarrow as pa
import pytest
from google.api_core.exceptions import RetryError
from google.auth.exceptions import TransportError
from google.cloud import bigquery

from scv_platform.settings import BigQuerySettings
from scv_platform.warehouse import Table, TableColumn, WarehouseError
from scv_platform.warehouse.bigquery import BigQueryWarehouse

pytestmark = pytest.mark.parity

VISITS = Table(
    "lab",
    "visits",
    "One row per (person, day).",
    (TableColumn("person", "string", "Who."), TableColumn("day", "date", "When.")),
    key=("person", "day"),
    partition_by="day",
)
ROWS = pa.table({"person": ["a"], "day": [date(2026, 1, 1)]})


@pytest.fixture
def warehouse(make_bigquery_warehouse: Callable[[], BigQueryWarehouse]) -> BigQueryWarehouse:
    return make_bigquery_warehouse()


def jobs_of(warehouse: BigQueryWarehouse) -> list[bigquery.QueryJob | bigquery.LoadJob]:
    jobs = bigquery.Client(warehouse.project).list_jobs(all_users=True)
    return [job for job in jobs if job.parent_job_id is None and warehouse.prefix in str(job.to_api_repr())]


def test_every_job_bears_its_asset_and_the_most_that_it_may_bill(warehouse: BigQueryWarehouse) -> None:
    with warehouse.session("intelligence/RFM"):
        warehouse.replace(VISITS, ROWS)
        warehouse.run(["delete from lab.visits where true"])
        warehouse.rebuild(VISITS, "select * from lab.visits")
        warehouse.rows("select * from lab.visits")
    jobs = jobs_of(warehouse)
    assert len(jobs) == 5
    assert {tuple(sorted(job.labels.items())) for job in jobs} == {(("app", "scv"), ("asset", "intelligence_rfm"))}
    limits = {job.maximum_bytes_billed for job in jobs if isinstance(job, bigquery.QueryJob)}
    assert limits == {10**9}


def test_a_session_tells_what_it_billed(warehouse: BigQueryWarehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse.ensure(VISITS)
    # The emulator bills nothing.
    monkeypatch.setattr(bigquery.QueryJob, "total_bytes_billed", 7)
    with warehouse.session() as bill:
        warehouse.append(VISITS, ROWS)
        with warehouse.session("another") as inner:
            warehouse.rows("select * from lab.visits")
    assert inner is bill
    assert bill.metadata == {"bytes_billed": 2 * 7}


def test_days_are_stored_apart_and_the_rest_of_the_key_side_by_side(warehouse: BigQueryWarehouse) -> None:
    def layout() -> tuple[str | None, list[str] | None]:
        table = bigquery.Client(warehouse.project).get_table(f"{warehouse.prefix}lab.visits")
        return table.time_partitioning and table.time_partitioning.field, table.clustering_fields

    warehouse.ensure(VISITS)
    assert layout() == ("day", ["person"])
    warehouse.rebuild(VISITS, ROWS)
    assert layout() == ("day", ["person"])


def test_nothing_that_was_staged_is_left_behind_even_by_a_write_that_fails(warehouse: BigQueryWarehouse) -> None:
    warehouse.replace(VISITS, ROWS)
    wrong = Table(*(VISITS.schema, VISITS.name, VISITS.description), VISITS.columns, key=("no_such_column",))
    with pytest.raises(WarehouseError):
        warehouse.merge(wrong, ROWS)
    tables = bigquery.Client(warehouse.project).list_tables(f"{warehouse.prefix}lab")
    assert [table.table_id for table in tables] == ["visits"]


@pytest.mark.parametrize("error", [RetryError("late", ConnectionError("Ottilie")), TransportError("Ottilie")])
def test_a_network_that_is_down_is_told_as_such(
    warehouse: BigQueryWarehouse, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(bigquery.Client, "query", fail)
    with pytest.raises(WarehouseError, match=r"cannot be reached: (ConnectionError|TransportError)$"):
        warehouse.rows("select 1 as one")


def test_a_project_that_cannot_be_reached_is_told_with_what_to_do(
    warehouse: BigQueryWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    with pytest.raises(WarehouseError, match="gcloud auth application-default login"):
        BigQueryWarehouse(BigQuerySettings("acme", "EU", 10**9)).rows("select 1 as one")
