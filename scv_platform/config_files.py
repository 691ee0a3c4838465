"""Reads the YAML files that people edit, and validates them with messages they can act on.

A problem names the file, the line, the key, and the nearest valid name. Every problem of a file is
reported at once. Duplicate keys are refused, because YAML would silently keep the last one.
"""

import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from scv_platform.errors import ReadableError

Location = tuple[str | int, ...]
ModelT = TypeVar("ModelT", bound=BaseModel)


class StrictModel(BaseModel):
    """Base of every model of a configuration file: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ConfigError(ReadableError):
    """One or more problems in files that a person edits; the text is one line per problem."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class YamlDocument:
    """The content of a YAML file and the line each value stands on."""

    path: Path
    content: Any
    lines: Mapping[Location, int]

    def where(self, location: Location = ()) -> str:
        """`file:line` of the value at that location, or of its nearest parent that has a line."""
        while location and location not in self.lines:
            location = location[:-1]
        return f"{self.path}:{self.lines.get(location, 1)}"


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """A suggestion to append to an error: the nearest valid names, or all of them when none is near."""
    names = sorted(valid)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(repr(word) for word in near)}?"
    return f"valid: {', '.join(names)}" if names else "none is defined"


def read_yaml(path: Path) -> YamlDocument:
    """The document in that file; `ConfigError` when it is missing, not YAML, or repeats a key."""
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
        lines: dict[Location, int] = {}
        problems: list[str] = []
        _collect_lines(node, (), lines, problems, path)
    except FileNotFoundError:
        raise ConfigError([f"{path}: file not found"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: not UTF-8 text ({error.reason} at byte {error.start})"]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise ConfigError([f"{path}:{line}: not valid YAML: {getattr(error, 'problem', error)}"]) from None
    except (ValueError, RecursionError) as error:
        # Such as a day that does not exist (YAML makes a date of what looks like one), or an alias inside itself.
        raise ConfigError([f"{path}: not valid YAML: {error}"]) from None
    if problems:
        raise ConfigError(problems)
    return YamlDocument(path, {} if content is None else content, lines)


def _collect_lines(
    node: yaml.Node | None, location: Location, lines: dict[Location, int], problems: list[str], path: Path
) -> None:
    if node is None:
        return
    lines.setdefault(location, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in seen:
                problems.append(f"{path}:{key_node.start_mark.line + 1}: key {key!r} is given twice")
            seen.add(key)
            lines[(*location, key)] = key_node.start_mark.line + 1
            _collect_lines(value_node, (*location, key), lines, problems, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _collect_lines(item, (*location, index), lines, problems, path)


def validate(model: type[ModelT], document: YamlDocument, location: Location = ()) -> ModelT:
    """The part of the document at `location` as that model; `ConfigError` with every problem otherwise."""
    content = document.content
    for step in location:
        content = content[step]
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ConfigError(_problems(model, error, document, location)) from None


def _problems(model: type[BaseModel], error: ValidationError, document: YamlDocument, base: Location) -> list[str]:
    problems = []
    for item in error.errors(include_url=False):
        location = item["loc"]
        known = _known_steps(document, base, location)
        where = document.where((*base, *known))
        name = ".".join(str(step) for step in ((*known, location[-1]) if item["type"] == "missing" else known))
        if item["type"] == "extra_forbidden":
            key = str(location[-1])
            problems.append(f"{where}: unknown key {name!r}; {did_you_mean(key, _valid_keys(model, location[:-1]))}")
        elif item["type"] == "missing":
            problems.append(f"{where}: {name!r} is missing")
        else:
            message = item["msg"].removeprefix("Value error, ")
            problems.append(f"{where}: {name}: {message}" if name else f"{where}: {message}")
    return list(dict.fromkeys(problems))


def _known_steps(document: YamlDocument, base: Location, location: Location) -> Location:
    """The steps of a pydantic location that exist in the file (pydantic adds steps for union members)."""
    known: Location = ()
    for step in location:
        if (*base, *known, step) in document.lines:
            known = (*known, step)
    return known


def _valid_keys(model: type[BaseModel], location: Location) -> list[str]:
    """The keys that the model at that location accepts."""
    current: Any = model
    for step in location:
        models = [candidate for candidate in _models_in(current) if str(step) in _keys(candidate)]
        # Pydantic tells which member of a union was meant by its tag, which for ours is the name of the model.
        if tagged := [candidate for candidate in _models_in(current) if candidate.__name__ == step]:
            current = tagged[0]
        elif models:
            fields = models[0].model_fields
            current = next(f.annotation for name, f in fields.items() if str(step) in {name, f.alias})
    return sorted({key for candidate in _models_in(current) for key in _keys(candidate)})


def _keys(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The pydantic models inside a type annotation, such as those of `dict[str, A | B]`."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for argument in typing.get_args(annotation) for model in _models_in(argument)]
