"""What makes the graph run by itself in `dagster dev` and in a deployment. On by default."""

import dagster as dg

from scv_platform.conventions import AUTOMATION_INTERVAL_SECONDS


def build_daily_schedule() -> dg.ScheduleDefinition:
    """Everything once a day: what looks back from `as_of` changes with the day, even when no file comes."""
    return dg.ScheduleDefinition(
        name="daily",
        target=dg.AssetSelection.all(),
        cron_schedule="0 4 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Materialises the whole graph for the new day.",
    )


def build_automation_sensor() -> dg.AutomationConditionSensorDefinition:
    """Evaluates the automation conditions of all assets: what is downstream of an update is requested."""
    return dg.AutomationConditionSensorDefinition(
        "automation",
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=AUTOMATION_INTERVAL_SECONDS,
        description="Requests every asset whose upstream was updated, once no blocking check of an upstream fails.",
    )
