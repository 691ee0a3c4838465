"""RFM: how lately, how often and for how much each customer buys, as scores, a segment and a value tier.

Data flow: `master.transactions` up to the day `as_of` -> one select in the warehouse -> `intelligence.rfm`.
Scores: r is 5 less one for each full fifth of the customers who bought strictly later; f and m are 1 plus
one for each full fifth who bought strictly less often, or for strictly less. Equal customers so always have
equal scores, whatever the order of the rows, and a crowd of one-time buyers all has f = 1.
Known limit: money in a currency without a rate to the base currency counts as nothing.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator
from sqlglot import exp

from scv_platform.config_files import StrictModel, read_yaml, validate
from scv_platform.settings import Identifier, Privacy
from scv_platform.warehouse import Table, TableColumn, Warehouse, bind, literal

GRID_FILE = Path(__file__).with_name("rfm_grid.yml")

RFM = Table(
    schema="intelligence",
    name="rfm",
    description="How lately, how often and for how much a customer buys. One row per (customer, as_of) with a sale.",
    columns=(
        TableColumn("customer_id", "string", "The customer, with at least one counted sale by as_of."),
        TableColumn("as_of", "date", "The day, inclusive, up to which the figures look."),
        TableColumn("recency_days", "integer", "Days from the last counted sale to as_of.", Privacy.QUASI),
        TableColumn("frequency", "integer", "Counted sales in the window that ends with as_of.", Privacy.QUASI),
        TableColumn("monetary", "decimal", "Net revenue of that window, in the base currency.", Privacy.QUASI),
        TableColumn("r_score", "integer", "Recency from 1 to 5; 5 bought last.", Privacy.QUASI),
        TableColumn("f_score", "integer", "Frequency from 1 to 5; 5 bought most often.", Privacy.QUASI),
        TableColumn("m_score", "integer", "Money from 1 to 5; 5 spent most.", Privacy.QUASI),
        TableColumn("segment", "string", "Name of the cell of r and f, such as champions.", Privacy.QUASI),
        TableColumn("value_tier", "string", "Name of the range of m: high, medium or low.", Privacy.QUASI),
        TableColumn("model_version", "string", "Version of the formula and the grid that gave the row."),
    ),
    key=("customer_id", "as_of"),
    partition_by="as_of",
)

_FORMULA_VERSION = "1"

Score = Annotated[int, Field(ge=1, le=5)]


class GridSegment(StrictModel):
    """The cells of one segment: every pair of one of these r and one of these f scores."""

    r: tuple[Score, ...] = Field(min_length=1)
    f: tuple[Score, ...] = Field(min_length=1)
    description: str

    def cells(self) -> set[tuple[int, int]]:
        """The (r, f) pairs of the segment."""
        return {(r, f) for r in self.r for f in self.f}


class RfmGrid(StrictModel):
    """`rfm_grid.yml`: the window, the segment of each cell, and the tier of each monetary score."""

    schema_version: Literal[1]
    window_days: int = Field(ge=1)
    segments: dict[Identifier, GridSegment]
    value_tiers: dict[Identifier, tuple[Score, ...]]

    @model_validator(mode="after")
    def _is_total_and_disjoint(self) -> "RfmGrid":
        scores = range(1, 6)
        for r in scores:
            for f in scores:
                names = [name for name, segment in self.segments.items() if (r, f) in segment.cells()]
                if len(names) != 1:
                    raise ValueError(f"r = {r}, f = {f} must be in exactly one segment, but is in {names or 'none'}")
        for m in scores:
            names = [name for name, those in self.value_tiers.items() if m in those]
            if len(names) != 1:
                raise ValueError(f"m = {m} must be in exactly one value tier, but is in {names or 'none'}")
        return self

    @property
    def version(self) -> str:
        """Changes with the formula and with everything in the file but its comments."""
        content = f"{_FORMULA_VERSION} {self.model_dump_json()}"
        return f"rfm-{_FORMULA_VERSION}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class SegmentSummary:
    """One segment of one day."""

    segment: str
    description: str
    customers: int
    monetary: Decimal


@dataclass(frozen=True)
class RfmSummary:
    """What a run wrote, the segments in the order of the grid."""

    rows: int
    model_version: str
    segments: tuple[SegmentSummary, ...]


@dataclass(frozen=True)
class Coverage:
    """The customers with a counted sale by a day against the rows of that day."""

    buyers: int
    scored: int
    scored_buyers: int

    @property
    def is_complete(self) -> bool:
        """Whether each buyer has exactly one row, and nobody else has one."""
        return self.buyers == self.scored == self.scored_buyers


def read_grid(path: Path = GRID_FILE) -> RfmGrid:
    """The grid in that file; `ConfigError` when a cell has no segment, or two."""
    return validate(RfmGrid, read_yaml(path))


def write_rfm(warehouse: Warehouse, as_of: date, grid: RfmGrid | None = None) -> RfmSummary:
    """Replace the rows of that day, and of no other, in `intelligence.rfm`."""
    grid = grid or read_grid()
    rows = warehouse.replace(RFM, rfm_select(as_of, grid), where={"as_of": as_of})
    found = {row["segment"]: row for row in warehouse.rows(bind(_COUNT_SEGMENTS, as_of=as_of))}
    segments = tuple(
        SegmentSummary(name, segment.description, found[name]["customers"], found[name]["monetary"])
        if name in found
        else SegmentSummary(name, segment.description, 0, Decimal(0))
        for name, segment in grid.segments.items()
    )
    return RfmSummary(rows, grid.version, segments)


def compare_with_sales(warehouse: Warehouse, as_of: date) -> Coverage:
    """Whether `intelligence.rfm` has the right customers for that day."""
    (row,) = warehouse.rows(bind(_COMPARE_WITH_SALES, as_of=as_of))
    return Coverage(**row)


def rfm_select(as_of: date, grid: RfmGrid) -> exp.Expr:
    """The rows of `intelligence.rfm` for that day, as one select over `master.transactions`."""
    return bind(
        _SELECT,
        as_of=as_of,
        window_start=as_of - timedelta(days=grid.window_days),
        segment=_segment(grid),
        value_tier=_value_tier(grid),
        model_version=grid.version,
    )


_SELECT = """
with transactions as (
    select
        customer_id,
        transaction_type,
        net_amount_base,
        cast(occurred_at as date) as day
    from master.transactions
    where is_counted
        and customer_id is not null
),

