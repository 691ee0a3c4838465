"""Which pairs of records the linkage model finds likely one person: when it is trained, and what is scored.

Data flow: `identity.match_features` -> a model when one is needed -> `identity.match_models`, for ever -> the pairs
that the newest model finds likely -> `identity.scored_pairs` -> `identity.edges`, which decides what they join.
Invariants: a pair is scored again when one of its records or the model changed, and only then; the tables are what
scoring everything anew would make of them. A process that is killed leaves what the next one finishes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from scv_platform.identity.linkage import (
    LINKAGE_RULES,
    LinkageModel,
    LinkageRules,
    Survey,
    fingerprint,
    score,
    survey,
    train,
)
from scv_platform.settings import Privacy
from scv_platform.warehouse import Table, TableColumn, Warehouse, bind

MATCH_MODELS = Table(
    schema="identity",
    name="match_models",
    description="Every training of the linkage model, for ever; the newest model is in use. One row per training.",
    columns=(
        TableColumn("model_version", "string", "Hash of the model."),
        TableColumn("trained_at", "timestamp", "When, UTC."),
        TableColumn("data_version", "string", "Hash of the features that it was trained on."),
        TableColumn("record_count", "integer", "Records that it was trained on."),
        TableColumn("fill", "string", "Share of those records that have each feature, as JSON."),
        TableColumn("rules", "string", "How it was trained, as JSON."),
        TableColumn("unreliable", "string", "Features in which records of one person often differ clearly."),
        TableColumn(
            "model",
            "string",
            "Settings, blocks and term frequencies, as JSON; null but for the newest, as it names people.",
            Privacy.DIRECT,
        ),
    ),
    key=("model_version", "trained_at"),
)

SCORED_PAIRS = Table(
    schema="identity",
    name="scored_pairs",
    description=(
        "Pairs of person records that the newest model finds likely one person, with a probability of .5 or more."
        " One row per pair."
    ),
    columns=(
        TableColumn("record_a", "string", "The lesser record."),
        TableColumn("record_b", "string", "The greater record."),
        TableColumn("probability", "float", "Probability that they are one person."),
        TableColumn("match_weight", "float", "The same as weight of the evidence, in bits; 0 is even odds."),
    ),
    key=("record_a", "record_b"),
)

SCORED_RECORDS = Table(
    schema="identity",
    name="scored_records",
    description="Which features of which record were scored by which model. One row per record that was scored.",
    columns=(
        TableColumn("record_id", "string", "Person record."),
        TableColumn("features_hash", "string", "Hash of its features."),
        TableColumn("model_version", "string", "Model that scored its pairs."),
    ),
    key=("record_id",),
)

PROBABILITIES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""What may be asked of a likely pair; the first is what is, and what is less likely is no edge."""


@dataclass(frozen=True)
class Training:
    """What became of the question whether a model is needed."""

    reason: str
    """Why a model was trained, or why not."""
    survey: Survey
    model: LinkageModel | None = None
    """The new model."""


@dataclass(frozen=True)
class Scoring:
    """What was scored."""

    model_version: str | None
    """None without a model."""
    records: int
    """New and changed records, whose pairs were scored."""
    pairs: int
    """Likely pairs among them."""


def train_when_needed(
    warehouse: Warehouse, now: datetime, rules: LinkageRules = LINKAGE_RULES, on_demand: bool = False
) -> Training:
    """Train a model on `identity.match_features` when there is none, or it does not fit the data any more."""
    warehouse.ensure(MATCH_MODELS)
    newest = warehouse.rows(_NEWEST.format(columns="record_count, fill, rules"))
    with warehouse.beside(features="select * from identity.match_features") as connection:
        found = survey(connection, "features", rules)
        if found.lacks:
            return Training(found.lacks, found)
        reason = "on demand" if on_demand else why_train(found, newest)
        if reason is None:
            return Training("the newest model fits the data", found)
        model = train(connection, "features", found)
        data_version = fingerprint(connection, "features")
    row = {
        "model_version": model.version,
        "trained_at": now,
        "data_version": data_version,
        "record_count": found.records,
        "fill": json.dumps(found.fill),
        "rules": rules.model_dump_json(),
        "unreliable": ", ".join(model.unreliable(rules.unreliable_from)),
        "model": model.as_json(),
    }
    warehouse.append(MATCH_MODELS, pa.Table.from_pylist([row], _MODEL_SCHEMA))
    warehouse.run([_FORGET_MODELS])
    return Training(reason, found, model)


def why_train(found: Survey, newest: Sequence[Mapping[str, object]]) -> str | None:
    """What the newest model, if there is one, does not know yet of the data; None when it fits."""
    if not newest:
        return "there was no model"
    (stored,) = newest
    if stored["rules"] != found.rules.model_dump_json():
        return "the rules of training changed"
    before, factor = int(str(stored["record_count"])), found.rules.drift_factor
    if not before / factor <= found.records <= before * factor:
        return f"{found.records:,} records instead of {before:,}"
    fill = json.loads(str(stored["fill"]))
    for name, share in found.fill.items():
        if abs(share - fill.get(name, 0.0)) > found.rules.drift_fill:
            return f"{share:.0%} of the records have {name} instead of {fill.get(name, 0.0):.0%}"
    return None


