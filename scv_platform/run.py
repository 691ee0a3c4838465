"""`scv run`: materialise the graph in this process, into the same run history as the Dagster UI.

Invariant: one `scv run` per warehouse at a time, held by a file lock that the system releases when the
process ends, however it ends. So an unfinished run of ours that is found under the lock was killed: it is
marked as failed. The place in the warehouse pool of a run that ended, which Dagster would keep for ever, is given back.
"""

import fcntl
import logging
import os
import sqlite3
import sys
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from scv_platform.automation import Problem, failed_checks, failed_run, notify, problems_of
from scv_platform.config_files import ConfigError
from scv_platform.errors import ReadableError
from scv_platform.settings import Settings

_LOCK_TAG = "scv/lock"
"""Names the lock file of the warehouse that a run works on."""


class AlreadyRunning(ReadableError):
    """Another process is materialising into this warehouse."""


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended, and what did not pass."""

    run_id: str
    succeeded: bool
    failures: tuple[str, ...]


@contextmanager
def dagster_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance that `dagster dev` uses: DAGSTER_HOME, else `dagster.yaml` at the project root."""
    if os.environ.get("DAGSTER_HOME"):
        with dg.DagsterInstance.get() as instance:
            yield instance
        return
    # The storage folders in dagster.yaml are relative to the working directory, there as here.
    os.chdir(settings.root)
    with dg.DagsterInstance.from_config(str(settings.root)) as instance:
        yield instance


@contextmanager
def warehouse_lock(settings: Settings) -> Iterator[None]:
    """The right to run on this warehouse; `AlreadyRunning` names the process that has it."""
    path = _lock_file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRunning(
                f"another `scv run` (process {lock.read().strip() or 'unknown'}) is using {settings.place};"
                " wait until it ends, or stop it"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def report_update(settings: Settings, key: dg.AssetKey) -> None:
    """Note in the run history that an external asset changed, which makes automation request what lies behind it."""
    with dagster_instance(settings) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(key))


def _lock_file(settings: Settings) -> Path:
    return settings.beside_warehouse(".lock")


def is_locked(path: Path) -> bool:
    """Whether a `scv run` is working on the warehouse of that lock file."""
    if not path.exists():
        return False
    with path.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def materialise(
    definitions: dg.Definitions,
    settings: Settings,
    selection: str | None,
    config: Mapping[str, Mapping[str, Any]] | None = None,
) -> RunOutcome:
    """Materialise the selected assets with their checks; `config` is that of an asset, by the name of its op.

    Raises `AlreadyRunning`, and `ConfigError` for a selection of nothing.
    """
    with warehouse_lock(settings), dagster_instance(settings) as instance:
        close_killed_runs(instance, settings)
        loud = dg.Definitions.merge(definitions, dg.Definitions(loggers={"progress": progress_logger}))
        keys = select_assets(loud, selection)
        run_id = str(uuid.uuid4())
        with history_kept_open(instance, run_id), detailed_output(settings.beside_warehouse(".log")):
            result = loud.resolve_implicit_global_asset_job_def().execute_in_process(
                instance=instance,
                asset_selection=keys,
                run_id=run_id,
                raise_on_error=False,
                tags={_LOCK_TAG: str(_lock_file(settings))},
                run_config={
                    "loggers": {"progress": {}},
                    "ops": {op: {"config": values} for op, values in (config or {}).items()},
                },
            )
    problems = list(problems_of(result.all_events))
    if result.success and not problems:
        return RunOutcome(result.run_id, True, ())
    alert = (failed_checks if result.success else failed_run)(settings, result.run_id, problems)
    return RunOutcome(result.run_id, False, (*map(str, problems), *notify(settings, alert)))


def select_assets(definitions: dg.Definitions, selection: str | None) -> list[dg.AssetKey]:
    """The assets that a Dagster selection means, all without one; `ConfigError` when it means none."""
    with warnings.catch_warnings():
        # Dagster's parser of selections warns of a parameter that it sets itself.
        warnings.simplefilter("ignore", dg.BetaWarning)
        try:
            chosen = dg.AssetSelection.from_string(selection) if selection else dg.AssetSelection.all()
        except dg.DagsterError as error:
            raise ConfigError([f"--select {selection!r}: {error}"]) from error
        keys = chosen.resolve(definitions.resolve_asset_graph())
    if not keys:
        raise ConfigError([f"--select {selection!r} selects no asset; see the keys and groups in `make dev`"])
    return sorted(keys)


@contextmanager
def detailed_output(path: Path) -> Iterator[None]:
    """Sends what dbt and dlt print to a file beside the warehouse, so that the progress can be read."""
    with path.open("w") as file, redirect_stdout(file):
        yield


@contextmanager
def history_kept_open(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Holds the databases of a run history in SQLite open, which makes a run of many events quicker.

    Dagster opens a connection for each event, and SQLite clears its write-ahead log away with the last one that closes.
    A history that lies elsewhere, as in PostgreSQL, has no such files, and none is held.
    """
    instance.all_logs(run_id)  # Makes the database of the run.
    with ExitStack() as stack:
        for path in Path(instance.storage_directory(), "history").rglob("*.db"):
            if path.stem in {"runs", "index", run_id}:
                connection = stack.enter_context(closing(sqlite3.connect(path)))
                # A connection takes part in the log from its first read.
                connection.execute("select count(*) from sqlite_master").fetchone()
        yield


def close_killed_runs(instance: dg.DagsterInstance, settings: Settings) -> None:
    """Mark unfinished runs of `scv run` that nobody works on as failed, and free what runs that ended still hold."""
    unfinished = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED]
    )
    for run in instance.get_runs(unfinished):
        lock = run.tags.get(_LOCK_TAG)
        # The lock of this warehouse is ours by now; that of another one tells whether its run is alive.
        if lock is None or (lock != str(_lock_file(settings)) and is_locked(Path(lock))):
            continue
        killed = "The process of this run was killed; found by the next `scv run`."
        instance.report_run_failed(run, killed)
        notify(settings, failed_run(settings, run.run_id, [Problem("run", "run", killed, killed)]))
    # A run that could not write its last event, such as to a closed pipe, has ended and keeps its place, too.
    for run_id in instance.event_log_storage.get_concurrency_run_ids():
        holder = instance.get_run_by_id(run_id)
        if holder is None or holder.is_finished:
            instance.event_log_storage.free_concurrency_slots_for_run(run_id)


@dg.logger(None, description="One line on standard output for each asset that was materialised.")
def progress_logger(_: dg.InitLoggerContext) -> logging.Logger:
    """What `scv run` shows while it works, instead of Dagster's debug log."""
    logger = logging.Logger("scv", level=logging.DEBUG)
    logger.addHandler(_Progress())
    return logger


class _Progress(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_meta", {}).get("dagster_event")
        if event is not None and event.event_type_value == "ASSET_MATERIALIZATION":
            materialization = event.event_specific_data.materialization
            rows = materialization.metadata.get("dagster/row_count")
            count = f"{rows.value:>12,} rows" if rows is not None else ""
            print(f"  {materialization.asset_key.to_user_string():<58}{count}", file=sys.__stdout__, flush=True)
        elif event is not None and (event.message or "").startswith("Step blocked by limit for pool"):
            print("  waiting for another run, such as one of `make dev`", file=sys.__stdout__, flush=True)
        elif record.levelno >= logging.ERROR and event is not None and event.is_step_failure:
            print(f"  {event.step_key} failed", file=sys.__stdout__, flush=True)
