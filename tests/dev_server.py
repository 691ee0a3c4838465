"""A real `dagster dev` on this machine, asked through its GraphQL API as the UI asks it."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scv_platform.settings import PROJECT_ROOT


class DevServer:
    """The server at an address."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a GraphQL query."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            answered: dict[str, Any] = json.load(answer)
        assert "errors" not in answered, answered["errors"]
        data: dict[str, Any] = answered["data"]
        return data

    def is_ready(self) -> bool:
        """Whether it serves the platform."""
        try:
            with urllib.request.urlopen(f"{self.url}/server_info", timeout=5):
                pass
            found = self.ask("{repositoriesOrError{... on RepositoryConnection{nodes{name}}}}")
        except (OSError, urllib.error.URLError):
            return False
        return bool(found["repositoriesOrError"].get("nodes"))

    def sensors_without_a_tick(self) -> list[str]:
        """The sensors that run and have not looked yet."""
        query = (
            "{repositoriesOrError{... on RepositoryConnection{nodes{sensors"
            "{name sensorState{status ticks(limit: 1){status}}}}}}}"
        )
        (repository,) = self.ask(query)["repositoriesOrError"]["nodes"]
        return [
            sensor["name"]
            for sensor in repository["sensors"]
            if sensor["sensorState"]["status"] == "RUNNING"
            and not any(tick["status"] in {"SKIPPED", "SUCCESS"} for tick in sensor["sensorState"]["ticks"])
        ]

    def runs(self) -> list[dict[str, Any]]:
        """Every run that this server's instance knows: id, status and the assets that it was to make."""
        query = "{runsOrError{... on Runs{results{runId status assetSelection{path} tags{key value}}}}}"
        results: list[dict[str, Any]] = self.ask(query)["runsOrError"]["results"]
        return results


@contextmanager
def dagster_dev(environment: Mapping[str, str], log: Path, project: Path = PROJECT_ROOT) -> Iterator[DevServer]:
    """The server on a free port until the end of the block; it is stopped as Ctrl-C stops it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def heed_signals() -> None:
        # A parent that ignores them, such as nohup, would make it unstoppable.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)

    dagster = str(Path(sys.executable).with_name("dagster"))
    with log.open("w") as output:
        process = subprocess.Popen(
            [dagster, "dev", "-h", "127.0.0.1", "-p", str(port)],
            cwd=project,
            env=dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=heed_signals,
        )
        try:
            server = DevServer(port)
            wait_until(server.is_ready, 240, log, lambda: process.poll() is None)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until(
    is_so: Callable[[], bool], seconds: float, log: Path, is_alive: Callable[[], bool] = lambda: True
) -> float:
    """Wait for it; the seconds that it took. After too long, or when the server died, its log is told."""
    started = time.monotonic()
    while not is_so():
        waited = time.monotonic() - started
        assert waited < seconds, f"not after {waited:.0f} seconds\n{log.read_text()[-4000:]}"
        assert is_alive(), log.read_text()[-4000:]
        time.sleep(0.5)
    return time.monotonic() - started
