"""What the linkage model adds to the rules, on simulated companies, of whom the truth is known.

Run with `python benchmarks/likely_pairs.py [PEOPLE:SEED ...]`. Each company goes through the platform as the demo does,
up to the published identities: first by the rules alone, then with the model. Figures are pairwise, as `scv identity
evaluate` tells them. It takes two or three minutes for each company.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from installation import environment

from scv_platform.identity.evaluate import evaluate
from scv_platform.warehouse.duckdb import DuckDBWarehouse

COMPANIES = ("1000:7", "1000:11", "5000:7", "5000:23")
UNTIL = "2026-06-30"


def main() -> None:
    print(
        "| people, seed | | precision | recall | links of the model, wrong | traps, sprung |\n|---|---|--:|--:|--:|--:|"
    )
    for company in sys.argv[1:] or COMPANIES:
        with tempfile.TemporaryDirectory() as temporary:
            home = Path(temporary)
            surroundings = environment(home) | {"SCV_LANDING": str(home / "landing"), "SCV_AS_OF": UNTIL}
            people, seed = company.split(":")
            options = ["--customers", people, "--seed", seed, "--until", UNTIL, "--out", str(home / "landing")]
            scv(["simulate", *options], surroundings, home)
            config = home / "config" / "platform.yml"
            with_model = config.read_text()
            by_rules = with_model.replace("match_by_model: true", "match_by_model: false")
            for how, text in (("rules", by_rules), ("with the model", with_model)):
                config.write_text(text)
                scv(["run", "--select", '+key:"identity/identity_map"'], surroundings, home)
                found = evaluate(DuckDBWarehouse(home / "data" / "scv.duckdb"), home / "landing" / "truth")
                links = next(((rule.links, rule.wrong) for rule in found.rules if rule.rule == "model"), (0, 0))
                traps = sum(trap.planted for trap in found.traps), sum(trap.sprung for trap in found.traps)
                print(
                    f"| {people}, {seed} | {how} | {found.precision:.4f} | {found.recall:.4f}"
                    f" | {links[0]:,}, {links[1]} | {traps[0]:,}, {traps[1]} |",
                    flush=True,
                )


def scv(arguments: list[str], surroundings: dict[str, str], home: Path) -> None:
    command = [str(Path(sys.executable).with_name("scv")), *arguments]
    subprocess.run(command, check=True, env=surroundings, cwd=home, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
