"""Data-age checks: how old is the newest fact behind an asset, seen from `as_of`?

A freshness policy judges when an asset was last materialised; a model that is rebuilt every hour from
yesterday's files looks fresh to it. These checks read the data, and need no daemon.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import dagster as dg

from scv_platform.conventions import WAREHOUSE_POOL, run_as_of
from scv_platform.settings import Settings
from scv_platform.warehouse import Warehouse


@dataclass(frozen=True)
class DataAge:
    """What shows the age of an asset: the newest value of a date or timestamp column of its table."""

    asset: dg.AssetKey
    table: str
    column: str
    condition: str = "true"
    max_days: int | None = None
    """The newest value may be this many days old at as_of; None takes `max_data_age_days` of platform.yml."""
    blocking: bool = False
    """Whether a stale asset holds back what depends on it."""


def newest_day(warehouse: Warehouse, age: DataAge, as_of: date) -> date | None:
    """The newest day in the column up to as_of; later days are left out, so that a typo cannot hide stale data."""
    (row,) = warehouse.rows(
        f"select max(cast({age.column} as date)) as newest from {age.table}"
        f" where {age.condition} and cast({age.column} as date) <= date '{as_of.isoformat()}'"
    )
    newest: date | None = row["newest"]
    return newest


def judge(newest: date | None, as_of: date, max_days: int) -> dg.AssetCheckResult:
    """Passed when the newest day is at most `max_days` before as_of. No data at all is stale data."""
    oldest_allowed = as_of - timedelta(days=max_days)
    metadata: dict[str, Any] = {"as_of": as_of.isoformat(), "oldest_allowed": oldest_allowed.isoformat()}
    if newest is None:
        return dg.AssetCheckResult(passed=False, metadata=metadata, description=f"no data up to {as_of}")
    metadata |= {"newest": newest.isoformat(), "age_days": (as_of - newest).days}
    description = f"newest data is of {newest}, {(as_of - newest).days} days before {as_of}; allowed: {max_days}"
    return dg.AssetCheckResult(passed=newest >= oldest_allowed, metadata=metadata, description=description)


def build_data_age_checks(settings: Settings, ages: Iterable[DataAge]) -> list[dg.AssetChecksDefinition]:
    """One check `data_age` for each asset."""
    return [_build_check(settings, age) for age in ages]


def _build_check(settings: Settings, age: DataAge) -> dg.AssetChecksDefinition:
    max_days = settings.platform.max_data_age_days if age.max_days is None else age.max_days

    @dg.asset_check(
        asset=age.asset,
        name="data_age",
        description=f"The newest {age.column} is at most {max_days} days before as_of.",
        blocking=age.blocking,
        pool=WAREHOUSE_POOL,
    )
    def data_age(context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        as_of = run_as_of(context, settings)
        return judge(newest_day(warehouse, age, as_of), as_of, max_days)

    return data_age
