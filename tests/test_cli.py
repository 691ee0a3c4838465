from collections.abc import Callable

from click.testing import CliRunner

from scv_platform.cli import main
from tests.conftest import Platform


def test_the_demo_refuses_a_landing_folder_with_files_that_are_not_its_own(install: Callable[..., Platform]) -> None:
    platform = install()
    landing = platform.settings.landing
    landing.mkdir()
    (landing / "orders.csv").write_text("id\n1\n")
    outcome = CliRunner().invoke(main, ["demo"], env=dict(platform.environment))
    assert outcome.exit_code == 2
    assert "holds files that are not the demo's" in outcome.output
    assert [path.name for path in landing.iterdir()] == ["orders.csv"]


def test_a_mistake_in_the_configuration_is_told_without_a_traceback(install: Callable[..., Platform]) -> None:
    platform = install()
    sources = platform.settings.config / "sources.yml"
    sources.write_text(sources.read_text().replace("lag_days:", "lag_dyas:", 1))
    outcome = CliRunner().invoke(main, ["run"], env=dict(platform.environment))
    assert outcome.exit_code == 2
    assert "unknown key" in outcome.output
    assert "did you mean 'lag_days'?" in outcome.output
    assert f"{sources}:" in outcome.output
    assert "Traceback" not in outcome.output


def test_the_summary_of_an_empty_installation_says_what_to_do(install: Callable[..., Platform]) -> None:
    outcome = CliRunner().invoke(main, ["summary"], env=dict(install().environment))
    assert outcome.exit_code == 0
    assert "make demo" in outcome.output


def test_what_reads_identities_needs_a_run(install: Callable[..., Platform]) -> None:
    platform = install()
    for command in (
        ["identity", "evaluate"],
        ["identity", "preview"],
        ["identity", "review", "--sample"],
        ["explain", "identity", "crm:1"],
        ["explain", "identity", "a", "b"],
    ):
        outcome = CliRunner().invoke(main, command, env=dict(platform.environment))
        assert outcome.exit_code == 2
        assert "run `scv run` first" in outcome.output


def test_a_warehouse_that_cannot_be_reached_is_told_with_what_to_do(install: Callable[..., Platform]) -> None:
    platform = install(
        SCV_WAREHOUSE="bigquery",
        SCV_BIGQUERY_PROJECT="acme",
        GOOGLE_APPLICATION_CREDENTIALS="/nowhere/key.json",
    )
    outcome = CliRunner().invoke(main, ["summary"], env=dict(platform.environment))
    assert outcome.exit_code == 2
    assert "/nowhere/key.json was not found" in outcome.output
    assert "gcloud auth application-default login" in outcome.output
    assert "Traceback" not in outcome.output
