"""Sensors that watch landing folders and databases, and request only the tables that have something new."""

import hashlib
import json
import time

import dagster as dg

from scv_platform.conventions import AUTOMATION_INTERVAL_SECONDS
from scv_platform.settings import Settings
from scv_platform.sources.config import Sources
from scv_platform.sources.database import Database, UnreadableDatabase, watermarks
from scv_platform.sources.landing import LandingDataset, PendingFile, pending_files

SETTLED_AFTER_SECONDS = 5
"""A file that changed less than this long ago may still be growing; it waits for the next look."""


_RETRIES = {"dagster/max_retries": "3"}
"""What fails for a passing reason, such as a warehouse that a client holds open, is tried again."""


def is_settled(file: PendingFile, now_ns: int) -> bool:
    """Whether the file has rested; a time in the future is a wrong clock, not a file that grows."""
    return abs(now_ns - file.changed_ns) >= SETTLED_AFTER_SECONDS * 1_000_000_000


def build_source_sensors(settings: Settings, sources: Sources) -> list[dg.SensorDefinition]:
    """One sensor per enabled source."""
    return [
        *(build_landing_sensor(settings, dataset) for dataset in sources.landing),
        *(build_watermark_sensor(database) for database in sources.databases),
    ]


def build_landing_sensor(settings: Settings, dataset: LandingDataset) -> dg.SensorDefinition:
    """Requests the tables whose files changed. It reads folders only, so it never waits for the warehouse."""

    @dg.sensor(
        name=f"{dataset.name}_landing",
        target=dg.AssetSelection.assets(*(dg.AssetKey([dataset.name, table]) for table in dataset.tables)),
        minimum_interval_seconds=AUTOMATION_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Loads the tables that new or changed files in the landing folders feed.",
    )
    def landing(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        before = json.loads(context.cursor or '{"files": {}, "requested": []}')
        found = pending_files(settings, dataset, {tuple(key) for key in before["requested"]}, before["files"])
        # Of files that are gone nothing is remembered, so that the cursor does not grow for ever.
        present = {content for _, _, content in found.known.values()}
        kept = [key for key in before["requested"] if key[2] in present]
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


def build_watermark_sensor(database: Database) -> dg.SensorDefinition:
    """Requests the tables whose newest watermark or number of rows moved. It asks the database for those two only."""

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
        moved = [table for table, mark in now.items() if mark != before.get(table)]
        if not moved:
            return dg.SkipReason("no table has moved")
        change = json.dumps([[table, before.get(table), now[table]] for table in moved])
        request = dg.RunRequest(
            tags=_RETRIES,
            run_key=hashlib.sha256(change.encode()).hexdigest(),
            asset_selection=[dg.AssetKey([database.name, table]) for table in moved],
        )
        return dg.SensorResult(run_requests=[request], cursor=json.dumps(now))

    return watermark
