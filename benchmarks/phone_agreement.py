"""How often the phone numbers of the warehouse are those of Google's libphonenumber, and what a million of them cost.

Numbers that exist, of the 40 countries of `tools/phone_numbers.py`, in every way of writing; and the same with a digit
too many, too few or changed, of which those that libphonenumber refuses should stay nothing.
Run: `python benchmarks/phone_agreement.py [--numbers N]`
"""

import argparse
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import duckdb
import pyarrow as pa
from dbt.cli.main import dbtRunner

from scv_platform.settings import PROJECT_ROOT
from scv_platform.transformation.project import environment
from tools.phone_numbers import COUNTRIES, Written, damaged_numbers, written_numbers

PROJECT = PROJECT_ROOT / "scv_dbt"
MILLION = 1_000_000


def phones_select(folder: Path) -> str:
    """The SQL of `int_phones` over a relation `numbers`."""
    inline = "{{ normalised_phones('numbers') }}"
    command = ["compile", "--inline", inline, "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    command += ["--target", "duckdb", "--target-path", str(folder), "--log-path", str(folder), "--quiet"]
    variables = {"SCV_DUCKDB_PATH": str(folder / "scv.duckdb"), "SCV_DEFAULT_COUNTRY": "DE"}
    # dbt prints what it compiled.
    with redirect_stdout(StringIO()), environment(variables):
        result = dbtRunner().invoke(command)
    if not result.success:
        raise SystemExit(result.exception)
    return str(result.result.results[0].node.compiled_code)


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("attach ':memory:' as scv")
    connection.execute("create schema scv.seeds")
    connection.execute(
        "create table scv.seeds.countries as from read_csv(?, all_varchar => true)",
        [str(PROJECT / "seeds" / "countries.csv")],
    )


def read(connection: duckdb.DuckDBPyConnection, select: str, numbers: Sequence[Written]) -> list[str | None]:
    texts = pa.table({"phone": [one.text for one in numbers], "country": [one.country for one in numbers]})
    connection.register("numbers", texts)
    found = {(phone, country): e164 for phone, country, e164 in connection.sql(select).fetchall()}
    return [found.get((one.text, one.country)) for one in numbers]


def print_agreement(connection: duckdb.DuckDBPyConnection, select: str, count: int) -> None:
    chance = random.Random(1)
    numbers = [one for country in COUNTRIES for one in written_numbers(chance, country, count) if one.e164]
    right: dict[str, dict[str, list[bool]]] = {"country": defaultdict(list), "writing": defaultdict(list)}
    for one, found in zip(numbers, read(connection, select, numbers), strict=True):
        right["country"][one.country].append(found == one.e164)
        right["writing"][one.writing].append(found == one.e164)
    for title, rows in right.items():
        print(f"\n{title:32} numbers  agree")
        for name, answers in rows.items():
            print(f"{name:32} {len(answers):7,} {100 * sum(answers) / len(answers):7.3f} %")
    answers = [answer for rows in right["country"].values() for answer in rows]
    print(f"{'all':32} {len(answers):7,} {100 * sum(answers) / len(answers):7.3f} %")


def print_damage(connection: duckdb.DuckDBPyConnection, select: str, count: int) -> None:
    chance = random.Random(2)
    numbers = [one for country in COUNTRIES for one in damaged_numbers(chance, country, count) if not one.e164]
    taken = [one for one, found in zip(numbers, read(connection, select, numbers), strict=True) if found]
    meant = [one for one in taken if one.text.startswith("00") or one.country == "MX"]
    print(
        f"\n{len(numbers):,} damaged numbers that libphonenumber refuses: {len(taken):,} are taken,"
        f" {len(meant):,} of them because 00 is an international prefix everywhere or Mexico's former"
        f" prefixes are known; {100 * (len(taken) - len(meant)) / len(numbers):.3f} % for no such reason"
    )


def print_cost(connection: duckdb.DuckDBPyConnection, select: str) -> None:
    connection.unregister("numbers")
    connection.execute(
        """
        create table numbers as
        select
            case number % 3
                when 0 then '+4179' || (1000000 + number)
                when 1 then '079 ' || (2000000 + number)
                else '0049 30 ' || (1000000 + number)
            end as phone,
            case when number % 5 = 0 then 'DE' else 'CH' end as country
        from range(?) as million(number)
        """,
        [MILLION],
    )
    started = time.perf_counter()
    connection.execute(f"create table phones as {select}")
    print(f"\n{MILLION:,} different numbers: {time.perf_counter() - started:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--numbers", type=int, default=100, help="numbers of each country")
    count = parser.parse_args().numbers
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        select = phones_select(Path(folder))
        prepare(connection)
        print_agreement(connection, select, count)
        print_damage(connection, select, count)
        print_cost(connection, select)


if __name__ == "__main__":
    main()
