"""One company on two engines, day after day: what each holds then."""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa
import pytest
from google.cloud import bigquery as google_bigquery

from scv_platform.activation.tables import SUPPRESSIONS
from scv_platform.identity.stewardship import decide
from scv_platform.warehouse import Warehouse
from scv_platform.warehouse.choice import warehouse_of
from tests.conftest import Platform
from tests.parity import company
from tests.parity.compare import Contents, contents
from tools.bigquery_emulator import Emulator

_SUPPRESSION = {
    "customer_id": [None],
    "identifier_type": ["email"],
    "identifier_value": ["ann@example.com"],
    "reason": ["asked for it"],
    "created_at": [datetime(2026, 6, 30, 12)],
}


EMULATOR = "emulator"
"""The BigQuery of tests that ask what only an emulator tells, such as every job of the session."""


_FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> list[str]:
    """What was compared and read, a line for each; shown at the end."""
    return pytestconfig.stash.setdefault(_FIGURES, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell the figures, of which an empty one would be a proof of nothing."""
    for figure in config.stash.get(_FIGURES, []):
        terminalreporter.write_line(figure)


@dataclass(frozen=True)
class Engine:
    """The company's installation on one engine."""

    platform: Platform

    @property
    def warehouse(self) -> Warehouse:
        """Its warehouse."""
        return warehouse_of(self.platform.settings)

    def run(self, day: date) -> Contents:
        """What its warehouse holds after `scv run` for that day."""
        inherited = {**self.platform.environment, "SCV_AS_OF": day.isoformat()}
        Platform(self.platform.folder, inherited).scv("run")
        return contents(self.warehouse)

    @property
    def exports(self) -> dict[str, bytes]:
        """Every file that was sent, by its path."""
        folder = self.platform.folder / "exports"
        return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.csv"))}


@dataclass(frozen=True)
class Both:
    """The same company on both engines."""

    duckdb: Engine
    bigquery: Engine

    def run(self, day: date) -> tuple[Contents, Contents]:
        """What each holds after its run, DuckDB first; the runs are side by side."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            left, right = pool.map(lambda engine: engine.run(day), (self.duckdb, self.bigquery))
        return left, right


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(EMULATOR, marks=pytest.mark.parity),
        pytest.param("project", marks=pytest.mark.live_bigquery),
    ],
)
def bigquery_environment(request: pytest.FixtureRequest) -> Iterator[Mapping[str, str]]:
    """The environment that names a BigQuery: the emulator, or a project of Google's with datasets of this session."""
    session = f"parity_{secrets.token_hex(4)}"
    prefix = f"{session}_"
    if request.param == EMULATOR:
        emulator: Emulator = request.getfixturevalue("bigquery")
        with pytest.MonkeyPatch.context() as patch:
            # The clients of this process read them from there.
            for name, value in emulator.environment.items():
                if not name.startswith("SCV_"):
                    patch.setenv(name, value)
            yield {**emulator.environment, "SCV_DATASET_PREFIX": prefix}
        return
    project = os.environ.get("SCV_BIGQUERY_PROJECT")
    if not project:
        pytest.skip("SCV_BIGQUERY_PROJECT names no project to make datasets in; see docs/bigquery.md")
    named = {name: value for name, value in os.environ.items() if name.startswith("SCV_BIGQUERY_")}
    yield {**named, "SCV_WAREHOUSE": "bigquery", "SCV_DATASET_PREFIX": prefix}
    with closing(google_bigquery.Client(project)) as client:
        for dataset in client.list_datasets():
            if dataset.dataset_id.startswith(session):
                client.delete_dataset(dataset.reference, delete_contents=True, not_found_ok=True)


@pytest.fixture(scope="session")
def both(install: Callable[..., Platform], bigquery_environment: Mapping[str, str]) -> Both:
    """The company on both engines, before its first run. They read the same files."""
    on_duckdb = install()
    on_bigquery = install(SCV_LANDING=str(on_duckdb.settings.landing), **bigquery_environment)
    for platform in (on_duckdb, on_bigquery):
        company.configure(platform.folder / "config")
    company.first_day(on_duckdb.settings.landing)
    return Both(Engine(on_duckdb), Engine(on_bigquery))


@pytest.fixture(scope="session")
def first_day(both: Both) -> tuple[Contents, Contents]:
    """What both hold after the first day."""
    return both.run(company.FIRST_DAY)


@pytest.fixture(scope="session")
def second_day(both: Both, first_day: tuple[Contents, Contents]) -> tuple[Contents, Contents]:
    """What both hold after the second day, before which someone asked never to be written to again, and a steward
    decided."""
    company.second_day(both.duckdb.platform.settings.landing)
    for engine in (both.duckdb, both.bigquery):
        company.edit_rule(engine.platform.folder / "config")
        engine.warehouse.append(SUPPRESSIONS, pa.table(_SUPPRESSION))
        for verdict, one, other in company.DECISIONS:
            decide(engine.warehouse, verdict, one, other, "ann", "she knows them", datetime(2026, 6, 30, 12))
    return both.run(company.SECOND_DAY)
