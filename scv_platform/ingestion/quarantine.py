"""Shows what could not be loaded, on the asset it was meant for."""

from collections.abc import Iterator

import dagster as dg

from scv_platform.conventions import WAREHOUSE_POOL
from scv_platform.sources.config import Sources
from scv_platform.sources.database import Database
from scv_platform.sources.database import rows_in_quarantine as database_rows_in_quarantine
from scv_platform.sources.landing import LandingDataset
from scv_platform.warehouse import Warehouse

_REJECTED = """
with
loaded as (
    select
        files.source,
        files.entity,
        files.file,
        files.rows_rejected,
        files.file_hash,
        files._dlt_load_id,
        row_number() over (
            partition by files.source, files.entity, files.file_hash
            order by files._dlt_load_id desc, files.file
        ) as newest_of_content
    from {schema}._loaded_files as files
    join {schema}._dlt_loads as loads on files._dlt_load_id = loads.load_id and loads.status = 0
),

named as (
    select
        entity,
        rows_rejected,
        row_number() over (
            partition by source, entity, file
            order by _dlt_load_id desc, file_hash
        ) as newest_of_name
    from loaded
    where newest_of_content = 1
)

select entity, sum(rows_rejected) as n from named where newest_of_name = 1 group by entity
"""


def rows_in_quarantine(warehouse: Warehouse, source: LandingDataset | Database) -> dict[str, int]:
    """Rows of each table in `quarantine.rejected_rows`; of files counted in the ledger, which is there before it."""
    if isinstance(source, Database):
        return database_rows_in_quarantine(warehouse, source)
    return {str(row["entity"]): int(row["n"]) for row in warehouse.rows(_REJECTED.format(schema=source.schema))}


def build_quarantine_checks(sources: Sources) -> dg.AssetChecksDefinition:
    """A check on every raw table, which warns while rows of it lie in quarantine; all in one step, which costs less."""
    loaded = {source.name: source for source in sources.all}
    specs = [
        dg.AssetCheckSpec(
            "no_rows_in_quarantine",
            asset=dg.AssetKey([source.name, table]),
            description="Every row could be loaded. Those that could not are in quarantine.rejected_rows.",
        )
        for source in loaded.values()
        for table in source.tables
    ]

    @dg.multi_asset_check(name="quarantine", specs=specs, can_subset=True, pool=WAREHOUSE_POOL)
    def quarantine(
        context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.AssetCheckResult]:
        chosen = context.selected_asset_check_keys
        names = {key.asset_key.path[0] for key in chosen}
        rejected = {name: rows_in_quarantine(warehouse, loaded[name]) for name in names}
        for key in sorted(chosen):
            source, table = key.asset_key.path
            rows = rejected[source].get(table, 0)
            yield dg.AssetCheckResult(
                asset_key=key.asset_key,
                check_name=key.name,
                passed=rows == 0,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"rows_in_quarantine": rows},
            )

    return quarantine