customers as (
    select
        customer_id,
        date_diff('day', max(case when transaction_type = 'sale' then day end), $as_of) as recency_days,
        count(case when transaction_type = 'sale' and day > $window_start then 1 end) as frequency,
        coalesce(sum(case when day > $window_start then net_amount_base end), 0) as monetary
    from transactions
    where day <= $as_of
    group by customer_id
    having count(case when transaction_type = 'sale' then 1 end) > 0
),

ranked as (
    select
        *,
        count(*) over () as all_customers,
        rank() over (order by recency_days) - 1 as bought_later,
        rank() over (order by frequency) - 1 as bought_less_often,
        rank() over (order by monetary) - 1 as spent_less
    from customers
),

scored as (
    select
        *,
        5 - cast(floor(5 * bought_later / all_customers) as bigint) as r_score,
        1 + cast(floor(5 * bought_less_often / all_customers) as bigint) as f_score,
        1 + cast(floor(5 * spent_less / all_customers) as bigint) as m_score
    from ranked
)

select
    customer_id,
    $as_of as as_of,
    recency_days,
    frequency,
    monetary,
    r_score,
    f_score,
    m_score,
    $segment as segment,
    $value_tier as value_tier,
    $model_version as model_version
from scored
"""

_COUNT_SEGMENTS = f"""
select
    segment,
    count(*) as customers,
    sum(monetary) as monetary
from {RFM}
where as_of = $as_of
group by segment
"""

_COMPARE_WITH_SALES = f"""
with buyers as (
    select distinct customer_id
    from master.transactions
    where is_counted
        and transaction_type = 'sale'
        and customer_id is not null
        and cast(occurred_at as date) <= $as_of
),

scores as (
    select customer_id
    from {RFM}
    where as_of = $as_of
)

select
    (select count(*) from buyers) as buyers,
    (select count(*) from scores) as scored,
    (select count(distinct customer_id) from scores join buyers using (customer_id)) as scored_buyers
"""


def _segment(grid: RfmGrid) -> exp.Expr:
    case = exp.case()
    for name, segment in grid.segments.items():
        condition = exp.and_(exp.column("r_score").isin(*segment.r), exp.column("f_score").isin(*segment.f))
        case = case.when(condition, literal(name))
    return case


def _value_tier(grid: RfmGrid) -> exp.Expr:
    case = exp.case()
    for name, scores in grid.value_tiers.items():
        case = case.when(exp.column("m_score").isin(*scores), literal(name))
    return case
