"""When a model is trained, and what is scored: nothing twice, and never other rows than scoring everything anew."""

import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
import yaml

from scv_platform.identity import linkage, matching
from scv_platform.identity.assets import build_matching_assets
from scv_platform.identity.linkage import FEATURES, LINKAGE_RULES, LinkageModel, survey
from scv_platform.identity.matching import (
    MATCH_MODELS,
    PROBABILITIES,
    SCORED_PAIRS,
    SCORED_RECORDS,
    forget_scores,
    score_changed,
    train_when_needed,
    why_train,
)
from scv_platform.settings import PROJECT_ROOT, PlatformConfig, Settings
from scv_platform.warehouse import Table, TableColumn
from scv_platform.warehouse.bigquery import BigQueryWarehouse
from scv_platform.warehouse.duckdb import DuckDBWarehouse

NOW = datetime(2026, 6, 30, 12)
SCHEMA = pa.schema([(name, pa.string()) for name in ("record_id", *FEATURES, "full_name", "features_hash")])
PEOPLE = 450


def features(record_id: str, **known: str | None) -> dict[str, str | None]:
    row: dict[str, str | None] = dict.fromkeys(SCHEMA.names) | known | {"record_id": record_id}
    names = sorted(filter(None, [row["given_name"], row["family_name"]]))
    row["full_name"] = " ".join(names) if len(names) == 2 else None
    row["features_hash"] = "|".join(row[name] or "" for name in FEATURES)
    return row


def word(draw: random.Random, letters: int) -> str:
    return "".join(draw.choice("bdfgklmnprst" if place % 2 else "aeiou") for place in range(letters))


def people() -> list[dict[str, str | None]]:
    """Some people with one record, others with a second one that is damaged in one place."""
    draw = random.Random(5)
    given, family = ([word(draw, draw.randint(4, 8)) for _ in range(count)] for count in (80, 200))
    towns = [(word(draw, 7), str(1000 + number)) for number in range(40)]
    rows = []
    for number in range(PEOPLE):
        city, postcode = draw.choice(towns)
        known: dict[str, str | None] = {
            "given_name": draw.choice(given),
            "family_name": draw.choice(family),
            "birth_date": f"{draw.randint(1940, 2005)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}",
            "street": f"{word(draw, 8)} {draw.randint(1, 99)}",
            "city": city,
            "postcode": postcode,
        }
        rows.append(features(f"crm:{number}", **known))
        if number % 2:
            name = draw.choice(["given_name", "family_name", "street"])
            damaged = str(known[name])
            place = draw.randrange(len(damaged))
            known[name] = draw.choice([None, damaged[:place] + "q" + damaged[place + 1 :]])
            rows.append(features(f"shop:{number}", **known))
    return rows


def give(warehouse: DuckDBWarehouse, rows: list[dict[str, str | None]]) -> None:
    with warehouse.connection() as connection:
        connection.register("rows", pa.Table.from_pylist(rows, SCHEMA))
        connection.execute("create schema if not exists identity")
        connection.execute("create or replace table identity.match_features as select * from rows")


def table(warehouse: DuckDBWarehouse, table: Table) -> list[dict[str, object]]:
    return warehouse.rows(f"select * from {table} order by all")


def scored_anew(warehouse: DuckDBWarehouse) -> list[dict[str, object]]:
    forget_scores(warehouse)
    score_changed(warehouse)
    return table(warehouse, SCORED_PAIRS)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    warehouse = DuckDBWarehouse(tmp_path_factory.mktemp("matching") / "trained.duckdb")
    give(warehouse, people())
    assert train_when_needed(warehouse, NOW).reason == "there was no model"
    assert score_changed(warehouse).records == len(people())
    return warehouse.path


