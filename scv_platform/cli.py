"""`scv`: the command line. Each command calls one function; imports are inside, so that `--help` is instant."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scv_platform.config_files import ConfigError
from scv_platform.errors import ReadableError
from scv_platform.settings import Settings

if TYPE_CHECKING:
    from scv_platform.identity.stewardship import Verdict
    from scv_platform.warehouse import Warehouse


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


def _materialise(selection: str | None, config: Mapping[str, Mapping[str, Any]] | None = None) -> bool:
    """Whether everything passed; what did not is told on standard error."""
    with _readable_errors():
        from scv_platform.definitions import build_definitions
        from scv_platform.run import materialise

        settings = Settings.load()
        outcome = materialise(build_definitions(settings), settings, selection, config)
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
    """How well records became customers: what shows by itself, and against a known truth where there is one."""
    with _readable_errors():
        from scv_platform.identity.evaluate import evaluate
        from scv_platform.identity.evaluations import as_text
        from scv_platform.identity.shape import measure
        from scv_platform.run import warehouse_lock

        settings = Settings.load()
        warehouse = _built_warehouse(settings)
        folder = truth or (settings.expand(settings.platform.truth) if settings.platform.truth else None)
        # The truth is loaded beside the identities.
        with warehouse_lock(settings), warehouse.session():
            shape = measure(warehouse)
            click.echo(as_text(shape, evaluate(warehouse, folder) if folder else None))


@identity.command("train")
def train_model() -> None:
    """Train the model that finds likely pairs anew, on the records as the last run left them."""
    with _readable_errors():
        if not _built_warehouse(Settings.load()).exists("identity.match_features"):
            raise ConfigError(["identity.match_features is not built yet; run `scv run` first"])
    if not _materialise('key:"identity/match_models"', {"identity__match_models": {"on_demand": True}}):
        sys.exit(1)
    click.echo("It scores from the next run: automation (`make dev`) starts one, and so does")
    click.echo("  scv run --select 'key:\"identity/scored_pairs\"+'")


def _on_two(command: Callable[..., None]) -> Callable[..., None]:
    """The arguments of a decision on two."""
    command = click.option("--reason", required=True, help="Why, without personal data.")(command)
    command = click.option("--by", required=True, help="Who decides.")(command)
    return click.argument("one")(click.argument("other")(command))


@identity.command()
@_on_two
def link(one: str, other: str, by: str, reason: str) -> None:
    """Decide that ONE and OTHER, two records or customers, are the same person, whatever the rules say."""
    _decide("link", one, other, by, reason)


@identity.command()
@_on_two
def unlink(one: str, other: str, by: str, reason: str) -> None:
    """Decide that ONE and OTHER, two records or customers, are two people, whatever the rules say."""
    _decide("unlink", one, other, by, reason)


def _decide(verdict: "Verdict", one: str, other: str, by: str, reason: str) -> None:
    from scv_platform.identity.assets import STEWARD_DECISIONS_KEY
    from scv_platform.identity.stewardship import DecisionRefused, decide
    from scv_platform.run import report_update, warehouse_lock

    with _readable_errors(DecisionRefused):
        settings = Settings.load()
        warehouse = _built_warehouse(settings)
        with warehouse_lock(settings):
            now = datetime.now(UTC).replace(tzinfo=None)
            decision, is_new = decide(warehouse, verdict, one, other, by, reason, now)
            if is_new:
                report_update(settings, STEWARD_DECISIONS_KEY)
    if not is_new:
        click.echo(f"decided before: {decision}")
        return
    click.echo(f"decided: {decision}, by the clock of this machine")
    click.echo("It holds from the next run: automation (`make dev`) starts one, and so does")
    click.echo("  scv run --select 'key:\"identity/overrides\"+'")


@identity.command("review")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many to list.")
@click.option("--sample", is_flag=True, help="List links drawn at random, to find out how often each rule is right.")
@click.option("--show", is_flag=True, help="Show names, birth dates and e-mail addresses too.")
@click.option("--json", "in_json", is_flag=True, help="As JSON, for other programs.")
def review_identities(limit: int, sample: bool, show: bool, in_json: bool) -> None:
    """List who may be one person, or two: the most net revenue first."""
    with _readable_errors():
        from scv_platform.identity.review import as_json, as_text, review, review_sample

        settings = Settings.load()
        warehouse = _built_warehouse(settings)
        if sample:
            title, nothing = "Joined by rules or the model, drawn at random", "All that were drawn are judged."
        else:
            title = f"In doubt, by net revenue of both ({settings.platform.base_currency})"
            nothing = "Nobody is in doubt."
        rows = (review_sample if sample else review)(warehouse, limit, show)
        click.echo(as_json(rows) if in_json else as_text(rows, title, nothing))


@identity.command("preview")
@click.option("--show", is_flag=True, help="Show names, birth dates and e-mail addresses of the examples too.")
@click.option("--json", "in_json", is_flag=True, help="As JSON, for other programs.")
def preview_identities(show: bool, in_json: bool) -> None:
    """Tell what the rules, lists and decisions as they are now would change, without changing anything."""
    with _readable_errors():
        from scv_platform.identity.preview import as_json, as_text
        from scv_platform.preview import preview_identity

        settings = Settings.load()
        found = preview_identity(settings, _built_warehouse(settings), show)
        click.echo(as_json(found) if in_json else as_text(found))


@main.group("explain")
def explain_group() -> None:
    """Why it is so."""


@explain_group.command("identity")
@click.argument("name")
@click.argument("other", required=False)
@click.option("--json", "in_json", is_flag=True, help="As JSON, for other programs.")
@click.option("--show", is_flag=True, help="Tell identifiers in full instead of masked.")
def explain_identity(name: str, other: str | None, in_json: bool, show: bool) -> None:
    """Why the records of a customer are one; with two names, why those are one customer, or are not.

    A name is that of a record (source:id), of a customer, or one that a customer once had.
    """
    with _readable_errors():
        from scv_platform.identity.explain import compare, explain
        from scv_platform.identity.explain_text import as_json, as_text

        warehouse = _built_warehouse(Settings.load())
        found = explain(warehouse, name, show) if other is None else compare(warehouse, name, other, show)
        click.echo(as_json(found) if in_json else as_text(found))


def _built_warehouse(settings: Settings) -> "Warehouse":
    from scv_platform.warehouse.choice import warehouse_of

    warehouse = warehouse_of(settings)
    if warehouse.identity() is None:
        raise ConfigError(["nothing is built yet; run `scv run` first"])
    return warehouse
