"""What shows the age of each layer, from the raw facts to the exports."""

from collections.abc import Iterable, Iterator, Mapping

import dagster as dg

from scv_platform.quality.data_age import DataAge


def layer_ages(
    facts: Mapping[tuple[str, str], str],
    has_sales: bool,
    memberships: Iterable[tuple[str, str, str]],
    exports: Iterable[tuple[str, str]],
) -> Iterator[DataAge]:
    """One `DataAge` per asset whose age can be told.

    `facts`: (source, raw table) -> its time column; `has_sales`: whether any source tells of sales; `memberships`:
    (group, kind, name); `exports`: (destination, audience). Facts may be as old as platform.yml allows; what is
    computed from them must be of the day of the run. Stale audiences block, so that nothing leaves on old knowledge.
    """
    for (source, table), column in facts.items():
        yield DataAge(dg.AssetKey([source, table]), f"raw_{source}.{table}", column)
    if has_sales:
        yield DataAge(dg.AssetKey(["master", "transactions"]), "master.transactions", "occurred_at")
        for scores in ("rfm", "churn_scores"):
            yield DataAge(dg.AssetKey(["intelligence", scores]), f"intelligence.{scores}", "as_of", max_days=0)
    for group, kind, name in memberships:
        yield DataAge(
            dg.AssetKey([group, name]),
            "audiences.definitions",
            "last_as_of",
            condition=f"kind = '{kind}' and name = '{name}'",
            max_days=0,
            blocking=group == "audiences",
        )
    yield DataAge(dg.AssetKey(["serving", "customer_360"]), "serving.customer_360", "as_of", max_days=0)
    for destination, audience in exports:
        yield DataAge(
            dg.AssetKey(["exports", destination, audience]),
            "activation.sync_runs",
            "as_of",
            condition=f"destination = '{destination}' and audience = '{audience}' and status = 'succeeded'",
            max_days=0,
        )