@pytest.fixture
def warehouse(trained: Path, tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(shutil.copy(trained, tmp_path / "scv.duckdb"))


def test_pairs_of_one_person_are_found_and_others_are_not(warehouse: DuckDBWarehouse):
    found = {(row["record_a"], row["record_b"]) for row in table(warehouse, SCORED_PAIRS)}
    wanted = {(f"crm:{number}", f"shop:{number}") for number in range(1, PEOPLE, 2)}
    assert len(found & wanted) >= 0.98 * len(wanted)
    assert len(found - wanted) <= 0.02 * len(wanted)
    (model,) = table(warehouse, MATCH_MODELS)
    assert model["record_count"] == len(people())
    stored = LinkageModel.from_json(str(model["model"]))
    assert stored.version == model["model_version"]
    assert stored.features == ("given_name", "family_name", "birth_date", "street", "city", "postcode")
    towns = Counter(row["city"] for row in people())
    common = {town: count / len(people()) for town, count in towns.items() if count >= 10}
    rare = [count / len(people()) for count in towns.values() if count < 10]
    assert stored.frequencies["city"] == pytest.approx(common | {"": sum(rare) / len(rare)})


def test_the_same_records_give_the_same_model_whatever_their_order(warehouse: DuckDBWarehouse):
    give(warehouse, random.Random(1).sample(people(), len(people())))
    assert train_when_needed(warehouse, NOW.replace(hour=13), on_demand=True).reason == "on demand"
    rows = sorted(table(warehouse, MATCH_MODELS), key=lambda row: str(row["trained_at"]))
    assert [row["model"] is None for row in rows] == [True, False], "whom the model names is kept once"
    first, second = (
        {name: value for name, value in row.items() if name not in ("trained_at", "model")} for row in rows
    )
    assert first == second


def test_a_model_that_fits_is_kept_and_nothing_is_scored_twice(
    warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "splink", None)
    before = table(warehouse, SCORED_PAIRS)
    assert train_when_needed(warehouse, NOW).model is None
    assert score_changed(warehouse).records == 0
    assert table(warehouse, SCORED_PAIRS) == before


def test_new_changed_and_deleted_records_give_the_rows_of_scoring_everything_anew(warehouse: DuckDBWarehouse):
    rows = {str(row["record_id"]): row for row in people()}
    new = {
        "new:1": features("new:1", **{name: rows["crm:2"][name] for name in FEATURES} | {"street": None}),
        "new:2": features("new:2", **{name: rows["crm:2"][name] for name in FEATURES}),
        "crm:4": features("crm:4", **{name: rows["crm:6"][name] for name in FEATURES}),
    }
    del rows["shop:1"]
    give(warehouse, [*(rows | new).values()])
    assert score_changed(warehouse).records == 3
    pairs = table(warehouse, SCORED_PAIRS)
    found = {(row["record_a"], row["record_b"]) for row in pairs}
    assert {("crm:2", "new:1"), ("crm:2", "new:2"), ("new:1", "new:2"), ("crm:4", "crm:6")} <= found
    assert not any("shop:1" in pair for pair in found)
    records = table(warehouse, SCORED_RECORDS)
    assert scored_anew(warehouse) == pairs
    assert table(warehouse, SCORED_RECORDS) == records


@pytest.mark.parametrize("written", [(), (SCORED_PAIRS,)])
def test_a_run_that_was_killed_is_finished_by_the_next(
    warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch, written: tuple[Table, ...]
):
    rows = people()
    changed = features("crm:4", **{name: rows[0][name] for name in FEATURES})
    give(warehouse, [changed if row["record_id"] == "crm:4" else row for row in rows])
    append = DuckDBWarehouse.append

    def killed(self: DuckDBWarehouse, table: Table, data: object) -> int:
        if table not in written:
            raise KeyboardInterrupt
        return append(self, table, data)

    monkeypatch.setattr(DuckDBWarehouse, "append", killed)
    with pytest.raises(KeyboardInterrupt):
        score_changed(warehouse)
    monkeypatch.undo()
    assert score_changed(warehouse).records == 1
    pairs = table(warehouse, SCORED_PAIRS)
    assert scored_anew(warehouse) == pairs


def test_the_pairs_hold_until_there_are_others(warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch):
    pairs = table(warehouse, SCORED_PAIRS)
    rules = LINKAGE_RULES.model_copy(update={"certain_recall": 0.5})
    assert train_when_needed(warehouse, NOW.replace(hour=13), rules).model is not None

    def killed(*_: object) -> pa.Table:
        raise KeyboardInterrupt

    monkeypatch.setattr(matching, "score", killed)
    with pytest.raises(KeyboardInterrupt):
        score_changed(warehouse)
    assert table(warehouse, SCORED_PAIRS) == pairs


def test_switched_off_and_on_again_the_pairs_are_the_same(warehouse: DuckDBWarehouse):
    pairs = table(warehouse, SCORED_PAIRS)
    assert pairs
    assert min(float(str(row["probability"])) for row in pairs) >= 0.5
    assert scored_anew(warehouse) == pairs


def test_a_new_model_scores_everything_anew(warehouse: DuckDBWarehouse):
    rules = LINKAGE_RULES.model_copy(update={"certain_recall": 0.5})
    assert train_when_needed(warehouse, NOW.replace(hour=13), rules).reason == "the rules of training changed"
    # Killed here, the old pairs hold until the next run scores with the new model.
    assert score_changed(warehouse).records == len(people())
    assert {row["model_version"] for row in table(warehouse, SCORED_RECORDS)} == {
        max(table(warehouse, MATCH_MODELS), key=lambda row: str(row["trained_at"]))["model_version"]
    }


@pytest.mark.parametrize(
    ("rows", "lack"),
    [
        ([], "0 records have features; a model needs 500"),
        ([features(f"a:{n}", given_name=f"g{n}", family_name=f"f{n}") for n in range(600)], "no two records agree"),
        ([features(f"a:{n}") for n in range(600)], "no two records agree"),
        ([features(f"a:{n}", email="a@x.ch") for n in range(600)], "no two records agree in anything certain, or too"),
    ],
    ids=["empty", "nobody twice", "all null", "one value for all"],
)
def test_where_there_is_nothing_to_learn_from_there_is_no_model(tmp_path: Path, rows, lack: str):
    warehouse = DuckDBWarehouse(tmp_path / "scv.duckdb")
    give(warehouse, rows)
    assert train_when_needed(warehouse, NOW).reason.startswith(lack)
    assert score_changed(warehouse).model_version is None
    assert [table(warehouse, each) for each in (MATCH_MODELS, SCORED_PAIRS, SCORED_RECORDS)] == [[], [], []]


def test_a_model_is_trained_when_the_data_drifted(warehouse: DuckDBWarehouse):
    newest = table(warehouse, MATCH_MODELS)
    rows = people()

    def why(rows: list[dict[str, str | None]]) -> str | None:
        give(warehouse, rows)
        with warehouse.connection() as connection:
            return why_train(survey(connection, "identity.match_features"), newest)

    assert why(rows) is None
    assert why(rows[: int(len(rows) * 0.7)]) is None
    assert why(rows[: int(len(rows) * 0.6)]) == f"{int(len(rows) * 0.6)} records instead of {len(rows)}"
    assert why(rows * 2) == f"{len(rows) * 2:,} records instead of {len(rows)}"
    told = why([row | {"email": f"{row['record_id']}@x.ch"} for row in rows])
    assert told == "100% of the records have email instead of 0%"


def materialise(warehouse: DuckDBWarehouse, match_by_model: bool, on_demand: bool = False) -> dg.ExecuteInProcessResult:
    settings = Settings(
        warehouse="duckdb", duckdb_path=warehouse.path, landing=warehouse.path.parent, config=warehouse.path.parent,
        as_of=None, dataset_prefix="", environment={},
        platform=PlatformConfig(
            company="Test", base_currency="EUR", default_country="DE", match_by_model=match_by_model
        ),
    )  # fmt: skip
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            list(build_matching_assets(settings)), resources={"warehouse": warehouse}, instance=instance,
            run_config={"ops": {"identity__match_models": {"config": {"on_demand": on_demand}}}}, raise_on_error=False,
        )  # fmt: skip


