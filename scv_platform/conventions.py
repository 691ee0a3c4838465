"""Conventions of the asset graph: owners, pools, freshness by layer, automation, the day of a run.

Everything that assets of different layers must agree on stands here once.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from scv_platform.settings import Settings
from scv_platform.warehouse import Table, Warehouse

OWNER = "team:data-platform"
"""Owner of every asset that no one else claims."""

WAREHOUSE_POOL = "warehouse"
"""Pool of every step that touches the warehouse; `dagster.yaml` lets one step at a time into a pool."""


_MAX_AGES: dict[dg.FreshnessPolicy, timedelta] = {}


def _stale_after(hours: int) -> dg.FreshnessPolicy:
    """A policy on the age of the last materialisation; the age of the data is a check of its own."""
    window = timedelta(hours=hours)
    policy = dg.FreshnessPolicy.time_window(fail_window=window, warn_window=window * 0.75)
    _MAX_AGES[policy] = window
    return policy


def max_age(policy: dg.FreshnessPolicy) -> timedelta:
    """After how long without a materialisation an asset of that policy is out of date."""
    return _MAX_AGES[policy]


INGESTION_FRESHNESS = _stale_after(24 * 7)
"""Files come when they come: a raw table may rest for a week."""
TRANSFORMATION_FRESHNESS = _stale_after(36)
"""Models are built daily, with half a day to spare."""
INTELLIGENCE_FRESHNESS = _stale_after(36)
"""Scores follow the models."""
AUDIENCE_FRESHNESS = _stale_after(36)
"""Memberships follow the scores."""
SERVING_FRESHNESS = _stale_after(36)
"""What reports read follows the memberships."""
EXPORT_FRESHNESS = _stale_after(36)
"""Destinations follow the memberships."""

WHEN_UPSTREAM_UPDATED = (
    dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing())
    & dg.AutomationCondition.all_deps_blocking_checks_passed()
)
"""Fires when an upstream asset was updated and no blocking check of an upstream fails. Unlike plain
`eager()` it also fires while some upstream was never materialised, and holds back behind a failed check."""


AUTOMATION_INTERVAL_SECONDS = 10
"""How often sensors look for new files and for assets to update."""


def table_asset(
    table: Table,
    deps: Iterable[dg.AssetKey],
    kinds: set[str],
    freshness_policy: dg.FreshnessPolicy,
    output_required: bool = True,
    config_schema: Mapping[str, dg.Field] | None = None,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """The decorator of the function that writes a table which Python owns: key, description and group are its own."""
    return dg.asset(
        key=[table.schema, table.name],
        deps=deps,
        description=table.description,
        group_name=table.schema,
        owners=[OWNER],
        kinds=kinds,
        pool=WAREHOUSE_POOL,
        freshness_policy=freshness_policy,
        automation_condition=WHEN_UPSTREAM_UPDATED,
        output_required=output_required,
        config_schema=config_schema,
    )


def in_one_session(
    asset: Callable[[dg.AssetExecutionContext, Warehouse], dg.MaterializeResult[None]],
) -> Callable[[dg.AssetExecutionContext, dg.ResourceParam[Warehouse]], dg.MaterializeResult[None]]:
    """The function of an asset, in one session of the warehouse: its jobs bear the key, its metadata tells the bill."""
    if inspect.isgeneratorfunction(asset):
        raise TypeError(f"{asset.__qualname__} is a generator, which would leave its session before it ends")

    @functools.wraps(asset)
    def materialise(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        with warehouse.session(context.asset_key.to_user_string()) as bill:
            result = asset(context, warehouse)
        return result._replace(metadata={**(result.metadata or {}), **bill.metadata})

    return materialise


def run_started_at(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> datetime:
    """When this run was made, in UTC: the same for each of its steps, whenever they start."""
    record = context.instance.get_run_record_by_id(context.run.run_id)
    if record is None:
        raise RuntimeError(f"run {context.run.run_id} is not in the Dagster instance, so its time is unknown")
    made: datetime = record.create_timestamp
    return made.astimezone(UTC)


def run_as_of(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext, settings: Settings) -> date:
    """The day that bounds this run."""
    return settings.resolve_as_of(run_started_at(context))
