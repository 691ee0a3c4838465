"""What is known of files before any is read: where they lie, how they are read, and which raw rows they give."""

import hashlib
import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from scv_platform.sources.entities import LINEAGE_COLUMNS, Column, Entity
from scv_platform.sources.landing.rules import FieldRule, SkipRule


@dataclass(frozen=True)
class Reading:
    """How the files of one (source, entity) are read: the options, resolved."""

    format: str | None
    """None: by the ending of each file."""
    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: str = "."
    thousands: str | None = None
    null_values: tuple[str, ...] = ()
    date_format: str | None = None
    timezone: str = "UTC"
    default_country: str | None = None


@dataclass(frozen=True, kw_only=True)
class RowMapping:
    """How the rows of a source become rows of an entity: a canonical one, or a table that is declared."""

    source: str
    entity: Entity
    columns: tuple[Column, ...]
    """The columns of the entity, and the custom fields."""
    reading: Reading
    fields: Mapping[str, FieldRule]
    skip: tuple[SkipRule, ...] = ()
    shares_file: bool = False
    """Whether the same files feed another entity too."""
    used: Mapping[str, str] = field(repr=False)
    """The columns of the source that are read, each with the place in the configuration that asks for it."""
    lineage: tuple[Column, ...] = LINEAGE_COLUMNS
    """What every raw row carries beside the columns of the entity."""


@dataclass(frozen=True, kw_only=True)
class FileMapping(RowMapping):
    """One (source, entity): which files feed it, and how their rows become rows of the entity."""

    pattern: str
    """Path of the files, absolute, with wildcards."""
    place: str
    """Where the configuration gives the path, as `file:line`."""
    may_lack: frozenset[str] = frozenset()
    """Columns that a file may do without; they are null then."""
    root: Path | None = None
    """Folder that the files must not leave, whatever links lie in it; None where the path names one file."""

    @cached_property
    def fingerprint(self) -> str:
        """Digest of all that decides the rows a file gives; another one means: load the file again."""
        content = {
            "entity": self.entity.name,
            "columns": [[column.name, column.type, column.required, column.is_unix_time] for column in self.columns],
            "may_lack": sorted(self.may_lack),
            "reading": asdict(self.reading),
            "fields": {name: _plain(rule) for name, rule in self.fields.items()},
            "skip": [_plain(rule) for rule in self.skip],
            "shares_file": self.shares_file,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class LandingDataset:
    """What one pipeline loads from files into one schema: all no-code sources together, or one vendor."""

    name: str
    """Name of the pipeline and of the dbt source; the schema is `raw_<name>`."""
    tables: Mapping[str, tuple[FileMapping, ...]]
    """The raw tables in the order in which people read them, each with what feeds it."""

    @property
    def schema(self) -> str:
        """Schema of the raw tables."""
        return f"raw_{self.name}"

    def only(self, tables: AbstractSet[str]) -> "LandingDataset":
        """The part of it that feeds these tables."""
        return replace(self, tables={name: feeding for name, feeding in self.tables.items() if name in tables})

    @property
    def mappings(self) -> tuple[FileMapping, ...]:
        """What feeds its tables."""
        return tuple(mapping for feeding in self.tables.values() for mapping in feeding)


def _plain(rule: FieldRule | SkipRule) -> Any:
    return rule if isinstance(rule, str) else rule.model_dump(mode="json", by_alias=True, exclude_unset=True)
