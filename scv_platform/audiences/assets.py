"""Segments and audiences as Dagster assets, one per YAML file, and the wide table that shows them all.

The dependencies of a segment or audience are exactly the tables and segments that its rule reads. The age of a
membership is `audiences.definitions.last_as_of` of its (kind, name). `serving/customer_360` is the one asset that
sees every file, so it also ends the stays of files that are gone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from scv_platform.audiences.catalogue import Catalogue
from scv_platform.audiences.compiler import (
    compile_rules,
    events_read,
    fields_read,
    segments_read,
    select_seen_events,
    tables_read,
)
from scv_platform.audiences.customer_360 import (
    DESCRIPTION,
    NAME,
    SCHEMA,
    Customer360,
    count_customers,
    dated_fields,
    plan_customer_360,
)
from scv_platform.audiences.customer_360 import tables_read as wide_tables_read
from scv_platform.audiences.days import check_day
from scv_platform.audiences.definitions import Definition, Definitions, InvalidDefinition
from scv_platform.audiences.membership import MembershipSummary, close_removed, open_members, record_membership
from scv_platform.audiences.preview import masked_preview
from scv_platform.audiences.rules import Rules, Segment
from scv_platform.audiences.trend import Trend, read_trend
from scv_platform.conventions import (
    AUDIENCE_FRESHNESS,
    OWNER,
    SERVING_FRESHNESS,
    WAREHOUSE_POOL,
    WHEN_UPSTREAM_UPDATED,
    in_one_session,
    run_as_of,
)
from scv_platform.settings import Settings
from scv_platform.warehouse import Warehouse
from scv_platform.warehouse.preview import table_preview


def build_segment_assets(
    settings: Settings, definitions: Definitions, catalogue: Catalogue
) -> list[dg.AssetsDefinition]:
    """The assets of all segments and audiences, files with problems included: those fail with their problems."""
    valid: list[Definition[Rules]] = [*definitions.segments, *definitions.audiences]
    return [
        *(_membership_asset(settings, definition, catalogue, definitions.segment_versions) for definition in valid),
        *(_broken_asset(settings, definition) for definition in definitions.invalid),
    ]


def dependencies(rules: Rules, catalogue: Catalogue) -> list[dg.AssetKey]:
    """The assets whose tables and memberships the compiled rules read."""
    segments = [(Segment.group, name) for name in segments_read(rules)]
    return [dg.AssetKey(path) for path in [*tables_read(rules, catalogue), *segments]]


def _membership_asset(
    settings: Settings, definition: Definition[Rules], catalogue: Catalogue, segment_versions: Mapping[str, str]
) -> dg.AssetsDefinition:
    rules = definition.rules

    @dg.asset(
        key=[rules.group, rules.name],
        deps=dependencies(rules, catalogue),
        description=f"{rules.description}\n\nOne row per (customer, stay) in `audiences.{rules.kind}_members`.",
        group_name=rules.group,
        owners=[rules.owner],
        kinds={"yaml", "sql", settings.warehouse},
        freshness_policy=AUDIENCE_FRESHNESS,
        automation_condition=WHEN_UPSTREAM_UPDATED,
        pool=WAREHOUSE_POOL,
    )
    @in_one_session
    def membership(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        as_of = run_as_of(context, settings)
        fields = fields_read(rules, catalogue)
        check_day(warehouse, fields, catalogue, as_of)
        select = compile_rules(rules, catalogue, as_of)
        summary = record_membership(warehouse, definition, select, as_of, segment_versions)
        shown = {field.name: field for field in fields}
        preview = masked_preview(warehouse, open_members(rules.kind, rules.name), shown, catalogue, as_of)
        sql = warehouse.rendered(select)
        trend = read_trend(warehouse, rules, catalogue, as_of)
        metadata = _metadata(rules, summary, trend, sql, preview)
        if never_seen := _events_never_seen(warehouse, rules, catalogue):
            context.log.warning(f"no source ever told of {', '.join(never_seen)}; is the name of the event right?")
            metadata["events_never_seen"] = never_seen
        return dg.MaterializeResult(metadata=metadata)

    return membership


def _events_never_seen(warehouse: Warehouse, rules: Rules, catalogue: Catalogue) -> list[str]:
    """Names of events that no source ever told: a condition on them selects no one, or everyone who did not."""
    names = events_read(rules)
    seen = {row["event"] for row in warehouse.rows(select_seen_events(rules, catalogue))} if names else set()
    return [name for name in names if name not in seen]


def _metadata(rules: Rules, summary: MembershipSummary, trend: Trend, sql: str, preview: str) -> dict[str, Any]:
    return {
        "dagster/row_count": summary.members,
        "members": summary.members,
        "share_of_customers": f"{trend.share:.1%}",
        "trend": dg.MetadataValue.md(trend.markdown),
        "entered": summary.entered,
        "exited": summary.exited,
        "rule_version": rules.rule_version,
        "sql": dg.MetadataValue.md(f"```sql\n{sql}\n```"),
        "preview": dg.MetadataValue.md(preview),
    }


def _broken_asset(settings: Settings, definition: InvalidDefinition) -> dg.AssetsDefinition:
    problems = "\n".join(definition.problems)

    @dg.asset(
        key=[definition.group, definition.name],
        description=f"One row per (customer, stay), once the problems of its file are gone:\n\n{problems}",
        group_name=definition.group,
        owners=[OWNER],
        kinds={"yaml", "sql", settings.warehouse},
        freshness_policy=AUDIENCE_FRESHNESS,
    )
    def broken() -> None:
        raise dg.Failure(problems, allow_retries=False)

    return broken


def build_customer_360(
    settings: Settings, definitions: Definitions, catalogue: Catalogue
) -> Sequence[dg.AssetsDefinition | dg.AssetChecksDefinition]:
    """The wide table and its check; they need the resource `warehouse`."""
    key = dg.AssetKey([SCHEMA, NAME])
    memberships = [(d.rules.group, d.name) for d in (*definitions.segments, *definitions.audiences)]

    @dg.asset(
        key=key,
        deps=[dg.AssetKey(path) for path in [*wide_tables_read(catalogue), *memberships]],
        description=DESCRIPTION,
        group_name=SCHEMA,
        owners=[OWNER],
        kinds={"sql", "table", settings.warehouse},
        freshness_policy=SERVING_FRESHNESS,
        automation_condition=WHEN_UPSTREAM_UPDATED,
        pool=WAREHOUSE_POOL,
    )
    @in_one_session
    def customer_360(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        as_of = run_as_of(context, settings)
        check_day(warehouse, dated_fields(catalogue), catalogue, as_of)
        closed = close_removed(warehouse, definitions, as_of)
        planned = plan_customer_360(warehouse, catalogue, definitions, as_of)
        rows = warehouse.rebuild(planned.table, planned.select)
        privacy = {column.name: column.privacy for column in planned.table.columns}
        preview = table_preview(warehouse, str(planned.table), privacy, planned.table.key)
        return dg.MaterializeResult(metadata=_wide_metadata(planned, rows, closed, preview))

    @dg.asset_check(asset=key, name="one_row_per_customer", blocking=True, pool=WAREHOUSE_POOL)
    def one_row_per_customer(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        """Every customer has exactly one row, and nobody else has one."""
        counted = count_customers(warehouse, catalogue)
        return dg.AssetCheckResult(passed=counted.is_complete, metadata=vars(counted))

    return [customer_360, one_row_per_customer]


def _wide_metadata(planned: Customer360, rows: int, closed: list[str], preview: str) -> dict[str, Any]:
    columns = planned.table.columns
    return {
        "dagster/row_count": rows,
        "dagster/column_schema": dg.TableSchema(
            columns=[dg.TableColumn(c.name, c.type, c.description, tags={"privacy": str(c.privacy)}) for c in columns]
        ),
        "columns": len(columns),
        "memberships_unknown": dg.MetadataValue.json(list(planned.unknown_memberships)),
        "memberships_ended_with_their_file": dg.MetadataValue.json(closed),
        "preview": dg.MetadataValue.md(preview),
    }
