"""`scv summary`: the state of a warehouse on one screen, for the person who just ran the platform."""

from typing import Any

from scv_platform.identity.evaluations import newest_with_truth
from scv_platform.settings import Settings
from scv_platform.warehouse import Warehouse
from scv_platform.warehouse.choice import warehouse_of

_LINE = "  {:<34}{:>14}   {}"


def summarise(settings: Settings) -> str:
    """The summary as text; says what to do when nothing was built yet."""
    warehouse = warehouse_of(settings)
    if warehouse.identity() is None or not warehouse.exists("master.customers"):
        return "Nothing is built yet. Run `make demo`, or `scv run`."
    currency = settings.platform.base_currency
    blocks = [
        _block(f"{settings.platform.company}: one customer from many records", _customers(warehouse)),
        _block(f"Money ({currency})", _money(warehouse)),
        _block("Value segments (RFM)", _rfm(warehouse)),
        _block("Churn (no purchase in the next 90 days)", _churn(warehouse)),
        _block("Segments and audiences", _members(warehouse)),
        _block("Exports", _exports(warehouse)),
    ]
    return "\n".join(blocks)


def _block(title: str, lines: list[str]) -> str:
    return "\n".join(["", title, *(lines or ["  none yet"])])


def _customers(warehouse: Warehouse) -> list[str]:
    (row,) = warehouse.rows(
        """
        select
            (select count(*) from identity.source_records) as records,
            (select count(*) from master.customers) as customers,
            (select count(*) from master.customers where record_count > 1) as merged,
            (select count(*) from quarantine.rejected_rows) as rejected
        """
    )
    reasons = warehouse.rows(
        "select source, table_name, min(reason) as example, count(*) as n"
        " from quarantine.rejected_rows group by source, table_name order by source, table_name"
    )
    return [
        _LINE.format("person records", f"{row['records']:,}", "identity.source_records"),
        _LINE.format("customers", f"{row['customers']:,}", "master.customers"),
        _LINE.format("  of more than one record", f"{row['merged']:,}", "identity.identity_map"),
        *identity_lines(warehouse),
        _LINE.format("rows in quarantine", f"{row['rejected']:,}", "quarantine.rejected_rows"),
        *(
            _LINE.format(f"  {r['source']} {r['table_name']}", f"{r['n']:,}", f"such as: {r['example']}")
            for r in reasons
        ),
    ]


def identity_lines(warehouse: Warehouse) -> list[str]:
    """How well the records became customers; nothing where it was never measured."""
    found = newest_with_truth(warehouse)
    if found is None:
        return []
    return [
        _LINE.format("  pair precision", f"{found['pair_precision']:.2%}", "of pairs made one are one person"),
        _LINE.format("  pair recall", f"{found['pair_recall']:.2%}", "of pairs of one person were made one"),
    ]


def _money(warehouse: Warehouse) -> list[str]:
    rows = warehouse.rows(
        """
        select
            transaction_type,
            count(*) as n,
            sum(net_amount_base) as net
        from master.transactions
        where is_counted
        group by transaction_type
        order by transaction_type desc
        """
    )
    net = sum(row["net"] or 0 for row in rows)
    return [
        *(_LINE.format(f"{r['transaction_type']}s", f"{r['n']:,}", f"net {r['net'] or 0:>16,.2f}") for r in rows),
        _LINE.format("net revenue", "", f"    {net:>16,.2f}"),
    ]


def _rfm(warehouse: Warehouse) -> list[str]:
    rows = warehouse.rows(
        """
        select segment, count(*) as n, sum(monetary) as net
        from intelligence.rfm
        where as_of = (select max(as_of) from intelligence.rfm)
        group by segment
        order by n desc, segment
        """
    )
    total = sum(row["n"] for row in rows) or 1
    return [_LINE.format(r["segment"], f"{r['n']:,}", "▇" * max(1, round(40 * r["n"] / total))) for r in rows]


def _churn(warehouse: Warehouse) -> list[str]:
    (row,) = warehouse.rows(
        """
        select
            count(churn_probability) as scored,
            count(*) - count(churn_probability) as unscored,
            count(case when decile = 10 then 1 end) as riskiest,
            avg(case when decile = 10 then churn_probability end) as highest,
            avg(churn_probability) as mean,
            max(backtest_auc) as auc,
            max(backtest_ece) as ece
        from intelligence.churn_scores
        where as_of = (select max(as_of) from intelligence.churn_scores)
        """
    )
    if not row["scored"]:
        return [_LINE.format("customers without a score", f"{row['unscored']:,}", "the reason stands in each row")]
    found = "" if row["auc"] is None else f", AUC {row['auc']:.2f}, mean error {row['ece']:.0%} on the last 90 days"
    return [
        _LINE.format("customers with a score", f"{row['scored']:,}", f"mean chance {row['mean']:.0%}{found}"),
        _LINE.format("  the riskiest tenth", f"{row['riskiest']:,}", f"mean chance {row['highest']:.0%}"),
        _LINE.format("  without one", f"{row['unscored']:,}", "bought nothing yet"),
    ]


def _members(warehouse: Warehouse) -> list[str]:
    lines = []
    for kind in ("segment", "audience"):
        rows = warehouse.rows(
            f"select name, count(*) as n from audiences.{kind}_members where exited_at is null"
            " group by name order by name"
        )
        lines += [_LINE.format(row["name"], f"{row['n']:,}", kind) for row in rows]
    return lines


def _exports(warehouse: Warehouse) -> list[str]:
    if not warehouse.exists("activation.sync_runs"):
        return []
    rows = warehouse.rows(
        """
        select *
        from activation.sync_runs
        where true
        qualify row_number() over (partition by destination, audience order by started_at desc, run_id) = 1
        order by destination, audience
        """
    )
    return [_LINE.format(r["audience"], f"{r['rows_sent']:,}", _outcome(r)) for r in rows]


def _outcome(row: dict[str, Any]) -> str:
    return f"to {row['destination']}, {row['rows_withheld']:,} withheld by the gate ({row['status']})"
