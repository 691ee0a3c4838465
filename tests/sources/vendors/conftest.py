"""A company that enables vendors: its configuration, its landing folder, its warehouse."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scv_platform.settings import PROJECT_ROOT, Settings
from scv_platform.sources.config import Sources, load_sources
from scv_platform.sources.landing import LandingDataset, LoadSummary, load, load_summary, loaded_files
from scv_platform.warehouse.duckdb import DuckDBWarehouse


@dataclass
class Company:
    folder: Path

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    def configure(self, sources: str) -> None:
        (self.folder / "sources.yml").write_text(sources)

    @property
    def settings(self) -> Settings:
        environment = {
            "SCV_CONFIG": str(self.folder),
            "SCV_LANDING": str(self.landing),
            "SCV_DUCKDB_PATH": str(self.folder / "scv.duckdb"),
        }
        return Settings.load(environment, PROJECT_ROOT)

    @property
    def sources(self) -> Sources:
        return load_sources(self.settings)

    def write(self, table: str, name: str, content: str | bytes | Iterable[Any]) -> Path:
        """A landing file of `<source>/<table>`: bytes and text as they are, else one object per line."""
        path = self.landing / table / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, str | bytes):
            content = "".join(json.dumps(item) + "\n" for item in content)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    @property
    def warehouse(self) -> DuckDBWarehouse:
        return DuckDBWarehouse(self.settings.duckdb_path)

    def load(self, source: str) -> dict[str, LoadSummary]:
        """Load what is pending of that source; what happened, by table."""
        dataset: LandingDataset = self.sources.dataset(source)
        info = load(self.settings, dataset, loaded_files(self.warehouse, dataset.schema))
        return load_summary(self.warehouse, dataset.schema, info.loads_ids[0])

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return self.warehouse.rows(sql)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    (tmp_path / "platform.yml").write_text("{company: Test, base_currency: EUR, default_country: DE}")
    company = Company(tmp_path)
    company.configure("shopify: {from: landing, tables: [customers]}\nstripe: {from: landing}\n")
    return company
