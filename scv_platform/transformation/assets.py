"""The dbt project as two asset functions, before and after the linkage model: dbt runs at most once in each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from scv_platform.conventions import WAREHOUSE_POOL, run_as_of
from scv_platform.settings import Privacy, Settings
from scv_platform.transformation.invocation import NodeResult, build
from scv_platform.transformation.project import dbt_environment, environment
from scv_platform.transformation.translator import ScvDbtTranslator
from scv_platform.warehouse import Warehouse
from scv_platform.warehouse.preview import table_preview

_UNIQUE_ID = "dagster_dbt/unique_id"
"""The metadata in which dagster-dbt notes of which dbt node an asset or a check was made."""


def build_dbt_assets(settings: Settings, manifest: Mapping[str, Any]) -> Sequence[dg.AssetsDefinition]:
    """The assets of all dbt models and seeds, with their tests as asset checks.

    One step makes what the linkage model reads, the next what depends on the pairs that it finds. Left alone, Dagster
    would cut one step into three, and dbt would start for each.
    """
    return [
        _dbt_assets(settings, manifest, name="dbt_before_matching", exclude=_AFTER_MATCHING),
        _dbt_assets(settings, manifest, name="dbt", select=_AFTER_MATCHING),
    ]


_AFTER_MATCHING = "source:identity.match_models+ source:identity.scored_pairs+"
"""What depends on the likely pairs, in the words of dbt."""


def _dbt_assets(
    settings: Settings, manifest: Mapping[str, Any], name: str, select: str = "fqn:*", exclude: str = ""
) -> dg.AssetsDefinition:
    @dbt_assets(
        manifest=manifest,
        name=name,
        select=select,
        exclude=exclude,
        pool=WAREHOUSE_POOL,
        dagster_dbt_translator=ScvDbtTranslator(),
    )
    def dbt_models(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> Iterator[Any]:
        chosen = selected(context)
        with environment(dbt_environment(settings, run_as_of(context, settings))):
            # Beside the warehouse: the log and the compiled SQL of the last run of this step.
            result = build(settings, settings.beside_warehouse(f".{name}"), chosen)
        nodes = [node for node in result.nodes if node.unique_id in chosen]
        yield from events(nodes, chosen, shown_of_tables(nodes, manifest, warehouse))
        if result.problems:
            raise dg.Failure("\n".join(result.problems))

    return dbt_models


def selected(context: dg.AssetExecutionContext) -> dict[str, dg.AssetSpec | dg.AssetCheckSpec]:
    """The assets and checks that this step is to make, by the dbt node behind each."""
    assets = (spec for spec in context.assets_def.specs if spec.key in context.selected_asset_keys)
    checks = (spec for spec in context.assets_def.check_specs if spec.key in context.selected_asset_check_keys)
    return {str(spec.metadata[_UNIQUE_ID]): spec for spec in (*assets, *checks)}


def events(
    nodes: Sequence[NodeResult],
    chosen: Mapping[str, dg.AssetSpec | dg.AssetCheckSpec],
    shown: Mapping[str, Mapping[str, Any]],
) -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
    """What Dagster is told of each node, in the order in which dbt finished them."""
    for node in nodes:
        spec = chosen[node.unique_id]
        if isinstance(spec, dg.AssetCheckSpec) and node.status != "skipped":
            yield check_result(node, spec)
        elif isinstance(spec, dg.AssetSpec) and node.status in _BUILT:
            metadata = {**_told(node), **shown.get(node.unique_id, {})}
            yield dg.Output(None, output_name=spec.key.to_python_identifier(), metadata=metadata)


def _told(node: NodeResult) -> dict[str, Any]:
    """What dbt says of a node that ran."""
    return {"unique_id": node.unique_id, "seconds": node.seconds, **node.bill.metadata}


_BUILT = {"success", "no-op"}


def check_result(node: NodeResult, spec: dg.AssetCheckSpec) -> dg.AssetCheckResult:
    """A dbt test as the result of an asset check."""
    failures = {} if node.failures is None else {"dagster_dbt/failed_row_count": node.failures}
    severity = dg.AssetCheckSeverity.WARN if node.status == "warn" else dg.AssetCheckSeverity.ERROR
    return dg.AssetCheckResult(
        passed=node.status == "pass",
        asset_key=spec.asset_key,
        check_name=spec.name,
        severity=severity,
        description=node.problem or None,
        metadata={**_told(node), **failures},
    )


def shown_of_tables(
    nodes: Iterable[NodeResult], manifest: Mapping[str, Any], warehouse: Warehouse
) -> dict[str, dict[str, Any]]:
    """By dbt node: the rows of each table that was built, and a masked preview of what is published."""
    built = {node.unique_id: manifest["nodes"][node.unique_id] for node in nodes if node.status in _BUILT}
    tables = {name: node for name, node in built.items() if node["config"]["materialized"] not in {"view", "ephemeral"}}
    if not tables:
        return {}
    selects = (f"select '{name}' as name, count(*) as n from {_relation(node)}" for name, node in tables.items())
    with warehouse.session("dbt"):
        counts = {row["name"]: row["n"] for row in warehouse.rows(" union all ".join(selects))}
        return {
            name: {
                "dagster/row_count": counts[name],
                **({"preview": preview(node, warehouse)} if _is_published(node) else {}),
            }
            for name, node in tables.items()
        }


def _relation(node: Mapping[str, Any]) -> str:
    # Without the prefix of datasets, which the warehouse puts before every name.
    return f"{node['config']['schema']}.{node['name']}"


def _is_published(node: Mapping[str, Any]) -> bool:
    return bool(node["config"]["contract"]["enforced"])


def preview(node: Mapping[str, Any], warehouse: Warehouse) -> dg.MetadataValue[str]:
    """The first rows of a published model by its first column; a column without a privacy class is not shown."""
    privacy = {
        name: Privacy(column["config"]["meta"].get("privacy", Privacy.SENSITIVE))
        for name, column in node["columns"].items()
    }
    return dg.MetadataValue.md(table_preview(warehouse, _relation(node), privacy, [next(iter(privacy))]))
