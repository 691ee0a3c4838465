"""What holds for every model: descriptions, keys, contracts; the unit tests; an empty warehouse; custom fields."""

import json
from dataclasses import replace

import pytest
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import ModelNode

from scv_platform.settings import Privacy
from tests.dbt.conftest import Dbt


@pytest.fixture(scope="module")
def models(manifest: Manifest) -> dict[str, ModelNode]:
    return {node.name: node for node in manifest.nodes.values() if isinstance(node, ModelNode)}


def test_every_model_says_what_one_row_is_and_lies_in_the_schema_of_its_folder(models: dict[str, ModelNode]):
    for model in models.values():
        assert "One row per" in model.description, model.name
        assert model.schema == model.fqn[1], model.name


def test_every_model_that_has_a_key_tests_it(models: dict[str, ModelNode], manifest: Manifest):
    tests: dict[str, set[str]] = {name: set() for name in models}
    for node in manifest.nodes.values():
        metadata = getattr(node, "test_metadata", None)
        if metadata is not None and node.attached_node in {model.unique_id for model in models.values()}:
            tests[manifest.nodes[node.attached_node].name].add(metadata.name)
    without = {name for name, found in tests.items() if not found & {"primary_key", "unique_together"}}
    # A row of these files has no key of its own.
    assert without == {
        "stg_files__identifiers",
        "stg_files__consents",
        "int_identifiers",
        "int_identifiers_unioned",
        "int_consents",
        "int_consents_unioned",
        "rejected_rows",
        # The model behind each of these has the same rows and tests their key.
        "int_people_unioned",
        "int_events_unioned",
        "int_tickets_unioned",
    }


def test_every_source_tells_its_loads_and_every_landing_source_its_rejected_rows(manifest: Manifest):
    def sources_of(model: str) -> set[str]:
        return {unique_id.split(".", 2)[2] for unique_id in manifest.nodes[f"model.scv.{model}"].depends_on.nodes}

    declared = {f"{source.source_name}.{source.name}" for source in manifest.sources.values()}
    assert sources_of("int_loads") == {name for name in declared if name.endswith("._dlt_loads")}
    assert sources_of("rejected_rows") > {name for name in declared if name.endswith("._rejected_rows")}


def test_the_published_layer_has_contracts_and_says_of_every_column_what_it_is_and_how_private(
    models: dict[str, ModelNode],
):
    published = [model for model in models.values() if model.schema == "master"]
    assert {model.name for model in published} == {
        "customers", "transactions", "transaction_lines", "customer_metrics", "products", "consents", "events",
        "tickets", "accounts", "account_members", "subscriptions",
    }  # fmt: skip
    for model in published:
        assert model.config.contract.enforced, model.name
        for column in model.columns.values():
            assert column.description, f"{model.name}.{column.name}"
            assert column.data_type, f"{model.name}.{column.name}"
            assert column.config.meta["privacy"] in set(Privacy), f"{model.name}.{column.name}"
    by_customer = {model.name for model in published if model.config.meta.get("grain") == "customer"}
    assert by_customer == {"customers", "customer_metrics"}


def test_the_unit_tests_of_the_models_pass(empty_dbt: Dbt):
    assert empty_dbt.run("test", "--select", "test_type:unit") == {}


def test_an_empty_warehouse_builds_without_a_warning(empty_dbt: Dbt):
    assert empty_dbt.warnings == {}
    assert empty_dbt.rows("select count(*) as n from master.customers") == [{"n": 0}]


def test_a_contract_stops_a_column_of_another_type_and_a_column_that_it_does_not_know(company_dbt: Dbt):
    for break_contract in (
        lambda columns: setattr(columns["email"], "data_type", "bigint"),
        lambda columns: columns.pop("email"),
    ):
        changed = company_dbt.manifest.deepcopy()
        break_contract(changed.nodes["model.scv.customers"].columns)
        problems = replace(company_dbt, manifest=changed).run("run", "--select", "customers", expect=False)
        assert "enforced contract that failed" in problems["customers"]
        assert "email" in problems["customers"]


def test_a_custom_field_of_every_type_becomes_a_column_where_none_was_before(empty_dbt: Dbt):
    types = ("string", "integer", "decimal", "boolean", "date", "timestamp")
    fields = {
        f"a_{kind}": {"entity": "people", "type": kind, "privacy": "none", "description": f"A {kind}."}
        for kind in types
    } | {"gift_wrap": {"entity": "transactions", "type": "boolean", "privacy": "none", "description": "Wrapped."}}
    with_fields = replace(empty_dbt, environment={"SCV_CUSTOM_FIELDS": json.dumps(fields)})
    with_fields.build("--exclude-resource-type", "test", "--select", "+customers", "+transactions")

    def columns(table: str) -> dict[str, str]:
        return {row["column_name"]: row["column_type"] for row in empty_dbt.rows(f"describe master.{table}")}

    found = {name: kind for name, kind in columns("customers").items() if name.startswith("a_")}
    assert found == {
        "a_string": "VARCHAR",
        "a_integer": "BIGINT",
        "a_decimal": "DECIMAL(18,4)",
        "a_boolean": "BOOLEAN",
        "a_date": "DATE",
        "a_timestamp": "TIMESTAMP",
    }
    assert columns("transactions")["gift_wrap"] == "BOOLEAN"
