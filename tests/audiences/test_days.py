from datetime import timedelta
from pathlib import Path

import pytest

from scv_platform.audiences.days import MissingDay, check_day
from scv_platform.warehouse import Table
from tests.audiences.shop import AS_OF, METRICS, SCORES, catalogue, fill, make_shop

CATALOGUE = catalogue()


@pytest.mark.parametrize(("table", "field"), [(SCORES, "scores.score"), (METRICS, "customer_metrics.orders")])
def test_figures_of_another_day_are_refused(tmp_path: Path, table: Table, field: str) -> None:
    warehouse = make_shop(tmp_path / "scv.duckdb")
    fields = [CATALOGUE.fields[field]]
    check_day(warehouse, fields, CATALOGUE, AS_OF)
    fill(warehouse, table, [{"customer_id": "c1", "as_of": AS_OF - timedelta(days=1)}])
    with pytest.raises(
        MissingDay, match=rf"{table} has no rows of 2024-06-30; materialise {table.schema}/{table.name}"
    ):
        check_day(warehouse, fields, CATALOGUE, AS_OF)
    fill(warehouse, table, [{"customer_id": "c1", "as_of": AS_OF}])
    check_day(warehouse, fields, CATALOGUE, AS_OF)


def test_tables_without_a_day_are_not_asked(tmp_path: Path) -> None:
    warehouse = make_shop(tmp_path / "scv.duckdb")
    fill(warehouse, SCORES, [{"customer_id": "c1", "as_of": AS_OF - timedelta(days=1)}])
    check_day(warehouse, [CATALOGUE.fields["customers.country"]], CATALOGUE, AS_OF)
