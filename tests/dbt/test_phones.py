"""Phone numbers against Google's libphonenumber, which the SQL was written down from."""

import random
from collections.abc import Callable, Sequence
from itertools import chain

import duckdb
import phonenumbers
import pyarrow as pa
import pytest

from tests.dbt.conftest import Dbt
from tools import phone_plans
from tools.phone_numbers import COUNTRIES, Written, damaged_numbers, written_numbers


@pytest.fixture(scope="module")
def read(make_dbt: Callable[..., Dbt]) -> Callable[[Sequence[Written]], list[str | None]]:
    """What the warehouse makes of numbers."""
    dbt = make_dbt()
    dbt.run("seed", "--select", "countries")
    phones_select = dbt.rendered("{{ normalised_phones('numbers') }}")

    def read(numbers: Sequence[Written]) -> list[str | None]:
        with duckdb.connect(str(dbt.path)) as connection:
            texts = pa.table({"phone": [one.text for one in numbers], "country": [one.country for one in numbers]})
            connection.register("numbers", texts)
            found = {(phone, country): e164 for phone, country, e164 in connection.sql(phones_select).fetchall()}
        return [found.get((one.text, one.country)) for one in numbers]

    return read


def test_what_is_written_down_is_what_libphonenumber_knows():
    assert phone_plans.MACROS.read_text(encoding="utf-8") == phone_plans.macros(), "run python -m tools.phone_plans"


def test_numbers_that_exist_are_read_as_libphonenumber_reads_them_in_every_country(read):
    chance = random.Random(20240630)
    islands = {"AC", "TA"}  # which are of Saint Helena to ISO 3166
    others = sorted(phonenumbers.SUPPORTED_REGIONS - set(COUNTRIES) - islands)
    numbers = [
        *chain.from_iterable(written_numbers(chance, country, 15) for country in COUNTRIES),
        *chain.from_iterable(written_numbers(chance, country, 2) for country in others),
    ]
    numbers = [one for one in numbers if one.e164]
    pairs = list(zip(numbers, read(numbers), strict=True))
    wrong = [(one, found) for one, found in pairs if found != one.e164]
    assert len(pairs) > 10_000
    assert len(wrong) / len(pairs) <= 0.005, wrong[:20]
    assert not [one for one, _ in wrong if one.country in {"AR", "IT"}]


def test_numbers_that_do_not_exist_stay_nothing(read):
    chance = random.Random(20240630)
    damaged = chain.from_iterable(damaged_numbers(chance, country, 10) for country in COUNTRIES)
    # 00 begins an international number wherever it is, and the prefixes that Mexico gave up are known.
    numbers = [one for one in damaged if not one.e164 and not one.text.startswith("00") and one.country != "MX"]
    pairs = list(zip(numbers, read(numbers), strict=True))
    wrong = [(one, found) for one, found in pairs if found]
    assert len(pairs) > 1_000
    assert len(wrong) / len(pairs) <= 0.005, wrong[:20]
