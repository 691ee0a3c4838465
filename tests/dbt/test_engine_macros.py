"""Every macro of `macros/engine/`: the same inputs give the same values on each engine."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest

from scv_platform.settings import PROJECT_ROOT
from tests.dbt.conftest import Dbt
from tests.parity.analyzer import Analyzer


class Jinja(str):
    """An argument that is a macro call itself."""

    def __repr__(self) -> str:
        return str(self)


class Case(NamedTuple):
    """A macro, its arguments, which are SQL, and the SQL of the value that it has."""

    macro: str
    arguments: Sequence[Any]
    expected: str

    @property
    def call(self) -> str:
        return f"{self.macro}({', '.join(map(repr, self.arguments))})"


NULL_TEXT = "cast(null as string)"
NO_DAY = "cast(null as date)"
NO_MOMENT = "cast(null as timestamp)"
NO_NUMBER = "cast(null as decimal)"
DOCUMENT = (
    """'{"a": {"b": "x", "n": null}, "list": [1], "yes": true, "number": 12.5, "text": "1e3","""
    """ "big": 12345678901234567890}'"""
)

CASES = [
    # JSON: scalars only; no difference between null and nothing.
    Case("json_text", [DOCUMENT, "a.b"], "'x'"),
    Case("json_text", [DOCUMENT, "a"], NULL_TEXT),
    Case("json_text", [DOCUMENT, "list"], NULL_TEXT),
    Case("json_text", [DOCUMENT, "a.n"], NULL_TEXT),
    Case("json_text", [DOCUMENT, "nothing"], NULL_TEXT),
    Case("json_text", [DOCUMENT, "yes"], "'true'"),
    Case("json_text", [DOCUMENT, "number"], "'12.5'"),
    Case("json_text", [DOCUMENT, "big"], "'12345678901234567890'"),
    Case("json_text", ["""'{"a": "[x] \u00e9 \u4e2d"}'""", "a"], "'[x] \u00e9 \u4e2d'"),
    Case("json_text", ["""'"x"'"""], "'x'"),
    Case("json_text", [NULL_TEXT, "a"], NULL_TEXT),
    Case("json_part", [DOCUMENT, "a.n"], NULL_TEXT),
    Case("json_part", [DOCUMENT, "list"], "'[1]'"),
    Case("json_part", [DOCUMENT, "nothing"], NULL_TEXT),
    Case("json_number", [DOCUMENT, "number"], "12.5"),
    Case("json_number", [DOCUMENT, "text"], "1000"),
    Case("json_number", [DOCUMENT, "a.b"], NO_NUMBER),
    Case("json_money", [DOCUMENT, "number"], "12.5"),
    Case("json_date", ["""'{"d": "2024-01-05"}'""", "d"], "date '2024-01-05'"),
    Case("json_timestamp", ["""'{"t": "2024-01-05T10:00:00+02:00"}'""", "t"], "timestamp '2024-01-05 08:00:00'"),
    # Null is neither the lesser nor the greater.
    Case("lesser", ["1", "cast(null as bigint)"], "1"),
    Case("lesser", ["2", "1"], "1"),
    Case("greater", ["cast(null as bigint)", "1"], "1"),
    Case("greater", ["cast(null as bigint)", "cast(null as bigint)"], "cast(null as bigint)"),
    # One slip: left out, too many, wrong, swapped; in letters of several bytes too.
    *(
        Case("differs_by_one_typo", [f"'{first}'", f"'{second}'"], expected)
        for first, second, expected in [
            ("anna", "ana", "true"), ("ana", "anna", "true"), ("anna", "anne", "true"), ("anna", "nana", "true"),
            ("anna", "anan", "true"), ("anna", "anna", "false"), ("ab", "ba", "true"), ("abc", "cba", "false"),
            ("søren", "soren", "true"), ("юлия", "юлиа", "true"), ("юлия", "юляи", "true"), ("юлия", "юла", "false"),
            ("straße", "strase", "true"), ("a", "b", "true"), ("a", "ab", "true"),
        ]
    ),
    Case("edit_distance", ["'anna'", "'anan'"], "2"),
    Case("edit_distance", ["'юлия'", "'юла'"], "2"),
    Case("edit_distance", ["'søren'", "'soren'"], "1"),
    Case("edit_distance", ["'same'", "'same'"], "0"),
    # Text.
    Case("trim_whitespace", ["' ' || chr(9) || chr(10) || chr(13) || chr(160) || 'a b' || chr(160) || ' '"], "'a b'"),
    # An em space is a letter to neither.
    Case("trim_whitespace", ["'a' || chr(8195)"], "'a' || chr(8195)"),
    Case("trim_whitespace", [NULL_TEXT], NULL_TEXT),
    Case("lower_case", ["'ÀÉİ ΟΔΟΣ ŐÜЖ ẞ'"], "'àéi οδοσ őüж ß'"),
    Case("upper_case", ["'àéi őüж ß'"], "'ÀÉI ŐÜЖ ẞ'"),
    Case("strip_accents", ["'éÅñ ṩ ß ø ł 한 ガ'"], "'eAn s ß ø ł 한 カ'"),
    Case("strip_accents", ["'e' || chr(769)"], "'e'"),
    Case("regexp_replace_all", ["'ÀB-c_1  é'", "[^\\p{L}\\p{N}]+", " "], "'ÀB c 1 é'"),
    Case("regexp_replace_all", ["'a' || chr(10) || 'b'", ".$", "x"], "'a' || chr(10) || 'x'"),
    Case("regexp_replace_all", ["'aaa'", "a", ""], "''"),
    Case("regexp_replace_all", ["'1115234'", "^(11)15", "9\\1"], "'911234'"),
    Case("regexp_replace_all", ["'abc'", "^(?:(x)|a)", "\\1"], "'bc'"),
    Case("regexp_matches", ["'044 668'", "^[0-9 ]+$"], "true"),
    Case("regexp_matches", ["'044 668'", "^(?:44|668)$"], "false"),
    Case("regexp_matches", ["'0446' || chr(10)", "^\\d+$"], "false"),
    Case("regexp_matches", [NULL_TEXT, "^(?:1)"], "cast(null as boolean)"),
    Case("regexp_capture", ["'www.example.com/x'", "^(?:www\\.)?([^/]+)"], "'example.com'"),
    Case("regexp_capture", ["'x'", "^(y)"], NULL_TEXT),
    Case("regexp_capture", ["'ab' || chr(10)", "^(a.*)$"], NULL_TEXT),
    Case("regexp_capture", ["'x'", "^(y?)"], NULL_TEXT),
    Case("sha256_hex", ["'é'"], "'4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c'"),
    # Time.
    Case("utc_timestamp", ["cast('2024-03-31 01:30:00+00:00' as timestamp)"], "timestamp '2024-03-31 01:30:00'"),
    Case("days_between", ["date '2024-02-28'", "date '2024-03-01'"], "2"),
    Case("days_between", ["date '2024-03-01'", "date '2024-02-28'"], "-2"),
    Case("seconds_between", ["timestamp '2024-01-01 00:00:00.9'", "timestamp '2024-01-01 00:00:02'"], "1"),
    Case("seconds_between", ["timestamp '2024-01-01 00:00:02'", "timestamp '2024-01-01 00:00:00.9'"], "-1"),
    Case("seconds_between", ["timestamp '2024-01-01 00:00:00'", "timestamp '2024-01-02 00:00:00'"], "86400"),
    Case("unix_seconds_to_timestamp", ["cast(1704445200 as bigint)"], "timestamp '2024-01-05 09:00:00'"),
    Case("unix_seconds_to_timestamp", ["-1"], "timestamp '1969-12-31 23:59:59'"),
    Case("unix_seconds_to_timestamp", ["253402300799"], "timestamp '9999-12-31 23:59:59'"),
    Case("unix_seconds_to_timestamp", ["cast(1704445200000 as bigint)"], NO_MOMENT),
    *(
        Case("date_or_null", [f"'{text}'"], f"date '{day}'" if day else NO_DAY)
        for text, day in [
            ("2024-01-05", "2024-01-05"), ("2024-1-5", "2024-01-05"), ("2024/01/05", "2024-01-05"),
            ("2024-01-05T10:00:00Z", "2024-01-05"), (" 2024-01-05 ", "2024-01-05"), ("2024-02-30", None),
            ("infinity", None), ("epoch", None), ("12024-01-05", None), ("0000-01-01", None), ("5.1.2024", None),
            ("", None),
        ]
    ),
    *(
        Case("utc_timestamp_or_null", [f"'{text}'"], f"timestamp '{moment}'" if moment else NO_MOMENT)
        for text, moment in [
            ("2024-01-05T10:00:00Z", "2024-01-05 10:00:00"),
            ("2024-01-05 10:00:00", "2024-01-05 10:00:00"),
            ("2024-01-05T10:00:00+02:00", "2024-01-05 08:00:00"),
            ("2024-01-05T10:00:00.000+0200", "2024-01-05 08:00:00"),
            ("2024-01-05T10:00:00-05", "2024-01-05 15:00:00"),
            ("2024-01-05T10:00Z", "2024-01-05 10:00:00"),
            ("2024-01-05T10:00", "2024-01-05 10:00:00"),
            ("2024-01-05T10:00:00.123456789Z", "2024-01-05 10:00:00.123456"),
            (" 2024-01-05 ", "2024-01-05 00:00:00"),
            ("2024-01-05T24:00:00Z", None),
            ("2024-01-05T10:00:60Z", None),
            ("2024-02-30T10:00:00Z", None),
            ("infinity", None),
            ("2024-01-05 10:00:00 Europe/Berlin", None),
            ("", None),
        ]
    ),
    # Numbers: halves round away from zero, whether they are written, multiplied or divided.
    Case("to_money", ["2.00005"], "2.0001"),
    Case("to_money", ["-0.00005"], "-0.0001"),
    Case("to_money", ["null"], NO_NUMBER),
    Case("to_money", [Jinja("quotient(to_money('100000.04'), '32')")], "3125.0013"),
    Case("to_money", [Jinja("quotient(to_money('100.01'), '8')")], "12.5013"),
    Case("to_money", [Jinja("quotient(to_money('-100.01'), '8')")], "-12.5013"),
    Case("quotient", ["1", "3"], "0.333333333"),
    Case("quotient", ["2", "3"], "0.666666667"),
    Case("quotient", ["-2", "3"], "-0.666666667"),
    Case("quotient", ["1", "nullif(0, 0)"], NO_NUMBER),
    *(
        Case(macro, [f"'{text}'"], number or NO_NUMBER)
        for macro in ("number_or_null", "money_or_null")
        for text, number in [
            ("12.5", "12.5"), (" 12 ", "12"), ("+5", "5"), (".5", "0.5"), ("5.", "5"), ("1e3", "1000"),
            ("-1.5", "-1.5"), ("1_000", None), ("1,000", None), ("NaN", None), ("inf", None),
            ("0x1F", None), ("", None), ("x", None),
        ]
    ),
    Case("number_or_null", ["'0.0000000005'"], "0.000000001"),
    Case("money_or_null", ["'0.00005'"], "0.0001"),
    Case("money_or_null", ["'123456789012345'"], NO_NUMBER),
]  # fmt: skip

