"""The dlt sources as Dagster assets: one function per source, one asset per raw table, loaded alone when need be."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import asdict
from typing import Any

import dagster as dg
from dagster_dlt import DagsterDltResource, dlt_assets

from scv_platform.config_files import ConfigError
from scv_platform.conventions import OWNER, WAREHOUSE_POOL
from scv_platform.ingestion.translator import ScvDltTranslator
from scv_platform.settings import Settings
from scv_platform.sources.config import Sources
from scv_platform.sources.database import Database, TableLoad, database_source, table_loads, tables_with_news
from scv_platform.sources.entities import ENTITIES
from scv_platform.sources.files.config import DATASET as FILES
from scv_platform.sources.landing import (
    LandingDataset,
    LoadSummary,
    incomplete_tables,
    landing_source,
    load_summary,
    loaded_files,
    pending_files,
    pipeline,
)
from scv_platform.warehouse import Warehouse, bind


def build_ingestion_assets(settings: Settings, sources: Sources) -> list[dg.AssetsDefinition]:
    """The raw tables of all enabled sources."""
    return [
        *(_landing_assets(settings, dataset, descriptions(sources, dataset)) for dataset in sources.landing),
        *(_database_assets(settings, database) for database in sources.databases),
    ]


def _landing_assets(settings: Settings, dataset: LandingDataset, about: Mapping[str, str]) -> dg.AssetsDefinition:
    translator = ScvDltTranslator(settings, dataset.name, about)

    @dlt_assets(
        dlt_source=landing_source(settings, dataset, frozenset()),
        dlt_pipeline=pipeline(settings, dataset.name),
        name=dataset.name,
        dagster_dlt_translator=translator,
        pool=WAREHOUSE_POOL,
    )
    def load(
        context: dg.AssetExecutionContext, dlt: DagsterDltResource, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[Any]:
        chosen = dataset.only({key.path[-1] for key in context.selected_asset_keys})
        already_loaded = loaded_files(warehouse, dataset.schema)
        found = pending_files(settings, chosen, already_loaded)
        if found.missing:
            raise ConfigError(found.missing)
        # Starting dlt costs more than looking, and most of the time there is nothing new.
        stale = chosen.only(found.tables | incomplete_tables(warehouse, chosen))
        loaded: dict[str, LoadSummary] = {}
        if stale.tables:
            # Running a source and a pipeline changes both, so each run has its own.
            source = landing_source(settings, stale, already_loaded, found.known)
            running = pipeline(settings, dataset.name)
            list(dlt.run(context=context, dlt_source=source, dlt_pipeline=running, dagster_dlt_translator=translator))
            for load_id in running.list_completed_load_packages():
                loaded |= load_summary(warehouse, dataset.schema, load_id)
        rows = row_counts(warehouse, dataset.schema, chosen.tables)
        for table in chosen.tables:
            metadata = load_metadata(loaded.get(table, LoadSummary()), rows[table])
            yield dg.MaterializeResult(asset_key=dg.AssetKey([dataset.name, table]), metadata=metadata)

    return load


def _database_assets(settings: Settings, database: Database) -> dg.AssetsDefinition:
    about = {table.name: table.description for table in database.tables.values()}
    translator = ScvDltTranslator(settings, database.name, about)

    @dlt_assets(
        dlt_source=database_source(database, None),
        dlt_pipeline=pipeline(settings, database.name),
        name=database.name,
        dagster_dlt_translator=translator,
        pool=WAREHOUSE_POOL,
    )
    def load(
        context: dg.AssetExecutionContext, dlt: DagsterDltResource, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[Any]:
        chosen = database.only({key.path[-1] for key in context.selected_asset_keys})
        news = chosen.only(tables_with_news(chosen, warehouse))
        loaded: dict[str, TableLoad] = {}
        if news.tables:
            source, running = database_source(news, warehouse), pipeline(settings, database.name)
            list(dlt.run(context=context, dlt_source=source, dlt_pipeline=running, dagster_dlt_translator=translator))
            for load_id in running.list_completed_load_packages():
                loaded |= table_loads(warehouse, news, load_id)
        rows = row_counts(warehouse, database.schema, chosen.tables)
        for table in chosen.tables:
            metadata = {"dagster/row_count": rows[table], **asdict(loaded.get(table, TableLoad()))}
            yield dg.MaterializeResult(asset_key=dg.AssetKey([database.name, table]), metadata=metadata)

    return load


def descriptions(sources: Sources, dataset: LandingDataset) -> dict[str, str]:
    """What each table of the dataset holds, with its grain, for people."""
    if dataset.name != FILES:
        return {name: sources.contracts[dataset.name].tables[name].description for name in dataset.tables}
    feeding = {name: ", ".join(mapping.source for mapping in feeds) for name, feeds in dataset.tables.items()}
    return {
        name: f"What files said about {name}, as it came, from {names}. One row per row of a file."
        for name, names in feeding.items()
    }


_LOAD_TABLES = {
    "_loaded_files": "The ledger: what was loaded of each file. One row per (source, entity, file content, mapping).",
    "_rejected_rows": "What could not be loaded, and why. One row per row that was refused.",
    "_dlt_loads": "The loads that are complete. One row per load.",
}


def build_unloaded_tables(sources: Sources, read: Set[dg.AssetKey]) -> list[dg.AssetSpec]:
    """The raw tables among those that models `read` which no enabled source loads, as external assets.

    They are empty, or written beside the rows, such as the ledger; lineage shows them with what they are.
    """
    raw = {FILES: {name: f"Rows of {name} from files. One row per row of a file." for name in ENTITIES}}
    raw |= {name: {t.name: t.description for t in c.tables.values()} for name, c in sources.contracts.items()}
    loaded = {(source.name, table) for source in sources.all for table in source.tables}
    return [
        dg.AssetSpec(
            key=key,
            description=_LOAD_TABLES.get(table) or f"Nothing in `config/sources.yml` loads it. {raw[source][table]}",
            group_name=source,
            owners=[OWNER],
            kinds={"dlt"},
        )
        for key in sorted(read)
        for source, table in [key.path]
        if source in raw and (source, table) not in loaded
    ]


def fact_times(sources: Sources) -> dict[tuple[str, str], str]:
    """(source, table) -> the column that tells when a fact happened, for the raw facts whose age is worth a check."""
    fed = {
        (dataset.name, table): {column for mapping in feeding for column in mapping.fields}
        for dataset in sources.landing
        for table, feeding in dataset.tables.items()
    }
    fed |= {
        (database.name, table.name): {column.name for column in table.columns}
        for database in sources.databases
        for table in database.tables.values()
    }
    return {fact: column for fact, column in _FACT_TIMES.items() if column in fed.get(fact, ())}


def has_sales(sources: Sources) -> bool:
    """Whether any enabled source tells of sales."""
    return any((source.name, table) in _SALES for source in sources.all for table in source.tables)


_SALES = {
    (FILES, "transactions"),
    (FILES, "transaction_lines"),
    ("shopify", "orders"),
    ("stripe", "charges"),
    ("stripe", "invoices"),
    ("salesforce", "opportunity"),
}

# Facts that come every day; tickets need not.
_FACT_TIMES = {
    (FILES, "transactions"): "occurred_at",
    (FILES, "transaction_lines"): "occurred_at",
    (FILES, "events"): "occurred_at",
    ("shopify", "orders"): "created_at",
    ("web_events", "track"): "timestamp",
    ("app_db", "sign_ins"): "signed_in_at",
}


def row_counts(warehouse: Warehouse, schema: str, tables: Iterable[str]) -> dict[str, int]:
    """How many rows each raw table has."""
    # Quoted: a call of web events is named `group`.
    counts = [f"select '{table}' as name, count(*) as n from {schema}.\"{table}\"" for table in tables]
    return {str(row["name"]): int(row["n"]) for row in warehouse.rows(bind(" union all ".join(counts)))}


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
