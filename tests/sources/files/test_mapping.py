"""From the columns of a file to the columns of an entity: the grammar, the types, and what is refused or skipped."""

import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scv_platform.sources.landing import sql

PEOPLE = "{source_id: id, email: mail}"
NOT_A_TIME = "not a time between the years 1900 and 2200"
NOT_PLAIN = "not plain text (a NUL byte, NaN or infinity)"


def parquet(project, **columns) -> None:
    pq.write_table(pa.table(columns), project.landing / "file.parquet")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


# The grammar


def test_a_column_name_takes_that_column_and_what_is_not_mapped_is_null(project):
    project.entity("people", PEOPLE)
    project.write("a.csv", "id,mail,other\n1,a@x.org,z\n")
    (row,) = project.convert("people").rows
    assert (row["source_id"], row["email"], row["phone"], row["created_at"]) == ("1", "a@x.org", None, None)
    assert (row["source"], row["_line"], row["_dlt_load_id"], len(row["_content_hash"])) == ("shop", 2, "1.0", 64)


def test_text_is_trimmed_and_empty_text_is_no_value(project):
    project.entity("people", PEOPLE)
    project.write("a.csv", "id,mail\n\u00a0 1\t, a b \n2,  \n3,\n")
    assert project.convert("people").column("email") == ["a b", None, None]
    assert project.convert("people").column("source_id") == ["1", "2", "3"]


def test_null_values_are_no_values_in_any_format_and_type(project):
    project.entity("products", "{product_id: id, name: name, price: price}", 'null_values: [NA, "-1"]')
    project.write("a.csv", "id,name,price\n1,NA,NA\n2,-1,-1\n3,-1.0,-1.0\n")
    assert project.convert("products").column("price") == [None, None, Decimal("-1")]
    (project.landing / "a.csv").unlink()
    project.entity("products", "{product_id: id, name: name, price: price}", 'null_values: [NA, "-1"]', "parquet")
    parquet(project, id=[1, 2], name=["NA", "a"], price=[-1.0, 2.5])
    outcome = project.convert("products")
    assert (outcome.column("name"), outcome.column("price")) == ([None, "a"], [None, Decimal("2.5")])
    (project.landing / "file.parquet").unlink()
    project.entity("products", "{product_id: id, name: name, price: price}", 'null_values: [NA, "-1"]', "jsonl")
    project.write("a.jsonl", '{"id": 1, "name": "NA", "price": -1}\n{"id": 2, "name": "a", "price": "2.5"}\n')
    outcome = project.convert("products")
    assert (outcome.column("name"), outcome.column("price")) == ([None, "a"], [None, Decimal("2.5")])


def test_a_constant_is_on_every_row_with_the_type_of_its_column(project):
    project.entity(
        "transactions",
        "{source_id: id, occurred_at: {const: 2024-07-01 12:00:00}, currency: {const: GBP}, tax_amount: {const: 1.5},"
        ' channel: {const: "it\'s; drop table"}}',
        "timezone: Europe/London",
    )
    project.write("a.csv", "id\n1\n2\n")
    for row in project.convert("transactions").rows:
        assert row["occurred_at"] == utc(2024, 7, 1, 11)
        assert (row["currency"], row["tax_amount"], row["channel"]) == ("GBP", Decimal("1.5"), "it's; drop table")


def test_a_hash_is_the_same_for_the_same_text_whatever_the_format(project):
    fields = "{source_id: {hash: [a, b]}, national_id: {hash: [b]}}"
    project.entity("people", fields)
    project.write("a.csv", "a,b\n1, x \n1.5,\n")
    from_csv = project.convert("people")
    (project.landing / "a.csv").unlink()
    project.entity("people", fields, format="parquet")
    parquet(project, a=[1.0, 1.5], b=["x", None])
    from_parquet = project.convert("people")
    assert from_csv.column("source_id") == from_parquet.column("source_id")
    assert len(set(from_csv.column("source_id"))) == 2
    assert from_csv.column("national_id")[1] is None