WITHOUT_A_VALUE = {
    "raw_type", "text_hash", "working_relation", "create_working_table", "nulls_last", "value_of_least", "json_objects",
    "join_json_elements",
}  # fmt: skip
"""Macros that make tables, rows, aggregates or values of an engine; the tests below hold the last four of them."""

ITEMS = """
(
    select 1 as place, 'b' as name, 2 as quantity
    union all
    select 1 as place, 'a' as name, cast(null as bigint) as quantity
    union all
    select 1 as place, 'a' as name, 5 as quantity
    union all
    select cast(null as bigint) as place, cast(null as string) as name, 1 as quantity
)
"""


@pytest.fixture(scope="module", params=["duckdb", pytest.param("bigquery", marks=pytest.mark.parity)])
def dbt(request: pytest.FixtureRequest) -> Dbt:
    """An empty warehouse of each engine."""
    make: Callable[[], Dbt] = request.getfixturevalue("make_dbt" if request.param == "duckdb" else "make_bigquery_dbt")
    return make()


def test_every_macro_says_the_same_on_each_engine(dbt: Dbt):
    selects = (
        f"select {number} as number, cast({{{{ {case.call} }}}} as string) as found,"
        f" {{{{ {case.call} }}}} is not distinct from {case.expected} as is_right"
        for number, case in enumerate(CASES)
    )
    found = dbt.shown("\nunion all\n".join(selects))
    assert len(found) == len(CASES)
    assert [(CASES[int(row["number"])], row["found"]) for row in found if not row["is_right"]] == []


