"""The compiled SQL against a plain evaluator in Python, on random rules and random customers."""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from scv_platform.audiences.compiler import compile_rules, segments_read, tables_read
from scv_platform.audiences.rules import Segment
from scv_platform.audiences.tables import SEGMENT_MEMBERS
from scv_platform.warehouse import Warehouse
from scv_platform.warehouse.bigquery import BigQueryWarehouse
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from scv_platform.warehouse.rendering import bigquery_sql
from tests.audiences.shop import (
    AS_OF,
    CONSENTS,
    CUSTOMERS,
    EVENTS,
    LINES,
    METRICS,
    SCORES,
    catalogue,
    create_tables,
    day,
    fill,
    make_shop,
)  # fmt: skip

CATALOGUE = catalogue()
Row = dict[str, Any]


def segment(where: dict[str, Any]) -> Segment:
    head = {"schema_version": 1, "name": "tested", "description": "x", "owner": "team:x"}
    return Segment.model_validate({**head, "where": where})


# --- customers at random -----------------------------------------------------------------------

TEXTS = ["CH", "DE", "ch", "100%", "a_b", "O'Neil", "back\\slash", 'say "hi"', ""]
DAYS = [AS_OF + timedelta(days=offset) for offset in (-400, -90, -89, -31, -30, -29, -1, 0, 1, 30)]
NUMBERS = [Decimal(text) for text in ("-5", "0", "0.1", "49.9999", "50", "1000")]
MOMENTS = [datetime.combine(moment, datetime.min.time()) + timedelta(seconds=s) for moment in DAYS for s in (0, 86399)]
CATEGORIES = ["Baby", "Toys", "O'Clock"]
SEGMENTS = ["champions", "lapsed"]
EVENT_NAMES = ["Product Viewed", "Email Opened", "O'Event"]
PURPOSES, CHANNELS = ["email_marketing", "calls"], ["email", "phone", "any"]


class Shop:
    """Rows drawn from a seed, with many nulls, in the warehouse and as Python lists."""

    def __init__(self, seed: int, path: Path) -> None:
        draw = random.Random(seed)

        def maybe(values: list[Any]) -> Any:
            return draw.choice([None, *values])

        ids = [f"c_{number:02}" for number in range(40)]
        self.customers: list[Row] = [
            {
                "customer_id": customer_id,
                "country": maybe(TEXTS),
                "email": maybe(TEXTS),
                "birth_date": maybe(DAYS),
                "first_seen_at": maybe(MOMENTS),
                "record_count": maybe([0, 1, 2]),
                "is_staff": maybe([True, False]),
            }
            for customer_id in ids
        ]
        self.metrics: list[Row] = [
            {"customer_id": customer_id, "net_revenue": maybe(NUMBERS), "orders": maybe([0, 1, 5])}
            for customer_id in draw.sample(ids, 25)
        ]
        self.scores: list[Row] = [
            {"customer_id": customer_id, "as_of": as_of, "score": maybe([0.0, 0.1, 0.3, 1.0]), "segment": maybe(TEXTS)}
            for as_of in (AS_OF, AS_OF - timedelta(days=1))
            for customer_id in draw.sample(ids, 25)
        ]
        sales: list[Row] = [
            {
                "transaction_id": f"t{number}",
                "transaction_type": draw.choice(["sale", "sale", "sale", "return", "refund"]),
                "customer_id": maybe(ids[:10]),
                "occurred_at": draw.choice(MOMENTS),
            }
            for number in range(60)
        ]
        self.lines: list[Row] = [
            {
                **draw.choice(sales),
                "transaction_line_id": f"l{number}",
                "is_counted": draw.random() < 0.8,
                "category": maybe(CATEGORIES),
                "sku": maybe(["s1", "s2"]),
                "amount_base": maybe([Decimal("0.1"), Decimal("20"), Decimal("49.9")]),
            }
            for number in range(120)
        ]
        self.stays: list[Row] = [
            {"name": name, "customer_id": customer_id, "entered_at": AS_OF, "exited_at": maybe([AS_OF])}
            for name in SEGMENTS
            for customer_id in draw.sample(ids, 12)
        ]
        self.events: list[Row] = [
            {
                "event_id": f"e{number}",
                "customer_id": maybe(ids[:15]),
                "event": draw.choice(EVENT_NAMES),
                "occurred_at": draw.choice(MOMENTS),
                "category": maybe(CATEGORIES),
                "value": maybe(NUMBERS),
            }
            for number in range(150)
        ]
        self.consents: list[Row] = [
            {"customer_id": customer_id, "purpose": purpose, "channel": channel, "status": answer}
            for customer_id in ids
            for purpose in PURPOSES
            for channel in CHANNELS
            if (answer := maybe(["granted", "denied"]))
        ]
        self.warehouse = make_shop(path)
        for table, rows in (
            (CUSTOMERS, self.customers), (METRICS, self.metrics), (SCORES, self.scores),
            (LINES, self.lines), (EVENTS, self.events), (CONSENTS, self.consents), (SEGMENT_MEMBERS, self.stays),
        ):  # fmt: skip
            fill(self.warehouse, table, rows)


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Shop]]:
    with ExitStack() as stack:
        paths = [tmp_path_factory.mktemp("shop") / "scv.duckdb" for _ in range(4)]
        # While one connection is open, the others open at once: every example would wait for the file otherwise.
        for path in paths:
            stack.enter_context(DuckDBWarehouse(path).connection())
        yield [Shop(seed, path) for seed, path in enumerate(paths)]


