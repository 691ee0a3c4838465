from datetime import date

import pytest

from scv_platform.warehouse import bind


def test_values_enter_as_literals_and_are_not_read_again() -> None:
    statement = bind("select * from t where a = $a and b < $b", a="x' or $b --", b=date(2024, 6, 30))
    assert statement.sql("duckdb") == "SELECT * FROM t WHERE a = 'x'' or $b --' AND b < CAST('2024-06-30' AS DATE)"


@pytest.mark.parametrize("values", [{}, {"a": 1, "b": 2}])
def test_values_that_do_not_match_the_names_are_an_error(values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"the statement names \['a'\]"):
        bind("select $a", **values)