def run_assets(
    warehouse: DuckDBWarehouse, match_by_model: bool, on_demand: bool = False
) -> dict[str, dict[str, dg.MetadataValue[Any]]]:
    done = materialise(warehouse, match_by_model, on_demand)
    assert done.success
    events = done.get_asset_materialization_events()
    return {event.asset_key.path[-1]: dict(event.materialization.metadata) for event in events}


def cells(chart: dg.MetadataValue[Any]) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in str(chart.value).splitlines()]


def failure(done: dg.ExecuteInProcessResult) -> str:
    (step,) = [event.step_failure_data for event in done.all_events if event.is_step_failure]
    return str(step.user_failure_data.description if step.user_failure_data else step.error)


def test_on_demand_a_model_is_trained_that_is_not_needed_or_it_is_told_why_not(warehouse: DuckDBWarehouse):
    fits = run_assets(warehouse, match_by_model=True)["match_models"]
    assert fits["training"].value == "the newest model fits the data"
    told = run_assets(warehouse, match_by_model=True, on_demand=True)["match_models"]
    assert told["training"].value == "on demand"
    assert told["match_weights"] == fits["match_weights"]
    assert len(table(warehouse, MATCH_MODELS)) == 2
    assert "match_by_model is off" in failure(materialise(warehouse, match_by_model=False, on_demand=True))
    give(warehouse, people()[:100])
    assert "a model needs 500" in failure(materialise(warehouse, match_by_model=True, on_demand=True))
    assert len(table(warehouse, MATCH_MODELS)) == 2


