"""A BigQuery on this machine, for tests: installs local-bigquery, mends it and serves it on a loopback port.

It lives in an environment of its own, `.emulator/` beside the code, because it needs another DuckDB than the platform.
It is a reimplementation on DuckDB: what passes on it is wired rightly and most likely valid, and says nothing about
BigQuery's speed, cost, limits or permissions.

    python -m tools.bigquery_emulator install
    python -m tools.bigquery_emulator serve
"""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.bigquery_emulator import patches
from tools.bigquery_emulator.errors import EmulatorError

SOURCE = Path(__file__).resolve().parent
HOME = SOURCE.parents[1] / ".emulator"
BIN = HOME / "venv" / "bin"
PROJECT = "scv"
VERSION = "0.4.0"

READY_SECONDS = 60
STOP_SECONDS = 10

ADC = {
    "type": "authorized_user",
    "client_id": "emulator",
    "client_secret": "emulator",
    "refresh_token": "emulator",
    # A token that does not expire is never refreshed, so nothing leaves the machine.
    "token": "emulator",
    "expiry": "2099-01-01T00:00:00Z",
    "quota_project_id": PROJECT,
}


@dataclass(frozen=True)
class Emulator:
    """One running emulator: where it answers, and the environment that sends every client to it."""

    endpoint: str
    grpc: str
    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """What the Google client, dlt, dbt and the platform read; all that tells it from the real BigQuery."""
        return {
            "BIGQUERY_EMULATOR_HOST": self.endpoint,
            "GOOGLE_APPLICATION_CREDENTIALS": str(self.folder / "adc.json"),
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "SCV_BIGQUERY_PROJECT": PROJECT,
            "SCV_WAREHOUSE": "bigquery",
            # BigQuery detects gzip in a load of JSON lines, the emulator does not.
            "DATA_WRITER__DISABLE_COMPRESSION": "true",
            "RUNTIME__DLTHUB_TELEMETRY": "false",
        }

    def get(self, path: str, seconds: float = 30) -> Any:
        """The answer of the REST interface below its project; OSError when there is none in time."""
        url = f"{self.endpoint}/bigquery/v2/projects/{PROJECT}/{path}"
        with urllib.request.urlopen(url, timeout=seconds) as answer:
            return json.load(answer)


def install() -> None:
    """Make the environment, unless this very source has made it before."""
    stamp = HOME / "fingerprint"
    if stamp.exists() and stamp.read_text() == _fingerprint():
        return
    stamp.unlink(missing_ok=True)
    _call([sys.executable, "-m", "venv", str(HOME / "venv")])
    _pip("install", "--no-deps", "-r", str(SOURCE / "requirements.txt"))
    # It asks for a newer Python than it needs and a newer DuckDB than its extension is packaged for. Always pristine.
    _pip("install", "--no-deps", "--ignore-requires-python", "--force-reinstall", f"local-bigquery=={VERSION}")
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    patches.apply(HOME / "venv" / "lib" / python / "site-packages" / "local_bigquery")
    stamp.write_text(_fingerprint())


@contextmanager
def serve(folder: Path, port: int = 0) -> Iterator[Emulator]:
    """A running emulator with no data, which keeps its files in a folder of its own; stopped at the end."""
    install()
    shutil.rmtree(folder / "data", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adc.json").write_text(json.dumps(ADC))
    rest, grpc = port or _free_port(), _free_port()
    emulator = Emulator(f"http://127.0.0.1:{rest}", f"127.0.0.1:{grpc}", folder)
    log = folder / "emulator.log"
    command = [str(BIN / "local-bigquery"), "serve", "--host", "127.0.0.1", "--project", PROJECT]
    command += ["--port", str(rest), "--grpc-port", str(grpc), "--data-dir", str(folder / "data")]
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        _await(emulator, process, log)
        yield emulator
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(emulator: Emulator, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            emulator.get("datasets", seconds=1)
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.1)
        else:
            return
    state = "did not answer in time" if process.returncode is None else f"ended with code {process.returncode}"
    raise EmulatorError(f"The emulator {state}. The end of {log}:\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _fingerprint() -> str:
    # The commands of an environment name its folder, so one that was moved is none any more.
    parts = [
        sys.version.encode(),
        bytes(HOME),
        *(path.read_bytes() for path in sorted(SOURCE.iterdir()) if path.is_file()),
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _pip(*arguments: str) -> None:
    _call([str(BIN / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments])


def _call(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    if done.returncode:
        raise EmulatorError(
            f"The emulator could not be installed; it needs the Python package index the first time.\n"
            f"{' '.join(command)}\n{done.stderr[-2000:]}"
        )
