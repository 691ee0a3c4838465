"""The linkage model: how likely two person records are one person, learned from the records alone, with Splink.

Data flow: records with features -> `survey`, `train` -> `LinkageModel`, as JSON -> `score` of candidate pairs.
Fellegi and Sunter's model: how often a feature agrees among records of one person (m, by expectation maximisation) and
of two (u, from random pairs); a match weight is log2 of m / u, a rare name that agrees weighs more than a common one.
Invariant: the same records give the same model, whatever their order (one thread, ordered input, a seed). A feature
that is empty drops out, and which features block is counted; docs/identity.md tells on which data the rest was chosen.
Known limit: Splink writes its own tables; it works beside the warehouse, in `Warehouse.beside`.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
from pydantic import Field

from scv_platform.config_files import StrictModel

if TYPE_CHECKING:
    from splink import Linker
    from splink.internals.blocking_rule_creator import BlockingRuleCreator
    from splink.internals.comparison_creator import ComparisonCreator
    from splink.internals.comparison_level_creator import ComparisonLevelCreator

FEATURES = (
    "given_name", "family_name", "birth_date", "national_id", "email", "phone", "street", "city", "postcode",
    "job_title",
)  # fmt: skip
"""The columns of `identity.match_features` that are compared."""

BLOCKS: Sequence[tuple[str, ...]] = (
    ("national_id",),
    ("email",),
    ("phone",),
    ("full_name",),
    ("family_name", "birth_date"),
    ("given_name", "birth_date"),
    ("family_name", "postcode"),
    ("given_name", "postcode"),
    ("birth_date", "postcode"),
    ("family_name", "city"),
    ("given_name", "city"),
    ("street",),
    ("birth_date",),
    ("postcode",),
    ("family_name",),
    ("given_name",),
)
"""Two records are compared when they agree in all features of a block; wide ones only where they are few."""

_CERTAIN: Sequence[tuple[str, ...]] = (
    ("national_id",),
    ("email",),
    ("given_name", "family_name", "birth_date"),
    ("given_name", "family_name", "postcode"),
)
"""Records that agree in all of these are nearly always one person, so their number tells how many matches there are."""

_EM_BLOCKS: Sequence[tuple[str, ...]] = (
    ("national_id",),
    ("birth_date", "postcode"),
    ("family_name", "birth_date"),
    ("given_name", "birth_date"),
    ("given_name", "family_name"),
    ("given_name", "postcode"),
)
"""Each feature is learned from pairs that agree in others: names, compared crosswise, where neither of them blocks."""


class LinkageRules(StrictModel):
    """How the model is trained; another way trains anew."""

    method: int = Field(1, ge=1, description="Raised with every change of features, blocks, comparisons or Splink.")
    min_records: int = Field(500, ge=2, description="Records with features; fewer teach nothing.")
    min_fill: float = Field(0.01, ge=0, le=1, description="Share of records that have a feature that is compared.")
    pairs_per_record: int = Field(10, ge=1, description="A block that would compare more, on average, is not used.")
    certain_recall: float = Field(0.8, gt=0, le=1, description="Share of all matches that agree in something certain.")
    max_pairs: int = Field(500_000, ge=1, description="Pairs from which each parameter is learned.")
    seed: int = Field(1, ge=0, description="Of the sample of random pairs.")
    least_share: float = Field(0.001, gt=0, lt=1, description="Of one person's pairs, at levels hardly ever seen.")
    frequency_from: int = Field(10, ge=2, description="Rarer values are not kept by name, as they may name people.")
    unreliable_from: float = Field(0.02, ge=0, le=1, description="A feature of which more is wrong guards nothing.")
    drift_factor: float = Field(1.5, gt=1, description="So many times the records, or their inverse, need a new model.")
    drift_fill: float = Field(0.1, gt=0, le=1, description="A share of filled values that moved by more needs one.")


LINKAGE_RULES = LinkageRules()

Frequencies = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Level:
    """How much it says when a feature agrees so well."""

    feature: str
    level: str
    among_one_person: float | None
    """Share of pairs of one person; None where no such pair was seen, and a default is used."""
    among_two: float | None
    """Share of pairs of two."""

    @property
    def weight(self) -> float | None:
        """Match weight in bits: what speaks for one person is positive."""
        return log2(self.among_one_person / self.among_two) if self.among_one_person and self.among_two else None


@dataclass(frozen=True)
class LinkageModel:
    """A trained model: what a pair's probability depends on, and nothing else."""

    settings: Mapping[str, Any]
    """Of Splink, as it saves and loads them."""
    blocks: Sequence[tuple[str, ...]]
    """Which pairs are compared."""
    frequencies: Frequencies
    """By feature: the share of records with each value that many have, and, of "", with any other one on average."""

    @property
    def features(self) -> tuple[str, ...]:
        """The features that are compared."""
        return tuple(comparison["output_column_name"] for comparison in self.settings["comparisons"])

    def unreliable(self, share: float) -> list[str]:
        """The features in which at least such a share of the records of one person clearly differ."""
        differing = {
            comparison["output_column_name"]: comparison["comparison_levels"][-1].get("m_probability")
            for comparison in self.settings["comparisons"]
        }
        return sorted(name for name, found in differing.items() if found is not None and found >= share)

    @property
    def levels(self) -> list[Level]:
        """What the model learned, feature by feature."""
        return [
            Level(
                comparison["output_column_name"],
                level["label_for_charts"],
                level.get("m_probability"),
                level.get("u_probability"),
            )
            for comparison in self.settings["comparisons"]
            for level in comparison["comparison_levels"]
            if not level.get("is_null_level")
        ]

    @property
    def prior_weight(self) -> float:
        """The same of any two records, before anything of them is compared."""
        share = self.settings["probability_two_random_records_match"]
        return log2(share / (1 - share))

    @property
    def version(self) -> str:
        """The same for the same model."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()[:12]

    def as_json(self) -> str:
        """The model as text, from which `from_json` makes it again."""
        return json.dumps(vars(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "LinkageModel":
        """The model that `as_json` wrote."""
        stored = json.loads(text)
        return cls(stored["settings"], [tuple(block) for block in stored["blocks"]], stored["frequencies"])


@dataclass(frozen=True)
class Survey:
    """What there is to learn from."""

    records: int
    fill: Mapping[str, float]
    """Share of the records that have each feature."""
    block_pairs: Mapping[tuple[str, ...], int]
    """Pairs that agree in each block whose features are filled."""
    rules: LinkageRules

    @property
    def features(self) -> list[str]:
        """The features that enough records have."""
        return [name for name, share in self.fill.items() if share >= self.rules.min_fill]

    @property
    def blocks(self) -> list[tuple[str, ...]]:
        """The blocks in which pairs are compared."""
        return self._narrow(BLOCKS)

    @property
    def certain(self) -> list[tuple[str, ...]]:
        """The blocks of nearly certain matches."""
        return self._narrow(_CERTAIN)

    def _narrow(self, blocks: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
        """Those in which some records agree, and not too many for so many records."""
        most = self.rules.pairs_per_record * self.records
        return [block for block in blocks if 0 < self.block_pairs.get(block, 0) <= most]

    @property
    def lacks(self) -> str | None:
        """Why no model can be learned, if so."""
        if self.records < self.rules.min_records:
            return f"{self.records:,} records have features; a model needs {self.rules.min_records:,}"
        if not self.certain:
            return "no two records agree in anything certain, or too many do, so nothing tells what a match looks like"
        if not self.blocks:
            return "too many records agree in whatever they have, so there is no telling which to compare"
        return None


def survey(connection: duckdb.DuckDBPyConnection, relation: str, rules: LinkageRules = LINKAGE_RULES) -> Survey:
    """How many records there are, what they have, and how many pairs each block would compare."""
    counts = ", ".join(f"count({name})" for name in FEATURES)
    records, *filled = _row(connection, f"select count(*), {counts} from {relation}")
    fill = {name: count / records if records else 0.0 for name, count in zip(FEATURES, filled, strict=True)}
    usable = {name for name, share in fill.items() if share >= rules.min_fill}
    if usable.issuperset(("given_name", "family_name")):
        usable.add("full_name")
    blocks = dict.fromkeys([*BLOCKS, *_CERTAIN, *_EM_BLOCKS])
    pairs = {block: _pairs_in(connection, relation, block) for block in blocks if usable.issuperset(block)}
    return Survey(records, fill, pairs, rules)


def _pairs_in(connection: duckdb.DuckDBPyConnection, relation: str, block: Sequence[str]) -> int:
    names, known = ", ".join(block), " and ".join(f"{name} is not null" for name in block)
    sizes = f"select count(*) as n from {relation} where {known} group by {names}"
    (pairs,) = _row(connection, f"select cast(coalesce(sum(n * (n - 1) // 2), 0) as bigint) from ({sizes})")
    return int(pairs)


def fingerprint(connection: duckdb.DuckDBPyConnection, relation: str) -> str:
    """Changes with any record or feature, and not with their order."""
    (value,) = _row(connection, f"select bit_xor(md5_number(record_id || features_hash)) from {relation}")
    return f"{value:032x}"


def train(connection: duckdb.DuckDBPyConnection, relation: str, found: Survey) -> LinkageModel:
    """The model of the records of a relation (record_id and `FEATURES`) of which `found` lacks nothing."""
    from splink import SettingsCreator, block_on
    from splink.internals.exceptions import EMTrainingException

    rules, blocks = found.rules, found.block_pairs
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_id",
        comparisons=[_comparison(name, found.features) for name in found.features],
        blocking_rules_to_generate_predictions=[block_on(*block) for block in found.blocks],
        retain_matching_columns=False,
        linker_uid="scv",
    )
    with _one_thread(connection), _quick_sql():
        connection.execute(f"create or replace table training_records as select * from {relation} order by record_id")
        linker = _linker(connection, "training_records", settings)
        training = linker.training
        certain: list[str | BlockingRuleCreator] = [block_on(*block) for block in found.certain]
        training.estimate_probability_two_random_records_match(certain, recall=rules.certain_recall)
        training.estimate_u_using_random_sampling(max_pairs=rules.max_pairs, seed=rules.seed)
        for block in _EM_BLOCKS:
            if blocks.get(block):
                # A block whose pairs are all alike teaches nothing.
                with suppress(EMTrainingException, ValueError):
                    training.estimate_parameters_using_expectation_maximisation(
                        block_on(*block), estimate_without_term_frequencies=True, max_pairs=rules.max_pairs
                    )
        frequencies = {
            name: _frequencies(connection, name, rules.frequency_from)
            for name in _WEIGHED_BY_FREQUENCY
            if name in found.features
        }
        learned = linker.misc.save_model_to_json()
    for comparison in learned["comparisons"]:
        for level in comparison["comparison_levels"]:
            # What was never seen may be rare, and is not impossible.
            if "m_probability" in level:
                level["m_probability"] = max(level["m_probability"], rules.least_share)
    return LinkageModel(learned, found.blocks, frequencies)


def _frequencies(connection: duckdb.DuckDBPyConnection, name: str, least: int) -> dict[str, float]:
    """The share of records with each value that so many have; of "", that with one of the others, on average."""
    rows = connection.execute(
        f"""
        with counted as (
            select {name} as value, count(*) as n from training_records where {name} is not null group by {name}
        )

        select case when n >= {least} then value else '' end as known_as, avg(n) / (select sum(n) from counted)
        from counted
        group by known_as
        order by known_as
        """
    ).fetchall()
    return dict(rows)


_WEIGHED_BY_FREQUENCY = ("given_name", "family_name", "city", "job_title")
"""A rare value that two records share says more than a common one."""

_SAME_MAILBOX = "split_part(email_l, '@', 1) = split_part(email_r, '@', 1)"
# Addresses of a family are alike, too, but for their numbers. What is dear is asked of the few that pass what is not.
_SLIP_OF_EMAIL = """
    case when jaro_winkler_similarity(email_l, email_r) >= 0.95
        then regexp_replace(email_l, '[^0-9]', '', 'g') = regexp_replace(email_r, '[^0-9]', '', 'g')
        else false
    end
