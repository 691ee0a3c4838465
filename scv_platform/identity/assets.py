"""What Python adds to the identity models in the asset graph: what stewards decide, likely pairs, the evaluation."""

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
from scv_platform.identity.linkage import LinkageModel, Survey
from scv_platform.identity.markdown import (
    blocks_as_markdown,
    pairs_as_markdown,
    thresholds_as_markdown,
    weights_as_markdown,
)
from scv_platform.identity.matching import (
    MATCH_MODELS,
    SCORED_PAIRS,
    forget_scores,
    newest_model,
    pairs_by_probability,
    score_changed,
    train_when_needed,
)
from scv_platform.identity.shape import READ, Shape, measure
from scv_platform.identity.stewardship import STEWARD_DECISIONS
from scv_platform.settings import Settings
from scv_platform.warehouse import Warehouse

STEWARD_DECISIONS_KEY = dg.AssetKey([STEWARD_DECISIONS.schema, STEWARD_DECISIONS.name])

_KEY = dg.AssetKey([EVALUATIONS.schema, EVALUATIONS.name])


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
        deps=[dg.AssetKey(["identity", table]) for table in READ],
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


def build_matching_assets(settings: Settings) -> Sequence[dg.AssetsDefinition]:
    """The linkage model and the pairs that it finds likely, between features and edges; they need `warehouse`."""
    features = dg.AssetKey([MATCH_MODELS.schema, "match_features"])

    @table_asset(
        MATCH_MODELS,
        deps=[features],
        kinds={"python", "table"},
        freshness_policy=TRANSFORMATION_FRESHNESS,
        config_schema={
            "on_demand": dg.Field(bool, default_value=False, description="Train, although the newest model fits.")
        },
    )
    @in_one_session
    def match_models(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        on_demand = context.op_execution_context.op_config["on_demand"]
        reason, metadata, is_new = "match_by_model is off in platform.yml", {}, False
        if settings.platform.match_by_model:
            training = train_when_needed(warehouse, run_started_at(context).replace(tzinfo=None), on_demand=on_demand)
            reason, is_new = training.reason, training.model is not None
            metadata = _training_metadata(training.survey, newest_model(warehouse))
        else:
            warehouse.ensure(MATCH_MODELS)
        if on_demand and not is_new:
            raise dg.Failure(f"no model was trained: {reason}", allow_retries=False)
        return dg.MaterializeResult(metadata={"training": reason, **metadata})

    @table_asset(
        SCORED_PAIRS,
        deps=[features, dg.AssetKey([MATCH_MODELS.schema, MATCH_MODELS.name])],
        kinds={"python", "table"},
        freshness_policy=TRANSFORMATION_FRESHNESS,
    )
    @in_one_session
    def scored_pairs(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        if not settings.platform.match_by_model:
            forget_scores(warehouse)
            return dg.MaterializeResult(metadata={"dagster/row_count": 0})
        scoring = score_changed(warehouse)
        (count,) = warehouse.rows(f"select count(*) as n from {SCORED_PAIRS}")
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": count["n"],
                "model_version": scoring.model_version or "no model",
                "records_scored": scoring.records,
                "pairs_found": scoring.pairs,
                "pairs_by_probability": dg.MetadataValue.md(pairs_as_markdown(pairs_by_probability(warehouse))),
            }
        )

    return [match_models, scored_pairs]


_Metadata = dict[str, dg.MetadataValue[Any] | float | int]


def _training_metadata(found: Survey, model: LinkageModel | None) -> _Metadata:
    """What a person wants to see of the model in use: what it would learn from, what it learned; values of nobody."""
    told: _Metadata = {
        "records": found.records,
        "fill": dg.MetadataValue.json({name: round(share, 4) for name, share in found.fill.items()}),
        "blocks": dg.MetadataValue.md(blocks_as_markdown(found, model)),
    }
    if model is None:
        return told
    return told | {
        "model_version": dg.MetadataValue.text(model.version),
        "tell_nobody_apart": dg.MetadataValue.text(", ".join(model.unreliable(found.rules.unreliable_from)) or "none"),
        "match_weights": dg.MetadataValue.md(weights_as_markdown(model)),
    }


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
        "judged_sample": dg.MetadataValue.md(as_markdown(shape.samples)),
        **(
            {"threshold_sensitivity": dg.MetadataValue.md(thresholds_as_markdown(shape.thresholds))}
            if shape.thresholds
            else {}
        ),
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
