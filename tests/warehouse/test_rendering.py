"""SQL of ours, as BigQuery is to read it. That it means the same there, tests on both engines show."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from sqlglot import exp
from sqlglot.errors import UnsupportedError

from scv_platform.warehouse import bind, literal
from scv_platform.warehouse.rendering import bigquery_sql


@pytest.mark.parametrize(
    ("sql", "rendered"),
    [
        # Types, and the values that are written without one.
        ("cast(x as timestamp)", "CAST(x AS TIMESTAMP)"),
        ("timestamp '2026-01-31 10:00:00'", "CAST('2026-01-31 10:00:00' AS TIMESTAMP)"),
        ("cast(x as text) || cast(y as varchar)", "CAST(x AS STRING) || CAST(y AS STRING)"),
        ("cast(x as bigint)", "CAST(x AS INT64)"),
        ("cast(x as double)", "CAST(x AS FLOAT64)"),
        ("cast(x as decimal(18, 4))", "ROUND(CAST(x AS NUMERIC), 4)"),
        (
            "cast(cast(x as decimal(18, 4)) as decimal(38, 9))",
            "ROUND(CAST(ROUND(CAST(x AS NUMERIC), 4) AS NUMERIC), 9)",
        ),
        ("x > 0.30", "x > CAST('0.30' AS NUMERIC)"),
        ("x > 1e-3", "x > 1e-3"),
        # Order of arguments, and what is divided by what.
        ("date_diff('day', first_day, last_day)", "DATE_DIFF(last_day, first_day, DAY)"),
        ("a // b", "DIV(a, b)"),
        ("n * (n - 1) / 2", "n * (n - 1) / NULLIF(2, 0)"),
        # Null.
        ("concat(a, b)", "CONCAT(COALESCE(a, ''), COALESCE(b, ''))"),
        ("a || b", "a || b"),
        ("a is not distinct from b", "a IS NOT DISTINCT FROM b"),
        ("rank() over (order by x)", "RANK() OVER (ORDER BY x NULLS LAST)"),
        ("rank() over (order by x desc)", "RANK() OVER (ORDER BY x DESC)"),
        # Text.
        ("string_agg(rule, ', ' order by rule nulls first)", "STRING_AGG(rule, ', ' ORDER BY rule)"),
        ("json_extract_scalar(raw, '$.key')", "JSON_EXTRACT_SCALAR(raw, '$.key')"),
        (r"regexp_replace(x, '[\s\pZ]+', '', 'g')", r"REGEXP_REPLACE(x, '[\\s\\pZ]+', '')"),
        (r"regexp_like(x, '^\+[0-9]+$')", r"REGEXP_CONTAINS(x, '^\\+[0-9]+$')"),
        ("strpos(a, ':')", "INSTR(a, ':')"),
        ("'O''Brien'", r"'O\'Brien'"),
        # Names.
        ('"group"', "`group`"),
        ('"or""der"', '`or"der`'),
    ],
)
def test_an_expression_means_on_bigquery_what_it_means_here(sql: str, rendered: str) -> None:
    assert bigquery_sql(f"select {sql}") == f"SELECT {rendered}"


def test_every_dataset_has_the_prefix_and_nothing_else_has_it() -> None:
    sql = """
        with lines as (select * from master.transaction_lines)
        select lines.a, (select count(*) from raw_web_events."group") as n
        from lines
        join master.customers as customers on customers.a = lines.a
        where exists (select 1 from current_members)
    """
    assert bigquery_sql(sql, "dev_") == (
        "WITH lines AS (SELECT * FROM dev_master.transaction_lines)"
        " SELECT lines.a, (SELECT COUNT(*) FROM dev_raw_web_events.`group`) AS n"
        " FROM lines JOIN dev_master.customers AS customers ON customers.a = lines.a"
        " WHERE EXISTS(SELECT 1 FROM current_members)"
    )


@pytest.mark.parametrize(
    ("sql", "rendered"),
    [
        ("update a.b set x = null where y", "UPDATE dev_a.b SET x = NULL WHERE y"),
        ("insert into a.b (x) select y from a.c", "INSERT INTO dev_a.b (x) SELECT y FROM dev_a.c"),
        ("delete from a.b where true", "DELETE FROM dev_a.b WHERE TRUE"),
        ("create temporary table t as select 1 as x", "CREATE TEMPORARY TABLE t AS SELECT 1 AS x"),
        ("from a.b", "SELECT * FROM dev_a.b"),
    ],
)
def test_statements_that_write_are_rendered_too(sql: str, rendered: str) -> None:
    assert bigquery_sql(sql, "dev_") == rendered


def test_an_expression_is_rendered_as_its_text_would_be_and_stays_as_it_is() -> None:
    table = exp.select("a").from_("master.customers")
    assert bigquery_sql(table, "dev_") == bigquery_sql(table, "dev_") == "SELECT a FROM dev_master.customers"


@pytest.mark.parametrize(
    ("value", "rendered"),
    [
        (None, "NULL"),
        (True, "TRUE"),
        (-3, "-3"),
        (date(2026, 1, 31), "CAST('2026-01-31' AS DATE)"),
        (datetime(2026, 1, 31, 10, 0, 0, 5), "CAST('2026-01-31 10:00:00.000005' AS TIMESTAMP)"),
        (datetime.fromisoformat("2026-01-01T01:30:00+02:00"), "CAST('2025-12-31 23:30:00' AS TIMESTAMP)"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.10"), "-CAST('0.10' AS NUMERIC)"),
        ("\\x41", r"'\\x41'"),
        ("\\u0041 \\101", r"'\\u0041 \\101'"),
        ("\\'; drop table x; --", r"'\\\'; drop table x; --'"),
        ("two\r\nlines", r"'two\r\nlines'"),
    ],
)
def test_a_value_becomes_a_literal_of_bigquery(value: object, rendered: str) -> None:
    assert bigquery_sql(exp.select(literal(value))) == f"SELECT {rendered}"


def test_values_enter_a_statement_as_literals_and_are_not_read_again() -> None:
    statement = bind("select * from a.b where x = $x and y < $y", x="\\' or 1 = 1 or x = '$y", y=date(2024, 6, 30))
    assert bigquery_sql(statement) == (
        r"SELECT * FROM a.b WHERE x = '\\\' or 1 = 1 or x = \'$y' AND y < CAST('2024-06-30' AS DATE)"
    )


def test_what_bigquery_cannot_do_is_an_error_and_no_guess() -> None:
    with pytest.raises(ValueError, match="replaces the first match only"):
        bigquery_sql("select regexp_replace(x, 'a', 'b')")
    with pytest.raises(UnsupportedError, match="NULLS LAST"):
        bigquery_sql("select string_agg(x, ', ' order by x)")
