"""What a sensor remembers of the runs it asked for: a request is done when it was loaded, not when it was made.

Data flow: cursor -> requests -> how the runs of each came out -> cursor. Invariant: what was requested is either being
loaded, or loaded, or will be requested again. After the first failure that takes a minute, after each more twice as
long, at most a day; so what fails for good is tried, and told of, ever more rarely.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import dagster as dg

_FIRST_WAIT_SECONDS = 60
_LONGEST_WAIT_SECONDS = 86_400
_NO_RUN_SECONDS = 60
"""A request for which no run came into being for so long was lost."""


class Outcome(Enum):
    """How a request stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    WAITING = "waiting"
    """It failed, and its time has not come yet."""
    DUE = "due"
    """It failed, and is to be made again."""


@dataclass(frozen=True)
class Request:
    """One run that was asked for. Fits into a JSON cursor."""

    run_key: str
    content: Sequence[Any]
    """What the run is to load."""
    made_at: float
    failures: int = 0
    again_at: float | None = None
    """When to ask again, once it failed."""

    def outcome(self, instance: dg.DagsterInstance, now: float) -> Outcome:
        """How its runs came out, retries included."""
        if self.again_at is not None:
            return Outcome.DUE if now >= self.again_at else Outcome.WAITING
        run = _newest_run(instance, self.run_key)
        if run is None:
            return Outcome.FAILED if now - self.made_at > _NO_RUN_SECONDS else Outcome.RUNNING
        if not _is_over(run):
            return Outcome.RUNNING
        return Outcome.SUCCEEDED if run.is_success else Outcome.FAILED

    def failed(self, now: float) -> "Request":
        """The request as it waits to be made again."""
        wait = min(_FIRST_WAIT_SECONDS * 2**self.failures, _LONGEST_WAIT_SECONDS)
        return replace(self, failures=self.failures + 1, again_at=now + wait)


def requests_of(remembered: Iterable[dict[str, Any]]) -> list[Request]:
    """The requests that a cursor holds."""
    return [Request(**request) for request in remembered]


def remember(requests: Iterable[Request]) -> list[dict[str, Any]]:
    """The requests as a cursor holds them."""
    return [asdict(request) for request in requests]


def unused_run_key(instance: dg.DagsterInstance, content: Any) -> str:
    """A digest of the content, with the first number under which no run is over: Dagster never runs a key twice.

    Under a key whose run still goes on nothing more is launched.
    """
    digest, number = hashlib.sha256(json.dumps(content).encode()).hexdigest(), 1
    while (run := _newest_run(instance, f"{digest}-{number}")) is not None and _is_over(run):
        number += 1
    return f"{digest}-{number}"


def file_identity(path: Path) -> list[str | int] | None:
    """What tells a warehouse file from one that was put, or made anew, in its place; None when there is none."""
    try:
        return [str(path), path.stat().st_ino]
    except FileNotFoundError:
        return None


def _newest_run(instance: dg.DagsterInstance, run_key: str) -> dg.DagsterRun | None:
    # A run that is tried again passes its key on.
    runs = instance.get_runs(filters=dg.RunsFilter(tags={"dagster/run_key": run_key}), limit=1)
    return runs[0] if runs else None


def _is_over(run: dg.DagsterRun) -> bool:
    tags = run.tags
    will_be_retried = tags.get("dagster/will_retry") == "true" and "dagster/auto_retry_run_id" not in tags
    return run.is_finished and not (run.is_failure and will_be_retried)
