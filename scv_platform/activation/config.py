"""`config/destinations.yml`: the places that audiences may go to."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from scv_platform.config_files import ConfigError, StrictModel, read_yaml, validate
from scv_platform.settings import Identifier, Settings


class Scope(StrEnum):
    """Whether a destination belongs to the company; only there may people go without a legal basis of their own."""

    INTERNAL = "internal"
    EXTERNAL = "external"


class FileDestinationConfig(StrictModel):
    """A folder that gets a CSV file and a manifest of each audience."""

    type: Literal["file"]
    path: Annotated[str, Field(min_length=1, description="Relative to the project root; `${NAME}` is replaced.")]
    scope: Scope


def load_destinations(settings: Settings) -> Mapping[str, FileDestinationConfig]:
    """The destinations by name; `ConfigError` names the file and the line of everything that is wrong."""
    document = read_yaml(settings.config / "destinations.yml")
    if not isinstance(document.content, dict):
        raise ConfigError([f"{document.where()}: must map the names of destinations to their settings"])
    destinations: dict[str, FileDestinationConfig] = {}
    problems: list[str] = []
    for name in document.content:
        try:
            _NAME.validate_python(name)
            destinations[name] = validate(FileDestinationConfig, document, (name,))
        except ValidationError as error:
            problems.append(f"{document.where((str(name),))}: {name!r}: {error.errors()[0]['msg']}")
        except ConfigError as error:
            problems += error.problems
    owners: dict[object, str] = {}
    for name, destination in destinations.items():
        try:
            path = settings.expand(destination.path).resolve()
        except ConfigError as error:
            problems += [f"{document.where((name, 'path'))}: {problem}" for problem in error.problems]
            continue
        other = owners.setdefault(path, name)
        if other != name:
            problems.append(f"{document.where((name, 'path'))}: {name!r} and {other!r} would write the same files")
    if problems:
        raise ConfigError(problems)
    return destinations


_NAME = TypeAdapter(Identifier)