def test_equal_digests_are_numbered_as_a_key_and_only_there(project):
    project.entity("transaction_lines", "{source_id: {hash: [bill, sku]}, transaction_source_id: {hash: [bill]}}")
    project.write("a.csv", "bill,sku\n1,x\n1,y\n1,x\n2,x\n1,x\n")
    outcome = project.convert("transaction_lines")
    first = outcome.column("source_id")[0]
    assert [key.removeprefix(first) for key in outcome.column("source_id")][::2] == ["", "-2", "-3"]
    bills = outcome.column("transaction_source_id")
    assert (len(set(bills)), bills[0] == bills[1] == bills[2] == bills[4]) == (2, True)


def test_a_row_that_is_refused_or_skipped_takes_part_in_the_numbering(project):
    project.entity(
        "transactions", "{source_id: {hash: [bill]}, occurred_at: at}", skip="[{column: note, eq: test, reason: test}]"
    )
    project.write("a.csv", "bill,at,note\n1,nonsense,\n1,2024-01-01,test\n1,2024-01-01,\n")
    outcome = project.convert("transactions")
    assert [key[32:] for key in outcome.column("source_id")] == ["-3"]


def test_a_case_takes_the_first_branch_that_holds(project):
    project.entity(
        "people",
        """
        source_id: id
        gender:
          case:
            - {when: {column: a, matches: "^f.*e$"}, then: f}
            - {when: {column: a, eq: male}, then: {column: b}}
            - {when: {column: n, eq: 7}, then: seven}
            - {when: {column: n, lt: 0}, then: null}
            - {when: {column: n, gt: 99.5}, then: {column: a}}
          else: other
        """.replace("\n", "\n        "),
    )
    project.write(
        "a.csv", "id,a,b,n\n1,femme,,\n2,male,m,7\n3,x,,7.0\n4,x,,-0.01\n5,x,,100\n6,x,,99.5\n7,,,\n8,x,,many\n"
    )
    assert project.convert("people").column("gender") == ["f", "m", "seven", None, "x", "other", "other", "other"]


def test_a_case_without_else_gives_null_and_a_branch_is_checked_only_where_it_holds(project):
    project.entity(
        "transactions",
        "{source_id: id, occurred_at: {const: 2024-01-01}, gross_amount: {case: [{when: {column: kind, eq: sale}, then:"
        " {column: amount}}, {when: {column: kind, eq: gift}, then: 0}]}}",
    )
    project.write("a.csv", "id,kind,amount\n1,sale,5\n2,gift,x\n3,sale,x\n4,none,x\n")
    outcome = project.convert("transactions")
    assert outcome.column("gross_amount") == [Decimal(5), Decimal(0), None]
    assert outcome.reasons == [(4, "gross_amount: not a number")]


def test_rows_are_skipped_for_the_first_rule_that_holds_and_counted_by_its_reason(project):
    project.entity(
        "products",
        "{product_id: sku, price: price}",
        skip='[{column: sku, matches: "^POST", reason: postage}, {column: price, eq: 0, reason: free},'
        " {column: price, lt: 0, reason: negative}, {column: kind, eq: test, reason: free}]",
    )
    project.write("a.csv", "sku,price,kind\nPOST1,0,\nA,0.00,\nB,-1,\nC,1,test\nD,1,\n,x,test\n")
    outcome = project.convert("products")
    assert outcome.column("product_id") == ["D"]
    assert (outcome.skipped, outcome.refused) == ({"free": 3, "negative": 1, "postage": 1}, [])


def test_the_default_country_is_that_of_people_without_one(project):
    project.entity("people", "{source_id: id, country: land}", "default_country: CH")
    project.write("a.csv", "id,land\n1,DE\n2,\n")
    assert project.convert("people").column("country") == ["DE", "CH"]
    project.entity("people", "{source_id: id}", "default_country: CH")
    assert project.convert("people").column("country") == ["CH", "CH"]


