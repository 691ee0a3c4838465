"""The company of the parity suite on two days, and everything that engines are known to see differently.

It is the simulated company with its six systems, as small as still fills the tables, and beside it a club that no
system knows, whose files are written here by hand: names in several scripts, equal times, missing values, hours that a
clock never showed. On the second day rows are new, changed, late, delivered again, deleted, broken and withdrawn, and
a rule is edited.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from scv_platform.simulation import Rates, continue_company, simulate

CUSTOMERS = 200
SEED = 7
FIRST_DAY = date(2026, 6, 30)
SECOND_DAY = FIRST_DAY + timedelta(days=1)
RATES = Rates(late_share=0.05, sessions_per_person=2, mails_per_year=2)

_CLUB = Path(__file__).parent / "club"


def configure(config: Path) -> None:
    """Add the club to the configuration that is shipped."""
    for name in ("sources.yml", "platform.yml"):
        with (config / name).open("a", encoding="utf-8") as file:
            file.write((_CLUB / name).read_text(encoding="utf-8"))
    for folder in ("segments", "audiences"):
        shutil.copytree(_CLUB / folder, config / folder, dirs_exist_ok=True)


def first_day(landing: Path) -> None:
    """Everything up to the first day."""
    simulate(CUSTOMERS, SEED, FIRST_DAY, landing, RATES)
    shutil.copytree(_CLUB / "first_day", landing / "club")


def second_day(landing: Path, config: Path) -> None:
    """What changes on the second day: files, rows of systems, and the rule of a segment."""
    continue_company(1, landing)
    shutil.copytree(_CLUB / "second_day", landing / "club", dirs_exist_ok=True)
    members = config / "segments" / "club_members.yml"
    members.write_text(members.read_text().replace("gte: 50", "gte: 60"))
    _change(landing, "shopify/customers", _withdraws)
    _change(landing, "salesforce/contact", lambda row: {**row, "IsDeleted": True, "SystemModstamp": _at(9)})
    _change(landing, "shopify/orders", lambda row: {**row, "cancelled_at": _at(10), "updated_at": _at(10)})
    # An older version that comes late must not win.
    _change(landing, "zendesk/users", lambda row: {**row, "name": "Old Name", "updated_at": "2020-01-01T00:00:00Z"})


def _withdraws(row: Mapping[str, Any]) -> dict[str, Any] | None:
    if row["email_marketing_consent"]["state"] != "subscribed":
        return None
    withdrawn = {"state": "unsubscribed", "opt_in_level": "single_opt_in", "consent_updated_at": _at(8)}
    return {**row, "email_marketing_consent": withdrawn, "updated_at": _at(8)}


def _at(hour: int) -> str:
    return f"{SECOND_DAY}T{hour:02}:00:00Z"


def _change(landing: Path, table: str, change: Callable[[Mapping[str, Any]], Mapping[str, Any] | None]) -> None:
    """Deliver the first object of that table which `change` has another version of, in that version."""
    folder = landing / table
    (first,) = folder.glob(f"*-{FIRST_DAY}.jsonl")
    objects = (json.loads(line) for line in first.read_text().splitlines() if line.endswith("}"))
    changed = next(changed for row in objects if (changed := change(row)))
    (folder / f"changed-{SECOND_DAY}.jsonl").write_text(json.dumps(changed) + "\n")
