"""The scores as Dagster assets, with the checks that wrong scores would fail."""

from collections.abc import Sequence

import dagster as dg

from scv_platform.conventions import INTELLIGENCE_FRESHNESS, WAREHOUSE_POOL, in_one_session, run_as_of, table_asset
from scv_platform.intelligence.backtest import MODEL_BACKTESTS, write_backtest
from scv_platform.intelligence.churn import (
    CHURN_SCORES,
    backtest_figures,
    judge_scores,
    write_churn,
)
from scv_platform.intelligence.markdown import (
    calibration_as_markdown,
    deciles_as_markdown,
    figures_as_markdown,
    parameters_as_markdown,
    segments_as_markdown,
)
from scv_platform.intelligence.rfm import RFM, compare_with_sales, write_rfm
from scv_platform.settings import Settings
from scv_platform.warehouse import Warehouse

_SALES = dg.AssetKey(["master", "transactions"])
_RFM_KEY = dg.AssetKey([RFM.schema, RFM.name])
_BACKTESTS_KEY = dg.AssetKey([MODEL_BACKTESTS.schema, MODEL_BACKTESTS.name])
_CHURN_KEY = dg.AssetKey([CHURN_SCORES.schema, CHURN_SCORES.name])

HIGHEST_ECE = 0.10
"""A probability that is further off than this on average misleads who acts on it."""
HIGHEST_AUC = 0.95
"""No model foresees purchases this well; one that seems to has seen the answers."""


def build_intelligence_assets(settings: Settings) -> Sequence[dg.AssetsDefinition | dg.AssetChecksDefinition]:
    """Every score and its checks; they need the resource `warehouse`."""

    @table_asset(RFM, [_SALES], kinds={"sql", "table"}, freshness_policy=INTELLIGENCE_FRESHNESS)
    @in_one_session
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

    @dg.asset_check(asset=_RFM_KEY, name="has_every_buyer", blocking=True, pool=WAREHOUSE_POOL)
    def has_every_buyer(
        context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.AssetCheckResult:
        """Every customer with a sale by this run's as_of has one row of that day, and nobody else has."""
        coverage = compare_with_sales(warehouse, run_as_of(context, settings))
        return dg.AssetCheckResult(passed=coverage.is_complete, metadata=vars(coverage))

    return [rfm, has_every_buyer, *_build_churn_assets(settings)]


def _build_churn_assets(settings: Settings) -> Sequence[dg.AssetsDefinition | dg.AssetChecksDefinition]:
    @table_asset(MODEL_BACKTESTS, [_SALES], kinds={"python", "table"}, freshness_policy=INTELLIGENCE_FRESHNESS)
    @in_one_session
    def model_backtests(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        backtest = write_backtest(warehouse, run_as_of(context, settings))
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(backtest.figures),
                "origin": backtest.origin.isoformat(),
                "known_at_origin": backtest.explanation,
                "model_version": backtest.model_version,
                "figures": dg.MetadataValue.md(figures_as_markdown(backtest)),
                "calibration": dg.MetadataValue.md(calibration_as_markdown(backtest)),
            }
        )

    @table_asset(
        CHURN_SCORES,
        [dg.AssetKey(["master", "customers"]), _SALES, _BACKTESTS_KEY],
        kinds={"python", "table"},
        freshness_policy=INTELLIGENCE_FRESHNESS,
    )
    @in_one_session
    def churn_scores(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        as_of = run_as_of(context, settings)
        summary = write_churn(warehouse, as_of)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": summary.rows,
                "as_of": as_of.isoformat(),
                "scored": summary.scored,
                "ineligible": dg.MetadataValue.json(dict(summary.ineligible)),
                "deciles": dg.MetadataValue.md(deciles_as_markdown(summary)),
                "fitted_to": summary.population.explanation,
                "parameters": dg.MetadataValue.md(parameters_as_markdown(summary.population)),
                "model_version": summary.population.version,
            }
        )

    @dg.asset_check(asset=_CHURN_KEY, name="has_every_customer", blocking=True, pool=WAREHOUSE_POOL)
    def has_every_customer(
        context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.AssetCheckResult:
        """Every customer has one row of this run's as_of, with a probability from 0 to 1 or the reason for none."""
        soundness = judge_scores(warehouse, run_as_of(context, settings))
        return dg.AssetCheckResult(passed=soundness.is_sound, metadata=vars(soundness))

    @dg.asset_check(asset=_CHURN_KEY, name="forecast_well_before", pool=WAREHOUSE_POOL)
    def forecast_well_before(
        context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.AssetCheckResult:
        """In the last closed window the probabilities were right on average, and no better than a forecast can be."""
        return judge_figures(*backtest_figures(warehouse, run_as_of(context, settings)))

    return [model_backtests, churn_scores, has_every_customer, forecast_well_before]


def judge_figures(auc: float | None, ece: float | None) -> dg.AssetCheckResult:
    """A warning when the last closed window shows that the scores mislead; nothing to warn of without one."""
    if ece is None:
        return dg.AssetCheckResult(passed=True, description="too little history for a backtest")
    found = f"mean error of the probability {ece:.3f} (allowed: {HIGHEST_ECE})"
    if auc is not None:
        found += f", AUC {auc:.3f} (above {HIGHEST_AUC} something leaks)"
    return dg.AssetCheckResult(
        passed=ece <= HIGHEST_ECE and (auc is None or auc <= HIGHEST_AUC),
        severity=dg.AssetCheckSeverity.WARN,
        description=found,
        metadata={"ece": ece} | ({} if auc is None else {"auc": auc}),
    )