def test_a_country_that_is_refused_is_not_replaced_by_the_default(project):
    project.entity("people", "{source_id: id, country: land}", "default_country: CH", "parquet")
    parquet(project, id=[1, 2], land=["D\0E", None])
    outcome = project.convert("people")
    assert (outcome.column("country"), outcome.reasons) == (["CH"], [(1, f"country: {NOT_PLAIN}")])


def test_custom_fields_are_columns_of_their_own_type(project):
    kinds = {"tier": "string", "points": "integer", "rate": "decimal", "vip": "boolean", "until": "date"}
    custom = ", ".join(
        f"{name}: {{entity: people, type: {kind}, privacy: none, description: x}}" for name, kind in kinds.items()
    )
    project.entity("people", "{source_id: id, tier: t, points: p, rate: r, vip: v, until: u}")
    project.configure((project.folder / "sources.yml").read_text(), f"{{{custom}}}")
    project.write("a.csv", "id,t,p,r,v,u\n1,gold,5.0,0.25,Yes,2024-02-29\n2,,5.5,,maybe,2024-02-30\n")
    outcome = project.convert("people")
    (row,) = outcome.rows
    assert [row[name] for name in ("tier", "points", "rate", "vip", "until")] == [
        "gold", 5, Decimal("0.25"), True, date(2024, 2, 29),
    ]  # fmt: skip
    assert outcome.reasons == [
        (3, "points: not a whole number; vip: not true or false; until: not a date between the years 1000 and 9999")
    ]


# Types


def test_whole_numbers_become_text_without_a_point(project):
    project.entity("people", PEOPLE, format="parquet")
    for values in (
        pa.array([12346.0, 12.5, None]),
        pa.array([12346, 12.5, None], pa.float32()),
        pa.array([Decimal("12346.00"), Decimal("12.50"), None], pa.decimal128(10, 2)),
    ):
        parquet(project, id=["1", "2", "3"], mail=values)
        assert project.convert("people").column("email") == ["12346", "12.5", None]
    parquet(project, id=pa.array([2**63 - 1]), mail=pa.array([10], pa.uint8()))
    assert project.convert("people").column("source_id") == [str(2**63 - 1)]
    (project.landing / "file.parquet").unlink()
    project.entity("people", PEOPLE, format="jsonl")
    project.write("a.jsonl", '{"id": 12346.0, "mail": 12.50}\n{"id": "12346.0", "mail": true}\n')
    outcome = project.convert("people")
    assert (outcome.column("source_id"), outcome.column("email")) == (["12346", "12346.0"], ["12.5", "true"])


def test_other_stored_types_are_read_by_their_text(project):
    project.entity("people", PEOPLE, format="parquet")
    words = pa.array([" a ", "", None]).dictionary_encode()
    with sql.scratch() as connection:
        connection.register("words", pa.table({"word": words}))
        target = sql.text(str(project.landing / "file.parquet"))
        connection.execute(
            f"copy (select uuid() as id, word::enum(' a ', '') as mail from words) to {target} (format parquet)"
        )
    outcome = project.convert("people")
    assert (outcome.column("email"), outcome.refused) == (["a", None, None], [])
    assert [len(key) for key in outcome.column("source_id")] == [36, 36, 36]


def test_what_is_not_plain_text_is_refused(project):
    project.entity("people", PEOPLE, format="parquet")
    parquet(project, id=pa.array([1.0, math.nan, math.inf, -math.inf]), mail=["a", "b", "c", "a\0b"])
    outcome = project.convert("people")
    assert outcome.reasons == [
        (2, f"source_id: {NOT_PLAIN}"),
        (3, f"source_id: {NOT_PLAIN}"),
        (4, f"source_id: {NOT_PLAIN}; email: {NOT_PLAIN}"),
    ]
    (project.landing / "file.parquet").unlink()
    project.entity("people", PEOPLE, format="jsonl")
    project.write("a.jsonl", '{"id": NaN}\n{"id": "a\\u0000b"}\n{"id": "NaN"}\n')
    outcome = project.convert("people")
    assert ([line for line, _ in outcome.reasons], outcome.column("source_id")) == ([1, 2], ["NaN"])


