"""The dbt project as one asset function: Dagster selects models inside it, dbt runs at most once a step."""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from scv_platform.conventions import WAREHOUSE_POOL, run_as_of
from scv_platform.settings import Settings
from scv_platform.transformation.project import dbt_environment, environment
from scv_platform.transformation.translator import ScvDbtTranslator
from scv_platform.warehouse import Warehouse


def build_dbt_assets(settings: Settings, manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The assets of all dbt models and seeds, with their tests as asset checks."""
    relations = stored_relations(manifest)

    @dbt_assets(manifest=manifest, name="dbt", pool=WAREHOUSE_POOL, dagster_dbt_translator=ScvDbtTranslator())
    def dbt_models(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[Any]:
        with environment(dbt_environment(settings, run_as_of(context, settings))):
            # Beside the warehouse: the logs, the compiled SQL and the results of its last dbt run.
            target = fresh_folder(settings.duckdb_path.with_suffix(".dbt"))
            # Unit tests judge the models, not the data: they run in `make test`.
            arguments = ["build", "--exclude-resource-type", "unit_test"]
            invocation = dbt.cli(arguments, context=context, target_path=target, raise_on_error=False)
            # dbt holds the warehouse file until it ends, so rows can only be counted afterwards.
            events = list(invocation.stream())
        yield from with_row_counts(events, relations, warehouse)
        if not invocation.is_successful():
            raise dg.Failure(why_dbt_failed(target))

    return dbt_models


def fresh_folder(folder: Path) -> Path:
    """That folder, empty, so that what lies in it is of this run."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def why_dbt_failed(target: Path) -> str:
    """A line for each model and test that failed, and where to read on.

    The message of an error stays in the log: it may quote a value of a row, and run history is no place for one.
    """
    results = target / "run_results.json"
    rows = json.loads(results.read_text())["results"] if results.exists() else []
    failed = [row for row in rows if row["status"] in {"error", "fail"}]
    lines = [f"{row['unique_id']}: {row['message'] if row['status'] == 'fail' else 'error'}" for row in failed]
    return "\n".join([*lines, f"dbt build failed; see {target / 'dbt.log'}"])


def stored_relations(manifest: Mapping[str, Any]) -> dict[str, str]:
    """`schema.table` by Dagster output name, of every model and seed that is stored as a table."""
    return {
        dg.AssetKey([node["schema"], node["name"]]).to_python_identifier(): f"{node['schema']}.{node['name']}"
        for node in manifest["nodes"].values()
        if node["resource_type"] in {"model", "seed"} and node["config"]["materialized"] not in {"view", "ephemeral"}
    }


def with_row_counts(events: Iterable[Any], relations: Mapping[str, str], warehouse: Warehouse) -> Iterator[Any]:
    """The events of a dbt run, each output of a stored table with its number of rows."""
    events = list(events)
    built = {event.output_name: relations[event.output_name] for event in events if _builds(event, relations)}
    counts: dict[str, int] = {}
    if built:
        selects = (f"select '{name}' as name, count(*) as n from {table}" for name, table in built.items())
        union = " union all ".join(selects)
        counts = {row["name"]: row["n"] for row in warehouse.rows(union)}
    for event in events:
        if _builds(event, relations):
            metadata = {**event.metadata, "dagster/row_count": counts[event.output_name]}
            yield dg.Output(value=None, output_name=event.output_name, metadata=metadata)
        else:
            yield event


def _builds(event: Any, relations: Mapping[str, str]) -> bool:
    return isinstance(event, dg.Output) and event.output_name in relations
