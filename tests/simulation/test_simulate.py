import hashlib
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from scv_platform.simulation import Rates, simulate
from tests.simulation.conftest import UNTIL, VENDORS, contract


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_equal_arguments_give_equal_bytes_in_another_process(tmp_path):
    # Another hash seed, because the order of a Python set must never reach a file.
    script = (
        "import sys; from datetime import date; from pathlib import Path; from scv_platform.simulation import simulate;"
        "simulate(120, 7, date(2026, 6, 30), Path(sys.argv[1]))"
    )
    for hash_seed in ("1", "2"):
        arguments = [sys.executable, "-c", script, str(tmp_path / hash_seed)]
        subprocess.run(arguments, check=True, env={**os.environ, "PYTHONHASHSEED": hash_seed})
    first = digests(tmp_path / "1")
    assert "app_db/app.sqlite" in first
    assert "web_events/track/track-2026-06-30.jsonl.gz" in first
    assert digests(tmp_path / "2") == first


def test_another_seed_gives_another_company_and_takes_the_files_of_the_first_away(tmp_path):
    simulate(30, 1, UNTIL, tmp_path)
    first = digests(tmp_path)
    simulate(30, 2, date(2026, 7, 1), tmp_path)
    second = digests(tmp_path)
    stale = [name for name in second if "2026-06-30" in name]
    assert stale == []
    assert second["truth/records.parquet"] != first["truth/records.parquet"]


@pytest.mark.parametrize(("customers", "seed", "name"), [(0, 1, "customers"), (1, -1, "seed")])
def test_impossible_arguments_are_refused_by_name(tmp_path, customers, seed, name):
    with pytest.raises(ValueError, match=name):
        simulate(customers, seed, UNTIL, tmp_path)


def test_impossible_rates_are_refused_by_name():
    with pytest.raises(ValidationError, match="happy_share and angry_share"):
        Rates(happy_share=0.8, angry_share=0.3)
    with pytest.raises(ValidationError, match="countries"):
        Rates(countries={})


def test_a_single_person_is_a_company_too(tmp_path):
    simulate(1, 7, UNTIL, tmp_path)
    assert (tmp_path / "app_db" / "app.sqlite").exists()
    tables = {f"{source}/{table.name}" for source in VENDORS for table in contract(source)}
    assert {str(path.parent.relative_to(tmp_path)) for path in tmp_path.glob("*/*/*")} == tables


EXTRAS = {
    "stripe": {"object", "livemode", "currency", "amount_captured", "payment_method_details", "amount_due"},
    "web_events": {"type"},
}
"""Keys that vendors write and the contract leaves out: the loader does not need them."""


@pytest.mark.parametrize("source", VENDORS)
def test_files_hold_what_the_contract_names_and_every_key_that_it_requires(company, source):
    for table in contract(source):
        raw = f"{source}_{table.name}"
        keys = {name for name, *_ in company.rows(f"describe {raw}")} - {"delivery"}
        assert keys - set(table.types) <= EXTRAS.get(source, set()), raw
        assert set(table.types) - keys - {"deleted", "invoice"} == set(), raw
        assert company.value(f"select count(*) from {raw}") > 0, raw
        for key in table.required:
            assert company.value(f'select count(*) from {raw} where "{key}" is null') == 0, f"{raw}.{key}"
        distinct = company.value(f'select count(distinct "{table.key}") = count(*) from {raw}')
        assert distinct, f"{raw}: one delivery tells each object once"


def test_the_application_database_holds_the_tables_of_the_contract(company):
    for table in contract("app_db"):
        for key in table.required:
            assert company.value(f"select count(*) from app_db_{table.name} where {key} is null") == 0
        assert company.value(f"select count(distinct {table.key}) = count(*) from app_db_{table.name}")


def test_broken_rows_are_as_many_as_told_and_cannot_be_read(company):
    broken = 0
    for path, rows in company.summary.rows.items():
        if path.endswith(".jsonl"):
            broken += len((company.folder / path).read_text().splitlines()) - rows
    assert broken == company.summary.broken_rows > 10


def test_nothing_is_known_of_a_day_after_the_last_one(company):
    moments = """
        select max("SystemModstamp")[:10] from salesforce_contact
        union all select max("SystemModstamp")[:10] from salesforce_opportunity
        union all select strftime(to_timestamp(max(created)) at time zone 'utc', '%Y-%m-%d') from stripe_charges
        union all select strftime(to_timestamp(max(created)) at time zone 'utc', '%Y-%m-%d') from stripe_refunds
        union all select strftime(max(updated_at::timestamptz) at time zone 'utc', '%Y-%m-%d') from shopify_orders
        union all select max(updated_at::varchar)[:10] from zendesk_tickets
        union all select max("receivedAt"::varchar)[:10] from web_events_track
        union all select max(updated_at)[:10] from app_db_users
        union all select max(signed_in_at)[:10] from app_db_sign_ins
        union all select max(occurred_at::varchar)[:10] from transactions
    """
    newest = [
        str(day) for (day,) in company.rows(moments.replace('max("SystemModstamp")', 'max("SystemModstamp"::varchar)'))
    ]
    assert len(newest) == 10
    assert max(newest) == str(UNTIL)


def test_the_folder_remembers_its_company(company):
    memory = json.loads((company.folder / "truth" / "company.json").read_text())
    assert (memory["customers"], memory["until"]) == (1_500, str(UNTIL))
    assert set(memory["files"]) == {path for path in company.summary.rows if ":" not in path}