@pytest.mark.parametrize(
    ("options", "text", "number"),
    [
        ("", "12", "12"),
        ("", "-1234.5600", "-1234.56"),
        ("", "+.5", "0.5"),
        ("", "5.", "5"),
        ("", "1e3", "1000"),
        ("", "0.000000001", "0.000000001"),
        ("", "12345678901234567890123456789", "12345678901234567890123456789"),
        ('decimal: ","', "1234,5", "1234.5"),
        ('{decimal: ",", thousands: "."}', "1.234.567,89", "1234567.89"),
        ('{decimal: ",", thousands: "."}', "1234,5", "1234.5"),
        ('thousands: "\'"', "-1'234.5", "-1234.5"),
        ("thousands: ' '", "1 234", "1234"),
        ("", "1,5", None),
        ("", "1_000", None),
        ("", "12,345.6", None),
        ("", "12 €", None),
        ("", "NaN", None),
        ("", "inf", None),
        ("", "123456789012345678901234567890", None),
        ('decimal: ","', "1.5", None),
        ('{decimal: ",", thousands: "."}', "1.5", None),
        ('{decimal: ",", thousands: "."}', "12.34.567", None),
    ],
)
def test_a_number_is_read_by_its_separators_and_nothing_else_is_a_number(project, options, text, number):
    options = options.strip("{}").replace(", thousands", "\n  thousands")
    project.entity("products", "{product_id: id, price: price}", f"delimiter: ';'\n  {options}")
    project.write("a.csv", f"id;price\n1;{text}\n")
    outcome = project.convert("products")
    assert outcome.column("price") == ([] if number is None else [Decimal(number)])
    assert outcome.reasons == ([(2, "price: not a number")] if number is None else [])


@pytest.mark.parametrize(
    ("rule", "options", "text", "expected"),
    [
        ("at", "", "2024-07-01", utc(2024, 7, 1)),
        ("at", "", "2024-07-01 12:30", utc(2024, 7, 1, 12, 30)),
        ("at", "", "2024-07-01T12:30:15.250", utc(2024, 7, 1, 12, 30, 15, 250000)),
        ("at", "timezone: Europe/London", "2024-07-01 12:30:00", utc(2024, 7, 1, 11, 30)),
        ("at", "timezone: Europe/London", "2024-01-01 12:30:00", utc(2024, 1, 1, 12, 30)),
        ("at", "timezone: Europe/London", "2024-07-01T12:30:00Z", utc(2024, 7, 1, 12, 30)),
        ("at", "timezone: Europe/London", "2024-07-01 12:30:00+02", utc(2024, 7, 1, 10, 30)),
        ("at", "", "2024-07-01T12:30:00-0530", utc(2024, 7, 1, 18)),
        ("at", "", "2024-07-01 12:30:00 UTC", utc(2024, 7, 1, 12, 30)),
        ("at", 'date_format: "%Y%m%d"', "20240701", utc(2024, 7, 1)),
        ("at", 'date_format: "%Y%m%d"', "2024-07-01 12:30:00", utc(2024, 7, 1, 12, 30)),
        ("at", 'date_format: "%d.%m.%Y %H:%M"', "1.7.2024 12:30", utc(2024, 7, 1, 12, 30)),
        ('{column: at, format: "%d.%m.%y"}', "timezone: Europe/Berlin", "01.07.24", utc(2024, 6, 30, 22)),
        ('{column: at, format: "%d.%m.%Y %H:%M %z"}', "timezone: Asia/Tokyo", "1.7.2024 9:00 -02", utc(2024, 7, 1, 11)),
        ('{column: at, format: "%d.%m.%Y"}', "", "2024-07-01", None),
        ("at", "", "01.07.2024", None),
        ("at", "", "2024-02-30", None),
        ("at", "", "2024-07-01 25:00", None),
        ("at", "", "20240701", None),
        ("at", "", "1720000000", None),
        ("at", "", "1899-12-31", None),
        ("at", "", "2201-01-01", None),
        ("at", 'date_format: "%d.%m.%Y"', "01.07.24", None),
        ("at", "", "infinity", None),
    ],
)
def test_a_time_is_read_by_its_format_or_iso_and_is_utc(project, rule, options, text, expected):
    project.entity("transactions", f"{{source_id: id, occurred_at: {rule}}}", options)
    project.write("a.csv", f"id,at\n1,{text}\n")
    outcome = project.convert("transactions")
    assert outcome.column("occurred_at") == ([expected] if expected else [])
    assert outcome.reasons == ([] if expected else [(2, f"occurred_at: {NOT_A_TIME}")])


