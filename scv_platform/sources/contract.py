"""The contract of the raw tables: what the source YAMLs of the dbt project declare, as the loaders read it.

One declaration serves both sides: staging reads the columns that it names, and a loader writes exactly those. `meta`
tells what dbt has no word for: what the vendor calls a column, whether a row may lack it, whether its numbers are
times, the key of a row, and the column that says when it last changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from scv_platform.sources.entities import Column, ColumnType


@dataclass(frozen=True)
class RawTable:
    """One table of a vendor or of a database, as its source YAML declares it."""

    name: str
    description: str
    key: str
    """Column that identifies a row."""
    updated_at: str | None
    """Column that says when a row last changed; null where the vendor has none."""
    columns: tuple[Column, ...]
    """The columns that the source fills."""
    vendor_keys: Mapping[str, str]
    """What the vendor calls each column."""
    lineage: tuple[Column, ...]
    """The columns that the loader fills."""


@dataclass(frozen=True)
class RawSource:
    """One source YAML."""

    name: str
    description: str
    tables: Mapping[str, RawTable]
    load_tables: Mapping[str, str]
    """The tables that the loader keeps about its loads, and what each holds."""

    @property
    def kind(self) -> str:
        """Where it reads from: rows of files know their file, so their loader keeps a ledger of files."""
        return "landing" if "_loaded_files" in self.load_tables else "database"


def read_contracts(dbt_project: Path) -> Mapping[str, RawSource]:
    """The sources that the dbt project declares with a key for their rows, by name.

    The canonical entities of no-code files have a declaration too; their loader has its own, and a test keeps both
    equal.
    """
    folder = dbt_project / "models" / "sources"
    # Whoever builds the graph asks several times.
    return _read(tuple(sorted((path, path.stat().st_mtime_ns) for path in folder.glob("*.yml"))))


@cache
def _read(files: tuple[tuple[Path, int], ...]) -> Mapping[str, RawSource]:
    declared = [
        source
        for path, _ in files
        for source in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader).get("sources", [])
    ]
    return {
        source["name"]: _source(source) for source in declared if any(_meta(t).get("key") for t in source["tables"])
    }


def _source(declared: dict[str, Any]) -> RawSource:
    keyed = [table for table in declared["tables"] if _meta(table).get("key")]
    others = [table for table in declared["tables"] if not _meta(table).get("key")]
    return RawSource(
        name=declared["name"],
        description=declared["description"],
        tables={table["name"]: _table(table) for table in keyed},
        load_tables={table["name"]: table["description"] for table in others},
    )


def _table(declared: dict[str, Any]) -> RawTable:
    columns = [(_column(column), _meta(column).get("key", column["name"])) for column in declared["columns"]]
    return RawTable(
        name=declared["name"],
        description=declared["description"],
        key=_meta(declared)["key"],
        updated_at=_meta(declared).get("updated_at"),
        columns=tuple(column for column, _ in columns if not column.name.startswith("_")),
        vendor_keys={column.name: key for column, key in columns if not column.name.startswith("_")},
        lineage=tuple(column for column, _ in columns if column.name.startswith("_")),
    )


def _column(declared: dict[str, Any]) -> Column:
    meta = _meta(declared)
    kind, is_unix_time = ColumnType(declared["data_type"]), meta.get("unit") == "unix_seconds"
    return Column(declared["name"], kind, bool(meta.get("required")), is_unix_time)


def _meta(declared: dict[str, Any]) -> dict[str, Any]:
    meta: dict[str, Any] = declared.get("config", {}).get("meta", {})
    return meta
