"""The table of contents: every asset, check, sensor and resource of the platform, from one `Settings`."""

import dagster as dg
from dagster_dlt import DagsterDltResource

from scv_platform.activation.assets import build_export_assets
from scv_platform.activation.config import load_destinations
from scv_platform.audiences.assets import build_customer_360, build_segment_assets
from scv_platform.audiences.catalogue import Catalogue
from scv_platform.audiences.definitions import load_definitions
from scv_platform.automation import build_alert_sensors, build_automation_sensor, build_daily_schedule
from scv_platform.identity.assets import build_identity_assets, build_matching_assets, build_steward_decisions
from scv_platform.ingestion.assets import build_ingestion_assets, build_unloaded_tables, fact_times, has_sales
from scv_platform.ingestion.quarantine import build_quarantine_checks
from scv_platform.ingestion.sensors import build_source_sensors
from scv_platform.intelligence.assets import build_intelligence_assets
from scv_platform.intelligence.churn import CHURN_SCORES
from scv_platform.intelligence.rfm import RFM
from scv_platform.quality.data_age import build_data_age_checks
from scv_platform.quality.layers import layer_ages
from scv_platform.settings import Settings
from scv_platform.sources.config import load_sources
from scv_platform.transformation.assets import build_dbt_assets
from scv_platform.transformation.project import load_manifest
from scv_platform.warehouse.choice import warehouse_of


def build_definitions(settings: Settings) -> dg.Definitions:
    """The whole graph for these settings. Raises `ConfigError` for sources or destinations that are wrong."""
    sources = load_sources(settings)
    warehouse = warehouse_of(settings)
    manifest = load_manifest(settings)
    catalogue = Catalogue.build(manifest, settings, scores=[RFM, CHURN_SCORES])
    rules = load_definitions(settings.config, catalogue)
    destinations = load_destinations(settings)
    ages = layer_ages(
        facts=fact_times(sources),
        has_sales=has_sales(sources),
        memberships=[(d.rules.group, d.rules.kind, d.name) for d in (*rules.segments, *rules.audiences)],
        exports=[(target.name, d.name) for d in rules.audiences for target in d.rules.destinations],
    )
    dbt_models = build_dbt_assets(settings, manifest)
    assets: list[dg.AssetsDefinition | dg.AssetSpec] = [
        *build_ingestion_assets(settings, sources),
        *build_unloaded_tables(sources, {key for models in dbt_models for key in models.dependency_keys}),
        *dbt_models,
        build_steward_decisions(),
        *build_matching_assets(settings),
        *build_identity_assets(settings),
        *build_intelligence_assets(settings),
        *build_segment_assets(settings, rules, catalogue),
        *build_customer_360(settings, rules, catalogue),
        *build_export_assets(settings, rules, catalogue, destinations),
    ]
    return dg.Definitions(
        assets=assets,
        asset_checks=[build_quarantine_checks(sources), *build_data_age_checks(settings, ages)],
        schedules=[build_daily_schedule()],
        sensors=[
            *build_source_sensors(settings, sources, warehouse),
            build_automation_sensor(),
            *build_alert_sensors(settings, assets),
        ],
        resources={
            "warehouse": warehouse,
            "dlt": DagsterDltResource(),
        },
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev` loads."""
    return build_definitions(Settings.load())
