"""The company of the parity suite on two days, and everything that engines are known to see differently.

It is the simulated company with its six systems, as small as still fills the tables, and beside it a club that no
system knows, whose files are written here by hand: names in several scripts, equal times, missing values, hours that a
clock never showed. On the second day rows are new, changed, late, delivered again, deleted, broken and withdrawn, and
a rule is edited.
"""

import json
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from scv_platform.identity.stewardship import Verdict
from scv_platform.simulation import Rates, continue_company, simulate

CUSTOMERS = 200
SEED = 7
FIRST_DAY = date(2026, 6, 30)
SECOND_DAY = FIRST_DAY + timedelta(days=1)
RATES = Rates(late_share=0.05, sessions_per_person=2, mails_per_year=2)

_BROKEN_USER = f"""
    insert into users (user_id, email, birth_date, is_deleted, created_at, updated_at)
    values ('u0', 'broken@example.com', 'soon', false, '{FIRST_DAY} 08:00:00', '{FIRST_DAY} 08:00:00')
"""
_DELETED_USER = f"""
    update users set is_deleted = true, updated_at = '{SECOND_DAY} 08:00:00'
    where user_id = (select min(user_id) from users where not is_deleted and user_id <> 'u0')
"""

DECISIONS: tuple[tuple[Verdict, str, str], ...] = (
    ("unlink", "club:2", "club:guest:deab2c31708d0955"),
    ("link", "club:4", "club:5"),
    ("link", "club:1", "club:6"),
)
"""What a steward says before the second day: one customer is two, and others are one in spite of their names."""

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
    _store(landing, _BROKEN_USER)
    shutil.copytree(_CLUB / "first_day", landing / "club")


def second_day(landing: Path) -> None:
    """What changes on the second day: files, and rows of systems."""
    continue_company(1, landing)
    # The database is written anew by the simulation.
    _store(landing, _BROKEN_USER, _DELETED_USER)
    shutil.copytree(_CLUB / "second_day", landing / "club", dirs_exist_ok=True)
    _change(landing, "shopify/customers", _withdraws)
    _change(landing, "salesforce/contact", lambda row: {**row, "IsDeleted": True, "SystemModstamp": _at(9)})
    _change(landing, "shopify/orders", lambda row: {**row, "cancelled_at": _at(10), "updated_at": _at(10)})
    # An older version that comes late must not win.
    _change(landing, "zendesk/users", lambda row: {**row, "name": "Old Name", "updated_at": "2020-01-01T00:00:00Z"})


def edit_rule(config: Path) -> None:
    """Ask for more of the members of a segment."""
    members = config / "segments" / "club_members.yml"
    members.write_text(members.read_text().replace("gte: 50", "gte: 60"))


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


def _store(landing: Path, *statements: str) -> None:
    with closing(sqlite3.connect(landing / "app_db" / "app.sqlite")) as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount == 1
        connection.commit()