def test_switched_off_the_tables_are_empty_and_splink_stays_away(
    warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "splink", None)
    told = run_assets(warehouse, match_by_model=False)
    assert told["match_models"]["training"].value == "match_by_model is off in platform.yml"
    assert table(warehouse, SCORED_PAIRS) == table(warehouse, SCORED_RECORDS) == []
    assert len(table(warehouse, MATCH_MODELS)) == 1


def test_switched_on_the_assets_tell_what_the_model_learned(warehouse: DuckDBWarehouse):
    warehouse.run([f"delete from {MATCH_MODELS} where true"])
    told = run_assets(warehouse, match_by_model=True)
    assert told["match_models"]["training"].value == "there was no model"
    _, _, *levels = cells(told["match_models"]["match_weights"])
    bars = {(feature, level): (against, bar) for feature, level, _, _, against, _, bar in levels}
    assert all(against == "" or bar == "" for against, bar in bars.values())
    assert bars["any pair", "before anything is compared"][0] > bars["city", "All other comparisons"][0] > ""
    # A birth date says more than a town in which many live.
    equal = {feature: bars[feature, f"Exact match on {feature}"][1] for feature in ("birth_date", "city")}
    assert equal["birth_date"] > equal["city"] > ""
    assert "| given_name, birth_date |" in told["match_models"]["blocks"].value
    assert told["scored_pairs"]["dagster/row_count"].value == len(table(warehouse, SCORED_PAIRS))
    _, _, *steps = cells(told["scored_pairs"]["pairs_by_probability"])
    assert [probability for probability, _, _ in steps] == [str(probability) for probability in PROBABILITIES]
    assert steps[0][1:] == [str(len(table(warehouse, SCORED_PAIRS))), "█" * 30]
    assert steps[0][2] >= steps[-1][2] > ""


@pytest.mark.parity
def test_on_bigquery_the_same_pairs_are_found(
    make_bigquery_warehouse: Callable[[], BigQueryWarehouse], warehouse: DuckDBWarehouse
):
    other = make_bigquery_warehouse()
    of_features = Table(
        "identity",
        "match_features",
        "",
        tuple(TableColumn(name, "string", "") for name in SCHEMA.names),
        ("record_id",),
    )
    other.append(of_features, pa.Table.from_pylist(people(), SCHEMA))
    assert train_when_needed(other, NOW).model is not None
    assert score_changed(other).records == len(people())
    assert score_changed(other).records == 0

    def rounded(rows: list[dict[str, Any]]) -> list[tuple[object, ...]]:
        return sorted((row["record_a"], row["record_b"], round(row["match_weight"], 6)) for row in rows)

    assert rounded(other.rows(f"select * from {SCORED_PAIRS}")) == rounded(table(warehouse, SCORED_PAIRS))
    (version,) = other.rows(f"select model_version from {MATCH_MODELS}")
    assert version == warehouse.rows(f"select model_version from {MATCH_MODELS}")[0]


def test_dbt_knows_the_tables_as_python_writes_them():
    path = PROJECT_ROOT / "scv_dbt" / "models" / "identity" / "scored_pairs.yml"
    (source,) = yaml.safe_load(path.read_text())["sources"]
    types = {"string": "text", "integer": "bigint", "float": "double", "timestamp": "utc_timestamp"}
    for of_dbt in source["tables"]:
        (of_python,) = (each for each in (MATCH_MODELS, SCORED_PAIRS) if each.name == of_dbt["name"])
        wanted = [(column.name, types[column.type], column.description) for column in of_python.columns]
        assert [(c["name"], c["data_type"], c["description"]) for c in of_dbt["columns"]] == wanted
    assert set(linkage.FEATURES) >= {name for block in linkage.BLOCKS for name in block} - {"full_name"}
