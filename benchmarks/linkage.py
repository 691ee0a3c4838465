"""Likely pairs at a million person records: quality of the clusters, and the time of scoring beside Splink's own.

Run with `python benchmarks/linkage.py [RECORDS]`. Synthetic people, 30 % of the records damaged copies of others:
slips, missing values, a move, a marriage, a new address or number. They stand where the identity models read them; then
come the model, the scores, and dbt's `match_keys` to `components`, without and with the likely pairs.
Splink's own is `predict` with the same model and the blocks of the model as its blocking rules, on the same connection.
Figures are pairwise, after transitive closure.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from faker import Faker

from scv_platform.identity.linkage import LinkageModel
from scv_platform.identity.matching import forget_scores, score_changed, train_when_needed
from scv_platform.settings import PROJECT_ROOT, Settings
from scv_platform.transformation.invocation import build
from scv_platform.transformation.project import dbt_environment, environment
from scv_platform.warehouse.duckdb import DuckDBWarehouse

RECORDS = 1_000_000
DAY = datetime(2026, 6, 30, tzinfo=UTC).replace(tzinfo=None)
COPIES = 0.3

DAMAGE = {
    "given_name": (0.10, 0.05, 0.0),
    "family_name": (0.08, 0.02, 0.04),
    "birth_date": (0.05, 0.20, 0.0),
    "email": (0.03, 0.30, 0.25),
    "phone": (0.02, 0.35, 0.20),
    "street": (0.10, 0.05, 0.12),
    "city": (0.06, 0.05, 0.0),
    "postcode": (0.05, 0.05, 0.0),
}
"""Of a copy: the share of values with a slip, missing, and replaced by one of somebody else."""

MODELS = ("overrides", "match_keys", "record_traits", "edges", "components")
SEEDS = ("given_names", "identity_blocklist", "identity_overrides", "record_aliases")

FIGURES = """
with known as (select component_id, split_part(record_id, ':', 2) as person from identity.components)

