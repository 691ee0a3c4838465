"""A full run at 100,000 customers: seconds of each step and memory, beside the same SQL run bare.

Run with `python benchmarks/full_run.py [CUSTOMERS]`. Bare is the SQL that dbt compiled, executed statement by statement
in one DuckDB process on a copy of the finished warehouse: each table and view is made again from its select.
Memory is the peak of the process.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from installation import environment

CUSTOMERS = 100_000

RUN = """
import json, sys
import dagster as dg
from scv_platform.definitions import build_definitions
from scv_platform.run import materialise
from scv_platform.settings import Settings

settings = Settings.load()
definitions = build_definitions(settings)
outcome = materialise(definitions, settings, None)
with dg.DagsterInstance.get() as instance:
    starts, steps = {}, []
    for entry in instance.all_logs(outcome.run_id):
        event = entry.dagster_event
        if event is not None and event.is_step_start:
            starts[event.step_key] = entry.timestamp
        elif event is not None and (event.is_step_success or event.is_step_failure):
            steps.append((event.step_key, entry.timestamp - starts[event.step_key]))
print(json.dumps({"succeeded": outcome.succeeded, "steps": steps, "failures": outcome.failures}), file=sys.stderr)
"""


def measured(command: list[str], environment: dict[str, str], folder: Path) -> tuple[float, float, str]:
    """Wall seconds, peak memory in GB of the process and those it started, and what it said on standard error."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *command],
        env=environment,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(done.stderr)
    (peak,) = re.findall(r"^peak (\d+)$", done.stderr, flags=re.MULTILINE)
    return seconds, int(peak) / 1024**2, done.stderr


PEAK = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""

BARE = """
import json, sys, time
import duckdb

statements = json.loads(open(sys.argv[2]).read())
connection = duckdb.connect(sys.argv[1])
connection.execute("set TimeZone = 'UTC'")
connection.execute("set threads = 2")
started = time.perf_counter()
for kind, name, sql in statements:
    connection.execute(f"create or replace {kind} {name} as {sql}")
print(json.dumps({"seconds": time.perf_counter() - started}), file=sys.stderr)
"""


def compiled(folder: Path) -> list[tuple[str, str, str]]:
    """What dbt compiled, in the order in which it was built: the kind, the name and the select of each relation."""
    manifest = json.loads((folder / "scv_dbt" / "target" / "manifest.json").read_text())
    nodes = {f"{node['schema']}.{node['name']}": node for node in manifest["nodes"].values()}
    found = []
    for step in (folder / "data" / "scv.dbt_before_matching", folder / "data" / "scv.dbt"):
        for kind, name in re.findall(r" OK created sql (\w+) model ([\w.]+) ", (step / "dbt.log").read_text()):
            if kind in {"table", "view"}:
                sql = (step / "compiled" / "scv" / nodes[name]["original_file_path"]).read_text()
                found.append((kind, name, sql))
    return found


def main() -> None:
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else CUSTOMERS
    scv = str(Path(sys.executable).with_name("scv"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        surroundings = environment(folder)
        simulate = measured([scv, "simulate", "--customers", str(customers)], surroundings, folder)
        run = measured([sys.executable, "-c", RUN], surroundings, folder)
        told = json.loads(next(line for line in run[2].splitlines() if line.startswith('{"succeeded"')))
        statements = compiled(folder)
        (folder / "statements.json").write_text(json.dumps(statements))
        # Of the same name, because the statements call the database by it.
        copy = folder / "bare" / "scv.duckdb"
        copy.parent.mkdir()
        shutil.copy(folder / "data" / "scv.duckdb", copy)
        bare = measured([sys.executable, "-c", BARE, str(copy), str(folder / "statements.json")], surroundings, folder)
        bare_seconds = json.loads(next(line for line in bare[2].splitlines() if line.startswith("{")))["seconds"]
    if told["failures"]:
        print("\n".join(told["failures"]))
    print(f"| {customers:,} customers | seconds | peak memory (GB) |")
    print("|---|--:|--:|")
    print(f"| simulate | {simulate[0]:.1f} | {simulate[1]:.2f} |")
    print(f"| full run | {run[0]:.1f} | {run[1]:.2f} |")
    for step, seconds in sorted(told["steps"], key=lambda item: -item[1])[:20]:
        print(f"| - {step} | {seconds:.1f} | |")
    print(f"| the {len(statements)} tables and views of dbt, run bare | {bare_seconds:.1f} | {bare[1]:.2f} |")


if __name__ == "__main__":
    main()
