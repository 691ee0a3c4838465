"""Shows what could not be loaded, on the asset it was meant for."""

from collections.abc import Sequence

import dagster as dg

from scv_platform.conventions import WAREHOUSE_POOL
from scv_platform.ingestion.assets import SOURCE, fed_entities
from scv_platform.sources.files import FileSource
from scv_platform.warehouse import Warehouse, bind

_REJECTED = f"""
with
newest_loads as (
    select
        files.rows_rejected,
        row_number() over (
            partition by files.source, files.file_hash
            order by files._dlt_load_id desc
        ) as newest
    from raw_{SOURCE}._loaded_files as files
    join raw_{SOURCE}._dlt_loads as loads on files._dlt_load_id = loads.load_id and loads.status = 0
    where files.entity = :entity
)

select coalesce(sum(rows_rejected), 0) as n from newest_loads where newest = 1
"""


def rows_in_quarantine(warehouse: Warehouse, entity: str) -> int:
    """Rows of that entity in `quarantine.rejected_rows`, counted in the ledger, which is there before the view."""
    (row,) = warehouse.rows(bind(_REJECTED, entity=entity))
    return int(row["n"])


def build_quarantine_checks(sources: Sequence[FileSource]) -> list[dg.AssetChecksDefinition]:
    """One check for each entity that a source feeds; it warns while rows of it lie in quarantine."""
    return [_quarantine_check(entity) for entity in fed_entities(sources)]


def _quarantine_check(entity: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=dg.AssetKey([SOURCE, entity]),
        name="no_rows_in_quarantine",
        description="Every row of the files could be loaded. Those that could not are in quarantine.rejected_rows.",
        pool=WAREHOUSE_POOL,
    )
    def no_rows_in_quarantine(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        rows = rows_in_quarantine(warehouse, entity)
        return dg.AssetCheckResult(
            passed=rows == 0, severity=dg.AssetCheckSeverity.WARN, metadata={"rows_in_quarantine": rows}
        )

    return no_rows_in_quarantine
