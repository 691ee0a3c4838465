"""The evaluation of identities as a Dagster asset, where `config/platform.yml` names a truth to measure against."""

from collections.abc import Iterator, Sequence

import dagster as dg

from scv_platform.conventions import TRANSFORMATION_FRESHNESS, WAREHOUSE_POOL, run_started_at, table_asset
from scv_platform.identity.evaluate import EVALUATIONS, Evaluation, as_markdown, as_row, evaluate, newest_evaluation
from scv_platform.settings import Settings
from scv_platform.warehouse import Warehouse

_KEY = dg.AssetKey([EVALUATIONS.schema, EVALUATIONS.name])


def build_identity_assets(settings: Settings) -> Sequence[dg.AssetsDefinition | dg.AssetChecksDefinition]:
    """The evaluation and its check where there is a truth, else nothing; they need the resource `warehouse`."""
    platform = settings.platform
    if platform.truth is None:
        return []
    truth = platform.truth

    @table_asset(
        EVALUATIONS,
        deps=[dg.AssetKey(["identity", "identity_map"]), dg.AssetKey(["identity", "edges"])],
        kinds={"sql", "table"},
        freshness_policy=TRANSFORMATION_FRESHNESS,
        output_required=False,
    )
    def evaluations(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.MaterializeResult[None]]:
        folder = settings.expand(truth)
        if not folder.is_dir():
            context.log.warning(f"{folder} does not exist, so there is nothing to measure identities against")
            return
        with warehouse.session(context.asset_key.to_user_string()) as bill:
            found = evaluate(warehouse, folder)
            evaluated_at = run_started_at(context).replace(tzinfo=None)
            warehouse.merge(EVALUATIONS, as_row(found, context.run.run_id, evaluated_at))
        yield dg.MaterializeResult(metadata={**evaluation_metadata(found), **bill.metadata})

    if platform.min_pair_precision is None and platform.min_pair_recall is None:
        return [evaluations]

    @dg.asset_check(asset=_KEY, name="is_good_enough", pool=WAREHOUSE_POOL)
    def is_good_enough(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        """Pair precision and recall of the newest evaluation reach the floors of platform.yml."""
        found = newest_evaluation(warehouse)
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


def evaluation_metadata(found: Evaluation) -> dict[str, dg.MetadataValue | float | int | str]:
    """What a person wants to see of an evaluation: ids and counts, nobody's name."""
    return {
        "pair_precision": found.precision,
        "pair_recall": found.recall,
        "pair_f1": found.f1,
        "records": found.records,
        "people": found.people,
        "customers": found.customers,
        "devices": found.devices,
        "devices_with_their_person": found.devices_right,
        "devices_with_another": found.devices_wrong,
        "worst_false_merges": dg.MetadataValue.md(as_markdown(found.worst)),
        "links_by_rule": dg.MetadataValue.md(as_markdown(found.rules)),
        "missed_merges": dg.MetadataValue.md(as_markdown(found.missed)),
        "traps": dg.MetadataValue.md(as_markdown(found.traps)),
    }
