"""What makes the graph run by itself in `dagster dev` and in a deployment. On by default."""

import dagster as dg

from scv_platform.conventions import AUTOMATION_INTERVAL_SECONDS


def build_automation_sensor() -> dg.AutomationConditionSensorDefinition:
    """Evaluates the automation conditions of all assets: what is downstream of an update is requested."""
    return dg.AutomationConditionSensorDefinition(
        "automation",
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=AUTOMATION_INTERVAL_SECONDS,
        description="Requests every asset whose upstream was updated, once no blocking check of an upstream fails.",
    )