"""
_ONE_SLIP = "case when levenshtein({0}_l, {0}_r) <= 2 then damerau_levenshtein({0}_l, {0}_r) <= 1 else false end"
_TWO_SLIPS = "levenshtein({0}_l, {0}_r) <= 2"
_SWAPPED = " and ".join(
    f"jaro_winkler_similarity({one}, {other}) >= 0.9"
    for one, other in (("given_name_l", "family_name_r"), ("family_name_l", "given_name_r"))
)


def _comparison(name: str, features: Sequence[str]) -> "ComparisonCreator":
    """How alike two values of a feature may be: levels, from equal to different."""
    import splink.comparison_level_library as cll
    import splink.comparison_library as cl

    similar: Sequence[ComparisonLevelCreator]
    if name in ("given_name", "family_name"):
        similar = [cll.JaroWinklerLevel(name, threshold) for threshold in (0.92, 0.85, 0.7)]
    elif name in ("street", "city", "job_title"):
        similar = [cll.JaroWinklerLevel(name, threshold) for threshold in (0.92, 0.8)]
    elif name == "email":
        similar = [
            cll.CustomLevel(_SAME_MAILBOX, "Same mailbox"),
            cll.CustomLevel(_SLIP_OF_EMAIL, "Slip of the keyboard"),
        ]
    else:
        similar = [
            cll.CustomLevel(_ONE_SLIP.format(name), "One slip"),
            cll.CustomLevel(_TWO_SLIPS.format(name), "Two slips"),
        ]
    both_names = {"given_name", "family_name"}.issubset(features)
    if name == "given_name" and both_names:
        similar = [cll.CustomLevel(_SWAPPED, "Names swapped"), *similar]
    return cl.CustomComparison(
        [
            cll.NullLevel(name),
            # Names in each other's place agree once: the family name says nothing more than the given name did.
            *(
                [cll.CustomLevel(_SWAPPED).configure(is_null_level=True)]
                if name == "family_name" and both_names
                else []
            ),
            cll.ExactMatchLevel(name, term_frequency_adjustments=name in _WEIGHED_BY_FREQUENCY),
            *similar,
            cll.ElseLevel(),
        ],
        output_column_name=name,
    )


@contextmanager
def _quick_sql() -> Iterator[None]:
    """Let Splink, which writes many small pieces of SQL, reuse what writes them, or that would be most of its time.

    Each new generator of this version of sqlglot parses its templates again, and has no setting against it.
    """
    from sqlglot.dialects.dialect import Dialect

    make, made = Dialect.generator, dict[str, Any]()

    def generator(dialect: Dialect, **options: Any) -> Any:
        key = f"{type(dialect)} {dialect.settings} {options}"
        if key not in made:
            made[key] = make(dialect, **options)
        return made[key]

    Dialect.generator = generator  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        Dialect.generator = make  # type: ignore[method-assign]


@contextmanager
def _one_thread(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Sums of fractions depend on their order, and the order on the threads."""
    connection.execute("set threads = 1")
    try:
        yield
    finally:
        connection.execute("reset threads")


