"""An installation of the platform in a folder of its own, for the benchmarks beside this file."""

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def environment(folder: Path) -> dict[str, str]:
    """Lay a configuration into the folder; the environment of processes that work on it."""
    instance = (ROOT / "dagster.yaml").read_text().replace("base_dir: .dagster", f"base_dir: {folder}")
    (folder / "dagster.yaml").write_text(instance)
    shutil.copytree(ROOT / "config", folder / "config")
    for name in ("destinations.yml", "platform.yml"):
        path = folder / "config" / name
        path.write_text(path.read_text().replace("data/", f"{folder}/"))
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("SCV_")},
        "DAGSTER_HOME": str(folder),
        "SCV_CONFIG": str(folder / "config"),
        "SCV_DUCKDB_PATH": str(folder / "scv.duckdb"),
        "SCV_LANDING": str(folder / "landing"),
    }