# --- the plain evaluator -----------------------------------------------------------------------

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, wanted: value == wanted,
    "ne": lambda value, wanted: value != wanted,
    "in": lambda value, wanted: value in wanted,
    "not_in": lambda value, wanted: value not in wanted,
    "gt": lambda value, wanted: value > wanted,
    "gte": lambda value, wanted: value >= wanted,
    "lt": lambda value, wanted: value < wanted,
    "lte": lambda value, wanted: value <= wanted,
    "between": lambda value, wanted: wanted[0] <= value <= wanted[1],
    "contains": lambda value, wanted: wanted in value,
    "starts_with": lambda value, wanted: value.startswith(wanted),
    "within_days": lambda value, days: 0 <= (AS_OF - value).days < days,
    "older_than_days": lambda value, days: (AS_OF - value).days >= days,
}


def holds(node: dict[str, Any], customer: Row, shop: Shop) -> bool:
    match node:
        case {"all": inner}:
            return all(holds(part, customer, shop) for part in inner)
        case {"any": inner}:
            return any(holds(part, customer, shop) for part in inner)
        case {"none": inner}:
            return not any(holds(part, customer, shop) for part in inner)
        case {"field": name, **operators}:
            return meets(value_of(name, customer, shop), operators)
        case {"event": name, **bounds}:
            return did(name, bounds, customer, shop)
        case {"consent": purpose, "status": status, **rest}:
            said = {
                row["status"]
                for row in shop.consents
                if row["customer_id"] == customer["customer_id"]
                and row["purpose"] == purpose
                and row["channel"] in {rest.get("channel", row["channel"]), "any"}
            }
            return "denied" in said if status == "denied" else said == {"granted"}
        case {"purchase": wanted, **bounds}:
            return bought(wanted, bounds, customer, shop)
        case {"segment": name, **rest}:
            wanted = {"name": name, "customer_id": customer["customer_id"], "exited_at": None}
            return any(wanted.items() <= stay.items() for stay in shop.stays) == rest.get("member", True)
    raise AssertionError(node)


def meets(value: Any, operators: Row) -> bool:
    if "is_null" in operators:
        return (value is None) == bool(operators["is_null"])
    return value is not None and all(COMPARE[key](value, like(value, wanted)) for key, wanted in operators.items())


