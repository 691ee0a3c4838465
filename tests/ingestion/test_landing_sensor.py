"""The landing sensor, on real folders and the configuration of the demo."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from scv_platform.ingestion.sensors import build_landing_sensor
from scv_platform.simulation import simulate
from scv_platform.sources.config import load_sources
from tests.conftest import UNTIL, Platform


class Landing:
    """A landing folder with its sensor, which remembers its cursor from tick to tick."""

    def __init__(self, platform: Platform) -> None:
        settings = platform.settings
        self.folder = settings.landing
        self._sensor = build_landing_sensor(settings, load_sources(settings).dataset("files"))
        self._cursor: str | None = None

    def tick(self, settle: bool = True) -> list[dg.RunRequest]:
        """One look at the folder, long after its files were written."""
        if settle:
            self._age_files()
        with dg.DagsterInstance.ephemeral() as instance:
            context = dg.build_sensor_context(instance=instance, cursor=self._cursor)
            result = self._sensor(context)
        if isinstance(result, dg.SkipReason):
            self._cursor = context.cursor
            return []
        assert isinstance(result, dg.SensorResult)
        self._cursor = result.cursor
        return list(result.run_requests or [])

    def _age_files(self) -> None:
        for path in self.folder.rglob("*.*"):
            changed = path.stat().st_mtime_ns
            if changed > time.time_ns() - 60_000_000_000:
                os.utime(path, ns=(changed, changed - 3_600_000_000_000))

    def requested(self) -> set[str]:
        return {key.path[-1] for request in self.tick() for key in request.asset_selection or []}


@pytest.fixture
def landing(install: Callable[..., Platform]) -> Landing:
    platform = install()
    simulate(customers=20, seed=1, until=UNTIL, out=platform.settings.landing)
    return Landing(platform)


def test_the_first_tick_requests_everything_and_the_second_nothing(landing: Landing) -> None:
    assert landing.requested() == {"people", "products", "transactions", "transaction_lines", "consents"}
    assert landing.tick() == []


def test_a_new_file_requests_only_the_entities_that_it_feeds(landing: Landing) -> None:
    landing.tick()
    products = landing.folder / "shop" / "products.csv"
    (landing.folder / "shop" / "products-2.csv").write_text(products.read_text() + "P9,S9,Extra,Camping,Acme,1,1,EUR\n")
    assert landing.requested() == {"products"}
    subscribers = landing.folder / "newsletter" / "subscribers.csv"
    subscribers.write_text(subscribers.read_text() + "1;a@b.example;A;B;DE;aktiv;01.01.2026 10:00;01.01.2026 10:00\n")
    assert landing.requested() == {"people", "consents"}


@pytest.mark.parametrize("name", ["products-2.csv.part", "products-2.csv.tmp"])
def test_a_file_that_is_still_being_written_waits_for_its_final_name(landing: Landing, name: str) -> None:
    landing.tick()
    unfinished = landing.folder / "shop" / name
    unfinished.write_text((landing.folder / "shop" / "products.csv").read_text() + "P9,S9,Extra,Camping,Acme,1,1,EUR\n")
    assert landing.tick() == []
    unfinished.rename(landing.folder / "shop" / "products-2.csv")
    assert landing.requested() == {"products"}


def test_a_file_that_still_grows_waits_until_it_has_rested(landing: Landing) -> None:
    landing.tick()
    products = landing.folder / "shop" / "products.csv"
    growing = landing.folder / "shop" / "products-2.csv"
    growing.write_text(products.read_text() + "P9,S9,Extra,Camping,Acme,1,1,EUR\n")
    assert landing.tick(settle=False) == []
    assert landing.requested() == {"products"}


def test_a_file_that_is_touched_renamed_or_delivered_twice_requests_nothing(landing: Landing) -> None:
    landing.tick()
    products = landing.folder / "shop" / "products.csv"
    os.utime(products, (1, 1))
    assert landing.tick() == []
    products.rename(products.with_name("products-renamed.csv"))
    assert landing.tick() == []
    Path(products).write_bytes(products.with_name("products-renamed.csv").read_bytes())
    assert landing.tick() == []


def test_the_same_new_content_has_the_same_run_key_and_other_content_another(install: Callable[..., Platform]) -> None:
    keys = []
    for seed in (1, 1, 2):
        platform = install()
        simulate(customers=20, seed=seed, until=UNTIL, out=platform.settings.landing)
        keys += [request.run_key for request in Landing(platform).tick()]
    assert keys[0] == keys[1]
    assert keys[0] != keys[2]


def test_the_cursor_forgets_files_that_are_gone(landing: Landing) -> None:
    landing.tick()
    before = len(landing._cursor or "")
    for path in landing.folder.rglob("*.csv"):
        path.unlink()
    landing.tick()
    assert len(landing._cursor or "") < before