def test_a_stored_time_needs_no_format_and_has_the_zone_of_its_source_unless_it_has_one(project):
    project.entity("transactions", "{source_id: id, occurred_at: at}", "timezone: Europe/Berlin", "parquet")
    berlin_noon = utc(2024, 7, 1, 10)
    for stored, expected in [
        (pa.array([utc(2024, 7, 1, 12).replace(tzinfo=None)], pa.timestamp("us")), berlin_noon),
        (pa.array([utc(2024, 7, 1, 12).replace(tzinfo=None)], pa.timestamp("ns")), berlin_noon),
        (pa.array([berlin_noon], pa.timestamp("us", "America/New_York")), berlin_noon),
        (pa.array([berlin_noon], pa.timestamp("ns", "UTC")), berlin_noon),
        (pa.array([date(2024, 7, 1)]), utc(2024, 6, 30, 22)),
    ]:
        parquet(project, id=[1], at=stored)
        assert project.convert("transactions").column("occurred_at") == [expected]


@pytest.mark.parametrize("extreme", ["'1899-12-31'", "'2201-01-01'", "'infinity'", "'290309-12-22 (BC)'"])
@pytest.mark.parametrize("kind", ["timestamp", "timestamptz", "date"])
def test_an_absurd_stored_time_refuses_its_row_and_no_other(project, kind, extreme):
    fields = "{source_id: id, occurred_at: at, until: at}"
    project.entity("transactions", fields, "timezone: America/New_York", "parquet")
    custom = "{until: {entity: transactions, type: date, privacy: none, description: x}}"
    project.configure((project.folder / "sources.yml").read_text(), custom)
    with sql.scratch() as connection:
        rows = f"select 1 as id, {kind} {extreme} as at union all select 2, {kind} '2024-07-01'"
        target = sql.text(str(project.landing / "file.parquet"))
        connection.execute(f"copy ({rows}) to {target} (format parquet)")
    outcome = project.convert("transactions")
    assert outcome.column("source_id") == ["2"]
    ((line, reason),) = outcome.reasons
    assert (line, reason.split(";")[0]) == (1, f"occurred_at: {NOT_A_TIME}")


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        ("", "1980-02-29", date(1980, 2, 29)),
        ("", "1980-02-29 23:59:59+05", date(1980, 2, 29)),
        ('date_format: "%d/%m/%Y"', "29/02/1980", date(1980, 2, 29)),
        ("", "29/02/1980", None),
        ("", "0980-02-28", None),
    ],
)
def test_a_date_is_the_day_as_it_is_written(project, options, text, expected):
    project.entity("people", "{source_id: id, birth_date: born}", options)
    project.write("a.csv", f"id,born\n1,{text}\n")
    assert project.convert("people").column("birth_date") == ([expected] if expected else [])


def test_properties_are_json(project):
    fields = "{message_id: id, event: e, occurred_at: {const: 2024-01-01}, properties: p}"
    project.entity("events", fields, format="jsonl")
    project.write("a.jsonl", '{"id": 1, "e": "x", "p": {"a": [1, "é"]}}\n{"id": 2, "e": "x", "p": null}\n')
    properties = project.convert("events").column("properties")
    assert [text and json.loads(text) for text in properties] == [{"a": [1, "é"]}, None]
    (project.landing / "a.jsonl").unlink()
    project.entity("events", fields, "delimiter: ';'")
    project.write("a.csv", 'id;e;p\n1;x;"{""a"": 1}"\n2;x;nonsense\n')
    outcome = project.convert("events")
    assert (outcome.column("properties"), outcome.reasons) == (['{"a": 1}'], [(3, "properties: not JSON")])
    (project.landing / "a.csv").unlink()
    project.entity("events", fields, format="parquet")
    parquet(project, id=[1], e=["x"], p=[{"a": 1}])
    assert project.convert("events").column("properties") == ['{"a":1}']


