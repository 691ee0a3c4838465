"""Loads `config/segments/*.yml` and `config/audiences/*.yml`.

Invariant: a wrong file never hides the good ones; it comes back as an `InvalidDefinition` with every
problem found in it. A reference to a segment whose file is wrong is not a problem of the file that refers.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from scv_platform.audiences.catalogue import Catalogue
from scv_platform.audiences.checks import cycles, problems
from scv_platform.audiences.compiler import segments_read
from scv_platform.audiences.rules import Audience, Rules, Segment
from scv_platform.config_files import ConfigError, YamlDocument, read_yaml, validate

RulesT_co = TypeVar("RulesT_co", bound=Rules, covariant=True)


@dataclass(frozen=True)
class Definition(Generic[RulesT_co]):
    """A valid file: its rules, and the text they came from."""

    rules: RulesT_co
    document: YamlDocument
    yaml: str

    @property
    def name(self) -> str:
        """The name of the segment or audience."""
        return self.rules.name


@dataclass(frozen=True)
class InvalidDefinition:
    """A file that cannot be used, and why; `group` is the folder it lies in."""

    group: str
    name: str
    path: Path
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Definitions:
    """All segments and audiences of a config folder, by name."""

    segments: tuple[Definition[Segment], ...]
    audiences: tuple[Definition[Audience], ...]
    invalid: tuple[InvalidDefinition, ...]

    @property
    def segment_versions(self) -> dict[str, str]:
        """The current version of the rule of every segment whose file is valid, by name."""
        return {segment.name: segment.rules.rule_version for segment in self.segments}

    def names(self, model: type[Rules]) -> set[str]:
        """The names of all files of a folder, those with problems included."""
        valid: list[Definition[Rules]] = [*self.segments, *self.audiences]
        return {definition.name for definition in valid if isinstance(definition.rules, model)} | {
            wrong.name for wrong in self.invalid if wrong.group == model.group
        }


def load_definitions(config: Path, catalogue: Catalogue) -> Definitions:
    """The definitions of a config folder; a missing folder is an empty one."""
    segment_files = _files(config / Segment.group)
    segments, wrong_segments = _load(Segment, segment_files, catalogue, segment_files)
    segments, circular = _without_cycles(segments)
    audiences, wrong_audiences = _load(Audience, _files(config / Audience.group), catalogue, segment_files)
    return Definitions(tuple(segments), tuple(audiences), (*wrong_segments, *circular, *wrong_audiences))


def _files(folder: Path) -> dict[str, Path]:
    """The files of a folder by the name of their asset; wrongly named files give way to the others."""
    paths = [path for path in folder.glob("*") if path.suffix in {".yml", ".yaml"}]
    files: dict[str, Path] = {}
    for path in sorted(paths, key=lambda path: (f"{_asset_name(path)}.yml" != path.name, path)):
        name = _asset_name(path)
        while name in files:
            name += "_"
        files[name] = path
    return files


def _asset_name(path: Path) -> str:
    return re.sub(r"\W", "_", path.stem, flags=re.ASCII)


def _load(
    model: type[RulesT_co], files: dict[str, Path], catalogue: Catalogue, segment_names: dict[str, Path]
) -> tuple[list[Definition[RulesT_co]], list[InvalidDefinition]]:
    valid: list[Definition[RulesT_co]] = []
    invalid: list[InvalidDefinition] = []
    for name, path in files.items():
        try:
            valid.append(_read(model, path, catalogue, segment_names))
        except ConfigError as error:
            invalid.append(InvalidDefinition(model.group, name, path, error.problems))
    return valid, invalid


def _read(
    model: type[RulesT_co], path: Path, catalogue: Catalogue, segment_names: dict[str, Path]
) -> Definition[RulesT_co]:
    if path.suffix != ".yml":
        raise ConfigError([f"{path}: rename the file to {path.stem}.yml"])
    try:
        document = read_yaml(path)
        rules = validate(model, document)
    except RecursionError:
        raise ConfigError([f"{path}: nested too deep to be read"]) from None
    if found := problems(rules, document, catalogue, segment_names):
        raise ConfigError(found)
    return Definition(rules, document, path.read_text(encoding="utf-8"))


def _without_cycles(
    segments: list[Definition[Segment]],
) -> tuple[list[Definition[Segment]], list[InvalidDefinition]]:
    """Takes out the segments that depend on themselves; those that only refer to such a one stay."""
    chains = cycles({segment.name: segments_read(segment.rules) for segment in segments})
    invalid = []
    for segment in segments:
        if chain := chains.get(segment.name):
            problem = f"{segment.document.where(('where',))}: the segment depends on itself: {' -> '.join(chain)}"
            invalid.append(InvalidDefinition(Segment.group, segment.name, segment.document.path, (problem,)))
    return [segment for segment in segments if segment.name not in chains], invalid
