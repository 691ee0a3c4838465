import csv
import hashlib
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scv_platform.simulation import Rates, Summary, simulate

UNTIL = date(2026, 6, 30)
FILES = {
    "shop/people.csv",
    "shop/products.csv",
    "shop/transactions.csv",
    "shop/order_lines.parquet",
    "shop/consents.jsonl",
    "till/receipts.csv",
    "newsletter/subscribers.csv",
    "truth/records.parquet",
}


class Shop:
    """A simulated shop, its files as tables of text without the broken rows at their ends."""

    def __init__(self, folder: Path, customers: int, rates: Rates | None = None) -> None:
        self.folder = folder
        self.summary: Summary = simulate(customers, 7, UNTIL, folder, rates)
        self.connection = duckdb.connect()
        for path, rows in self.summary.rows.items():
            name = path.partition("/")[2].partition(".")[0]
            self.connection.execute(f"create table {name} as select * from {self._reader(path)} limit {rows}")
        self.connection.execute(f"create table records as select * from '{folder}/truth/records.parquet'")

    def _reader(self, path: str) -> str:
        if path.endswith(".csv"):
            delimiter = "," if path.startswith("shop") else ";"
            return f"read_csv('{self.folder}/{path}', all_varchar = true, header = true, delim = '{delimiter}')"
        if path.endswith(".jsonl"):
            return f"read_json('{self.folder}/{path}', format = 'newline_delimited', ignore_errors = true)"
        return f"read_parquet('{self.folder}/{path}')"

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def value(self, sql: str) -> Any:
        ((value,),) = self.rows(sql)
        return value


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("shop"), 1_000)


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_equal_arguments_give_equal_bytes_in_another_process(tmp_path):
    # Another hash seed, because the order of a Python set must never reach a file.
    script = (
        "import sys; from datetime import date; from pathlib import Path; from scv_platform.simulation import simulate;"
        "simulate(200, 7, date(2026, 6, 30), Path(sys.argv[1]))"
    )
    for hash_seed in ("1", "2"):
        arguments = [sys.executable, "-c", script, str(tmp_path / hash_seed)]
        subprocess.run(arguments, check=True, env={**os.environ, "PYTHONHASHSEED": hash_seed})
    first = digests(tmp_path / "1")
    assert set(first) == FILES
    assert digests(tmp_path / "2") == first


def test_another_seed_gives_another_shop(tmp_path):
    for seed in (1, 2):
        simulate(20, seed, UNTIL, tmp_path / str(seed))
    assert digests(tmp_path / "1") != digests(tmp_path / "2")


def test_files_of_an_earlier_simulation_are_replaced(tmp_path):
    simulate(50, 1, UNTIL, tmp_path)
    simulate(20, 2, UNTIL, tmp_path)
    simulate(20, 2, UNTIL, tmp_path / "fresh")
    assert digests(tmp_path / "fresh").items() <= digests(tmp_path).items()


@pytest.mark.parametrize(("customers", "seed", "name"), [(0, 1, "customers"), (1, -1, "seed")])
def test_impossible_arguments_are_refused_by_name(tmp_path, customers, seed, name):
    with pytest.raises(ValueError, match=name):
        simulate(customers, seed, UNTIL, tmp_path)


def test_a_single_person_is_a_shop_too(tmp_path):
    simulate(1, 7, UNTIL, tmp_path)
    assert set(digests(tmp_path)) == FILES


def test_nothing_happens_after_the_last_day(shop):
    moments = """
        select max(booked_at) from transactions
        union all select max(registered_at) from people
        union all select max(strptime("Zeit", '%d.%m.%Y %H:%M'))::varchar from receipts
        union all select max(strptime("Letzte Änderung", '%d.%m.%Y %H:%M'))::varchar from subscribers
        union all select max(answered_at)::varchar from consents
    """
    newest = [str(moment)[:10] for (moment,) in shop.rows(moments)]
    assert len(newest) == 5
    assert max(newest) == str(UNTIL)


def test_every_return_gives_back_what_its_lines_cost_and_no_order_more_than_it_brought(shop):
    lines = "select number, sum(quantity * unit_price - voucher) as net from order_lines group by number"
    wrong = f"""
        select number from transactions join ({lines}) using (number)
        where net <> cast(coalesce(goods, refunded) as decimal(18, 2)) - coalesce(cast(voucher as decimal(18, 2)), 0)
    """
    assert shop.rows(wrong) == []
    balance = """
        select min(net) from (
            select sum(coalesce(cast(goods as decimal(18, 2)), 0) - coalesce(cast(voucher as decimal(18, 2)), 0)
                - coalesce(cast(refunded as decimal(18, 2)), 0)) as net
            from transactions group by order_number
        )
    """
    assert shop.value(balance) >= 0
    assert {kind for (kind,) in shop.rows("select distinct kind from transactions")} == {"order", "return", "refund"}


def test_returns_follow_their_orders_and_cancelled_orders_have_none(shop):
    wrong = """
        select later.number
        from transactions as later
        left join transactions as orders on orders.number = later.order_number and orders.kind = 'order'
        where later.kind <> 'order' and (orders.booked_at is null or orders.booked_at >= later.booked_at
            or orders.state = 'cancelled')
    """
    assert shop.rows(wrong) == []
    assert shop.value("select count(*) from transactions where state = 'cancelled'") > 0


