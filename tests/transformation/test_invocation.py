"""dbt in this process, on a project of which not everything can be built."""

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pytest

from scv_platform.config_files import ConfigError
from scv_platform.settings import Settings
from scv_platform.transformation.invocation import DbtResult, build, build_aside, parse

PERSON = "Ottilie Kanarienvogel"

FILES = {
    "dbt_project.yml": "name: small\nprofile: small\nmodels: {+materialized: table}\n",
    "profiles.yml": (
        "small: {target: duckdb, outputs: {duckdb: {type: duckdb, threads: 2, path: \"{{ env_var('SMALL_PATH') }}\"}}}"
    ),
    "models/people.sql": f"select '{PERSON[:7]}' || '{PERSON[7:]}' as name",
    "models/ages.sql": "select cast(name as integer) as age from {{ ref('people') }}",
    "models/after.sql": "select age from {{ ref('ages') }}",
    "models/typo.sql": "select nmae from {{ ref('people') }}",
    "models/guests.sql": "select name from {{ ref('people') }}",
    "tests/assert_nobody_is_there.sql": "select name from {{ ref('guests') }}",
}


@dataclass
class Small:
    """What one `dbt build` of the small project left behind."""

    folder: Path
    settings: Settings
    result: DbtResult
    said: list[str]

    def written(self) -> str:
        """Everything in the files of the target folder."""
        files = [path for path in (self.folder / "target").rglob("*") if path.is_file()]
        assert files
        return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in files)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    folder = tmp_path_factory.mktemp("small")
    for name, text in FILES.items():
        path = folder / "scv_dbt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    settings = replace(Settings.load({"SCV_DUCKDB_PATH": str(folder / "small.duckdb")}), root=folder)
    os.environ["SMALL_PATH"] = str(settings.duckdb_path)
    said: list[str] = []
    parse(settings)
    models = [f"model.small.{name}" for name in ("people", "ages", "after", "typo", "guests")]
    result = build(settings, folder / "target", [*models, "test.small.assert_nobody_is_there"], said.append)
    return Small(folder, settings, result, said)


def test_each_node_has_a_result(small: Small) -> None:
    statuses = {node.unique_id.split(".")[2]: node.status for node in small.result.nodes}
    assert statuses == {
        "people": "success", "ages": "error", "after": "skipped", "typo": "error", "guests": "success",
        "assert_nobody_is_there": "fail",
    }  # fmt: skip
    failures = {node.failures for node in small.result.nodes if node.kind == "test"}
    assert failures == {1}


def test_an_error_names_the_model_and_its_kind_and_quotes_no_row(small: Small) -> None:
    problems = "\n".join(small.result.problems)
    assert "model.small.ages: Conversion Error" in problems
    assert "test.small.assert_nobody_is_there: Got 1 result" in problems
    assert str(small.folder / "target" / "dbt.log") in problems
    for text in (problems, "\n".join(small.said)):
        assert PERSON not in text


def test_an_error_of_the_sql_itself_is_told_whole(small: Small) -> None:
    (problem,) = [node.problem for node in small.result.nodes if "typo" in node.unique_id]
    assert '"nmae" not found' in problem


def test_no_file_that_dbt_leaves_behind_quotes_a_row(small: Small) -> None:
    written = small.written()
    assert "cast(name as integer)" in written, "the compiled SQL is there to be run by hand"
    assert "Conversion Error" in written
    assert PERSON not in written


def test_progress_is_said_while_dbt_works(small: Small) -> None:
    assert any("OK created sql" in line and "people" in line for line in small.said)
    assert any("ERROR creating sql" in line and "ages" in line for line in small.said)


def test_the_warehouse_is_free_when_dbt_is_done(small: Small) -> None:
    with duckdb.connect(str(small.settings.duckdb_path), config={"threads": 1}) as connection:
        assert connection.sql("select name from people").fetchall() == [(PERSON,)]


def test_only_what_was_selected_is_built(small: Small) -> None:
    result = build(small.settings, small.folder / "one", ["model.small.people"], lambda _: None)
    assert [(node.unique_id, node.status) for node in result.nodes] == [("model.small.people", "success")]
    assert result.problems == []


@pytest.mark.parametrize(("read", "built"), [((), ["guests", "people"]), (("people",), ["guests"])])
def test_what_is_built_aside_leaves_the_tables_of_that_name_as_they_are(
    small: Small, read: Sequence[str], built: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "small.duckdb"
    monkeypatch.setenv("SMALL_PATH", str(path))
    with duckdb.connect(str(path)) as connection:
        for table in ("people", "guests"):
            connection.execute(f"create table {table} as select '{PERSON} II' as name")
    result = build_aside(replace(small.settings, duckdb_path=path), tmp_path / "target", "guests", read, "__aside")
    assert result.problems == []
    with duckdb.connect(str(path)) as connection:
        tables = connection.sql("select table_name from duckdb_tables() where schema_name = 'main__aside' order by 1")
        assert [name for (name,) in tables.fetchall()] == built
        found = {table: connection.sql(f"select name from {table}").fetchall() for table in ("people", "guests")}
        assert found == {"people": [(f"{PERSON} II",)], "guests": [(f"{PERSON} II",)]}
        (name,) = connection.sql("select name from main__aside.guests").fetchall()
        assert name == (f"{PERSON} II" if read else PERSON,)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A process that a shell starts in the background ignores interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_is_no_failure_of_dbt(small: Small) -> None:
    def say(_: str) -> None:
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        build(small.settings, small.folder / "one", ["model.small.people"], say)
    with duckdb.connect(str(small.settings.duckdb_path)) as connection:
        assert connection.sql("select name from people").fetchall() == [(PERSON,)]


def test_a_command_that_cannot_start_says_why(small: Small, tmp_path: Path) -> None:
    elsewhere = replace(small.settings, root=tmp_path)
    (tmp_path / "scv_dbt").mkdir()
    with pytest.raises(ConfigError, match=r"does not parse: [\s\S]*dbt_project\.yml"):
        build(elsewhere, tmp_path / "target", ["model.small.people"], lambda _: None)
    with pytest.raises(ConfigError, match="does not parse"):
        parse(elsewhere)
