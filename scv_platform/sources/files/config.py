"""A no-code source of `config/sources.yml`: which files exist, and how their columns become those of an entity.

Data flow: YAML -> the models of the grammar -> checks that need the entities and the settings -> one frozen
`FileMapping` per entity, with every option resolved and `${NAME}` expanded.
Invariant: what is accepted here is used; a key, column, operator or option that would have no effect is refused.
"""

import glob
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from scv_platform.config_files import (
    ConfigError,
    Location,
    YamlDocument,
    did_you_mean,
    validate,
)
from scv_platform.settings import CustomFieldType, Settings
from scv_platform.sources.entities import ENTITIES, Column, ColumnType, Entity
from scv_platform.sources.files.grammar import EntityConfig, Options, SourceConfig
from scv_platform.sources.landing.mapping import FileMapping, LandingDataset, Reading
from scv_platform.sources.landing.rules import (
    Case,
    ColumnValue,
    Constant,
    FieldRule,
    FormattedColumn,
    Hash,
    Scalar,
    columns_of,
    constant,
)
from scv_platform.sources.landing.sql import time_format_problem

DATASET = "files"
"""Name of the dataset that all no-code sources feed together."""


def files_dataset(mappings: Sequence[FileMapping]) -> LandingDataset:
    """What no-code sources feed, by entity."""
    by_entity = {name: tuple(mapping for mapping in mappings if mapping.entity.name == name) for name in ENTITIES}
    return LandingDataset(DATASET, {name: feeding for name, feeding in by_entity.items() if feeding})


def file_mappings(settings: Settings, document: YamlDocument, name: str) -> tuple[FileMapping, ...]:
    """What the files of that source feed; `ConfigError` with every problem of its block, each with its line."""
    config = validate(SourceConfig, document, (name,))
    problems = list(dict.fromkeys(_problems(settings, document, name, config)))
    if problems:
        raise ConfigError(problems)
    entities = {key: config.entities[key] for key in ENTITIES if key in config.entities}
    bases: dict[str, Location] = {key: (name, "entities", key) for key in entities}
    places = {key: document.where(_place_of("path", bases[key], entity)) for key, entity in entities.items()}
    patterns = {
        key: str(expand(settings, str(entity.path or config.path), places[key])) for key, entity in entities.items()
    }
    return tuple(
        FileMapping(
            source=name,
            entity=ENTITIES[key],
            columns=_columns(settings, ENTITIES[key]),
            pattern=patterns[key],
            place=places[key],
            reading=_reading(config, entity),
            fields=entity.fields,
            skip=entity.skip,
            shares_file=list(patterns.values()).count(patterns[key]) > 1,
            used=_used_columns(document, bases[key], entity),
            root=_root(patterns[key]),
        )
        for key, entity in entities.items()
    )


def _root(pattern: str) -> Path | None:
    """The folder before the first wildcard; None for a path without one, which leads where it leads on purpose."""
    if not glob.has_magic(pattern):
        return None
    return next(folder for folder in Path(pattern).parents if not glob.has_magic(str(folder)))


def _columns(settings: Settings, entity: Entity) -> tuple[Column, ...]:
    custom = settings.platform.custom_fields if entity.accepts_custom_fields else {}
    return entity.columns + tuple(
        Column(name, _CUSTOM_TYPES[definition.type])
        for name, definition in custom.items()
        if definition.entity == entity.name
    )


_CUSTOM_TYPES = {
    CustomFieldType.STRING: ColumnType.TEXT,
    CustomFieldType.INTEGER: ColumnType.BIGINT,
    CustomFieldType.DECIMAL: ColumnType.DECIMAL,
    CustomFieldType.BOOLEAN: ColumnType.BOOL,
    CustomFieldType.DATE: ColumnType.DATE,
    CustomFieldType.TIMESTAMP: ColumnType.TIMESTAMP,
}


def expand(settings: Settings, path: str, place: str) -> Path:
    """A path of the configuration; `ConfigError` with its place when it names a variable that is not set."""
    try:
        return settings.expand(path)
    except ConfigError as error:
        raise ConfigError(f"{place}: {problem}" for problem in error.problems) from None


def _reading(source: SourceConfig, entity: EntityConfig) -> Reading:
    names = Reading.__dataclass_fields__
    given = {name: getattr(source, name) if getattr(entity, name) is None else getattr(entity, name) for name in names}
    return Reading(**{name: value for name, value in given.items() if value is not None})