def did(name: str, bounds: Row, customer: Row, shop: Shop) -> bool:
    def about(node: Row, event: Row) -> bool:
        match node:
            case {"all": inner}:
                return all(about(part, event) for part in inner)
            case {"any": inner}:
                return any(about(part, event) for part in inner)
            case {"none": inner}:
                return not any(about(part, event) for part in inner)
            case {"field": field, **operators}:
                value = event[field.removeprefix("events.")]
                return meets(value.date() if isinstance(value, datetime) else value, operators)
        raise AssertionError(node)

    times = sum(
        event["customer_id"] == customer["customer_id"]
        and event["event"] == name
        and 0 <= (AS_OF - event["occurred_at"].date()).days < bounds.get("within_days", 10_000)
        and ("where" not in bounds or about(bounds["where"], event))
        for event in shop.events
    )
    return all(COMPARE[key](times, bound) for key, bound in bounds.get("count", {"gte": 1}).items())


def value_of(name: str, customer: Row, shop: Shop) -> Any:
    table, column = name.split(".")
    rows = {
        "customers": [customer],
        "customer_metrics": shop.metrics,
        "scores": [row for row in shop.scores if row["as_of"] == AS_OF],
    }[table]
    value = next((row[column] for row in rows if row["customer_id"] == customer["customer_id"]), None)
    return value.date() if isinstance(value, datetime) else value


def like(value: Any, wanted: Any) -> Any:
    """Beside a decimal, decimal fractions as people write them, where a float would be a little off."""
    if isinstance(wanted, list):
        return [like(value, item) for item in wanted]
    return Decimal(str(wanted)) if isinstance(value, Decimal) and isinstance(wanted, float) else wanted


def bought(wanted: Row, bounds: Row, customer: Row, shop: Shop) -> bool:
    lines = [
        line
        for line in shop.lines
        if line["customer_id"] == customer["customer_id"]
        and line["transaction_type"] == "sale"
        and line["is_counted"]
        and 0 <= (AS_OF - line["occurred_at"].date()).days < bounds.get("within_days", 10_000)
        and all(line[key] in values for key, values in wanted.items())
    ]
    sales = {line["transaction_id"] for line in lines}
    total = sum((line["amount_base"] or Decimal(0) for line in lines), Decimal(0))
    count = bounds.get("count", {} if "amount" in bounds else {"gte": 1})
    amount = bounds.get("amount", {})
    return all(COMPARE[key](len(sales), bound) for key, bound in count.items()) and all(
        COMPARE[key](total, like(total, bound)) for key, bound in amount.items()
    )


# --- rules at random ---------------------------------------------------------------------------


def operators(values: st.SearchStrategy[Any], names: str) -> st.SearchStrategy[Row]:
    def operator(name: str) -> st.SearchStrategy[Row]:
        if name in {"in", "not_in"}:
            return st.lists(values, min_size=1, max_size=3).map(lambda chosen: {name: chosen})
        if name == "between":
            return st.tuples(values, values).map(lambda pair: {name: sorted(pair)})
        if name == "is_null":
            return st.booleans().map(lambda wanted: {name: wanted})
        if name.endswith("_days"):
            return st.sampled_from([1, 29, 30, 31, 90, 500]).map(lambda days: {name: days})
        return values.map(lambda value: {name: value})

    alone = names.split()
    combined = [name for name in alone if name != "is_null"]
    some = st.sampled_from(combined).flatmap(operator)
    return st.one_of(
        st.sampled_from(alone).flatmap(operator), st.tuples(some, some).map(lambda two: {**two[0], **two[1]})
    )


