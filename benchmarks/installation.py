"""An installation of the platform in a folder of its own, as a fresh clone after `make install`, for the benchmarks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def environment(folder: Path) -> dict[str, str]:
    """Copy the project into the folder and prepare it; the environment of processes that run there."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SCV_", "DAGSTER_"))}
    surroundings = {**inherited, "PYTHONPATH": str(folder)}
    read = [sys.executable, "-m", "scv_platform.transformation.project"]
    subprocess.run(read, check=True, env=surroundings, cwd=folder)
    return surroundings
