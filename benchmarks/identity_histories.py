"""A thousand random histories of records: what is resolved after each change, against a full refresh, row for row.

Run with `python benchmarks/identity_histories.py`; ends with an error where a row differs. `make test` tries 25.
"""

import os
import subprocess
import sys

from installation import ROOT

HISTORIES = 1_000


def main() -> None:
    test = "tests/dbt/test_changes.py::test_what_changed_is_resolved_as_a_full_refresh_does"
    surroundings = {**os.environ, "SCV_HISTORIES": str(HISTORIES)}
    ended = subprocess.run([sys.executable, "-m", "pytest", "-q", test], cwd=ROOT, env=surroundings)
    sys.exit(ended.returncode)


if __name__ == "__main__":
    main()