EQUALITY, ORDER, AGE = "eq ne in not_in", "gt gte lt lte between", "within_days older_than_days"
TEXT = st.sampled_from([text for text in TEXTS if text])
NUMBER = st.sampled_from([-5, 0, 0.1, 49.9999, 50, 1000, 1e-9, 1e25])
FIELDS: dict[str, st.SearchStrategy[Row]] = {
    "customers.country": operators(TEXT, f"{EQUALITY} contains starts_with is_null"),
    "customers.email": operators(TEXT, f"{EQUALITY} contains starts_with is_null"),
    "customers.birth_date": operators(st.sampled_from(DAYS), f"{EQUALITY} {ORDER} {AGE} is_null"),
    "customers.first_seen_at": operators(st.sampled_from(DAYS), f"{EQUALITY} {ORDER} {AGE} is_null"),
    "customers.record_count": operators(st.sampled_from([-1, 0, 1, 10**20]), f"{EQUALITY} {ORDER} is_null"),
    "customers.is_staff": operators(st.booleans(), "eq ne is_null"),
    "customer_metrics.net_revenue": operators(NUMBER, f"{EQUALITY} {ORDER} is_null"),
    "customer_metrics.orders": operators(st.sampled_from([0, 1, 2]), f"{EQUALITY} {ORDER} is_null"),
    "scores.score": operators(st.sampled_from([0, 0.1, 0.3, 1.0]), f"{EQUALITY} {ORDER} is_null"),
    "scores.segment": operators(TEXT, f"{EQUALITY} contains starts_with is_null"),
}
BOUNDS = st.dictionaries(
    st.sampled_from(["eq", "gt", "gte", "lt", "lte"]), st.sampled_from([0, 1, 2, 20.1, 49.9]), min_size=1, max_size=2
)
PURCHASES = st.fixed_dictionaries(
    {
        "purchase": st.fixed_dictionaries(
            {"category": st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=2)},
            optional={"sku": st.just(["s1"])},
        )
    },
    optional={"count": BOUNDS, "amount": BOUNDS, "within_days": st.sampled_from([1, 30, 31, 90])},
)
EVENT_FIELDS: dict[str, st.SearchStrategy[Row]] = {
    "events.category": operators(st.sampled_from(CATEGORIES), f"{EQUALITY} contains starts_with is_null"),
    "events.value": operators(NUMBER, f"{EQUALITY} {ORDER} is_null"),
    "events.occurred_at": operators(st.sampled_from(DAYS), f"{EQUALITY} {ORDER} {AGE} is_null"),
}
EVENT_CONDITIONS = st.sampled_from(list(EVENT_FIELDS)).flatmap(
    lambda name: EVENT_FIELDS[name].map(lambda given: {"field": name, **given})
)
EVENTS_DONE = st.deferred(
    lambda: st.fixed_dictionaries(
        {"event": st.sampled_from([*EVENT_NAMES, "Never Seen"])},
        optional={
            "where": groups(st.recursive(EVENT_CONDITIONS, groups, max_leaves=3)),
            "count": BOUNDS,
            "within_days": st.sampled_from([1, 30, 31, 90]),
        },
    )
)
CONSENTED = st.fixed_dictionaries(
    {"consent": st.sampled_from(PURPOSES), "status": st.sampled_from(["granted", "denied"])},
    optional={"channel": st.sampled_from([*CHANNELS, "fax"])},
)
MEMBERSHIPS = st.fixed_dictionaries({"segment": st.sampled_from(SEGMENTS)}, optional={"member": st.booleans()})
CONDITIONS = st.one_of(
    st.sampled_from(list(FIELDS)).flatmap(lambda name: FIELDS[name].map(lambda given: {"field": name, **given})),
    PURCHASES,
    EVENTS_DONE,
    CONSENTED,
    MEMBERSHIPS,
)


def groups(parts: st.SearchStrategy[Row]) -> st.SearchStrategy[Row]:
    return st.tuples(st.sampled_from(["all", "any", "none"]), st.lists(parts, min_size=1, max_size=3)).map(
        lambda group: {group[0]: group[1]}
    )


TREES = groups(st.recursive(CONDITIONS, groups, max_leaves=6))


