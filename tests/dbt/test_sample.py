"""What stewards say of sampled links, over the real models and two runs."""

from collections.abc import Callable

import pyarrow as pa
import pytest

from scv_platform.identity.matching import SCORED_PAIRS
from scv_platform.identity.review import review_sample
from scv_platform.identity.sample import RuleSample, samples
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.dbt.conftest import Dbt
from tests.dbt.people import SEEDS, Decision, device, person, publish

PEOPLE = [
    # Joined by an address, but for a telephone.
    *(
        person(f"{source}:{name}", email=f"{name}@x.ch")
        for name in ("ann", "ben", "cleo")
        for source in ("crm", "shop")
    ),
    person("crm:dirk", "dirk", phone="+4101"),
    person("shop:dirk", "dirk", phone="+4101", email="dirk@x.ch"),
    person("till:dirk", "dirk", email="dirk@x.ch"),
    # In doubt: nothing joined them before a steward did, or kept them apart.
    person("crm:eve", "eva", email="e@x.ch"),
    person("shop:eve", "hans", email="e@x.ch"),
    person("crm:fay", "fay", email="f@x.ch"),
    person("shop:fay", "otto", email="f@x.ch"),
    # Likely the same.
    person("crm:gus"),
    person("shop:gus"),
    person("shop:hal", anonymous_id="h"),
    device("web:hal", "h"),
]
DECISIONS = [
    Decision("link", "crm:ann", "shop:ann"),
    Decision("unlink", "crm:ben", "shop:ben"),
    Decision("link", "shop:dirk", "till:dirk"),
    Decision("link", "crm:eve", "shop:eve"),
    Decision("unlink", "crm:fay", "shop:fay"),
    Decision("link", "crm:gus", "shop:gus"),
]


@pytest.fixture(scope="module")
def dbt(make_dbt: Callable[..., Dbt]) -> Dbt:
    made = make_dbt()
    made.run("seed", "--select", *SEEDS, "record_aliases")
    likely = {"record_a": "crm:gus", "record_b": "shop:gus", "probability": 0.97, "match_weight": 5.0}
    DuckDBWarehouse(made.path).rebuild(SCORED_PAIRS, pa.Table.from_pylist([likely]))
    return made


def test_a_judged_link_stays_in_the_sample_and_a_decided_doubt_never_comes_in(dbt: Dbt):
    warehouse = DuckDBWarehouse(dbt.path)
    publish(dbt, PEOPLE)
    assert samples(warehouse) == (
        RuleSample("email", links=4, sampled=4, judged=0, correct=0),
        RuleSample("phone", links=1, sampled=1, judged=0, correct=0),
        RuleSample("model", links=1, sampled=1, judged=0, correct=0),
    )
    drawn = {(link.record_a, link.record_b) for link in review_sample(warehouse, 10)}
    publish(dbt, PEOPLE, DECISIONS)
    assert samples(warehouse) == (
        RuleSample("email", links=4, sampled=4, judged=3, correct=2),
        RuleSample("phone", links=1, sampled=1, judged=0, correct=0),
        RuleSample("model", links=1, sampled=1, judged=1, correct=1),
    )
    left = {(link.record_a, link.record_b) for link in review_sample(warehouse, 10)}
    assert left == {("crm:cleo", "shop:cleo"), ("crm:dirk", "shop:dirk")} < drawn
