"""The scores as Dagster assets, with the checks that wrong scores would fail."""

from collections.abc import Sequence

import dagster as dg

from scv_platform.conventions import INTELLIGENCE_FRESHNESS, OWNER, WAREHOUSE_POOL, WHEN_UPSTREAM_UPDATED, run_as_of
from scv_platform.intelligence.rfm import RFM, RfmSummary, compare_with_sales, write_rfm
from scv_platform.settings import Settings
from scv_platform.warehouse import Warehouse

_KEY = dg.AssetKey([RFM.schema, RFM.name])
_BAR_WIDTH = 30


def build_intelligence_assets(settings: Settings) -> Sequence[dg.AssetsDefinition | dg.AssetChecksDefinition]:
    """Every score and its checks; they need the resource `warehouse`."""

    @dg.asset(
        key=_KEY,
        deps=[dg.AssetKey(["master", "transactions"])],
        description=RFM.description,
        group_name=RFM.schema,
        owners=[OWNER],
        kinds={"sql", "table"},
        pool=WAREHOUSE_POOL,
        freshness_policy=INTELLIGENCE_FRESHNESS,
        automation_condition=WHEN_UPSTREAM_UPDATED,
    )
    def rfm(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[None]:
        as_of = run_as_of(context, settings)
        summary = write_rfm(warehouse, as_of)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": summary.rows,
                "as_of": as_of.isoformat(),
                "model_version": summary.model_version,
                "segments": dg.MetadataValue.md(segments_as_markdown(summary)),
            }
        )

    @dg.asset_check(asset=_KEY, name="has_every_buyer", blocking=True, pool=WAREHOUSE_POOL)
    def has_every_buyer(
        context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.AssetCheckResult:
        """Every customer with a sale by this run's as_of has one row of that day, and nobody else has."""
        coverage = compare_with_sales(warehouse, run_as_of(context, settings))
        return dg.AssetCheckResult(passed=coverage.is_complete, metadata=vars(coverage))

    return [rfm, has_every_buyer]


def segments_as_markdown(summary: RfmSummary) -> str:
    """A table of the segments, with a bar for the share of customers in each."""
    lines = ["| segment | customers | share | net revenue | | meaning |", "|---|--:|--:|--:|---|---|"]
    for row in summary.segments:
        share = row.customers / summary.rows if summary.rows else 0.0
        bar = "█" * round(share * _BAR_WIDTH)
        lines.append(
            f"| {row.segment} | {row.customers:,} | {share:.0%} | {row.monetary:,.2f} | {bar} | {row.description} |"
        )
    return "\n".join(lines)
