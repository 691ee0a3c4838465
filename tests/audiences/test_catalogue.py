from pathlib import Path
from typing import Any

import pytest

from scv_platform.audiences.catalogue import Catalogue, CatalogueError
from scv_platform.settings import Privacy
from scv_platform.warehouse import Table, TableColumn
from tests.audiences.shop import SCORES, catalogue, manifest, settings


def build(changed: dict[str, Any], *scores: Table) -> Catalogue:
    return Catalogue.build(changed, settings(Path("nowhere")), scores)


def test_fields_come_from_customer_models_python_tables_and_custom_fields_of_people() -> None:
    fields = catalogue().fields
    assert {"customers.country", "customer_metrics.net_revenue", "scores.segment"} <= set(fields)
    assert "customers.loyalty_tier" in fields
    assert not any(name.startswith("transactions.") for name in fields)
    assert "customers.basket_note" not in fields
    assert "scores.as_of" not in fields


def test_a_field_has_the_type_description_and_privacy_of_its_column() -> None:
    fields = catalogue().fields
    assert fields["customers.email"].privacy is Privacy.DIRECT
    assert fields["customer_metrics.net_revenue"].type == "decimal"
    assert fields["customer_metrics.orders"].type == "integer"
    assert fields["customers.loyalty_tier"].description == "Tier of the card."


@pytest.mark.parametrize("place", ["meta", "config"])
def test_meta_is_found_in_both_places_where_dbt_writes_it(place: str) -> None:
    changed = manifest()
    column = changed["nodes"]["model.scv.customers"]["columns"]["email"]
    column["meta"], column["config"] = {}, {}
    column[place] = {"privacy": "sensitive"} if place == "meta" else {"meta": {"privacy": "sensitive"}}
    fields = build(changed).fields
    assert fields["customers.email"].privacy is Privacy.SENSITIVE


def test_a_column_without_type_or_privacy_class_is_an_error_that_names_it() -> None:
    for change in ({"data_type": None}, {"meta": {}, "config": {}}, {"config": {"meta": {"privacy": "secret"}}}):
        changed = manifest()
        changed["nodes"]["model.scv.customers"]["columns"]["email"].update(change)
        with pytest.raises(CatalogueError, match=r"customers\.email: its dbt YAML needs data_type and meta privacy"):
            build(changed)


def test_a_type_that_no_operator_knows_is_an_error() -> None:
    changed = manifest()
    changed["nodes"]["model.scv.customers"]["columns"]["email"]["data_type"] = "varchar[]"
    with pytest.raises(CatalogueError, match=r"customers\.email: type 'varchar\[\]' is unknown"):
        build(changed)


def test_a_python_table_of_another_grain_is_an_error() -> None:
    lines = Table("master", "lines", "One row per line.", (TableColumn("line_id", "string", "x"),), ("line_id",))
    with pytest.raises(CatalogueError, match=r"master\.lines: key \('line_id',\) is not one row per customer"):
        build(manifest(), SCORES, lines)


def test_a_project_without_customers_is_an_error() -> None:
    changed = manifest()
    del changed["nodes"]["model.scv.customers"]
    with pytest.raises(CatalogueError, match=r"no model master\.customers with meta grain: customer"):
        build(changed)
