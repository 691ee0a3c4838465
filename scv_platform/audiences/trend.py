"""How the number of members went, from the stays on record, as a line that fits into asset metadata."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate

from scv_platform.audiences.catalogue import CUSTOMERS, Catalogue
from scv_platform.audiences.rules import Rules
from scv_platform.audiences.tables import MEMBERS
from scv_platform.warehouse import Warehouse, bind

DAYS = 30
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Trend:
    """The members of each of the last days, as_of last, and how many customers there are now."""

    members: tuple[int, ...]
    customers: int

    @property
    def share(self) -> float:
        """The members as a share of all customers."""
        return self.members[-1] / self.customers if self.customers else 0.0

    @property
    def markdown(self) -> str:
        """A line of bars, and what it goes from and to."""
        line, now = f"`{sparkline(self.members)}`", f"{self.members[-1]:,} members"
        if len(self.members) == 1:
            return f"{line} {now} (first day)"
        return f"{line} {self.members[0]:,} → {now} ({len(self.members)} days)"


def read_trend(warehouse: Warehouse, rules: Rules, catalogue: Catalogue, as_of: date) -> Trend:
    """The trend of a segment or audience up to that day."""
    table, customers = MEMBERS[rules.kind], catalogue.tables[CUSTOMERS]
    changes = bind(
        f"""
        select
            day,
            sum(change) as change,
            (select count(*) from {customers}) as customers
        from (
            select entered_at as day, 1 as change from {table} where name = $name
            union all
            select exited_at as day, -1 as change from {table} where name = $name and exited_at is not null
        ) as changes
        group by day
        order by day
        """,
        name=rules.name,
    )
    rows = warehouse.rows(changes)
    by_day = members_by_day({row["day"]: int(row["change"]) for row in rows}, as_of)
    return Trend(by_day, rows[0]["customers"] if rows else 0)


def members_by_day(changes: Mapping[date, int], as_of: date) -> tuple[int, ...]:
    """The members on each day from the first change on, of the last `DAYS` days."""
    first = min([*changes, as_of])
    days = [first + timedelta(days=n) for n in range((as_of - first).days + 1)]
    return tuple(accumulate(changes.get(day, 0) for day in days))[-DAYS:]


def sparkline(counts: Sequence[int]) -> str:
    """A bar for each count, from an empty segment to the fullest day."""
    top = max([*counts, 1])
    return "".join(_BARS[round(count / top * (len(_BARS) - 1))] for count in counts)