@settings(max_examples=160, deadline=None)
@given(where=TREES, seed=st.integers(0, 3))
@example(where={"none": [{"field": "customers.country", "ne": "CH"}]}, seed=0)
@example(where={"all": [{"purchase": {"category": ["Baby"]}, "count": {"lte": 0}}]}, seed=0)
@example(where={"all": [{"field": "customers.birth_date", "within_days": 30}]}, seed=0)
@example(where={"all": [{"field": "customers.first_seen_at", "older_than_days": 30}]}, seed=1)
@example(where={"all": [{"purchase": {"category": CATEGORIES}, "within_days": 30}]}, seed=2)
@example(where={"all": [{"purchase": {"category": CATEGORIES}, "count": {"gte": 2}}]}, seed=1)
@example(where={"all": [{"purchase": {"category": CATEGORIES}, "count": {"eq": 1}}]}, seed=3)
@example(where={"all": [{"event": "Product Viewed", "count": {"eq": 0}}]}, seed=0)
@example(where={"all": [{"event": "Product Viewed", "count": {"gte": 2}, "within_days": 30}]}, seed=1)
@example(
    where={
        "all": [{"event": "Email Opened", "where": {"none": [{"field": "events.category", "eq": "Baby"}]}}],
    },
    seed=2,
)
@example(where={"none": [{"consent": "calls", "status": "granted"}, {"consent": "calls", "status": "denied"}]}, seed=0)
@example(where={"all": [{"consent": "email_marketing", "status": "granted", "channel": "email"}]}, seed=3)
@example(where={"none": [{"none": [{"none": [{"field": "scores.score", "gt": 0}]}]}]}, seed=1)
def test_the_compiled_sql_selects_whom_a_plain_evaluator_selects(
    shops: list[Shop], where: dict[str, Any], seed: int
) -> None:
    shop = shops[seed]
    expected = [customer["customer_id"] for customer in shop.customers if holds(where, customer, shop)]
    rows = shop.warehouse.rows(compile_rules(segment(where), CATALOGUE, AS_OF))
    assert sorted(row["customer_id"] for row in rows) == expected


# --- nothing but a literal ---------------------------------------------------------------------

HOSTILE = [
    "'", "''", "\\", "\\'", "\\\\'", '"', "`", ";", "--", "/*", "*/", "%", "_", "$$", "$1", "?", ":name", "@name",
    "'; drop table master.customers; --", "\\'; drop table master.customers; --", "' or '1'='1", "x\ny", "x\r\ny", "\t",
    "\x01", "\u2028", "\u202e", "🦊", "{{ x }}", "' || (select max(email) from master.customers) || '", "${x}",
]  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[DuckDBWarehouse]:
    with DuckDBWarehouse(tmp_path / "scv.duckdb").connection():
        warehouse = make_shop(tmp_path / "scv.duckdb")
        warehouse.ensure(SEGMENT_MEMBERS)
        yield warehouse
        assert warehouse.exists("master.customers")


@pytest.fixture
def shop_on_bigquery(make_bigquery_warehouse: Callable[[], BigQueryWarehouse]) -> Iterator[BigQueryWarehouse]:
    warehouse = make_bigquery_warehouse()
    with warehouse.session():
        create_tables(warehouse)
        warehouse.ensure(SEGMENT_MEMBERS)
        yield warehouse
        assert warehouse.exists("master.customers")


