"""The same company gives the same tables on DuckDB and on BigQuery, day after day, row for row."""

import re
import shutil
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from google.cloud import bigquery as google_bigquery

from scv_platform.activation.tables import SUPPRESSIONS, SYNC_RUNS
from scv_platform.audiences.tables import AUDIENCE_MEMBERS, DEFINITIONS, SEGMENT_MEMBERS
from scv_platform.config_files import ConfigError
from scv_platform.identity.evaluate import TRUTH_RECORDS, TRUTH_TRAPS
from scv_platform.identity.evaluations import EVALUATIONS
from scv_platform.identity.explain import compare, explain
from scv_platform.identity.review import review_sample
from scv_platform.identity.shape import measure
from scv_platform.intelligence.backtest import MODEL_BACKTESTS
from scv_platform.intelligence.churn import CHURN_SCORES
from scv_platform.intelligence.rfm import RFM
from scv_platform.preview import preview_identity
from scv_platform.settings import PROJECT_ROOT
from scv_platform.transformation.project import dbt_environment, load_manifest
from scv_platform.warehouse import Table, TableColumn, Warehouse
from scv_platform.warehouse.bigquery import BigQueryWarehouse
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.dbt.conftest import Dbt, parsed
from tests.parity.compare import Contents, contents, differences
from tests.parity.conftest import Both, Engine

OF_PYTHON = (
    SUPPRESSIONS, SYNC_RUNS, SEGMENT_MEMBERS, AUDIENCE_MEMBERS, DEFINITIONS, EVALUATIONS, TRUTH_RECORDS, TRUTH_TRAPS,
    RFM, CHURN_SCORES, MODEL_BACKTESTS,
)  # fmt: skip
"""The tables that Python owns, but for the wide one, which the fields make."""

EMPTY = {"seeds.identity_overrides", "seeds.record_aliases"}
"""Relations that no row reaches on the second day, so that nothing is proven of them but their columns."""

AMOUNTS = Table(
    "shop",
    "amounts",
    "One row per amount.",
    (
        TableColumn("id", "string", "The amount."),
        TableColumn("amount", "decimal", "Money."),
        TableColumn("day", "date", "When."),
    ),
    ("id",),
)
TWO_ROWS = pa.table({"id": ["a", "b"], "amount": ["1.5", "2.25"], "day": ["2026-06-30", None]})


def relations(engine: Engine) -> set[str]:
    manifest = load_manifest(engine.platform.settings)
    prefix = engine.platform.settings.dataset_prefix
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in {"model", "seed", "snapshot"}]
    of_dbt = {
        f"{node['schema'].removeprefix(prefix)}.{node['name']}" for node in (*nodes, *manifest["sources"].values())
    }
    return of_dbt | {str(table) for table in OF_PYTHON} | {"serving.customer_360"}


def rows(side: Contents, relation: str) -> pa.Table:
    return side[relation].rows


def told(problems: Iterable[str]) -> str:
    return "\n\n".join(problems)


def compared(day: str, contents: tuple[Contents, Contents]) -> tuple[list[str], str]:
    """What differs, and the figure that tells how much was compared."""
    problems = differences(*contents)
    count = sum(relation.rows.num_rows for relation in contents[0].values())
    return problems, f"{day}: {len(contents[0])} relations with {count:,} rows compared, {len(problems)} differ"


def test_the_first_day_gives_the_same_tables(first_day: tuple[Contents, Contents], figures: list[str]) -> None:
    problems, figure = compared("first day", first_day)
    figures.append(figure)
    assert not problems, told(problems)


def test_a_day_of_changes_gives_the_same_tables(second_day: tuple[Contents, Contents], figures: list[str]) -> None:
    problems, figure = compared("second day", second_day)
    figures.append(figure)
    assert not problems, told(problems)


def test_the_large_tables_are_laid_out_by_month_and_by_what_they_are_looked_up_by(
    both: Both, second_day: tuple[Contents, Contents], bigquery_environment: Mapping[str, str]
) -> None:
    settings = both.bigquery.platform.settings
    assert settings.bigquery is not None
    with closing(google_bigquery.Client(settings.bigquery.project)) as client:
        for name in ("events", "transactions", "transaction_lines"):
            table = client.get_table(f"{settings.dataset_prefix}master.{name}")
            assert (table.time_partitioning.field, table.time_partitioning.type_) == ("occurred_at", "MONTH")
            assert table.clustering_fields == ["customer_id"]


def test_the_unit_tests_of_the_models_pass_there_too(
    both: Both, second_day: tuple[Contents, Contents], tmp_path: Path, figures: list[str]
) -> None:
    """In the datasets of the company: a unit test reads the columns of a relation, and none of its rows."""
    platform = both.bigquery.platform
    values = {**platform.environment, **dbt_environment(platform.settings)}
    dbt = Dbt(tmp_path / "none", parsed(tmp_path, "bigquery", **values), values, target="bigquery")
    assert dbt.run("test", "--select", "test_type:unit") == {}
    figures.append(f"unit tests of models on BigQuery: {len(dbt.manifest.unit_tests)}")


def test_every_relation_is_compared_and_has_rows(both: Both, second_day: tuple[Contents, Contents]) -> None:
    for engine, side in zip((both.duckdb, both.bigquery), second_day, strict=True):
        assert relations(engine) - side.keys() == set()
        assert {name for name, relation in side.items() if not relation.rows.num_rows} == EMPTY


