"""`config/sources.yml`: which sources are enabled, and where each reads from.

`from: files` names files of any shape (`sources.files`), `from: landing` a vendor whose objects lie in the landing
folder, `from: database` an application database. Vendors and databases have a contract, so their blocks are short.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from scv_platform.config_files import ConfigError, StrictModel, YamlDocument, did_you_mean, read_yaml, validate
from scv_platform.settings import Settings
from scv_platform.sources.contract import RawSource, read_contracts
from scv_platform.sources.database import Database
from scv_platform.sources.files.config import expand, file_mappings, files_dataset
from scv_platform.sources.landing.mapping import FileMapping, LandingDataset
from scv_platform.sources.landing.rules import not_empty
from scv_platform.sources.vendors import vendor_dataset

Tables = Annotated[tuple[str, ...], AfterValidator(not_empty)]


class DatabaseConfig(StrictModel):
    """An application database."""

    kind: Annotated[Literal["database"], Field(alias="from")]
    url: Annotated[str, Field(description="Of SQLAlchemy; `${NAME}` is taken from the environment, secrets too.")]
    tables: Annotated[Tables | None, Field(description="The tables to load; all without it.")] = None
    lag_days: Annotated[int, Field(ge=1, description="A row may be committed so late after its watermark.")] = 1


class LandingConfig(StrictModel):
    """A vendor whose objects lie in the landing folder."""

    kind: Annotated[Literal["landing"], Field(alias="from")]
    path: Annotated[str | None, Field(description="Folder of its tables; `<landing>/<source>` without it.")] = None
    tables: Annotated[Tables | None, Field(description="The tables to load; all without it.")] = None


@dataclass(frozen=True)
class Sources:
    """The enabled sources."""

    landing: tuple[LandingDataset, ...]
    """What reads files: the no-code files first, when there are any, then the vendors."""
    databases: tuple[Database, ...]
    """What reads application databases."""
    contracts: Mapping[str, RawSource]
    """What is declared of vendors and databases, enabled or not."""

    @property
    def all(self) -> tuple[LandingDataset | Database, ...]:
        """Every enabled source, by the name that its raw tables have in the graph."""
        return (*self.landing, *self.databases)

    def dataset(self, name: str) -> LandingDataset:
        """The landing dataset of that name; `KeyError` when it is not enabled."""
        return {dataset.name: dataset for dataset in self.landing}[name]


def load_sources(settings: Settings) -> Sources:
    """The sources of `config/sources.yml`; `ConfigError` with every problem of the file, each with its line."""
    document = read_yaml(settings.config / "sources.yml")
    if not isinstance(document.content, dict):
        raise ConfigError([f"{document.where()}: expected a mapping of source names to sources"])
    contracts = read_contracts(settings.dbt_project)
    files: list[FileMapping] = []
    vendors: list[LandingDataset] = []
    databases: list[Database] = []
    problems: list[str] = []
    for name in document.content:
        try:
            match _kind(document, name, contracts):
                case "files":
                    files.extend(file_mappings(settings, document, name))
                case "landing":
                    vendors.append(_vendor(settings, document, contracts[name]))
                case "database":
                    databases.append(_database(settings, document, contracts[name]))
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)
    return Sources((*([files_dataset(files)] if files else []), *vendors), tuple(databases), contracts)


_KINDS = ("database", "files", "landing")


def _kind(document: YamlDocument, name: Any, contracts: Mapping[str, RawSource]) -> str:
    """Where a source reads from; `ConfigError` when the source of that name cannot read from there."""
    where = document.where((name,))
    if not re.fullmatch("[a-z][a-z0-9_]*", str(name)):
        raise ConfigError([f"{where}: source name {name!r}: use lower case, digits and underscores"])
    block = document.content[name]
    if not isinstance(block, dict) or "from" not in block:
        raise ConfigError([f"{where}: 'from' is missing; valid: {', '.join(_KINDS)}"])
    kind = block["from"]
    where = document.where((name, "from"))
    if kind not in _KINDS:
        raise ConfigError([f"{where}: from: {kind!r}; {did_you_mean(str(kind), _KINDS)}"])
    of_kind = [contract.name for contract in contracts.values() if contract.kind == kind]
    if name in contracts and name not in of_kind:
        # The ids of its records begin with the name, so another source of that name would be mixed up with it.
        raise ConfigError([f"{where}: {name} reads from {contracts[name].kind!r}; name other sources otherwise"])
    if kind != "files" and name not in of_kind:
        hint = did_you_mean(name, of_kind)
        raise ConfigError([f"{document.where((name,))}: no raw tables are declared for source {name!r}; {hint}"])
    return str(kind)


def _vendor(settings: Settings, document: YamlDocument, contract: RawSource) -> LandingDataset:
    config = validate(LandingConfig, document, (contract.name,))
    tables = _tables(document, contract, config.tables)
    step = "path" if config.path else "from"
    place = document.where((contract.name, step))
    folder = expand(settings, config.path or f"${{SCV_LANDING}}/{contract.name}", place)
    return vendor_dataset(contract, folder, tables, place)


def _database(settings: Settings, document: YamlDocument, contract: RawSource) -> Database:
    config = validate(DatabaseConfig, document, (contract.name,))
    tables = _tables(document, contract, config.tables)
    place = document.where((contract.name, "url"))
    try:
        url = make_url(settings.substitute(config.url))
        url.get_dialect().import_dbapi()
    except ConfigError as error:
        raise ConfigError(f"{place}: {problem}" for problem in error.problems) from None
    except ImportError as error:
        raise ConfigError([f"{place}: url: the driver of the database is not installed: {error}"]) from None
    except (ArgumentError, ValueError):
        # Not what is wrong with it: it may have a password in it.
        raise ConfigError(
            [f"{place}: url: not a url as SQLAlchemy has them: dialect://user:password@host/name"]
        ) from None
    if url.get_backend_name() == "sqlite" and url.database:
        url = url.set(database=str(settings.root / url.database))
    return Database(
        name=contract.name,
        url=url.render_as_string(hide_password=False),
        tables={name: table for name, table in contract.tables.items() if name in tables},
        lag_days=config.lag_days,
        place=place,
    )


def _tables(document: YamlDocument, contract: RawSource, chosen: Sequence[str] | None) -> list[str]:
    unknown = [name for name in chosen or () if name not in contract.tables]
    if unknown:
        where = document.where((contract.name, "tables"))
        hints = [f"{where}: {contract.name} has no table {t!r}; {did_you_mean(t, contract.tables)}" for t in unknown]
        raise ConfigError(hints)
    return list(contract.tables) if chosen is None else list(chosen)
