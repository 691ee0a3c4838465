"""The no-code files as Dagster assets: one per entity that a source feeds, over all sources that feed it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import dagster as dg
from dagster_dlt import DagsterDltResource, dlt_assets
from dlt import Pipeline

from scv_platform.conventions import OWNER, WAREHOUSE_POOL
from scv_platform.ingestion.translator import ScvDltTranslator
from scv_platform.settings import Settings
from scv_platform.sources.entities import ENTITIES
from scv_platform.sources.files import FileSource, LoadSummary, files_source, load_summary, loaded_files, pipeline
from scv_platform.warehouse import Warehouse

SOURCE = "files"


def build_files_assets(settings: Settings, sources: Sequence[FileSource]) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """The raw tables of all file sources, and the other tables of their schema as external assets."""
    fed = fed_entities(sources)
    descriptions = {name: _description(name, feeding) for name, feeding in fed.items()}
    translator = ScvDltTranslator(settings, SOURCE, descriptions)

    @dlt_assets(
        dlt_source=files_source(settings, sources, frozenset()),
        dlt_pipeline=pipeline(settings),
        name=SOURCE,
        dagster_dlt_translator=translator,
        pool=WAREHOUSE_POOL,
    )
    def files(
        context: dg.AssetExecutionContext, dlt: DagsterDltResource, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[Any]:
        # Running a source and a pipeline changes both, so each run has its own.
        source, load = files_source(settings, sources, loaded_files(warehouse)), pipeline(settings)
        run = dlt.run(context=context, dlt_source=source, dlt_pipeline=load, dagster_dlt_translator=translator)
        yield from with_load_metadata(list(run), load, warehouse)

    return [files, *(_external_table(name) for name in [*ENTITIES, *_LOAD_TABLES] if name not in fed)]


_LOAD_TABLES = {
    "_loaded_files": "The ledger: what was loaded of each file. One row per (source, entity, file content, mapping).",
    "_rejected_rows": "What could not be loaded, and why. One row per row of a file.",
    "_dlt_loads": "The loads that are complete. One row per load.",
}


def _external_table(name: str) -> dg.AssetSpec:
    nobody = f"No source in `config/sources.yml` feeds it yet. One row per row of a file of {name}."
    return dg.AssetSpec(
        key=[SOURCE, name],
        description=_LOAD_TABLES.get(name, nobody),
        group_name=SOURCE,
        owners=[OWNER],
        kinds={"dlt"},
    )


def fed_entities(sources: Sequence[FileSource]) -> dict[str, list[str]]:
    """The names of the sources that feed each entity, for the entities that any feeds."""
    feeding = {
        entity: [source.name for source in sources if any(m.entity.name == entity for m in source.mappings)]
        for entity in ENTITIES
    }
    return {entity: names for entity, names in feeding.items() if names}


def fact_times(sources: Sequence[FileSource]) -> dict[str, str]:
    """The column that tells when a fact happened, for each entity of facts that a source feeds with one."""
    mappings = [mapping for source in sources for mapping in source.mappings]
    return {
        entity: column
        for entity, column in _FACT_TIMES.items()
        if any(mapping.entity.name == entity and column in mapping.fields for mapping in mappings)
    }


_FACT_TIMES = {"transactions": "occurred_at", "transaction_lines": "occurred_at", "events": "occurred_at"}


def _description(entity: str, sources: Sequence[str]) -> str:
    return f"What files said about {entity}, as it came, from {', '.join(sources)}. One row per row of a file."


def with_load_metadata(events: Iterable[Any], pipeline: Pipeline, warehouse: Warehouse) -> Iterator[Any]:
    """The events of a dlt run, with what people want to know of the load instead of dlt's job list."""
    loaded: dict[str, LoadSummary] = {}
    for load_id in pipeline.list_completed_load_packages():
        loaded |= load_summary(warehouse, load_id)
    for event in events:
        entity = event.asset_key.path[-1]
        (total,) = warehouse.rows(f"select count(*) as n from raw_{SOURCE}.{entity}")
        yield event._replace(metadata=load_metadata(loaded.get(entity, LoadSummary()), total["n"]))


def load_metadata(loaded: LoadSummary, rows_in_table: int) -> dict[str, Any]:
    """What the Dagster UI shows of a load; reasons and file names only, never a value of a row."""
    reasons = (f"| {reason} | {rows:,} |" for reason, rows in loaded.skipped.items())
    skipped = "\n".join(["| reason | rows |", "|---|--:|", *reasons])
    return {
        "dagster/row_count": rows_in_table,
        "files_loaded": loaded.files,
        "rows_loaded": loaded.rows_loaded,
        "rows_rejected": loaded.rows_rejected,
        "rows_skipped": loaded.rows_skipped,
        **({"skipped": dg.MetadataValue.md(skipped)} if loaded.skipped else {}),
        **({"unreadable_files": list(loaded.unreadable)} if loaded.unreadable else {}),
    }
