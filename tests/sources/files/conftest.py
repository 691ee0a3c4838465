"""A project in a temporary folder: a configuration, a landing folder, a warehouse."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from scv_platform.settings import Settings
from scv_platform.sources.config import load_sources
from scv_platform.sources.landing import (
    FileMapping,
    LandingDataset,
    LoadSummary,
    load,
    load_summary,
    loaded_files,
    pending_files,
)
from scv_platform.sources.landing.convert import convert
from scv_platform.warehouse.duckdb import DuckDBWarehouse


@dataclass(frozen=True)
class Outcome:
    """What became of the rows of one file."""

    rows: list[dict[str, Any]]
    refused: list[dict[str, Any]]
    skipped: Mapping[str, int]

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]

    @property
    def reasons(self) -> list[tuple[int | None, str]]:
        return [(row["line"], row["reason"]) for row in self.refused]


class Project:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.landing = folder / "landing"
        self.landing.mkdir()
        self.configure("", "")

    def configure(self, sources: str, custom_fields: str = "{}") -> None:
        (self.folder / "sources.yml").write_text(sources)
        (self.folder / "platform.yml").write_text(
            f"{{company: Test, base_currency: EUR, default_country: DE, custom_fields: {custom_fields or '{}'}}}"
        )

    def entity(self, entity: str, fields: str, options: str = "", format: str = "csv", skip: str = "[]") -> None:
        """The configuration of one source `shop` that feeds one entity from all files of the landing folder."""
        self.configure(
            f"""
shop:
  from: files
  path: "${{SCV_LANDING}}/*"
  format: {format}
  {options}
  entities:
    {entity}:
      skip: {skip}
      fields: {fields}
"""
        )

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.landing / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "SCV_CONFIG": str(self.folder),
            "SCV_LANDING": str(self.landing),
            "SCV_DUCKDB_PATH": str(self.folder / "scv.duckdb"),
        }

    @property
    def settings(self) -> Settings:
        return Settings.load(self.environment, self.folder)

    @property
    def dataset(self) -> LandingDataset:
        return load_sources(self.settings).dataset("files")

    def mapping(self, entity: str) -> FileMapping:
        return self.dataset.tables[entity][0]

    def convert(self, entity: str) -> Outcome:
        """What becomes of the one file in the landing folder, without dlt and without a warehouse."""
        found = pending_files(self.settings, self.dataset, frozenset())
        (file,) = (file for file in found.pending if file.mapping.entity.name == entity)
        target = self.folder / "converted.parquet"
        converted = convert(file, "1.0", target)
        rows = sorted(pq.read_table(target).to_pylist(), key=lambda row: row["_line"])
        assert converted.loaded == len(rows)
        return Outcome(rows, converted.refused.to_pylist(), converted.skipped)

    @property
    def warehouse(self) -> DuckDBWarehouse:
        return DuckDBWarehouse(self.settings.duckdb_path)

    def load(self, entities: frozenset[str] | None = None) -> dict[str, LoadSummary]:
        """Load what is pending through dlt; what happened, by entity."""
        dataset = self.dataset.only(entities) if entities else self.dataset
        info = load(self.settings, dataset, loaded_files(self.warehouse, "raw_files"))
        return load_summary(self.warehouse, "raw_files", info.loads_ids[0])

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return self.warehouse.rows(sql)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
