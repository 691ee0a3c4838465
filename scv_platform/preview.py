"""`scv identity preview`: dbt builds the identity models aside, and what they would change is told."""

from collections.abc import Sequence

from scv_platform.identity.preview import LAST_MODEL, READ_MODELS, SUFFIX, Preview, preview
from scv_platform.run import warehouse_lock
from scv_platform.settings import Settings
from scv_platform.transformation.invocation import build_aside
from scv_platform.transformation.project import dbt_environment, environment
from scv_platform.warehouse import Warehouse


def preview_identity(settings: Settings, warehouse: Warehouse, show: bool = False) -> Preview:
    """What the next run would do to the customers by the rules as they are on disk; no run works meanwhile."""

    def build() -> Sequence[str]:
        with environment(dbt_environment(settings)):
            target = settings.beside_warehouse(".preview")
            return build_aside(settings, target, LAST_MODEL, READ_MODELS, SUFFIX).problems

    with warehouse_lock(settings):
        return preview(warehouse, build, show)