select
    (select sum(n * (n - 1) // 2) from (select count(*) as n from known group by component_id)) as found,
    (select sum(n * (n - 1) // 2) from (select count(*) as n from known group by person)) as true_pairs,
    (select sum(n * (n - 1) // 2) from (select count(*) as n from known group by component_id, person)) as correct
"""


def people(records: int) -> pa.Table:
    draw, names = np.random.default_rng(1), Faker(["en_GB", "de_DE", "fr_FR"])
    names.seed_instance(1)
    count = round(records * (1 - COPIES))

    def some(values: list[str], sharpness: float = 0.7) -> np.ndarray:
        weights = 1 / np.arange(1, len(values) + 1) ** sharpness
        return draw.choice(np.array(values), count, p=weights / weights.sum())

    given = sorted({names.first_name().lower() for _ in range(20_000)})
    family = sorted({names.last_name().lower() for _ in range(60_000)})
    cities = sorted({names.city().lower() for _ in range(20_000)})
    draw.shuffle(given), draw.shuffle(family), draw.shuffle(cities)
    streets = sorted({names.street_name().lower() for _ in range(30_000)})
    city = some(cities)
    born = np.datetime64("1935-01-01") + draw.integers(0, 26_000, count).astype("timedelta64[D]")
    first, last = some(given), some(family)
    number = draw.integers(1, 10**6, count).astype(str)
    known = {
        "given_name": first,
        "family_name": last,
        "birth_date": born.astype(str),
        "email": np.char.add(np.char.add(np.char.add(first, "."), np.char.add(last, number)), "@mail.example"),
        "phone": np.char.add("+4916", draw.integers(10**8, 10**9, count).astype(str)),
        "street": np.char.add(np.char.add(some(streets, 0), " "), draw.integers(1, 150, count).astype(str)),
        "city": city,
        "postcode": np.char.mod(
            "%05d", (np.array([hash_of(c) for c in cities])[np.searchsorted(sorted(cities), city)])
        ),
    }
    return damaged(known, draw, records, count)


def hash_of(text: str) -> int:
    return int.from_bytes(text.encode()[-6:], "big") % 99_999


def damaged(known: dict[str, np.ndarray], draw: np.random.Generator, records: int, count: int) -> pa.Table:
    whose = np.sort(draw.integers(0, count, records - count))
    columns = {"record_id": np.concatenate([np.char.mod("s:%d:0", np.arange(count)), ids(whose)])}
    for name, (slip, missing, replaced) in DAMAGE.items():
        copies = known[name][whose].astype(object)
        fate = draw.random(len(whose))
        for place in np.flatnonzero(fate < slip):
            text = copies[place]
            at = int(draw.integers(0, max(len(text) - 1, 1)))
            copies[place] = text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :]
        other = (fate >= slip) & (fate < slip + replaced)
        copies[other] = known[name][draw.integers(0, count, other.sum())]
        copies[fate > 1 - missing] = None
        own = known[name].astype(object)
        own[draw.random(count) < missing / 2] = None
        columns[name] = np.concatenate([own, copies])
    return pa.table({name: pa.array(values.tolist(), pa.string()) for name, values in columns.items()})


def ids(whose: np.ndarray) -> np.ndarray:
    nth = np.arange(len(whose)) - np.searchsorted(whose, whose) + 1
    return np.char.add(np.char.mod("s:%d:", whose), nth.astype(str))


LOAD = """
create schema identity;
create schema intermediate;
create table identity.source_records as
select
    record_id,
    given_name as given_name_normalised, given_name as given_name_folded,
    family_name as family_name_normalised, family_name as family_name_folded,
    try_cast(birth_date as date) as birth_date, birth_date as birth_date_either_way,
    street, city, postcode as postcode_normalised, replace(street, ' ', '') as address_normalised,
    null::varchar as job_title, false as is_anonymous
from people;
create table identity.identifiers as
select
    record_id, identifier_type, identifier_value, sha256(identifier_type || ':' || identifier_value) as key_hash,
    null::varchar as blocked_as, null::varchar as blocked_because
from (
    unpivot (select record_id, email, phone from people) on email, phone
    into name identifier_type value identifier_value
);
create table intermediate.int_guest_names (record_id varchar, given_name_normalised varchar);
"""


@contextmanager
def told(times: dict[str, float], name: str) -> Iterator[None]:
    started, worked = time.perf_counter(), time.process_time()
    yield
    times[name] = time.process_time() - worked
    print(f"| {name} | {time.perf_counter() - started:.1f} | {times[name]:.1f} |", flush=True)


def dbt(settings: Settings, *unique_ids: str) -> None:
    with environment(dbt_environment(settings, DAY.date())):
        result = build(settings, settings.beside_warehouse(".dbt"), unique_ids, say=lambda _: None)
    if result.problems:
        raise SystemExit("\n".join(result.problems))


def figures(warehouse: DuckDBWarehouse) -> str:
    (row,) = warehouse.rows(FIGURES)
    found, true, correct = (int(row[name]) for name in ("found", "true_pairs", "correct"))
    return f"{correct / found:.4f} | {correct / true:.4f} | {2 * correct / (found + true):.4f}"


def splink_predict(warehouse: DuckDBWarehouse, times: dict[str, float]) -> int:
    from splink import DuckDBAPI, Linker

    (stored,) = warehouse.rows("select model from identity.match_models")
    settings = dict(LinkageModel.from_json(stored["model"]).settings)
    with warehouse.beside(features="select * from identity.match_features") as connection:
        linker = Linker(DuckDBAPI(connection).register("features"), settings, log_level="ERROR")
        with told(times, "Splink's predict"):
            predicted = linker.inference.predict(threshold_match_probability=0.5, warning_mode="never")
        return len(predicted.as_duckdbpyrelation())


def main() -> None:
    records = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    times: dict[str, float] = {}
    print("| step | seconds | of processors |\n|---|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load({"SCV_DUCKDB_PATH": str(Path(folder) / "scv.duckdb")}, PROJECT_ROOT)
        warehouse = DuckDBWarehouse(settings.duckdb_path)
        with warehouse.connection() as connection:
            connection.register("people", people(records))
            connection.execute(LOAD)
        dbt(settings, *(f"seed.scv.{seed}" for seed in SEEDS))
        models = [f"model.scv.{name}" for name in MODELS]
        with told(times, "identity models, rules alone"):
            dbt(settings, *models)
        rules_alone = figures(warehouse)
        with told(times, "match_features"):
            dbt(settings, "model.scv.match_features")
        with told(times, "training"):
            reason = train_when_needed(warehouse, DAY).reason
        with told(times, "scoring"):
            scoring = score_changed(warehouse)
        with told(times, "identity models, with the pairs"):
            dbt(settings, *models)
        both = figures(warehouse)
        of_splink = splink_predict(warehouse, times)
        forget_scores(warehouse)
        with told(times, "scoring again"):
            score_changed(warehouse)
    print(f"\n{records:,} records; {reason}; {scoring.pairs:,} likely pairs, {of_splink:,} of Splink\n")
    print("| | precision | recall | F1 |\n|---|--:|--:|--:|")
    print(f"| rules alone | {rules_alone} |\n| rules and model | {both} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    ratio = times["scoring again"] / times["Splink's predict"]
    print(f"\npeak memory {peak:.2f} GB; scoring takes {ratio:.2f} times the work of Splink's predict")


if __name__ == "__main__":
    main()
