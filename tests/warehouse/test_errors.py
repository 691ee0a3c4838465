import pytest

from scv_platform.warehouse.errors import without_values

PERSON = "Ottilie Kanarienvogel"


@pytest.mark.parametrize(
    "message",
    [
        f"Runtime Error in model a (models/a.sql)\n  Conversion Error: Could not convert string '{PERSON}' to INT32",
        f'Runtime Error in model a (models/a.sql)\n  Invalid Input Error: Malformed JSON: {{"name": "{PERSON}"}}',
        f"Database Error in test a (models/a.yml)\n  Constraint Error: {PERSON}",
        PERSON,
    ],
)
def test_the_text_of_an_error_that_read_data_is_left_out(message: str) -> None:
    assert PERSON not in without_values(message)


def test_a_missing_value_is_told_with_its_column() -> None:
    message = "Runtime Error in model a (models/a.sql)\n  Constraint Error: NOT NULL constraint failed: a.name"
    assert without_values(message) == "Constraint Error: NOT NULL constraint failed: a.name"


def test_an_error_of_the_sql_is_told_whole() -> None:
    message = 'Binder Error: Referenced column "nmae" not found in FROM clause!'
    assert without_values(message) == message


@pytest.mark.parametrize(
    "text",
    [
        "Syntax error: Unexpected keyword NEW at [1:20]",
        "Unrecognized name: nmae; Did you mean name? at [1:8]",
        "Not found: Table scv:master.customers was not found in location EU",
        "Access Denied: Table scv:master.customers: User does not have permission to query table scv:master.customers",
        "Query exceeded limit for bytes billed: 100000000000. 223338299392 or higher required.",
    ],
)
def test_an_error_of_bigquery_about_tables_syntax_access_or_cost_is_told_whole(text: str) -> None:
    assert without_values(f"BigQuery invalidQuery: {text}") == text
    assert without_values(f"Database Error in model a (models/a.sql)\n  {text}\n  compiled code at b.sql") == text
    # What a script of several statements puts in front.
    assert without_values(f"BigQuery invalidQuery: Query error: {text}") == text


@pytest.mark.parametrize(
    "text",
    [
        f"Bad int64 value: {PERSON}",
        f"Could not parse '{PERSON}: Syntax error: ' as a timestamp",
        f"Row of {PERSON}\nSyntax error: {PERSON}",
        f"{PERSON}: Access Denied: {PERSON}",
    ],
)
def test_of_another_error_of_bigquery_only_the_reason_is_told(text: str) -> None:
    assert without_values(f"BigQuery invalidQuery: {text}").startswith("BigQuery invalidQuery; its text is left out")
    assert PERSON not in without_values(f"Runtime Error in model a (models/a.sql)\n  {text}")
