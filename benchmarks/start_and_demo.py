"""How long the code location takes to import, and the demo to run, each in a process of its own.

Run with `python benchmarks/start_and_demo.py`. It runs on a copy of the project, as a fresh clone after `make install`:
no warehouse, no run history, no landing files.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from installation import environment

REPETITIONS = 3
CUSTOMERS = 5_000


def seconds(command: list[str], environment: dict[str, str], folder: Path) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, env=environment, cwd=folder, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    load = "from scv_platform.settings import Settings; from scv_platform.definitions import build_definitions;"
    load += "build_definitions(Settings.load()).resolve_asset_graph()"
    scv = str(Path(sys.executable).with_name("scv"))
    imports, demos = [], []
    for _ in range(REPETITIONS):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            surroundings = environment(folder)
            imports.append(seconds([sys.executable, "-c", load], surroundings, folder))
            demos.append(seconds([scv, "demo", "--customers", str(CUSTOMERS)], surroundings, folder))
    print(f"| figure | median of {REPETITIONS} (seconds) | all |")
    print("|---|--:|---|")
    for name, values in (("import of the definitions", imports), (f"scv demo, {CUSTOMERS:,} customers", demos)):
        print(f"| {name} | {statistics.median(values):.1f} | {', '.join(f'{value:.1f}' for value in values)} |")


if __name__ == "__main__":
    main()
