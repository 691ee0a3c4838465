"""How a dbt resource becomes a Dagster asset: its key is `[schema, model]`, its group its schema."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

from scv_platform import conventions


class ScvDbtTranslator(DagsterDbtTranslator):
    """Adds what every asset of the platform has: group, owner, freshness and automation."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """The default spec, with the conventions of the platform."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = manifest["nodes"].get(unique_id)
        if node is None:
            return spec
        return spec.replace_attributes(
            group_name=node["config"]["schema"],
            owners=[conventions.OWNER],
            freshness_policy=conventions.TRANSFORMATION_FRESHNESS,
            automation_condition=conventions.WHEN_UPSTREAM_UPDATED,
        )
