"""Sensors that watch landing folders and request only what new files feed."""

import hashlib
import json
from collections.abc import Sequence

import dagster as dg

from scv_platform.conventions import AUTOMATION_INTERVAL_SECONDS
from scv_platform.ingestion.assets import SOURCE, fed_entities
from scv_platform.settings import Settings
from scv_platform.sources.files import FileSource, pending_files


def build_landing_sensor(settings: Settings, sources: Sequence[FileSource]) -> dg.SensorDefinition:
    """Requests the entities whose files changed. It reads folders only, so it never waits for the warehouse."""
    fed = fed_entities(sources)

    @dg.sensor(
        name=f"{SOURCE}_landing",
        target=dg.AssetSelection.assets(*(dg.AssetKey([SOURCE, name]) for name in fed)),
        minimum_interval_seconds=AUTOMATION_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Loads the entities that new or changed files in the landing folders feed.",
    )
    def landing(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        before = json.loads(context.cursor or '{"files": {}, "requested": []}')
        found = pending_files(settings, sources, {tuple(key) for key in before["requested"]}, before["files"])
        # Of files that are gone nothing is remembered, so that the cursor does not grow for ever.
        present = {content for _, _, content in found.known.values()}
        kept = [key for key in before["requested"] if key[2] in present]
        cursor = json.dumps({"files": found.known, "requested": [*kept, *(file.key for file in found.pending)]})
        if not found.pending:
            context.update_cursor(cursor)
            return dg.SkipReason("; ".join(["no file with new content", *found.missing]))
        contents = json.dumps(sorted(file.key for file in found.pending))
        request = dg.RunRequest(
            run_key=hashlib.sha256(contents.encode()).hexdigest(),
            asset_selection=[dg.AssetKey([SOURCE, name]) for name in fed if name in found.entities],
        )
        return dg.SensorResult(run_requests=[request], cursor=cursor)

    return landing