def test_till_returns_have_negative_quantities_of_what_was_sold(shop):
    positions = """select cast(substr("Bon", 2) as int) as receipt, "Artikel" as article, cast("Menge" as int) as pieces
        from receipts"""
    returned = f"""select receipt - 1 as receipt, article, -sum(pieces) as back from ({positions})
        where pieces < 0 group by all"""
    sold = f"select receipt, article, sum(pieces) as sold from ({positions}) where pieces > 0 group by all"
    assert shop.value(f"select count(*) from ({returned})") > 0
    matched = f"({returned}) left join ({sold}) using (receipt, article)"
    assert shop.rows(f"select * from {matched} where sold is null or back > sold") == []


def test_amounts_of_the_till_are_german(shop):
    prices = {price for (price,) in shop.rows('select distinct "Einzelpreis" from receipts')}
    assert "0,20" in prices
    assert all(price.count(",") == 1 and price[-3] == "," for price in prices)


def test_records_of_the_truth_are_those_of_the_systems(shop):
    # A guest is named by the e-mail, as in every system that knows nothing else of a person.
    records = """
        select 'shop:' || customer_number from people
        union select 'newsletter:' || "Nr" from subscribers
        union select 'shop:guest:' || left(sha256(lower(guest_mail)), 16) from transactions where guest_mail is not null
        union select 'till:guest:' || left(sha256(lower("E-Mail")), 16) from receipts where "E-Mail" is not null
    """
    assert sorted(shop.rows(records)) == sorted(shop.rows("select record_id from records"))
    assert shop.summary.records == shop.value("select count(*) from records")
    assert shop.summary.people == shop.value("select count(distinct person_id) from records")


def test_an_email_belongs_to_one_person_and_joins_records_of_several_systems(shop):
    emails = """
        select 'shop:' || customer_number as record_id, lower(mail) as email from people
        union all select 'newsletter:' || "Nr", lower("E-Mail") from subscribers
        union all select 'shop:guest:' || left(sha256(lower(guest_mail)), 16), lower(guest_mail) from transactions
        where guest_mail is not null
    """
    owners = (
        f"select email, count(distinct person_id) as n from ({emails}) join records using (record_id) group by email"
    )
    assert shop.value(f"select max(n) from ({owners})") == 1
    by_email = shop.value(f"select count(distinct email) from ({emails})")
    assert shop.summary.people < by_email < shop.summary.records


def test_some_of_everything_is_there(shop):
    shares = {
        "anonymous receipts": """select count(*) from receipts where "E-Mail" is null""",
        "guest orders": "select count(*) from transactions where guest_mail is not null",
        "vouchers": "select count(*) from transactions where cast(voucher as decimal(18, 2)) > 0",
        "carrier bags": """select count(*) from receipts where "Artikel" = 'BAG'""",
        "unsubscribed": """select count(*) from subscribers where "Status" = 'abgemeldet'""",
        "capitals": """select count(*) from subscribers where "E-Mail" = upper("E-Mail")""",
        "withdrawn": "select count(*) from (select customer, purpose from consents group by all having count(*) = 2)",
        "tiers": "select count(*) from people where tier = 'gold'",
    }
    assert {name for name, sql in shares.items() if shop.value(sql) == 0} == set()


def test_half_of_the_buyers_come_back_and_december_is_busier_than_february(shop):
    orders = "select customer_number, count(*) as n from transactions where kind = 'order' group by all"
    assert 0.3 < shop.value(f"select avg((n > 1)::int) from ({orders}) where customer_number is not null") < 0.8
    by_month = dict(
        shop.rows("select left(booked_at, 7), count(*) from transactions where kind = 'order' group by all")
    )
    assert by_month["2025-12"] > 1.3 * by_month["2026-02"]


def test_broken_rows_stand_at_the_end_and_are_counted(shop):
    broken = 0
    for path, rows in shop.summary.rows.items():
        if path.endswith(".csv"):
            with (shop.folder / path).open(encoding="utf-8", newline="") as file:
                lines = list(csv.reader(file, delimiter="," if path.startswith("shop") else ";"))
            assert {len(line) for line in lines} == {len(lines[0])}
            broken += len(lines) - 1 - rows
        elif path.endswith(".jsonl"):
            lines = (shop.folder / path).read_text(encoding="utf-8").splitlines()
            for line in lines[rows:]:
                with pytest.raises(json.JSONDecodeError):
                    json.loads(line)
            broken += len(lines) - rows
    assert broken == shop.summary.broken_rows > 0


def test_rates_shape_the_shop(tmp_path):
    quiet = Shop(tmp_path, 300, Rates(returned_share=0, goodwill_share=0, newsletter_share=0, store_goer_share=0))
    assert quiet.summary.rows["newsletter/subscribers.csv"] == 0
    assert quiet.summary.rows["till/receipts.csv"] == 0
    assert quiet.rows("select distinct kind from transactions") == [("order",)]
