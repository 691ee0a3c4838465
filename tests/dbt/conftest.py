"""The dbt project on warehouses of its own, with dbt in this process: one parse serves every test."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.artifacts.schemas.results import NodeStatus
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from scv_platform.settings import PROJECT_ROOT
from scv_platform.transformation.project import environment
from tests.dbt import company
from tools.bigquery_emulator import Emulator

PROJECT = PROJECT_ROOT / "scv_dbt"
DEFAULTS = {
    "SCV_AS_OF": "2024-06-30",
    "SCV_BASE_CURRENCY": "EUR",
    "SCV_DEFAULT_COUNTRY": "CH",
    "SCV_CUSTOM_FIELDS": "{}",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
}


@dataclass
class Dbt:
    """The dbt project on one warehouse file."""

    path: Path
    manifest: Manifest = field(repr=False)
    environment: Mapping[str, str] = field(default_factory=dict)
    warnings: Mapping[str, str] = field(default_factory=dict)
    target: str = "duckdb"

    def run(self, *arguments: str, expect: bool = True) -> dict[str, str]:
        """Run a dbt command; the message of each node that failed or warned, by name."""
        good = {NodeStatus.Success, NodeStatus.Pass, NodeStatus.NoOp, NodeStatus.Skipped}
        results = self._invoke(arguments, expect)
        return {found.node.name: f"{found.status}: {found.message}" for found in results if found.status not in good}

    def refuses(self, *arguments: str) -> str:
        """The message with which a dbt command fails before it runs anything."""
        result = self._result(arguments)
        assert not result.success
        return str(result.exception)

    def compiled(self, *models: str) -> dict[str, str]:
        """The SQL of these models, in the order in which they are given."""
        results = self._invoke(("compile", "--select", *models), expect=True)
        sql = {found.node.name: found.node.compiled_code for found in results}
        return {name: sql[name] for name in models}

    def shown(self, sql: str) -> list[dict[str, Any]]:
        """The result of a query with macros in it."""
        (result,) = self._invoke(("show", "--inline", sql, "--limit", "-1"), expect=True)
        return [dict(row) for row in result.agate_table.rows]

    def rendered(self, text: str) -> str:
        """The text with its macros worked out."""
        (result,) = self._invoke(("compile", "--inline", text), expect=True)
        return str(result.node.compiled_code)

    def _result(self, arguments: Sequence[str]) -> dbtRunnerResult:
        with environment({**DEFAULTS, **self.environment, "SCV_DUCKDB_PATH": str(self.path)}):
            options = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--quiet"]
            options += ["--target-path", str(self.path.with_suffix(".target")), "--log-path", str(self.path.parent)]
            options += ["--target", self.target]
            result = dbtRunner(manifest=self.manifest).invoke([*arguments, *options])
        if self.target == "duckdb":
            # dbt keeps the file open for its next command; the tests read it in between.
            DuckDBConnectionManager.env().close()
            DuckDBConnectionManager.close_all_connections()
        return result

    def _invoke(self, arguments: Sequence[str], expect: bool) -> Sequence[Any]:
        result = self._result(arguments)
        results = getattr(result.result, "results", [])
        failed = [found.message for found in results if found.status in {NodeStatus.Error, NodeStatus.Fail}]
        assert result.success == expect, result.exception or "\n".join(map(str, failed))
        return results

    def build(self, *arguments: str, expect: bool = True) -> dict[str, str]:
        """`dbt build` without unit tests, which depend on no data and have a test of their own."""
        return self.run("build", "--exclude-resource-type", "unit_test", *arguments, expect=expect)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The result of a query."""
        with duckdb.connect(str(self.path)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return list(connection.sql(sql).to_arrow_table().to_pylist())

    def table(self, relation: str, columns: str = "*") -> list[tuple[Any, ...]]:
        """The rows of a table in a fixed order."""
        with duckdb.connect(str(self.path)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.sql(f"select {columns} from {relation} order by all").fetchall()


def parsed(folder: Path, target: str, **values: str) -> Manifest:
    """The manifest of the project for an engine."""
    with environment({**DEFAULTS, "SCV_DUCKDB_PATH": str(folder / "scv.duckdb"), **values}):
        result = dbtRunner().invoke(
            ["parse", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--quiet", "--target", target,
             "--target-path", str(folder), "--log-path", str(folder), "--no-partial-parse"]
        )  # fmt: skip
    assert result.success, result.exception
    assert isinstance(result.result, Manifest)
    return result.result


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return parsed(tmp_path_factory.mktemp("parse"), "duckdb")


@pytest.fixture(scope="session")
def make_dbt(manifest: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Dbt]:
    """Makes the dbt project on a warehouse file that does not exist yet."""

    def make(**environment: str) -> Dbt:
        return Dbt(tmp_path_factory.mktemp("dbt") / "scv.duckdb", manifest, environment)

    return make


@pytest.fixture(scope="session")
def make_bigquery_dbt(bigquery: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Dbt]:
    """Makes the dbt project on the datasets of a prefix."""
    folder = tmp_path_factory.mktemp("parse_bigquery")

    def make(prefix: str = "") -> Dbt:
        values = {**bigquery.environment, "SCV_DATASET_PREFIX": prefix}
        return Dbt(folder / "none", parsed(folder, "bigquery", **values), values, target="bigquery")

    return make


@pytest.fixture(scope="session")
def empty_dbt(make_dbt: Callable[..., Dbt]) -> Dbt:
    """A warehouse into which nothing was loaded yet, built with every test of the project."""
    dbt = make_dbt()
    dbt.warnings = dbt.build()
    return dbt


@pytest.fixture(scope="session")
def company_dbt(make_dbt: Callable[..., Dbt]) -> Dbt:
    """The company of `company.py`, built with every test of the project."""
    dbt = make_dbt(SCV_CUSTOM_FIELDS=company.LOYALTY)
    for number, files in enumerate(company.LOADS, start=1):
        company.bring(dbt.path, number, files)
    dbt.warnings = dbt.build()
    return dbt
