"""What makes the graph run by itself in `dagster dev` and in a deployment, and tells people when it does not.

All of it is on by default.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from scv_platform.alerts import Alert, AlertKind, Surroundings, deliver
from scv_platform.conventions import AUTOMATION_INTERVAL_SECONDS, max_age
from scv_platform.errors import ReadableError
from scv_platform.settings import Settings

_FRESHNESS_INTERVAL_SECONDS = 900
"""How often the age of the assets is looked at."""


def build_daily_schedule() -> dg.ScheduleDefinition:
    """Everything once a day: what looks back from `as_of` changes with the day, even when no file comes.

    Soon after midnight, so that a file of the new day finds scores and segments of that day.
    """
    return dg.ScheduleDefinition(
        name="daily",
        target=dg.AssetSelection.all(),
        cron_schedule="5 0 * * *",
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


def notify(settings: Settings, alert: Alert) -> list[str]:
    """Send an alert through the channels of platform.yml; a line for each channel that did not take it."""
    return deliver(alert, settings.platform.alerts, Surroundings(settings.environment, settings.expand))


@dataclass(frozen=True)
class Problem:
    """Something that did not pass in a run."""

    kind: str
    """`step`, `check` or `run`."""
    subject: str
    reason: str
    """The whole reason, which may quote a row: for the person in front of the screen only."""
    safe_reason: str
    """The reason as it may be sent and stored."""

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}"


def problems_of(events: Iterable[dg.DagsterEvent]) -> Iterator[Problem]:
    """Each failed step, or why the run failed without one; each check of severity error that did not pass."""
    events = list(events)
    steps = [event for event in events if event.is_step_failure]
    for event in steps:
        yield Problem("step", str(event.step_key), *_reasons(event.step_failure_data.error))
    if not steps:
        for event in events:
            if event.is_run_failure:
                yield Problem("run", "run", *_reasons(event.job_failure_data.error, event.message))
    for event in events:
        if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR:
                subject = f"check {check.check_name} of {check.asset_key.to_user_string()}"
                reason = check.description or "failed"
                yield Problem("check", subject, reason, reason)


def _reasons(error: Any, otherwise: str | None = None) -> tuple[str, str]:
    """Why, as it was said, and as it may be stored: the text of an error that is not ours may quote a row."""
    if error is None:
        reason = otherwise or "no reason was recorded"
        return reason, reason
    while error.cause is not None:
        error = error.cause
    # Dagster writes "<module>.<class>: <text>".
    reason, name = error.message.strip(), str(error.cls_name or "error")
    if name in ReadableError.names() | {dg.Failure.__name__}:
        reason = reason.partition(f"{name}: ")[2] or reason
        return reason, reason
    return reason, f"{name}; the run in the UI has its text"


def build_alert_sensors(
    settings: Settings,
    assets: Iterable[dg.AssetsDefinition | dg.AssetSpec],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Sequence[dg.SensorDefinition]:
    """Sensors that tell people of failed runs, failed checks and assets that were not updated in time.

    `scv run` tells of its own runs, so that nothing is told twice.
    """
    made = [spec for item in assets if isinstance(item, dg.AssetsDefinition) for spec in item.specs]
    return [_failed_runs(settings), _failed_checks(settings), _stale_assets(settings, made, now)]


def _failed_runs(settings: Settings) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="tell_of_failed_runs",
        minimum_interval_seconds=AUTOMATION_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells of every run that failed: which steps and checks, and why.",
    )
    def tell_of_failed_runs(context: dg.RunFailureSensorContext) -> None:
        _tell(context, settings, failed_run(settings, context.dagster_run.run_id, _problems_of_run(context)))

    return tell_of_failed_runs


def _failed_checks(settings: Settings) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        name="tell_of_failed_checks",
        run_status=dg.DagsterRunStatus.SUCCESS,
        minimum_interval_seconds=AUTOMATION_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells of checks of severity error that failed in a run that went on without them.",
    )
    def tell_of_failed_checks(context: dg.RunStatusSensorContext) -> None:
        problems = _problems_of_run(context)
        if problems:
            _tell(context, settings, failed_checks(settings, context.dagster_run.run_id, problems))

    return tell_of_failed_checks


def _problems_of_run(context: dg.RunStatusSensorContext) -> list[Problem]:
    logs = context.instance.all_logs(context.dagster_run.run_id)
    return list(problems_of(entry.dagster_event for entry in logs if entry.dagster_event is not None))


def _tell(context: dg.RunStatusSensorContext | dg.SensorEvaluationContext, settings: Settings, alert: Alert) -> None:
    for problem in notify(settings, alert):
        context.log.error(problem)


def failed_run(settings: Settings, run_id: str, problems: Iterable[Problem]) -> Alert:
    """What to say of a run that failed."""
    return _alert(settings, "run_failed", "a run failed", _safe(problems), run_id)


def failed_checks(settings: Settings, run_id: str, problems: Sequence[Problem]) -> Alert:
    """What to say of a run that went on although checks failed."""
    return _alert(settings, "check_failed", f"{_count(len(problems), 'check')} failed", _safe(problems), run_id)


def _safe(problems: Iterable[Problem]) -> list[str]:
    return [f"{problem.subject}: {problem.safe_reason}" for problem in problems]


def _alert(settings: Settings, kind: AlertKind, what: str, details: Iterable[str], run_id: str | None = None) -> Alert:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return Alert(kind, f"{settings.platform.company}: {what}", tuple(details), at, run_id)


def _stale_assets(
    settings: Settings, specs: Iterable[dg.AssetSpec], now: Callable[[], datetime]
) -> dg.SensorDefinition:
    """Dagster shows the state of freshness policies in its UI only, so the windows are looked at here again."""
    ages = {spec.key: max_age(spec.freshness_policy) for spec in specs if spec.freshness_policy is not None}

    @dg.sensor(
        name="tell_of_stale_assets",
        minimum_interval_seconds=_FRESHNESS_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells, once, of assets that were not materialised within the window of their freshness policy.",
    )
    def tell_of_stale_assets(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        stale = {}
        for record in context.instance.get_asset_records(list(ages)):
            key, last = record.asset_entry.asset_key, record.asset_entry.last_materialization
            age = timedelta(seconds=now().timestamp() - last.timestamp) if last is not None else timedelta()
            if age > ages[key]:
                stale[key.to_user_string()] = f"not updated for {age // timedelta(hours=1)} hours"
        new = sorted(stale.keys() - set(json.loads(context.cursor or "[]")))
        if new:
            details = [f"{key}: {stale[key]}" for key in new]
            _tell(context, settings, _alert(settings, "stale", f"{_count(len(new), 'asset')} out of date", details))
        context.update_cursor(json.dumps(sorted(stale)))
        return dg.SkipReason(f"{_count(len(stale), 'asset')} out of date, {len(new)} of them newly")

    return tell_of_stale_assets


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