def score_changed(warehouse: Warehouse) -> Scoring:
    """Score new and changed records against each other and all others, with the newest model."""
    for table in (MATCH_MODELS, SCORED_PAIRS, SCORED_RECORDS):
        warehouse.ensure(table)
    model = newest_model(warehouse)
    if model is None:
        forget_scores(warehouse)
        return Scoring(None, 0, 0)
    version = model.version
    (count,) = warehouse.rows(bind(f"select count(*) as n from ({_CHANGED}) as changed", version=version))
    pairs = _scored(warehouse, model) if count["n"] else None
    # Not before there are others. Also what a run wrote that was killed before it noted which records it had scored.
    warehouse.run([bind(sql, version=version) for sql in _FORGET_CHANGED])
    if pairs is None:
        return Scoring(version, 0, 0)
    written = warehouse.append(SCORED_PAIRS, pairs)
    warehouse.append(SCORED_RECORDS, bind(_CHANGED, version=version))
    return Scoring(version, count["n"], written)


def newest_model(warehouse: Warehouse) -> LinkageModel | None:
    """The model in use, if there is one."""
    stored = warehouse.rows(_NEWEST.format(columns="model"))
    return LinkageModel.from_json(stored[0]["model"]) if stored else None


def _scored(warehouse: Warehouse, model: LinkageModel) -> pa.Table:
    """The likely pairs of new and changed records."""
    candidates = bind(candidates_select(model.blocks), version=model.version)
    with warehouse.beside(features="select * from identity.match_features", candidates=candidates) as connection:
        return score(connection, model, "features", "candidates", PROBABILITIES[0])


def forget_scores(warehouse: Warehouse) -> None:
    """Empty the tables of scores, which are made anew when a model scores again."""
    for table in (SCORED_PAIRS, SCORED_RECORDS):
        warehouse.ensure(table)
    warehouse.run([f"delete from {table} where true" for table in (SCORED_RECORDS, SCORED_PAIRS)])


def candidates_select(blocks: Sequence[Sequence[str]]) -> str:
    """The pairs of a new or changed record and any other that agree in a block, each of the first such block alone."""
    selects: list[str] = []
    earlier: list[str] = []
    for number, block in enumerate(blocks):
        agree = " and ".join(f"one.{name} = other.{name}" for name in block)
        selects.append(
            f"""
            select '{number}' as match_key, one.record_id as join_key_l, other.record_id as join_key_r
            from changed as one
            inner join records as other on {agree}
            where
                one.record_id != other.record_id
                and (one.record_id < other.record_id or not other.is_changed)
                {" ".join(f"and not {before}" for before in earlier)}
            """
        )
        earlier.append("(" + " and ".join(f"coalesce(one.{name} = other.{name}, false)" for name in block) + ")")
    return f"""
        with records as (
            select features.*, scored.record_id is null as is_changed
            from identity.match_features as features
            left join identity.scored_records as scored
                on features.record_id = scored.record_id
                and features.features_hash = scored.features_hash
                and scored.model_version = $version
        ),

        changed as (
            select * from records where is_changed
        )

        {" union all ".join(selects)}
    """


def pairs_by_probability(warehouse: Warehouse) -> list[dict[str, object]]:
    """How many pairs would be left, were only those kept that are at least so likely."""
    steps = [*enumerate(PROBABILITIES)]
    counts = ", ".join(f"count(case when probability >= {least} then 1 end) as p{n}" for n, least in steps)
    (row,) = warehouse.rows(f"select {counts} from {SCORED_PAIRS}")
    return [{"probability": least, "pairs": row[f"p{n}"]} for n, least in steps]


_NEWEST = "select {columns} from identity.match_models order by trained_at desc, model_version limit 1"

_FORGET_MODELS = """
    update identity.match_models set model = null
    where trained_at < (select max(trained_at) from identity.match_models)
"""

_CURRENT = """
    select features.record_id
    from identity.match_features as features
    inner join identity.scored_records as scored
        on features.record_id = scored.record_id and features.features_hash = scored.features_hash
    where scored.model_version = $version
"""

_CHANGED = f"""
    select record_id, features_hash, $version as model_version
    from identity.match_features
    where record_id not in ({_CURRENT})
"""

_FORGET_CHANGED = (
    f"delete from identity.scored_pairs where record_a not in ({_CURRENT}) or record_b not in ({_CURRENT})",
    f"delete from identity.scored_records where record_id not in ({_CURRENT})",
)
"""In this order: what is current is told by the second table."""

_MODEL_SCHEMA = pa.schema(
    [(column.name, {"timestamp": pa.timestamp("us"), "integer": pa.int64()}.get(column.type, pa.string()))
     for column in MATCH_MODELS.columns]
)  # fmt: skip
