"""`scv`: the command line. Each command calls one function; imports are inside, so that `--help` is instant."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click

from scv_platform.config_files import ConfigError
from scv_platform.errors import ReadableError
from scv_platform.settings import Settings


@contextmanager
def _readable_errors(*more: type[Exception]) -> Iterator[None]:
    """Errors that a person can act on are shown without a traceback; `more` are those of the command."""
    readable: tuple[type[Exception], ...] = (ReadableError, *more)
    try:
        yield
    except readable as error:
        click.echo(str(error), err=True)
        sys.exit(2)


@click.group()
def main() -> None:
    """Many sources, one customer, every audience."""


@main.command()
@click.option("--select", "selection", help="A Dagster asset selection, such as 'group:master'.  [default: all]")
def run(selection: str | None) -> None:
    """Materialise the graph, or a selection of it. Exit code 1 if an asset or a check failed."""
    sys.exit(0 if _materialise(selection) else 1)


def _materialise(selection: str | None) -> bool:
    """Whether everything passed; what did not is told on standard error."""
    with _readable_errors():
        from scv_platform.definitions import build_definitions
        from scv_platform.run import materialise

        settings = Settings.load()
        outcome = materialise(build_definitions(settings), settings, selection)
    for failure in outcome.failures:
        click.echo(f"FAILED {failure}", err=True)
    click.echo(f"run {outcome.run_id} {'succeeded' if outcome.succeeded else 'failed'}")
    return outcome.succeeded


@main.command()
@click.option(
    "--customers", type=click.IntRange(min=1), default=5_000, show_default=True, help="People of the company."
)
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True, help="Same seed, same bytes.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last simulated day.  [default: yesterday, UTC]")
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write to.  [default: the landing folder]")
@click.option("--days", type=click.IntRange(min=1), help="Continue the folder's company by so many days instead.")
def simulate(customers: int, seed: int, until: datetime | None, out: Path | None, days: int | None) -> None:
    """Write the landing files of a simulated company, and the truth about its people."""
    with _readable_errors(ValueError):
        from scv_platform.simulation import continue_company
        from scv_platform.simulation import simulate as simulate_company

        folder = out or Settings.load().landing
        if days is not None:
            click.echo(continue_company(days, folder))
        else:
            click.echo(simulate_company(customers, seed, until.date() if until else _yesterday(), folder))


def _yesterday() -> date:
    """The last whole day: the simulated company can go on for one more (`scv simulate --days 1`)."""
    return (datetime.now(UTC) - timedelta(days=1)).date()


@main.command()
@click.option(
    "--customers", type=click.IntRange(min=1), default=5_000, show_default=True, help="People of the company."
)
@click.pass_context
def demo(context: click.Context, customers: int) -> None:
    """Simulate a company, materialise the whole graph, and show the result."""
    with _readable_errors(ValueError):
        from scv_platform.simulation import bring_up_to

        landing = Settings.load().landing
        if landing.exists() and any(landing.iterdir()) and not (landing / "truth").exists():
            raise ConfigError([f"{landing} holds files that are not the demo's; set SCV_LANDING to an empty folder"])
        click.echo(f"Simulating a company of {customers:,} people")
        click.echo(bring_up_to(_yesterday(), customers, seed=7, out=landing) or "  it is there already")
    click.echo("\nMaterialising every asset")
    succeeded = _materialise(None)
    context.invoke(summary)
    click.echo("\nThe exports lie in data/exports. For the graph behind them: make dev, then http://127.0.0.1:3000")
    sys.exit(0 if succeeded else 1)


@main.command()
def summary() -> None:
    """Show what the warehouse knows: customers, revenue, segments, audiences, exports."""
    with _readable_errors():
        from scv_platform.summary import summarise

        click.echo(summarise(Settings.load()))


@main.group()
def identity() -> None:
    """Who is who."""


@identity.command("evaluate")
@click.option("--truth", type=click.Path(path_type=Path), help="Folder of the truth.  [default: as in platform.yml]")
def evaluate_identity(truth: Path | None) -> None:
    """Compare the customers with a known truth: precision, recall, and the worst mistakes."""
    with _readable_errors():
        from scv_platform.identity.evaluate import as_text, evaluate
        from scv_platform.run import warehouse_lock
        from scv_platform.warehouse.choice import warehouse_of

        settings = Settings.load()
        if truth is None and settings.platform.truth is None:
            raise ConfigError(["there is no truth to compare with; name its folder with --truth"])
        warehouse = warehouse_of(settings)
        if warehouse.identity() is None:
            raise ConfigError(["nothing is built yet; run `scv run` first"])
        folder = truth or settings.expand(settings.platform.truth or "")
        # The truth is loaded beside the identities.
        with warehouse_lock(settings):
            click.echo(as_text(evaluate(warehouse, folder)))
