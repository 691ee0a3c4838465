import csv
import json
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from scv_platform.activation.config import Scope
from scv_platform.activation.destinations.file import FileDestination
from scv_platform.activation.destinations.protocol import Export, Receipt
from scv_platform.activation.gate import ExportRefused
from scv_platform.activation.sync import Sync, run_sync
from scv_platform.activation.tables import SUPPRESSIONS
from scv_platform.audiences.compiler import compile_rules
from scv_platform.audiences.definitions import Definition
from scv_platform.audiences.membership import record_membership
from scv_platform.audiences.rules import Audience
from scv_platform.config_files import YamlDocument
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.audiences.shop import AS_OF, CONSENTS, CUSTOMERS, SCORES, catalogue, day, fill, fill_identifiers, make_shop

CATALOGUE = catalogue()


def audience(**changes: Any) -> Audience:
    return Audience.model_validate(
        {
            "schema_version": 1,
            "name": "swiss",
            "description": "x",
            "owner": "team:x",
            "where": {"all": [{"field": "customers.country", "eq": "CH"}]},
            "purpose": "newsletter",
            "destinations": [{"name": "files", "fields": {"E-mail": "customers.email", "score": "scores.score"}}],
            **changes,
        }
    )


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    warehouse = make_shop(tmp_path / "scv.duckdb")
    people = [{"customer_id": who, "email": f"{who}@x.org", "country": "CH"} for who in ("d", "c", "b", "a")]
    fill(warehouse, CUSTOMERS, people)
    fill_identifiers(warehouse, *((who, "email", f"{who}@x.org") for who in "abcd"))
    answer = {"purpose": "newsletter", "channel": "email", "occurred_at": day("2024-01-01")}
    answers = [("a", "granted"), ("b", "denied"), ("d", "granted")]
    fill(warehouse, CONSENTS, [{**answer, "customer_id": who, "status": status} for who, status in answers])
    yesterday = AS_OF - timedelta(days=1)
    fill(
        warehouse,
        SCORES,
        [{"customer_id": "a", "as_of": AS_OF, "score": 0.5}, {"customer_id": "d", "as_of": yesterday, "score": 0.9}],
    )
    evaluate(warehouse, audience())
    return warehouse


def evaluate(warehouse: DuckDBWarehouse, rules: Audience, as_of: date = AS_OF) -> None:
    definition = Definition(rules, YamlDocument(Path("swiss.yml"), {}, {}), "")
    record_membership(warehouse, definition, compile_rules(rules, CATALOGUE, as_of), as_of, {})


def clock() -> Callable[[], datetime]:
    """Moments one hour apart."""
    hours = iter(range(24))
    return lambda: day("2024-07-01", hour=next(hours))


def sync(folder: Path, rules: Audience, scope: Scope = Scope.EXTERNAL) -> Sync:
    return Sync(rules, rules.destinations[0], scope, FileDestination(folder), CATALOGUE)


def runs(warehouse: DuckDBWarehouse) -> list[dict[str, Any]]:
    return warehouse.rows("select * from activation.sync_runs order by started_at")


def exported(folder: Path) -> list[list[str]]:
    manifest = json.loads((folder / "swiss" / "manifest.json").read_text())
    with (folder / "swiss" / manifest["file"]).open(newline="") as file:
        return list(csv.reader(file))