# What becomes of a row


def test_a_row_without_what_its_entity_needs_is_refused_with_all_reasons(project):
    project.entity("transactions", "{source_id: id, occurred_at: at, gross_amount: amount}")
    project.write("a.csv", "id,at,amount\n,,x\n1,2024-01-01,5\n,nonsense,5\n")
    outcome = project.convert("transactions")
    assert outcome.reasons == [
        (2, "source_id: missing; occurred_at: missing; gross_amount: not a number"),
        (4, f"source_id: missing; occurred_at: {NOT_A_TIME}"),
    ]
    assert json.loads(outcome.refused[0]["raw"]) == {"id": "", "at": "", "amount": "x"}


SHARED = """
shop:
  from: files
  path: "${SCV_LANDING}/*.csv"
  format: csv
  entities:
    people: {fields: {source_id: customer, email: mail}}
    transactions: {fields: {source_id: order, occurred_at: at}}
    identifiers:
      fields: {person_source_id: customer, identifier_type: {const: loyalty_card}, identifier_value: card}
"""


def test_in_a_file_of_several_entities_a_missing_key_only_means_that_the_row_is_not_one(project):
    project.configure(SHARED)
    project.write("a.csv", "order,at,customer,mail,card\n1,2024-01-01,,,\n2,,7,a@x,\n,2024-01-01,8,b@x,C8\nbroken\n")
    people, transactions, identifiers = map(project.convert, ("people", "transactions", "identifiers"))
    assert (people.column("source_id"), people.skipped) == (["7", "8"], {"no source_id": 1})
    assert (transactions.column("source_id"), transactions.skipped) == (["1"], {"no source_id": 1})
    assert transactions.reasons == [(3, "occurred_at: missing"), (5, "1 columns instead of 5")]
    assert identifiers.column("identifier_value") == ["C8"]
    assert identifiers.skipped == {"no person_source_id": 1, "no identifier_value": 1}


def test_in_a_file_of_several_entities_equal_people_are_one_and_keep_the_last_line(project):
    project.configure(SHARED)
    orders = [f"{number},2024-01-01,7,{'b' if number == 3 else 'a'}@x,C\n" for number in range(1, 6)]
    project.write("a.csv", "order,at,customer,mail,card\n" + "".join(orders))
    people = project.convert("people")
    assert [(row["_line"], row["email"]) for row in people.rows] == [(4, "b@x"), (6, "a@x")]
    assert (people.skipped, len(project.convert("identifiers").rows)) == ({"repeated": 3}, 5)


def test_in_a_file_of_their_own_equal_people_all_stay(project):
    project.entity("people", PEOPLE)
    project.write("a.csv", "id,mail\n1,a\n1,a\n")
    assert len(project.convert("people").rows) == 2


# Properties

TEXT = st.none() | st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\r"), max_size=8)
ROW = st.fixed_dictionaries(
    {
        "id": TEXT,
        "at": st.sampled_from(["2024-01-01", "2024-01-01 10:00:00", "1.1.2024", "", None, "x"]),
        "amount": st.sampled_from(["1", "-2.50", "1,5", "", None, "NaN"]),
    }
)


