"""dbt in this process: what it is told to build, what it says while it works, and what came of it.

A process of its own would cost its start, an adapter and a question for dbt's version, and would hold the
warehouse after its parent was killed.
Invariant: nothing that this module writes or returns quotes a row. dbt's log and `run_results.json` do, in the
text of errors, so dbt writes neither: `dbt.log` is written here, without the text of errors that read data.
Known limit: dbt's settings are global to the process, so it runs one command at a time.
"""

import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from scv_platform.config_files import ConfigError
from scv_platform.settings import Settings
from scv_platform.warehouse import Bill
from scv_platform.warehouse.errors import without_values

_PROGRESS = frozenset(
    "LogStartLine LogModelResult LogSeedResult LogSnapshotResult LogTestResult LogSkipBecauseError SkippingDetails"
    " FinishedRunningStats".split()
)
"""The events that tell the progress in names, counts and seconds."""


@dataclass(frozen=True)
class NodeResult:
    """What came of one model, seed or test."""

    unique_id: str
    kind: str
    status: str
    seconds: float
    failures: int | None
    problem: str
    """Why it failed, without a value of a row; empty when it did not."""
    bill: Bill = field(default_factory=Bill)


@dataclass(frozen=True)
class DbtResult:
    """What came of one dbt command."""

    nodes: Sequence[NodeResult]
    problems: Sequence[str]
    """A line for each node that failed, or for the command itself; empty when it succeeded."""


def build(
    settings: Settings, target: Path, unique_ids: Iterable[str], say: Callable[[str], object] = print
) -> DbtResult:
    """`dbt build` of these nodes, and of nothing else; `ConfigError` when the project does not parse.

    `target` gets the compiled SQL and the log. Unit tests judge the models, not the data: they run in `make test`.
    """
    _make_ready(settings, target)
    manifest = _parsed(settings, target)
    return _build(settings, target, manifest, [manifest.nodes[unique_id] for unique_id in unique_ids], say)


def build_aside(settings: Settings, target: Path, model: str, read: Collection[str], suffix: str) -> DbtResult:
    """`dbt build` of a model in schemas of its own, whose names end with the suffix, without tests.

    With it are built the models of its schema that it is made of, but for those that are to be `read`, and the seeds of
    them all. Every other table is read where it is. dbt's own way, a variable in `generate_schema_name` and `--defer`,
    would parse the project twice more, which takes longer than the build.
    """
    _make_ready(settings, target)
    manifest = _parsed(settings, target)
    chosen = _made_of(manifest, model, read)
    for node in chosen:
        node.schema = f"{node.schema}{suffix}"
    return _build(settings, target, manifest, chosen, lambda _: None)


def _made_of(manifest: Any, model: str, read: Collection[str]) -> list[Any]:
    """The model, and the models of its schema and the seeds that it is made of."""
    by_name = {node.name: node for node in manifest.nodes.values()}
    chosen, waiting = {}, [by_name[model]]
    while waiting:
        node = waiting.pop()
        chosen[node.unique_id] = node
        parents = [manifest.nodes[name] for name in node.depends_on_nodes if name in manifest.nodes]
        waiting += [
            parent
            for parent in parents
            if parent.unique_id not in chosen and parent.name not in read
            if parent.resource_type == "seed" or parent.schema == by_name[model].schema
        ]
    return list(chosen.values())


def _make_ready(settings: Settings, target: Path) -> None:
    """Empties the target folder but for what dbt parsed before, which saves seconds."""
    # Only where it had the same profile: the last build here did.
    parsed = [folder / "partial_parse.msgpack" for folder in (target, settings.dbt_target)]
    parsed_before = next((path.read_bytes() for path in parsed if path.exists()), None)
    target = fresh_folder(target)
    if parsed_before is not None:
        (target / "partial_parse.msgpack").write_bytes(parsed_before)


_CHOSEN = "scv_chosen"