@pytest.mark.parametrize(
    ("engine", "texts"),
    [
        ("shop", HOSTILE),
        # Those that mean something to its lexer: each takes a query, and the emulator its time.
        pytest.param(
            "shop_on_bigquery", ["'", "\\", "\\'", "`", "x\r\ny", "\\n", "' or '1'='1"], marks=pytest.mark.parity
        ),
    ],
)
def test_hostile_text_is_only_ever_a_value(request: pytest.FixtureRequest, engine: str, texts: list[str]) -> None:
    shop: Warehouse = request.getfixturevalue(engine)
    texts = [text for text in texts if text.strip()]
    fill(shop, CUSTOMERS, [{"customer_id": f"c{n}", "country": text} for n, text in enumerate(texts)])
    sale = {"transaction_type": "sale", "is_counted": True, "occurred_at": day("2024-06-01")}
    lines = [{"transaction_id": f"t{n}", "customer_id": f"c{n}", "category": text} for n, text in enumerate(texts)]
    fill(shop, LINES, [{**sale, **line} for line in lines])
    happened = {"event": "x", "occurred_at": day("2024-06-01")}
    fill(
        shop,
        EVENTS,
        [{**happened, "customer_id": f"c{n}", "event": text, "category": text} for n, text in enumerate(texts)],
    )
    answers = [
        {"customer_id": f"c{n}", "purpose": text, "channel": text, "status": "granted"} for n, text in enumerate(texts)
    ]
    fill(shop, CONSENTS, answers)
    for n, text in enumerate(texts):
        others = [
            {"event": text, "where": {"all": [{"field": "events.category", "in": [text], "contains": text}]}},
            {"consent": text, "status": "granted", "channel": text},
        ]
        ways = [{"field": "customers.country", way: text} for way in ("eq", "contains", "starts_with")]
        where = {
            "all": [*ways, {"field": "customers.country", "in": [text]}, {"purchase": {"category": [text]}}, *others]
        }
        assert shop.rows(compile_rules(segment(where), CATALOGUE, AS_OF)) == [{"customer_id": f"c{n}"}], text


@settings(max_examples=100, deadline=None)
@given(text=st.text(min_size=1).filter(str.strip))
def test_any_text_survives_the_way_into_sql_and_back_on_both_engines(text: str) -> None:
    select = compile_rules(segment({"all": [{"field": "customers.country", "eq": text}]}), CATALOGUE, AS_OF)
    for dialect, sql in {"duckdb": select.sql("duckdb"), "bigquery": bigquery_sql(select)}.items():
        (parsed,) = sqlglot.parse(sql, dialect=dialect)
        assert parsed is not None
        assert text in [literal.this for literal in parsed.find_all(exp.Literal)]


# --- the rest ----------------------------------------------------------------------------------


def test_every_operator_renders_for_both_engines() -> None:
    where = {
        "all": [
            {"field": "customers.country", "contains": "x", "starts_with": "y"},
            {"field": "customers.first_seen_at", "within_days": 3, "between": [date(2024, 1, 1), AS_OF]},
            {"field": "scores.score", "gte": 0.5},
            {"field": "customers.is_staff", "eq": False},
            {"none": [{"purchase": {"brand": ["b"]}, "count": {"gte": 2}, "within_days": 3}, {"segment": "champions"}]},
            {"event": "Product Viewed", "where": {"any": [{"field": "events.value", "gt": 1.5}]}, "within_days": 3},
            {"consent": "calls", "status": "granted", "channel": "phone"},
        ]
    }
    select = compile_rules(segment(where), CATALOGUE, AS_OF)
    for dialect, sql in {"duckdb": select.sql("duckdb"), "bigquery": bigquery_sql(select)}.items():
        assert sqlglot.parse_one(sql, dialect=dialect)


def test_the_tables_read_are_the_customers_and_those_of_the_conditions() -> None:
    fields = segment({"any": [{"field": "scores.score", "gt": 0}, {"field": "customers.country", "eq": "CH"}]})
    assert tables_read(fields, CATALOGUE) == [("master", "customers"), ("intelligence", "scores")]
    others = segment({"none": [{"purchase": {"sku": ["a"]}}, {"segment": "b"}, {"segment": "b", "member": False}]})
    assert tables_read(others, CATALOGUE) == [("master", "customers"), ("master", "transaction_lines")]
    assert segments_read(others) == ["b"]
    facts = segment({"all": [{"none": [{"event": "Signed In"}]}, {"consent": "calls", "status": "denied"}]})
    assert tables_read(facts, CATALOGUE) == [("master", "customers"), ("master", "events"), ("master", "consents")]


