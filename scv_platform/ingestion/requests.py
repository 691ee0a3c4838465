"""What a sensor remembers of the runs it asked for: a request is done when it was loaded, not when it was made.

Data flow: cursor -> requests -> how the runs of each came out -> cursor. Invariant: what was requested is either being
loaded, or loaded, or will be requested again. After the first failure that takes a minute, after each more twice as
long, at most a day; so what fails for good is tried, and told of, ever more rarely.
"""

import hashlib
import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any, TypeVar

import dagster as dg

_FIRST_WAIT_SECONDS = 60
_LONGEST_WAIT_SECONDS = 86_400
_NO_RUN_SECONDS = 60
"""A request for which no run came into being for so long was lost."""

ItemT = TypeVar("ItemT")


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

    @property
    def keys(self) -> frozenset[Any]:
        """What the run is to load, as it was before a cursor made lists of tuples."""
        return frozenset(tuple(item) if isinstance(item, list) else item for item in self.content)

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


@dataclass(frozen=True)
class Followed:
    """The requests that a cursor held, by how they stand."""

    unfinished: list[Request]
    """Their runs go on, or they failed and wait for their time."""
    succeeded: list[Request]
    due: Mapping[Any, int]
    """What is to be requested again, with how often it failed."""

    @property
    def waiting(self) -> frozenset[Any]:
        """What failed, and whose time has not come yet."""
        return frozenset(key for request in self.unfinished if request.again_at is not None for key in request.keys)


def follow(remembered: Iterable[dict[str, Any]], instance: dg.DagsterInstance, now: float) -> Followed:
    """How the requests that a cursor holds stand by now."""
    unfinished: list[Request] = []
    succeeded: list[Request] = []
    due: dict[Any, int] = {}
    for request in (Request(**fields) for fields in remembered):
        match request.outcome(instance, now):
            case Outcome.DUE:
                due |= {key: max(request.failures, due.get(key, 0)) for key in request.keys}
            case Outcome.SUCCEEDED:
                succeeded.append(request)
            case Outcome.FAILED:
                unfinished.append(request.failed(now))
            case Outcome.RUNNING | Outcome.WAITING:
                unfinished.append(request)
    return Followed(unfinished, succeeded, due)


def by_failures(
    items: Iterable[ItemT], key: Callable[[ItemT], Hashable], due: Mapping[Any, int]
) -> Iterator[tuple[int, list[ItemT]]]:
    """The items in one group for each number of failures, so that what is new does not wait as long as what failed."""
    groups: dict[int, list[ItemT]] = {}
    for item in items:
        groups.setdefault(due.get(key(item), 0), []).append(item)
    yield from sorted(groups.items())


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


def _newest_run(instance: dg.DagsterInstance, run_key: str) -> dg.DagsterRun | None:
    # A run that is tried again passes its key on.
    runs = instance.get_runs(filters=dg.RunsFilter(tags={"dagster/run_key": run_key}), limit=1)
    return runs[0] if runs else None


def _is_over(run: dg.DagsterRun) -> bool:
    tags = run.tags
    will_be_retried = tags.get("dagster/will_retry") == "true" and "dagster/auto_retry_run_id" not in tags
    return run.is_finished and not (run.is_failure and will_be_retried)