def test_the_customers_whom_the_gate_lets_through_are_written_in_order(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    result = run_sync(warehouse, sync(tmp_path, audience()), "run-1", clock())
    assert exported(tmp_path) == [["customer_id", "E-mail", "score"], ["a", "a@x.org", "0.5"], ["d", "d@x.org", ""]]
    assert (result.rows_sent, result.withheld) == (2, {"consent_denied": 1, "no_consent": 1})


def test_the_attempt_is_on_record(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    run_sync(warehouse, sync(tmp_path, audience()), "run-1", clock())
    assert runs(warehouse) == [
        {
            "run_id": "run-1",
            "destination": "files",
            "audience": "swiss",
            "as_of": AS_OF,
            "status": "succeeded",
            "rows_sent": 2,
            "rows_withheld": 2,
            "started_at": day("2024-07-01", hour=0),
            "finished_at": day("2024-07-01", hour=1),
            "error": None,
        }
    ]


class LookingDestination:
    """A destination that looks at the record while it takes the rows."""

    def __init__(self, warehouse: DuckDBWarehouse) -> None:
        self.warehouse = warehouse
        self.seen: list[dict[str, Any]] = []

    def deliver(self, export: Export, batches: Iterable[pa.RecordBatch]) -> Receipt:
        self.seen = runs(self.warehouse)
        return Receipt(sum(batch.num_rows for batch in batches), "nowhere")


def test_the_record_stands_before_the_first_byte_is_sent(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    destination = LookingDestination(warehouse)
    rules = audience()
    run_sync(warehouse, Sync(rules, rules.destinations[0], Scope.EXTERNAL, destination, CATALOGUE), "run-1", clock())
    assert [(row["status"], row["finished_at"]) for row in destination.seen] == [("started", None)]


class FullDisk:
    """A destination that takes half of the rows."""

    def deliver(self, export: Export, batches: Iterable[pa.RecordBatch]) -> Receipt:
        next(iter(batches))
        raise OSError("no space left")


def test_a_failure_is_on_record_and_is_raised(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    rules = audience()
    broken = Sync(rules, rules.destinations[0], Scope.EXTERNAL, FullDisk(), CATALOGUE)
    with pytest.raises(OSError, match="no space left"):
        run_sync(warehouse, broken, "run-1", clock())
    (row,) = runs(warehouse)
    assert (row["status"], row["error"], row["rows_sent"]) == ("failed", "OSError: no space left", 0)
    run_sync(warehouse, sync(tmp_path, rules), "run-2", clock())
    assert [row["status"] for row in runs(warehouse)] == ["failed", "succeeded"]


def refused(warehouse: DuckDBWarehouse, folder: Path, rules: Audience, message: str) -> None:
    with pytest.raises(ExportRefused, match=message):
        run_sync(warehouse, sync(folder, rules), "run-1", clock())
    assert not (folder / "swiss").exists()
    (row,) = runs(warehouse)
    assert row["status"] == "failed"
    assert row["error"].startswith("ExportRefused: ")


def test_without_consents_nothing_is_sent_and_the_record_says_why(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    warehouse.run(["drop table master.consents"])
    refused(warehouse, tmp_path, audience(), r"there is no table master\.consents")


def test_a_suppression_by_a_national_phone_number_stops_the_export(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    fill(warehouse, SUPPRESSIONS, [{"identifier_type": "phone", "identifier_value": "044 668 18 00"}])
    refused(warehouse, tmp_path, audience(), "a suppression by phone needs the number as")


def test_an_internal_audience_never_leaves_the_company(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    refused(warehouse, tmp_path, audience(legal_basis="internal"), "the destination has scope external")
    run_sync(warehouse, sync(tmp_path, audience(legal_basis="internal"), Scope.INTERNAL), "run-2", clock())
    assert [row[0] for row in exported(tmp_path)[1:]] == ["a", "b", "c", "d"]


def test_an_audience_that_was_never_evaluated_is_not_sent(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    refused(
        warehouse, tmp_path, audience(name="other"), "'other' was never evaluated; materialise audiences/other first"
    )


def test_members_of_a_former_rule_are_not_sent(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    changed = audience(where={"all": [{"field": "customers.country", "eq": "DE"}]})
    refused(warehouse, tmp_path, changed, "the rule of audience 'swiss' changed since its members were computed")
    evaluate(warehouse, changed)
    assert run_sync(warehouse, sync(tmp_path, changed), "run-2", clock()).rows_sent == 0


def test_a_suppression_or_denial_between_two_exports_counts_in_the_second(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    run_sync(warehouse, sync(tmp_path, audience()), "run-1", clock())
    fill(warehouse, SUPPRESSIONS, [{"identifier_type": "email", "identifier_value": "A@x.org"}])
    result = run_sync(warehouse, sync(tmp_path, audience()), "run-2", clock())
    assert [row[0] for row in exported(tmp_path)[1:]] == ["d"]
    assert result.withheld == {"consent_denied": 1, "no_consent": 1, "suppressed": 1}


def test_two_exports_of_the_same_data_are_the_same_bytes(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    def export(run_id: str) -> dict[str, bytes]:
        run_sync(warehouse, sync(tmp_path, audience()), run_id, clock())
        return {path.name: path.read_bytes() for path in (tmp_path / "swiss").iterdir()}

    assert export("run-1") == export("run-2")