def test_who_did_not_is_everybody_without_such_an_event(shop: DuckDBWarehouse) -> None:
    fill(shop, CUSTOMERS, [{"customer_id": f"c{n}"} for n in range(1, 8)])
    moments = {
        "c1": ("Product Viewed", "2024-06-30", "Baby"),
        "c2": ("Product Viewed", "2024-06-01", "Baby"),
        "c3": ("Product Viewed", "2024-05-31", "Baby"),  # 30 days and one before the end of as_of
        "c4": ("Product Viewed", "2024-07-01", "Baby"),  # not yet seen
        "c5": ("Product Viewed", "2024-06-30", None),
        "c6": ("Cart Viewed", "2024-06-30", "Baby"),
        None: ("Product Viewed", "2024-06-30", "Baby"),  # a visitor is nobody's event
    }
    fill(
        shop,
        EVENTS,
        [
            {"customer_id": who, "event": event, "occurred_at": day(when, hour=23), "category": category}
            for who, (event, when, category) in moments.items()
        ],
    )
    viewed = {"event": "Product Viewed", "where": {"all": [{"field": "events.category", "eq": "Baby"}]}}
    did = {**viewed, "within_days": 30}
    did_not = {**did, "count": {"eq": 0}}
    for condition, expected in ((did, ["c1", "c2"]), (did_not, ["c3", "c4", "c5", "c6", "c7"])):
        rows = shop.rows(compile_rules(segment({"all": [condition]}), CATALOGUE, AS_OF).order_by("1"))
        assert [row["customer_id"] for row in rows] == expected


# The SQL that an analyst finds in the metadata of the asset.
EVENT_SQL = """\
SELECT
  "customers"."customer_id"
FROM "master"."customers" AS "customers"
LEFT JOIN (
  SELECT
    "events"."customer_id",
    COUNT(*) AS times
  FROM "master"."events" AS "events"
  WHERE
    "events"."event" = 'Product Viewed'
    AND CAST("events"."occurred_at" AS DATE) <= CAST('2024-06-30' AS DATE)
    AND CAST("events"."occurred_at" AS DATE) > CAST('2024-04-01' AS DATE)
    AND COALESCE("events"."category" = 'Baby', FALSE)
  GROUP BY
    "events"."customer_id"
) AS event_1
  ON "event_1"."customer_id" = "customers"."customer_id"
WHERE
  COALESCE("event_1"."times", 0) >= 2"""
CONSENT_SQL = """\
SELECT
  "customers"."customer_id"
FROM "master"."customers" AS "customers"
LEFT JOIN (
  SELECT
    "consents"."customer_id",
    COUNT_IF("consents"."status" = 'granted') AS granted,
    COUNT_IF("consents"."status" = 'denied') AS denied
  FROM "master"."consents" AS "consents"
  WHERE
    "consents"."purpose" = 'email_marketing'
    AND "consents"."channel" IN ('email', 'any')
  GROUP BY
    "consents"."customer_id"
) AS consent_1
  ON "consent_1"."customer_id" = "customers"."customer_id"
WHERE
  COALESCE("consent_1"."granted", 0) > 0
  AND NOT COALESCE("consent_1"."denied", 0) > 0"""


def test_an_event_condition_is_one_count_per_customer_and_nothing_else() -> None:
    where = {
        "all": [
            {
                "event": "Product Viewed",
                "where": {"all": [{"field": "events.category", "eq": "Baby"}]},
                "count": {"gte": 2},
                "within_days": 90,
            }
        ]
    }
    assert compile_rules(segment(where), CATALOGUE, AS_OF).sql("duckdb", pretty=True) == EVENT_SQL


def test_a_consent_condition_counts_the_answers_per_customer() -> None:
    where = {"all": [{"consent": "email_marketing", "status": "granted", "channel": "email"}]}
    assert compile_rules(segment(where), CATALOGUE, AS_OF).sql("duckdb", pretty=True) == CONSENT_SQL