@given(rows=st.lists(ROW, max_size=30), format=st.sampled_from(["parquet", "jsonl"]), shared=st.booleans())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_is_loaded_refused_or_skipped_exactly_once(project, rows, format, shared):
    other = "people: {fields: {source_id: id}}" if shared else ""
    project.configure(
        f"""
shop:
  from: files
  path: "${{SCV_LANDING}}/file"
  format: {format}
  entities:
    transactions:
      skip: [{{column: amount, lt: 0, reason: negative}}]
      fields: {{source_id: id, occurred_at: at, gross_amount: amount}}
    {other}
"""
    )
    if format == "parquet":
        schema = pa.schema(dict.fromkeys(("id", "at", "amount"), pa.string()))
        pq.write_table(pa.Table.from_pylist(rows, schema), project.landing / "file")
    else:
        project.write("file", "".join(json.dumps(row) + "\n" for row in rows))

    def fate(row) -> str:
        key = (row["id"] or "").strip(" \t\r\n\u00a0")
        if row["amount"] == "-2.50":
            return "skipped"
        if not key:
            return "skipped" if shared else "refused"
        valid = "\0" not in key and row["at"] in ("2024-01-01", "2024-01-01 10:00:00")
        return "loaded" if valid and row["amount"] in ("1", "", None) else "refused"

    outcome = project.convert("transactions")
    fates = [fate(row) for row in rows]
    assert outcome.column("_line") == [line for line, what in enumerate(fates, 1) if what == "loaded"]
    assert [row["line"] for row in outcome.refused] == [line for line, what in enumerate(fates, 1) if what == "refused"]
    assert sum(outcome.skipped.values()) == fates.count("skipped")


BOUNDS = (utc(1900, 1, 2).replace(tzinfo=None), utc(2200, 12, 30).replace(tzinfo=None))


@given(
    numbers=st.lists(st.decimals(min_value=-(10**12), max_value=10**12, places=4), min_size=1, max_size=30),
    moments=st.lists(st.datetimes(*BOUNDS), min_size=1, max_size=30),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
    offset=st.integers(-14 * 60, 14 * 60),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_numbers_and_times_survive_every_way_of_writing_them(project, numbers, moments, zone, offset):
    size = min(len(numbers), len(moments))
    numbers, moments = numbers[:size], moments[:size]
    # Times that a change of the clock leaves out or repeats have no one answer.
    moments = [m.replace(month=6, tzinfo=UTC) if m.day < 31 else m.replace(month=7, tzinfo=UTC) for m in moments]
    local = [moment.astimezone(ZoneInfo(zone)) for moment in moments]
    shifted = [moment.astimezone(timezone(timedelta(minutes=offset))) for moment in moments]
    project.entity(
        "transactions",
        "{source_id: id, occurred_at: local, updated_at: shifted, gross_amount: exact, tax_amount: float}",
        f"timezone: {zone}",
        format="parquet",
    )
    (project.landing / "a.csv").unlink(missing_ok=True)
    parquet(
        project,
        id=list(range(size)),
        local=pa.array([moment.replace(tzinfo=None) for moment in local], pa.timestamp("us")),
        shifted=[moment.isoformat() for moment in shifted],
        exact=numbers,
        float=[float(number) for number in numbers],
    )
    stored = project.convert("transactions")
    (project.landing / "file.parquet").unlink()
    project.entity(
        "transactions",
        '{source_id: id, occurred_at: {column: local, format: "%d/%m/%Y %H:%M:%S.%f"}, updated_at: shifted,'
        " gross_amount: plain, tax_amount: grouped}",
        f"timezone: {zone}\n  delimiter: ';'\n  decimal: ','\n  thousands: '.'",
    )
    german = str.maketrans(",.", ".,")
    lines = [
        f"{n};{local[n]:%d/%m/%Y %H:%M:%S.%f};{shifted[n].isoformat(' ')};"
        + f"{numbers[n]:f};{numbers[n]:,f}".translate(german)
        for n in range(size)
    ]
    project.write("a.csv", "\n".join(["id;local;shifted;plain;grouped", *lines]))
    for outcome in (stored, project.convert("transactions")):
        assert outcome.refused == []
        assert outcome.column("occurred_at") == outcome.column("updated_at") == moments
        assert outcome.column("gross_amount") == outcome.column("tax_amount") == numbers
