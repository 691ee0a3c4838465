"""Sensors that watch landing folders and databases, and request only the tables that have something new."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any, Generic, TypeVar

import dagster as dg

from scv_platform.conventions import AUTOMATION_INTERVAL_SECONDS
from scv_platform.ingestion.requests import Request, by_failures, follow, remember, unused_run_key
from scv_platform.settings import Settings
from scv_platform.sources.config import Sources
from scv_platform.sources.database import Database, UnreadableDatabase, watermarks
from scv_platform.sources.landing import LandingDataset, PendingFile, loaded_files, pending_files
from scv_platform.warehouse import Warehouse

SETTLED_AFTER_SECONDS = 5
"""A file that changed less than this long ago may still be growing; it waits for the next look."""

_RETRIES = {"dagster/max_retries": "3"}
"""What fails for a passing reason, such as a warehouse that a client holds open, is tried again."""

_LOCKED = "another process has the warehouse open; what is loaded is asked at the next look"

T = TypeVar("T")


def is_settled(file: PendingFile, now_ns: int) -> bool:
    """Whether the file has rested; a time in the future is a wrong clock, not a file that grows."""
    return abs(now_ns - file.changed_ns) >= SETTLED_AFTER_SECONDS * 1_000_000_000


def build_source_sensors(settings: Settings, sources: Sources, warehouse: Warehouse) -> list[dg.SensorDefinition]:
    """One sensor per enabled source."""
    return [
        *(build_landing_sensor(settings, dataset, warehouse) for dataset in sources.landing),
        *(build_watermark_sensor(settings, database, warehouse) for database in sources.databases),
    ]


def build_landing_sensor(settings: Settings, dataset: LandingDataset, warehouse: Warehouse) -> dg.SensorDefinition:
    """Requests the tables whose files changed, until they are loaded.

    A look reads folders, and the run history for the requests that are under way. It asks the ledger in the warehouse
    only when others may have loaded files (at its first look, and when another warehouse lies there), and once after
    each run that succeeded. It never waits for the warehouse.
    """

    @dg.sensor(
        name=f"{dataset.name}_landing",
        target=dg.AssetSelection.assets(*(dg.AssetKey([dataset.name, table]) for table in dataset.tables)),
        minimum_interval_seconds=AUTOMATION_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Loads the tables that new or changed files in the landing folders feed.",
    )
    def landing(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        now, place = time.time(), warehouse.identity()
        before = json.loads(context.cursor or "{}")
        ledger = _OnceAsked(warehouse, place, partial(loaded_files, warehouse, dataset.schema))
        loaded = {tuple(key) for key in before.get("loaded", ())}
        if _is_another(place, before, context, dataset):
            if not ledger.is_free:
                return dg.SkipReason(_LOCKED)
            loaded = set(ledger.content or ())
        followed = follow(before.get("requests", ()), context.instance, now)
        requests = followed.unfinished
        for request in followed.succeeded:
            if not ledger.is_free:
                requests.append(request)
                continue
            # A file that changed while it was read, for one, is not loaded by a run that succeeded.
            loaded |= request.keys & (ledger.content or frozenset())
            if left := sorted(request.keys - loaded):
                requests.append(replace(request, content=left).failed(now))
        requested = {key for request in requests for key in request.keys}
        found = pending_files(settings, dataset, loaded | requested, before.get("files", {}))
        settled = [file for file in found.pending if is_settled(file, time.time_ns())]
        run_requests = []
        for failures, files in by_failures(settled, lambda file: file.key, followed.due):
            contents = sorted(file.key for file in files)
            fed = {file.mapping.entity.name for file in files}
            run_key = unused_run_key(context.instance, contents)
            run_requests.append(_run_request(run_key, dataset.name, [name for name in dataset.tables if name in fed]))
            requests.append(Request(run_key, contents, now, failures))
        # Of files that are gone nothing is remembered, so that the cursor does not grow for ever.
        present = [replace(r, content=sorted(k for k in r.keys if k[2] in found.contents)) for r in requests]
        cursor = {
            "warehouse": place,
            "files": found.known,
            "loaded": sorted(key for key in loaded if key[2] in found.contents),
            "requests": remember(request for request in present if request.content),
        }
        if not run_requests:
            context.update_cursor(json.dumps(cursor))
            return dg.SkipReason("; ".join(["no file with new content", *found.missing]))
        return dg.SensorResult(run_requests=run_requests, cursor=json.dumps(cursor))

    return landing


def build_watermark_sensor(settings: Settings, database: Database, warehouse: Warehouse) -> dg.SensorDefinition:
    """Requests the tables whose newest watermark or number of late rows moved, until a run loaded them.

    It asks the database for those two only. At its first look, and when another warehouse lies there, it leaves out the
    tables whose newest watermark is in the warehouse already. It never waits for the warehouse.
    """

    @dg.sensor(
        name=f"{database.name}_watermark",
        target=dg.AssetSelection.assets(*(dg.AssetKey([database.name, table]) for table in database.tables)),
        minimum_interval_seconds=AUTOMATION_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Loads the tables of the database in which rows were written.",
    )
    def watermark(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        now, place = time.time(), warehouse.identity()
        before = json.loads(context.cursor or "{}")
        try:
            marks = {table: list(mark) for table, mark in watermarks(database).items()}
        except UnreadableDatabase as error:
            return dg.SkipReason(str(error))
        seen, done = dict(before.get("marks", {})), {}
        if _is_another(place, before, context, database):
            ledger = _OnceAsked(warehouse, place, partial(loaded_watermarks, warehouse, database))
            if not ledger.is_free:
                return dg.SkipReason(_LOCKED)
            seen, done = {}, ledger.content or {}
        # A run that succeeded read everything that was there when it was requested.
        followed = follow(before.get("requests", ()), context.instance, now)
        requests = followed.unfinished
        moved = [
            table
            for table, mark in marks.items()
            if table not in followed.waiting
            and (table in followed.due or mark != seen.get(table))
            and (table not in done or done[table] != _as_time(mark[0]))
        ]
        run_requests = []
        for failures, tables in by_failures(moved, str, followed.due):
            run_key = unused_run_key(context.instance, [[table, marks[table]] for table in tables])
            run_requests.append(_run_request(run_key, database.name, tables))
            requests.append(Request(run_key, tables, now, failures))
        cursor = {"warehouse": place, "marks": marks, "requests": remember(requests)}
        if not run_requests:
            context.update_cursor(json.dumps(cursor))
            return dg.SkipReason("no table has moved")
        return dg.SensorResult(run_requests=run_requests, cursor=json.dumps(cursor))

    return watermark


def _run_request(run_key: str, source: str, tables: Iterable[str]) -> dg.RunRequest:
    assets = [dg.AssetKey([source, table]) for table in tables]
    return dg.RunRequest(run_key=run_key, tags=_RETRIES, asset_selection=assets)


class _OnceAsked(Generic[T]):
    """What the warehouse says is loaded: asked once in a look, and only when nobody keeps the warehouse locked."""

    def __init__(self, warehouse: Warehouse, place: object, ask: Callable[[], T]) -> None:
        self._warehouse, self._place, self._ask = warehouse, place, ask

    @cached_property
    def is_free(self) -> bool:
        return self._place is None or self._warehouse.is_free()

    @cached_property
    def content(self) -> T | None:
        """None when there is no warehouse, which asking would make."""
        return None if self._place is None else self._ask()


def _is_another(
    place: object, before: Mapping[str, Any], context: dg.SensorEvaluationContext, source: LandingDataset | Database
) -> bool:
    """Whether what the cursor says of the warehouse is worth nothing: at the first look, and when it was exchanged.

    A warehouse that came where none was has nothing but what runs of this cursor brought. A first look without run
    history requests everything, which loads only what is new and tells Dagster of the rest.
    """
    if "warehouse" not in before:
        return _was_loaded(context, source)
    return before["warehouse"] is not None and before["warehouse"] != place


def _was_loaded(context: dg.SensorEvaluationContext, source: LandingDataset | Database) -> bool:
    keys = (dg.AssetKey([source.name, table]) for table in source.tables)
    return any(context.instance.get_latest_materialization_event(key) is not None for key in keys)


def loaded_watermarks(warehouse: Warehouse, database: Database) -> dict[str, datetime]:
    """The newest watermark that complete loads brought of each table of the database, as UTC without its zone."""
    schema, found = database.schema, {}
    for table in database.tables.values():
        if warehouse.exists(f"{schema}.{table.name}") and warehouse.exists(f"{schema}._dlt_loads"):
            (row,) = warehouse.rows(
                f"select max(known.{table.updated_at}) as newest from {schema}.{table.name} as known"
                f" join {schema}._dlt_loads as loads on loads.load_id = known._dlt_load_id and loads.status = 0"
            )
            if row["newest"] is not None:
                found[table.name] = _without_zone(row["newest"])
    return found


def _as_time(mark: object) -> datetime | None:
    try:
        return _without_zone(datetime.fromisoformat(str(mark)))
    except ValueError:
        # A database may write times in its own way; what cannot be compared counts as moved.
        return None


def _without_zone(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
