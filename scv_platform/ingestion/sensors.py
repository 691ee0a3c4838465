"""Sensors that watch landing folders and databases, and request only the tables that have something new."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Set
from datetime import UTC, datetime
from functools import partial

import dagster as dg

from scv_platform.conventions import AUTOMATION_INTERVAL_SECONDS
from scv_platform.settings import Settings
from scv_platform.sources.config import Sources
from scv_platform.sources.database import Database, UnreadableDatabase, watermarks
from scv_platform.sources.landing import LandingDataset, LoadedFile, PendingFile, loaded_files, pending_files
from scv_platform.warehouse import Warehouse

SETTLED_AFTER_SECONDS = 5
"""A file that changed less than this long ago may still be growing; it waits for the next look."""


_RETRIES = {"dagster/max_retries": "3"}
"""What fails for a passing reason, such as a warehouse that a client holds open, is tried again."""


def is_settled(file: PendingFile, now_ns: int) -> bool:
    """Whether the file has rested; a time in the future is a wrong clock, not a file that grows."""
    return abs(now_ns - file.changed_ns) >= SETTLED_AFTER_SECONDS * 1_000_000_000


def build_source_sensors(settings: Settings, sources: Sources, warehouse: Warehouse) -> list[dg.SensorDefinition]:
    """One sensor per enabled source."""
    return [
        *(
            build_landing_sensor(settings, dataset, partial(loaded_files, warehouse, dataset.schema))
            for dataset in sources.landing
        ),
        *(
            build_watermark_sensor(database, partial(loaded_watermarks, warehouse, database))
            for database in sources.databases
        ),
    ]


def build_landing_sensor(
    settings: Settings, dataset: LandingDataset, loaded: Callable[[], Set[LoadedFile]] = frozenset
) -> dg.SensorDefinition:
    """Requests the tables whose files changed.

    It reads folders only, so it does not wait for the warehouse. Only at its first look, when others loaded files
    before it, it asks the ledger for them (`loaded`).
    """

    @dg.sensor(
        name=f"{dataset.name}_landing",
        target=dg.AssetSelection.assets(*(dg.AssetKey([dataset.name, table]) for table in dataset.tables)),
        minimum_interval_seconds=AUTOMATION_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Loads the tables that new or changed files in the landing folders feed.",
    )
    def landing(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if context.cursor:
            before = json.loads(context.cursor)
        else:
            before = {"files": {}, "requested": sorted(loaded()) if _was_loaded(context, dataset) else []}
        found = pending_files(settings, dataset, {tuple(key) for key in before["requested"]}, before["files"])
        # Of files that are gone nothing is remembered, so that the cursor does not grow for ever.
        kept = [key for key in before["requested"] if key[2] in found.contents]
        settled = [file for file in found.pending if is_settled(file, time.time_ns())]
        cursor = json.dumps({"files": found.known, "requested": [*kept, *(file.key for file in settled)]})
        if not settled:
            context.update_cursor(cursor)
            return dg.SkipReason("; ".join(["no file with new content", *found.missing]))
        contents = json.dumps(sorted(file.key for file in settled))
        fed = {file.mapping.entity.name for file in settled}
        request = dg.RunRequest(
            tags=_RETRIES,
            run_key=hashlib.sha256(contents.encode()).hexdigest(),
            asset_selection=[dg.AssetKey([dataset.name, table]) for table in dataset.tables if table in fed],
        )
        return dg.SensorResult(run_requests=[request], cursor=cursor)

    return landing


def build_watermark_sensor(
    database: Database, loaded: Callable[[], Mapping[str, datetime]] = dict
) -> dg.SensorDefinition:
    """Requests the tables whose newest watermark or number of rows moved. It asks the database for those two only.

    At its first look it leaves out the tables whose newest watermark is in the warehouse already (`loaded`).
    """

    @dg.sensor(
        name=f"{database.name}_watermark",
        target=dg.AssetSelection.assets(*(dg.AssetKey([database.name, table]) for table in database.tables)),
        minimum_interval_seconds=AUTOMATION_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Loads the tables of the database in which rows were written.",
    )
    def watermark(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        before = json.loads(context.cursor or "{}")
        try:
            now = {table: list(mark) for table, mark in watermarks(database).items()}
        except UnreadableDatabase as error:
            return dg.SkipReason(str(error))
        done = loaded() if not context.cursor and _was_loaded(context, database) else {}
        moved = [
            table
            for table, mark in now.items()
            if mark != before.get(table) and (table not in done or done[table] != _as_time(mark[0]))
        ]
        if not moved:
            context.update_cursor(json.dumps(now))
            return dg.SkipReason("no table has moved")
        change = json.dumps([[table, before.get(table), now[table]] for table in moved])
        request = dg.RunRequest(
            tags=_RETRIES,
            run_key=hashlib.sha256(change.encode()).hexdigest(),
            asset_selection=[dg.AssetKey([database.name, table]) for table in moved],
        )
        return dg.SensorResult(run_requests=[request], cursor=json.dumps(now))

    return watermark


def _was_loaded(context: dg.SensorEvaluationContext, source: LandingDataset | Database) -> bool:
    keys = (dg.AssetKey([source.name, table]) for table in source.tables)
    return any(context.instance.get_latest_materialization_event(key) is not None for key in keys)


def loaded_watermarks(warehouse: Warehouse, database: Database) -> dict[str, datetime]:
    """The newest watermark of each raw table of the database, as UTC without its zone."""
    found = {}
    for table in database.tables.values():
        (row,) = warehouse.rows(f"select max({table.updated_at}) as newest from {database.schema}.{table.name}")
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
