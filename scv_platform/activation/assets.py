"""Exports as Dagster assets: one per destination of an audience.

The age of an export is `activation.sync_runs.as_of` of its (destination, audience) with status succeeded.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime

import dagster as dg

from scv_platform.activation.config import FileDestinationConfig
from scv_platform.activation.destinations.file import FileDestination
from scv_platform.activation.gate import allowed, tables_read
from scv_platform.activation.sync import Sync, SyncResult, run_sync
from scv_platform.audiences.catalogue import Catalogue
from scv_platform.audiences.definitions import Definition, Definitions
from scv_platform.audiences.preview import masked_preview
from scv_platform.audiences.rules import Audience, DestinationFields
from scv_platform.config_files import did_you_mean
from scv_platform.conventions import EXPORT_FRESHNESS, WAREHOUSE_POOL, WHEN_UPSTREAM_UPDATED, in_one_session
from scv_platform.settings import Settings
from scv_platform.warehouse import Warehouse

GROUP = "exports"


def build_export_assets(
    settings: Settings,
    definitions: Definitions,
    catalogue: Catalogue,
    destinations: Mapping[str, FileDestinationConfig],
) -> list[dg.AssetsDefinition]:
    """One asset per (destination, audience); it fails with a message where the destination is not defined."""
    return [
        _export_asset(settings, definition, index, catalogue, destinations)
        for definition in definitions.audiences
        for index in range(len(definition.rules.destinations))
    ]


def dependencies(audience: Audience, target: DestinationFields, catalogue: Catalogue) -> list[dg.AssetKey]:
    """The assets that the export reads: the members, what the gate asks, and the tables of its fields."""
    asked = [table.split(".") for table in tables_read(audience)]
    tables = [catalogue.tables[catalogue.fields[name].table] for name in target.fields.values()]
    mapped = [[table.schema, table.name] for table in tables]
    return list(dict.fromkeys(dg.AssetKey(path) for path in [[audience.group, audience.name], *asked, *mapped]))


def _export_asset(
    settings: Settings,
    definition: Definition[Audience],
    index: int,
    catalogue: Catalogue,
    destinations: Mapping[str, FileDestinationConfig],
) -> dg.AssetsDefinition:
    audience, target = definition.rules, definition.rules.destinations[index]
    where = definition.document.where(("destinations", index, "name"))

    @dg.asset(
        key=[GROUP, target.name, audience.name],
        deps=dependencies(audience, target, catalogue),
        description=f"{audience.description}\n\nOne row per customer whom the gate lets through to {target.name}.",
        group_name=GROUP,
        owners=[audience.owner],
        kinds={"csv", settings.warehouse},
        freshness_policy=EXPORT_FRESHNESS,
        automation_condition=WHEN_UPSTREAM_UPDATED,
        pool=WAREHOUSE_POOL,
    )
    @in_one_session
    def export(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[None]:
        config = destinations.get(target.name)
        if config is None:
            hint = did_you_mean(target.name, destinations)
            raise dg.Failure(f"{where}: unknown destination {target.name!r}; {hint}", allow_retries=False)
        destination = FileDestination(settings.expand(config.path))
        sync = Sync(audience, target, config.scope, destination, catalogue)
        result = run_sync(warehouse, sync, context.run.run_id, lambda: datetime.now(UTC).replace(tzinfo=None))
        preview = masked_preview(warehouse, allowed(audience), sync.fields, catalogue, result.as_of)
        return dg.MaterializeResult(metadata=_metadata(settings, result, preview))

    return export


def _metadata(settings: Settings, result: SyncResult, preview: str) -> dict[str, dg.MetadataValue | int]:
    return {
        "dagster/row_count": result.rows_sent,
        "withheld": sum(result.withheld.values()),
        "withheld_by_reason": dg.MetadataValue.json(result.withheld),
        "as_of": dg.MetadataValue.text(result.as_of.isoformat()),
        "path": dg.MetadataValue.text(os.path.relpath(result.location, settings.root)),
        "preview": dg.MetadataValue.md(preview),
    }