@pytest.mark.parity
def test_google_computes_the_same_values(make_bigquery_dbt: Callable[[], Dbt]):
    """The emulator is DuckDB beneath; this evaluator is Google's own."""
    calls = make_bigquery_dbt().rendered("\n@@\n".join(f"{{{{ {case.call} }}}}" for case in CASES)).split("\n@@\n")
    pairs = list(zip(calls, CASES, strict=True))
    found = Analyzer(lambda *_: None).values(
        f"cast(({call}) is not distinct from {case.expected} as string)" for call, case in pairs
    )
    assert [call for (call, _), is_right in zip(pairs, found, strict=True) if is_right != "true"] == []


def test_every_macro_has_a_case():
    folder = PROJECT_ROOT / "scv_dbt" / "macros" / "engine"
    dispatched = {name for path in folder.glob("*.sql") for name in re.findall(r'dispatch\("(\w+)"', path.read_text())}
    assert dispatched - WITHOUT_A_VALUE <= {case.macro for case in CASES}


def test_objects_stand_in_the_order_of_their_values_and_nulls_last(dbt: Dbt):
    objects = """{{ json_objects({"name": "name", "quantity": "quantity"}, ["name", "quantity"]) }}"""
    (row,) = dbt.shown(f"select {objects} as items from {ITEMS} as items")
    found = [(item["name"], item["quantity"]) for item in json.loads(row["items"])]
    assert found == [("a", 5), ("a", None), ("b", 2), (None, 1)]


def test_a_value_of_rows_without_a_rank_is_never_taken(dbt: Dbt):
    sql = "select {{ value_of_least('name', 'rank') }} as name from (%s) as ranked"
    none = "select 'a' as name, cast(null as bigint) as rank union all select 'b', null"
    assert dbt.shown(sql % none) == [{"name": None}]
    assert dbt.shown(sql % f"{none} union all select 'c', 2 union all select 'd', 1") == [{"name": "d"}]


def test_elements_of_what_is_no_array_are_none(dbt: Dbt):
    document = json.dumps({"array": [{"a": 1}, None], "null": None})
    for path, count in [("array", 2), ("null", 0), ("nothing", 0)]:
        join = f"{{{{ join_json_elements('content', 'element', '{path}') }}}}"
        rows = dbt.shown(f"select count(*) as n from (select '{document}' as content) as documents {join}")
        assert [int(row["n"]) for row in rows] == [count], path
