"""How long it takes in `dagster dev` from dropping a file to the changed export, at 5,000 customers.

Run with `python benchmarks/dropped_file.py`. The bar is 90 seconds.
"""

import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from installation import ROOT, environment

sys.path.insert(0, str(ROOT))

from tests.dev_server import dagster_dev, wait_until
from tests.drop import drop

CUSTOMERS = 5_000


def exported(folder: Path) -> dict[str, bytes]:
    exports = folder / "data" / "exports" / "thank_you_card"
    return {path.name: path.read_bytes() for path in exports.glob("*.csv")}


def main() -> None:
    scv = str(Path(sys.executable).with_name("scv"))
    day = datetime.now(UTC).date().isoformat()
    # The server that stops may still be writing its logs.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        surroundings = {**environment(folder), "SCV_AS_OF": day}
        for command in ([scv, "simulate", "--customers", str(CUSTOMERS), "--until", day], [scv, "run"]):
            subprocess.run(command, check=True, env=surroundings, cwd=folder, stdout=subprocess.DEVNULL)
        log = folder / "dev.log"
        with dagster_dev(surroundings, log, folder) as server:
            wait_until(lambda: not server.sensors_without_a_tick(), 300, log)
            before = exported(folder)
            drop(folder / "data" / "landing", day)
            seconds = wait_until(lambda: exported(folder) != before, 600, log)
    print("| figure | seconds |")
    print("|---|--:|")
    print(f"| a dropped file reaches the export, {CUSTOMERS:,} customers | {seconds:.0f} |")


if __name__ == "__main__":
    main()
