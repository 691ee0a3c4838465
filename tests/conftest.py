"""Fixtures that more than one folder uses. Everything is real: DuckDB, dlt, dbt and Dagster in temporary folders."""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from scv_platform.settings import PROJECT_ROOT, BigQuerySettings, Settings
from scv_platform.simulation import simulate
from scv_platform.warehouse.bigquery import BigQueryWarehouse
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.canary import CANARY, CANARY_SECRET
from tools.bigquery_emulator import Emulator, serve

UNTIL = date(2026, 6, 30)
"""The last day of the simulated company in tests."""

CUSTOMERS = 400
"""The people of the simulated company in tests."""


@dataclass(frozen=True)
class Platform:
    """One installation of the platform: its folders, its warehouse, and how to run it."""

    folder: Path
    environment: Mapping[str, str]

    @property
    def settings(self) -> Settings:
        """The settings as a new process would read them."""
        return Settings.load(self.environment)

    @property
    def warehouse(self) -> DuckDBWarehouse:
        """The warehouse of this installation."""
        return DuckDBWarehouse(self.settings.duckdb_path)

    @property
    def command(self) -> list[str]:
        """`scv`, as the environment of the tests has it."""
        return [str(Path(sys.executable).with_name("scv"))]

    def scv(self, *arguments: str, expect: int = 0) -> str:
        """Run `scv` in a process of its own; the output, once the exit code is the expected one."""
        done = subprocess.run(
            [*self.command, *arguments], env=dict(self.environment), capture_output=True, text=True, check=False
        )
        assert done.returncode == expect, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture(scope="session")
def install(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Platform]:
    """Makes an installation in a folder of its own: landing, warehouse, run history, a copy of the configuration."""

    def make(config: Path = PROJECT_ROOT / "config", **environment: str) -> Platform:
        folder = tmp_path_factory.mktemp("platform")
        shutil.copytree(config, folder / "config")
        destinations = folder / "config" / "destinations.yml"
        destinations.write_text(destinations.read_text().replace("data/exports", str(folder / "exports")))
        platform = folder / "config" / "platform.yml"
        platform.write_text(platform.read_text().replace("data/alerts.jsonl", str(folder / "alerts.jsonl")))
        instance = (PROJECT_ROOT / "dagster.yaml").read_text().replace("base_dir: .dagster", f"base_dir: {folder}")
        (folder / "dagster.yaml").write_text(instance)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SCV_")}
        return Platform(
            folder,
            inherited
            | {
                "DAGSTER_HOME": str(folder),
                "SCV_CONFIG": str(folder / "config"),
                "SCV_DUCKDB_PATH": str(folder / "scv.duckdb"),
                "SCV_LANDING": str(folder / "landing"),
                "SCV_AS_OF": UNTIL.isoformat(),
            }
            | environment,
        )

    return make


@pytest.fixture(scope="session")
def company(install: Callable[..., Platform]) -> Platform:
    """The simulated company with its six systems, built once by `scv run`. Tests only read it."""
    platform = install(SCV_CANARY_SECRET=CANARY_SECRET)
    simulate(CUSTOMERS, seed=7, until=UNTIL, out=platform.settings.landing)
    CANARY.join(platform.settings.landing)
    platform.scv("run")
    return platform


@pytest.fixture(scope="session")
def copy_of_company(company: Platform, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Platform]:
    """Makes an installation of its own of the company as it was built, for tests that change it."""

    def make() -> Platform:
        folder = tmp_path_factory.mktemp("copy") / "platform"
        shutil.copytree(company.folder, folder)
        for path in (folder / "dagster.yaml", *(folder / "config").glob("*.yml")):
            path.write_text(path.read_text().replace(str(company.folder), str(folder)))
        moved = {name: value.replace(str(company.folder), str(folder)) for name, value in company.environment.items()}
        return Platform(folder, moved)

    return make


@pytest.fixture(scope="session")
def bigquery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A BigQuery of this session's own, empty at first; its environment sends every client to it."""
    with serve(tmp_path_factory.mktemp("bigquery")) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def make_bigquery_warehouse(bigquery: Emulator) -> Iterator[Callable[[], BigQueryWarehouse]]:
    """Makes warehouses of their own, told apart by their prefix."""
    settings = BigQuerySettings(bigquery.environment["SCV_BIGQUERY_PROJECT"], "EU", 10**9)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in bigquery.environment.items():
            # What Google's client reads; the settings of other tests stay their own.
            if not name.startswith("SCV_"):
                patch.setenv(name, value)
        yield lambda: BigQueryWarehouse(settings, f"t{uuid.uuid4().hex[:8]}_")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real public data; without it the tests that need it are skipped."""
    folder = os.environ.get("SCV_REAL_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("SCV_REAL_DATA does not name the folder of real data")
    return Path(folder)