def _build(
    settings: Settings, target: Path, manifest: Any, chosen: Iterable[Any], say: Callable[[str], object]
) -> DbtResult:
    # dbt compares every name that it is to select with every node; a tag takes one pass.
    for node in chosen:
        node.tags.append(_CHOSEN)
    log = target / "dbt.log"
    with log.open("w", encoding="utf-8", buffering=1) as file:
        command = ["build", "--exclude-resource-type", "unit_test", "--indirect-selection", "empty"]
        command += ["--select", f"tag:{_CHOSEN}"]
        result = _invoke(settings, target, command, _told_to(say, file), manifest=manifest)
        outcome = _outcome(result)
        file.writelines(f"{problem}\n" for problem in outcome.problems)
    if not outcome.problems:
        return outcome
    return DbtResult(outcome.nodes, [*outcome.problems, f"dbt build failed; see {log}"])


def parse(settings: Settings) -> None:
    """Write the manifest of the project to its `target` folder. `ConfigError` says what dbt could not read."""
    target = settings.dbt_target
    target.mkdir(exist_ok=True, parents=True)
    _parsed(settings, target, write_manifest=True)


def _parsed(settings: Settings, target: Path, write_manifest: bool = False) -> Any:
    """dbt's manifest of the project; `ConfigError` says what dbt could not read."""
    result = _invoke(settings, target, ["parse"], callback=None, write_manifest=write_manifest)
    if not result.success:
        raise ConfigError([f"the dbt project does not parse: {result.exception}"])
    return result.result


def fresh_folder(folder: Path) -> Path:
    """That folder, empty, so that what lies in it is of this run."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _invoke(
    settings: Settings,
    target: Path,
    command: Sequence[str],
    callback: Callable[[Any], None] | None,
    write_manifest: bool = False,
    manifest: Any = None,
) -> Any:
    from dbt.cli.main import dbtRunner

    project = str(settings.dbt_project)
    options = ["--project-dir", project, "--profiles-dir", project, "--target", settings.warehouse]
    options += ["--target-path", str(target), "--log-path", str(target)]
    options += ["--log-level", "none", "--log-level-file", "none", "--no-print", "--no-use-colors"]
    options += ["--write-json" if write_manifest else "--no-write-json"]
    with _file_let_go() if settings.bigquery is None else nullcontext():
        result = dbtRunner(manifest, callbacks=[callback] if callback else None).invoke([*command, *options])
    if result.exception is not None and not isinstance(result.exception, Exception):
        # An interrupt, which is meant for the whole process, and which dbt takes for a failure of its own.
        raise result.exception
    return result


@contextmanager
def _file_let_go() -> Iterator[None]:
    """dbt keeps the warehouse file open for its next command; our next step opens it with other settings."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    connections: Any = DuckDBConnectionManager
    try:
        yield
    finally:
        try:
            connections.env().close()
        except Exception as error:
            # dbt-duckdb has no other way to say that it never connected.
            if "before creation" not in str(error):
                raise
        connections.close_all_connections()


def _told_to(say: Callable[[str], object], file: IO[str]) -> Callable[[Any], None]:
    def callback(event: Any) -> None:
        if event.info.name in _PROGRESS:
            say(event.info.msg)
            file.write(f"{event.info.msg}\n")

    return callback


def _outcome(result: Any) -> DbtResult:
    nodes = [_node(found) for found in getattr(result.result, "results", [])]
    problems = [f"{node.unique_id}: {node.problem}" for node in nodes if node.problem]
    if not result.success and not problems:
        problems = [_why_nothing_ran(result.exception)]
    return DbtResult(nodes, problems)


def _node(found: Any) -> NodeResult:
    status = str(found.status)
    # A test that fails says how many rows it found, and no more.
    problem = found.message or status if status == "fail" else without_values(found.message or status)
    return NodeResult(
        unique_id=found.node.unique_id,
        kind=str(found.node.resource_type),
        status=status,
        seconds=found.execution_time,
        failures=found.failures,
        problem=problem if status in {"error", "fail", "runtime error", "partial success"} else "",
        bill=Bill(found.adapter_response.get("bytes_billed")),
    )


def _why_nothing_ran(exception: BaseException) -> str:
    from dbt.cli.exceptions import DbtUsageException
    from dbt_common.exceptions import CompilationError, DbtConfigError

    found_before_a_row_is_read = isinstance(exception, (CompilationError, DbtConfigError, DbtUsageException))
    if found_before_a_row_is_read:
        return str(exception)
    return f"{type(exception).__name__}: {without_values(str(exception))}"
