"""How a dlt resource becomes a Dagster asset: its key is `[source, table]`, with the conventions of the platform."""

from collections.abc import Mapping

import dagster as dg
from dagster_dlt import DagsterDltTranslator
from dagster_dlt.translator import DltResourceTranslatorData

from scv_platform import conventions
from scv_platform.settings import Settings


class ScvDltTranslator(DagsterDltTranslator):
    """Adds group, owner, kinds and freshness, and the real key instead of dlt's."""

    def __init__(self, settings: Settings, source: str, descriptions: Mapping[str, str]) -> None:
        super().__init__()
        self._settings = settings
        self._source = source
        self._descriptions = descriptions

    def get_asset_spec(self, data: DltResourceTranslatorData) -> dg.AssetSpec:
        """The default spec, with the conventions of the platform."""
        name = data.resource.name
        return (
            super()
            .get_asset_spec(data)
            .replace_attributes(
                key=dg.AssetKey([self._source, name]),
                # dlt's own idea of an upstream is an asset that nobody makes.
                deps=[],
                description=self._descriptions[name],
                group_name=self._source,
                owners=[conventions.OWNER],
                kinds={"dlt", self._settings.warehouse},
                freshness_policy=conventions.INGESTION_FRESHNESS,
            )
        )
