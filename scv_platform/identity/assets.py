"""What Python adds to the identity models in the asset graph: what stewards decide, and the evaluation."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from scv_platform.conventions import (
    OWNER,
    TRANSFORMATION_FRESHNESS,
    WAREHOUSE_POOL,
    in_one_session,
    run_started_at,
    table_asset,
)
from scv_platform.identity.evaluate import Evaluation, evaluate
from scv_platform.identity.evaluations import (
    EVALUATIONS,
    as_markdown,
    as_row,
    history_as_markdown,
    newest_evaluations,
    newest_with_truth,
)
from scv_platform.identity.shape import Shape, measure
from scv_platform.identity.stewardship import STEWARD_DECISIONS
from scv_platform.settings import Settings
from scv_platform.warehouse import Warehouse

STEWARD_DECISIONS_KEY = dg.AssetKey([STEWARD_DECISIONS.schema, STEWARD_DECISIONS.name])

_KEY = dg.AssetKey([EVALUATIONS.schema, EVALUATIONS.name])
_READ = ("identity_map", "source_records", "edges", "match_keys", "rule_keys")


def build_steward_decisions() -> dg.AssetSpec:
    """What the command line writes, as an external asset: each decision is a materialisation of it."""
    return dg.AssetSpec(
        key=STEWARD_DECISIONS_KEY,
        description=STEWARD_DECISIONS.description,
        group_name=STEWARD_DECISIONS.schema,
        owners=[OWNER],
        kinds={"table"},
    )


def build_identity_assets(settings: Settings) -> Sequence[dg.AssetsDefinition | dg.AssetChecksDefinition]:
    """The evaluation, and its check where there are floors to reach; they need the resource `warehouse`."""
    platform = settings.platform

    @table_asset(
        EVALUATIONS,
        deps=[dg.AssetKey(["identity", table]) for table in _READ],
        kinds={"sql", "table"},
        freshness_policy=TRANSFORMATION_FRESHNESS,
    )
    @in_one_session
    def evaluations(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        folder = settings.expand(platform.truth) if platform.truth else None
        if folder is not None and not folder.is_dir():
            context.log.warning(f"{folder} does not exist, so there is no truth to measure identities against")
            folder = None
        shape = measure(warehouse)
        found = evaluate(warehouse, folder) if folder else None
        row = as_row(shape, found, context.run.run_id, run_started_at(context).replace(tzinfo=None))
        warehouse.merge(EVALUATIONS, row)
        return dg.MaterializeResult(
            metadata={
                **_shape_metadata(shape, newest_evaluations(warehouse)),
                **(_truth_metadata(found) if found else {}),
            }
        )

    if platform.min_pair_precision is None and platform.min_pair_recall is None:
        return [evaluations]

    @dg.asset_check(asset=_KEY, name="is_good_enough", pool=WAREHOUSE_POOL)
    def is_good_enough(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        """Pair precision and recall of the newest evaluation reach the floors of platform.yml."""
        found = newest_with_truth(warehouse)
        if found is None:
            return dg.AssetCheckResult(passed=True, description="nothing was measured: there is no truth")
        floors = {"pair_precision": platform.min_pair_precision, "pair_recall": platform.min_pair_recall}
        missed = {name: floor for name, floor in floors.items() if floor is not None and found[name] < floor}
        told = ", ".join(f"{name} {found[name]:.4f} is below {floor}" for name, floor in missed.items())
        return dg.AssetCheckResult(
            passed=not missed,
            severity=dg.AssetCheckSeverity.WARN,
            description=told or "both floors are reached",
            metadata={name: found[name] for name in floors},
        )

    return [evaluations, is_good_enough]


_Metadata = dict[str, dg.MetadataValue[Any] | float | int]


def _shape_metadata(shape: Shape, history: Sequence[Mapping[str, Any]]) -> _Metadata:
    """What a person wants to see of every evaluation: ids and counts, nobody's name."""
    return {
        "published_customers": shape.customers,
        "largest_customer": shape.largest_customer,
        **({} if shape.conflict_rate is None else {"conflict_rate": shape.conflict_rate}),
        **({} if shape.holdout_recall is None else {"holdout_recall": shape.holdout_recall}),
        "largest_customers": dg.MetadataValue.md(as_markdown(shape.largest)),
        "customers_by_records": dg.MetadataValue.md(as_markdown(shape.sizes)),
        "rules": dg.MetadataValue.md(as_markdown(shape.rules)),
        "last_evaluations": dg.MetadataValue.md(history_as_markdown(history)),
    }


def _truth_metadata(found: Evaluation) -> _Metadata:
    """The same of one against a truth."""
    return {
        "pair_precision": found.precision,
        "pair_recall": found.recall,
        "pair_f1": found.f1,
        "bcubed_precision": found.bcubed_precision,
        "bcubed_recall": found.bcubed_recall,
        "bcubed_f1": found.bcubed_f1,
        "exact_people": found.exact_share,
        "records": found.records,
        "people": found.people,
        "customers": found.customers,
        "devices": found.devices,
        "devices_with_their_person": found.devices_right,
        "devices_with_another": found.devices_wrong,
        "worst_false_merges": dg.MetadataValue.md(as_markdown(found.worst)),
        "worst_false_splits": dg.MetadataValue.md(as_markdown(found.worst_splits)),
        "links_by_rule": dg.MetadataValue.md(as_markdown(found.rules)),
        "missed_merges": dg.MetadataValue.md(as_markdown(found.missed)),
        "traps": dg.MetadataValue.md(as_markdown(found.traps)),
    }
