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