def _used_columns(document: YamlDocument, base: Location, entity: EntityConfig) -> dict[str, str]:
    name = f"{base[0]}.{base[-1]}"
    used: dict[str, str] = {}
    for target, rule in entity.fields.items():
        for column in columns_of(rule):
            used.setdefault(column, f"{document.where((*base, 'fields', target))}: {name}.{target}")
    for index, skip in enumerate(entity.skip):
        used.setdefault(skip.column, f"{document.where((*base, 'skip', index))}: {name}, skip")
    return used


def _place_of(option: str, base: Location, entity: EntityConfig) -> Location:
    """Where an option of an entity is given: there, or at its source."""
    return (base[0], option) if getattr(entity, option) is None else (*base, option)


def _problems(settings: Settings, document: YamlDocument, name: str, source: SourceConfig) -> Iterator[str]:
    """What the models cannot know: entities, their columns and types, options without effect."""
    for key, entity in source.entities.items():
        base = (name, "entities", key)
        if key not in ENTITIES:
            yield f"{document.where(base)}: unknown entity {key!r}; {did_you_mean(key, ENTITIES)}"
            continue
        columns = {column.name: column for column in _columns(settings, ENTITIES[key])}
        yield from _field_problems(document, base, columns, entity)
        if not any(columns_of(rule) for rule in entity.fields.values()):
            yield f"{document.where((*base, 'fields'))}: no field reads a column of the file"
        missing = [option for option in ("path", "format") if not (getattr(entity, option) or getattr(source, option))]
        for option in missing:
            yield f"{document.where(base)}: {key} has no {option}, neither of its own nor of its source"
        if missing:
            continue
        reading = _reading(source, entity)
        if reading.thousands == reading.decimal:
            where = document.where(_place_of("thousands", base, entity))
            yield f"{where}: thousands and decimal are both {reading.decimal!r}"
        yield from _idle_options(document, base, entity, {str(reading.format)}, {*columns})
    formats: set[str] = {entity.format or source.format or "" for entity in source.entities.values()}
    columns_of_all = {column.name for key in source.entities if key in ENTITIES for column in ENTITIES[key].columns}
    yield from _idle_options(document, (name,), source, formats, columns_of_all)


def _idle_options(
    document: YamlDocument, base: Location, options: Options, formats: set[str], columns: set[str]
) -> Iterator[str]:
    """Options that would change nothing."""
    for option, wanted in (("delimiter", {"csv"}), ("encoding", {"csv", "jsonl"})):
        if getattr(options, option) is not None and not formats & {*wanted, ""}:
            yield f"{document.where((*base, option))}: {option} has no effect on {' or '.join(sorted(formats))} files"
    if options.default_country is not None and "country" not in columns:
        yield f"{document.where((*base, 'default_country'))}: default_country has no effect: no country column here"


def _field_problems(
    document: YamlDocument, base: Location, columns: Mapping[str, Column], config: EntityConfig
) -> Iterator[str]:
    for name, rule in config.fields.items():
        where = document.where((*base, "fields", name))
        if name not in columns:
            yield f"{where}: {base[-1]} has no column {name!r}; {did_you_mean(name, columns)}"
            continue
        for problem in _rule_problems(columns[name], rule):
            yield f"{where}: {name}: {problem}"
    missing = [column.name for column in columns.values() if column.required and column.name not in config.fields]
    if missing:
        yield f"{document.where((*base, 'fields'))}: {base[-1]} needs {', '.join(missing)}"


def _rule_problems(column: Column, rule: FieldRule) -> Iterator[str]:
    match rule:
        case FormattedColumn(format=str() as text):
            if column.type not in (ColumnType.DATE, ColumnType.TIMESTAMP):
                yield f"a format is for dates and timestamps; this column is {column.type}"
            elif problem := time_format_problem(text):
                yield problem
        case Hash() if column.type is not ColumnType.TEXT:
            yield f"a hash is text; this column is {column.type}"
        case Constant():
            yield from _constant_problem(column, rule.const)
        case Case():
            for value in rule.results:
                if value is not None and not isinstance(value, ColumnValue):
                    yield from _constant_problem(column, value)


def _constant_problem(column: Column, value: Scalar) -> Iterator[str]:
    try:
        constant(column.type, value)
    except ValueError as error:
        yield str(error)
