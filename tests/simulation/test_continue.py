"""A continued company is the company that it would have been: same facts, told in more files."""

from datetime import timedelta
from pathlib import Path

import pytest

from scv_platform.simulation import NoCompany, Rates, continue_company, simulate
from tests.simulation.conftest import SEED, UNTIL, VENDORS, Company, contract

RATES = Rates(future_days=30, late_share=0.05)
DAYS = 12
PEOPLE = 250


@pytest.fixture(scope="module")
def continued(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, Company]:
    """A company that was continued, and the same one written at once."""
    parts, whole = tmp_path_factory.mktemp("parts"), tmp_path_factory.mktemp("whole")
    first = simulate(PEOPLE, SEED, UNTIL, parts, RATES)
    second = continue_company(DAYS, parts)
    both = type(first)(second.people, second.records, {**first.rows, **second.rows}, first.broken_rows)
    at_once = simulate(PEOPLE, SEED, UNTIL + timedelta(days=DAYS), whole, RATES, start=UNTIL)
    return Company(parts, both, as_declared=True), Company(whole, at_once, as_declared=True)


def newest(company: Company, source: str, table: str, key: str, columns: list[str]) -> list[tuple[object, ...]]:
    values = ", ".join(f'"{name}"::varchar' for name in columns)
    return company.rows(f"""
        select {values} from (
            select * from {source}_{table} qualify row_number() over (partition by "{key}" order by delivery desc) = 1
        ) order by all
    """)


@pytest.mark.parametrize("source", VENDORS)
def test_the_newest_version_of_every_object_is_that_of_a_company_written_at_once(continued, source):
    parts, whole = continued
    for table in contract(source):
        columns = sorted(table.types)
        expected = newest(whole, source, table.name, table.key, columns)
        assert newest(parts, source, table.name, table.key, columns) == expected, table.name


def test_database_and_truth_are_equal_to_the_byte(continued):
    parts, whole = continued
    names = ["app_db/app.sqlite", *(f"truth/{path.name}" for path in (whole.folder / "truth").glob("*.parquet"))]
    assert len(names) == 6
    for name in names:
        assert (parts.folder / name).read_bytes() == (whole.folder / name).read_bytes(), name


def test_new_files_hold_new_changed_and_late_objects(continued):
    parts, _ = continued
    ids = "select id from shopify_orders where delivery = {}"
    assert parts.value(f"select count(*) from ({ids.format(1)} except {ids.format(0)})") > 0
    assert parts.value(f"select count(*) from ({ids.format(1)} intersect {ids.format(0)})") > 0
    late = parts.value(f"""
        select count(*) from web_events_track where delivery = 1 and "timestamp"::date <= date '{UNTIL}'
    """)
    assert late > 0
    assert parts.value('select count(distinct "messageId") = count(*) from web_events_track')


def test_some_files_come_again_under_another_name(continued):
    parts, _ = continued
    again = sorted(parts.folder.glob("*/*/*-again-*"))
    assert len(again) == 2
    for path in again:
        original = path.with_name(path.name.split("-again-")[0] + path.suffix)
        assert path.read_bytes() == original.read_bytes()


def test_continuing_in_steps_is_continuing_at_once(tmp_path, continued):
    parts, _ = continued
    simulate(PEOPLE, SEED, UNTIL, tmp_path, RATES)
    continue_company(5, tmp_path)
    continue_company(DAYS - 5, tmp_path)
    for name in ("app_db/app.sqlite", "truth/transactions.parquet", "truth/records.parquet"):
        assert (tmp_path / name).read_bytes() == (parts.folder / name).read_bytes()


def test_a_folder_without_a_company_and_a_day_too_far_are_refused(tmp_path: Path):
    with pytest.raises(NoCompany, match=r"company\.json"):
        continue_company(1, tmp_path)
    simulate(1, SEED, UNTIL, tmp_path, RATES)
    with pytest.raises(ValueError, match="future_days"):
        continue_company(31, tmp_path)
    with pytest.raises(ValueError, match="days must be 1"):
        continue_company(0, tmp_path)