def test_the_second_day_has_every_kind_of_change(
    first_day: tuple[Contents, Contents], second_day: tuple[Contents, Contents]
) -> None:
    """What the suite proves stands and falls with its company."""
    for before, after in zip(first_day, second_day, strict=True):
        assert len({*differences(before, after)}) > 60
        for members in ("audiences.segment_members", "audiences.audience_members"):
            assert pc.count(rows(after, members)["exited_at"]).as_py() > 0
        assert rows(after, "quarantine.rejected_rows").num_rows > rows(before, "quarantine.rejected_rows").num_rows
        assert rows(after, "identity.record_registry").num_rows > rows(before, "identity.record_registry").num_rows
        events = pc.unique(rows(after, "identity.identity_events")["event"]).to_pylist()
        assert {"created", "merged_into", "split_from"} <= set(events)
        withheld = rows(after, str(SYNC_RUNS))["rows_withheld"]
        assert pc.max(withheld).as_py() > 0
        for day, wanted in ((before, "granted"), (after, "denied")):
            consents = rows(day, "staging.stg_files__consents")
            assert wanted in pc.unique(consents["status"]).to_pylist()


def test_both_send_the_same_files(both: Both, second_day: tuple[Contents, Contents]) -> None:
    assert both.duckdb.exports
    assert both.duckdb.exports == both.bigquery.exports


def test_both_explain_and_measure_identities_alike(both: Both, second_day: tuple[Contents, Contents]) -> None:
    pairs = both.duckdb.warehouse.rows(
        "select status, min(record_a || '|' || record_b) as records from identity.edges group by status order by status"
    )
    assert {pair["status"] for pair in pairs} == {"kept", "refused"}
    for pair in pairs:
        one, other = pair["records"].split("|")
        left, right = (compare(engine.warehouse, one, other, show=True) for engine in (both.duckdb, both.bigquery))
        assert left == right
        left_one, right_one = (explain(engine.warehouse, other) for engine in (both.duckdb, both.bigquery))
        # When a load was complete is different, and so is when something happened.
        assert [replace(event, occurred_at=None) for event in left_one.history] == [
            replace(event, occurred_at=None) for event in right_one.history
        ]
        assert replace(left_one, history=()) == replace(right_one, history=())
    for engine in (both.duckdb, both.bigquery):
        with pytest.raises(ConfigError, match=f"did you mean '{re.escape(one)}"):
            explain(engine.warehouse, f"{one}x")
    assert measure(both.duckdb.warehouse) == measure(both.bigquery.warehouse)
    drawn, drawn_there = (review_sample(engine.warehouse, 10, show=True) for engine in (both.duckdb, both.bigquery))
    assert drawn == drawn_there
    assert len(drawn) == 10


def test_both_preview_a_change_of_rules_alike(
    both: Both, second_day: tuple[Contents, Contents], tmp_path: Path
) -> None:
    shutil.copytree(PROJECT_ROOT / "scv_dbt", tmp_path / "scv_dbt", ignore=shutil.ignore_patterns("target"))
    project = tmp_path / "scv_dbt" / "dbt_project.yml"
    project.write_text(project.read_text().replace("guard: [given_name, birth_date, national_id]", "guard: []"))
    left, right = (
        preview_identity(replace(engine.platform.settings, root=tmp_path), engine.warehouse, show=True)
        for engine in (both.duckdb, both.bigquery)
    )
    assert left == right
    assert ("merged_into", "linked: email_and_family_name") in {
        (happening.event, happening.cause) for happening in left.events
    }
    assert both.bigquery.warehouse.columns("identity__preview") == {}


@pytest.fixture(scope="module")
def control(both: Both, tmp_path_factory: pytest.TempPathFactory) -> tuple[Contents, Warehouse]:
    """What DuckDB holds of a table of two rows, and a BigQuery that has nothing else than is put there."""
    settings = both.bigquery.platform.settings
    assert settings.bigquery is not None
    on_duckdb = DuckDBWarehouse(tmp_path_factory.mktemp("control") / "control.duckdb")
    on_duckdb.rebuild(AMOUNTS, TWO_ROWS)
    prefix = f"{settings.dataset_prefix.rstrip('_')}control_"
    return contents(on_duckdb), BigQueryWarehouse(settings.bigquery, prefix)


TEXT = TableColumn("amount", "string", "Money.")


@pytest.mark.parametrize(
    ("columns", "data", "problem"),
    [
        (AMOUNTS.columns, TWO_ROWS, []),
        (AMOUNTS.columns, TWO_ROWS.set_column(1, "amount", [["1.5", "2.2501"]]), ["shop.amounts has other rows"]),
        (AMOUNTS.columns, TWO_ROWS.slice(1), ["shop.amounts has other rows"]),
        (AMOUNTS.columns[:2], TWO_ROWS.drop_columns("day"), ["shop.amounts has other columns"]),
        ((AMOUNTS.columns[0], TEXT, AMOUNTS.columns[2]), TWO_ROWS, ["shop.amounts has other columns"]),
        (AMOUNTS.columns[::-1], TWO_ROWS, ["shop.amounts has its columns in another order"]),
    ],
    ids=["nothing", "a changed value", "a missing row", "a missing column", "another type", "another order"],
)
def test_a_difference_between_the_engines_bites(
    control: tuple[Contents, Warehouse], columns: tuple[TableColumn, ...], data: pa.Table, problem: list[str]
) -> None:
    on_duckdb, on_bigquery = control
    on_bigquery.rebuild(replace(AMOUNTS, columns=columns), data)
    found = differences(on_duckdb, contents(on_bigquery))
    assert [text.partition("\n")[0].partition(" (")[0] for text in found] == problem