def _row(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    (row,) = connection.execute(sql).fetchall()
    return row


def score(
    connection: duckdb.DuckDBPyConnection, model: LinkageModel, records: str, candidates: str, least: float
) -> pa.Table:
    """record_a, record_b, probability, match_weight of the candidate pairs that are so likely one person.

    `records` has record_id and the features; `candidates` has one row per pair: match_key, join_key_l, join_key_r.
    """
    with _quick_sql():
        linker = _linker(connection, records, dict(model.settings))
        for name, frequencies in model.frequencies.items():
            _register_frequencies(connection, linker, records, name, frequencies)
        linker.table_management.register_blocked_pairs_for_predict(_registered(connection, candidates))
        predicted = linker.inference.predict(threshold_match_probability=least, warning_mode="never")
    return connection.sql(
        f"""
        select
            least(record_id_l, record_id_r) as record_a,
            greatest(record_id_l, record_id_r) as record_b,
            match_probability as probability,
            match_weight
        from {predicted.physical_name}
        """
    ).to_arrow_table()


def _register_frequencies(
    connection: duckdb.DuckDBPyConnection, linker: "Linker", records: str, name: str, frequencies: Mapping[str, float]
) -> None:
    """Splink's lookup of a feature; what the model knows not by name, or never saw, is as rare as such values are."""
    known = pa.table({"value": list(frequencies), "frequency": pa.array(frequencies.values(), pa.float64())})
    rare = frequencies.get("", min(frequencies.values(), default=1.0))
    connection.register("known_frequencies", known)
    connection.execute(
        f"""
        create or replace table frequencies_{name} as
        select records.{name}, coalesce(known.frequency, {rare!r}) as tf_{name}
        from (select distinct {name} from {records} where {name} is not null) as records
        left join known_frequencies as known on records.{name} = known.value
        """
    )
    connection.unregister("known_frequencies")
    linker.table_management.register_term_frequency_lookup(_registered(connection, f"frequencies_{name}"), name)


def _linker(connection: duckdb.DuckDBPyConnection, relation: str, settings: Any) -> "Linker":
    from splink import Linker

    # It tells its progress as warnings; what matters of it is in the metadata of the asset.
    return Linker(_registered(connection, relation), settings, log_level=logging.ERROR, validate_settings=False)


def _registered(connection: duckdb.DuckDBPyConnection, relation: str) -> Any:
    from splink import DuckDBAPI

    return DuckDBAPI(connection).register(relation)
