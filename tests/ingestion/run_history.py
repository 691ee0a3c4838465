"""Runs of what sensors request, in a run history of their own, and a clock that does not wait for them."""

import time

import dagster as dg


class RunHistory:
    def __init__(self) -> None:
        self.instance = dg.DagsterInstance.ephemeral()

    def add(
        self, request: dg.RunRequest, *, succeeds: bool, will_retry: bool = False, asset: dg.AssetKey | None = None
    ) -> None:
        """A run that was launched for the request, and is over."""

        @dg.asset(key=asset or dg.AssetKey("loads"))
        def loads() -> None:
            if not succeeds:
                raise RuntimeError("the run fails")

        tags = {**request.tags, "dagster/run_key": str(request.run_key)}
        result = dg.materialize([loads], instance=self.instance, tags=tags, raise_on_error=False)
        assert result.success == succeeds
        # What fails in this process is marked to be tried again, which nothing does here.
        self.instance.add_run_tags(result.run_id, {"dagster/will_retry": str(will_retry).lower()})


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
