"""Who becomes one customer, and who does not: the rules and guards of the identity layer on small families."""

from collections.abc import Callable

import pytest

from tests.dbt.conftest import Dbt
from tests.dbt.people import device, person, resolve


@pytest.fixture(scope="module")
def dbt(make_dbt: Callable[..., Dbt]) -> Dbt:
    made = make_dbt()
    made.run("seed", "--select", "given_names", "identity_blocklist")
    return made


def test_x(dbt: Dbt):
    assert resolve(dbt, [
        person("a", "anna meier", email="x@y.ch"),
        person("b", "- -", email="x@y.ch"),
        person("c", "a meier", email="x@y.ch"),
    ]) == {frozenset("abc")}
