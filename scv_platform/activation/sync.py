"""Sends one audience to one destination, and keeps a record of every attempt.

Order: the row of `sync_runs` -> the checks that may refuse -> the gate -> the rows, streamed -> the outcome.
Invariant: whatever happens after the first line, the row says so; nothing is sent without the gate.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlglot import exp

from scv_platform.activation.config import Scope
from scv_platform.activation.destinations.protocol import Destination, Export
from scv_platform.activation.gate import ExportRefused, allowed, check_permitted, withheld
from scv_platform.activation.tables import SUPPRESSIONS, SYNC_RUNS
from scv_platform.audiences.catalogue import Catalogue, CatalogueField
from scv_platform.audiences.compiler import select_fields
from scv_platform.audiences.days import check_day
from scv_platform.audiences.membership import LastEvaluation, last_evaluation
from scv_platform.audiences.rules import Audience, DestinationFields
from scv_platform.warehouse import Warehouse, literal


@dataclass(frozen=True)
class SyncRun:
    """One row of `activation.sync_runs`."""

    run_id: str
    destination: str
    audience: str
    status: str
    started_at: datetime
    as_of: date | None = None
    rows_sent: int = 0
    rows_withheld: int = 0
    finished_at: datetime | None = None
    error: str | None = None


@dataclass(frozen=True)
class Sync:
    """An audience and the destination that it is to go to."""

    audience: Audience
    target: DestinationFields
    scope: Scope
    destination: Destination
    catalogue: Catalogue

    @property
    def fields(self) -> dict[str, CatalogueField]:
        """The fields to send, by the columns of the destination."""
        return {column: self.catalogue.fields[name] for column, name in self.target.fields.items()}

    def rows(self, as_of: date) -> exp.Expr:
        """The rows to send: customer_id and the fields, ordered, of the members whom the gate lets through."""
        return select_fields(allowed(self.audience), self.fields, self.catalogue, as_of).order_by("members.customer_id")


@dataclass(frozen=True)
class SyncResult:
    """What was sent, and who was held back by reason."""

    as_of: date
    rows_sent: int
    withheld: dict[str, int]
    location: str


def run_sync(warehouse: Warehouse, sync: Sync, run_id: str, now: Callable[[], datetime]) -> SyncResult:
    """Send the audience; `now` gives naive UTC.

    Raises `ExportRefused` or `MissingDay` before anything is sent, and whatever the destination raises.
    """
    run = SyncRun(run_id, sync.target.name, sync.audience.name, "started", now())
    _record(warehouse, run)
    try:
        result = _send(warehouse, sync)
    except BaseException as error:
        _record(warehouse, replace(run, status="failed", finished_at=now(), error=f"{type(error).__name__}: {error}"))
        raise
    _record(
        warehouse,
        replace(
            run,
            status="succeeded",
            as_of=result.as_of,
            rows_sent=result.rows_sent,
            rows_withheld=sum(result.withheld.values()),
            finished_at=now(),
        ),
    )
    return result


def _send(warehouse: Warehouse, sync: Sync) -> SyncResult:
    evaluation = _current_evaluation(warehouse, sync.audience)
    check_day(warehouse, sync.fields.values(), sync.catalogue, evaluation.as_of)
    warehouse.ensure(SUPPRESSIONS)
    check_permitted(warehouse, sync.audience, sync.scope)
    held_back = withheld(warehouse, sync.audience)
    export = Export(
        audience=sync.audience.name,
        destination=sync.target.name,
        as_of=evaluation.as_of,
        rule_version=evaluation.rule_version,
        legal_basis=sync.audience.legal_basis,
        purpose=sync.audience.purpose,
        columns=("customer_id", *sync.target.fields),
        withheld=held_back,
    )
    receipt = sync.destination.deliver(export, warehouse.query(sync.rows(evaluation.as_of)))
    return SyncResult(evaluation.as_of, receipt.rows, held_back, receipt.location)


def _current_evaluation(warehouse: Warehouse, audience: Audience) -> LastEvaluation:
    evaluation = last_evaluation(warehouse, audience.kind, audience.name)
    if evaluation is None:
        raise ExportRefused(
            f"audience {audience.name!r} was never evaluated; materialise audiences/{audience.name} first"
        )
    if evaluation.rule_version != audience.rule_version:
        raise ExportRefused(
            f"the rule of audience {audience.name!r} changed since its members were computed;"
            f" materialise audiences/{audience.name} first"
        )
    return evaluation


def _record(warehouse: Warehouse, run: SyncRun) -> None:
    kinds = {column.name: column.type for column in SYNC_RUNS.columns}
    # Of no value an engine has to be told the type.
    values = {
        name: exp.cast(exp.null(), kinds[name]) if value is None else literal(value)
        for name, value in vars(run).items()
    }
    warehouse.merge(SYNC_RUNS, exp.select(*(exp.alias_(value, name) for name, value in values.items())))
