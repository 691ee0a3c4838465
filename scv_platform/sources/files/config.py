"""`config/sources.yml`: which files exist, and how their columns become the columns of an entity.

Data flow: YAML -> models of the grammar -> checks that need the entities and the settings -> one frozen
`FileSource` per source, with every option resolved and `${NAME}` expanded.
Invariant: what is accepted here is used; a key, column, operator or option that would have no effect is refused.
"""

import codecs
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator, model_validator

from scv_platform.config_files import (
    ConfigError,
    Location,
    StrictModel,
    YamlDocument,
    did_you_mean,
    read_yaml,
    validate,
)
from scv_platform.settings import CustomFieldType, Settings
from scv_platform.sources.entities import ENTITIES, Column, ColumnType, Entity
from scv_platform.sources.files.sql import pattern_problem, time_format_problem

Scalar = str | bool | int | float | datetime | date
"""A value as YAML reads it."""

CollectionT = TypeVar("CollectionT", bound=Collection[Any])


def _not_empty(value: CollectionT) -> CollectionT:
    if not value:
        raise ValueError("must not be empty")
    return value


class ColumnValue(StrictModel):
    """The value of a column of the file."""

    column: str


class FormattedColumn(ColumnValue):
    """The value of a column of the file; `format` is that of its dates, in strptime's words."""

    format: str | None = None


class Constant(StrictModel):
    """The same value on every row."""

    const: Scalar


class Hash(StrictModel):
    """A digest of columns: an id for rows that have none."""

    hash: Annotated[tuple[str, ...], AfterValidator(_not_empty)]


class Condition(StrictModel):
    """A test of one column; exactly one operator. A row without a value never passes."""

    column: str
    matches: Annotated[str | None, Field(description="RE2 pattern, found anywhere in the text.")] = None
    eq: str | bool | int | float | None = None
    lt: int | float | None = None
    gt: int | float | None = None

    @model_validator(mode="after")
    def _one_operator(self) -> "Condition":
        given = [name for name in ("matches", "eq", "lt", "gt") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of matches, eq, lt, gt, with a value")
        if self.matches is not None and (problem := pattern_problem(self.matches)):
            raise ValueError(f"matches: not a pattern that RE2 understands: {problem}")
        return self


class SkipRule(Condition):
    """Rows that are not of this entity; counted under `reason`."""

    reason: Annotated[str, Field(min_length=1)]


def _kind_of_value(value: Any) -> str:
    return "column value" if isinstance(value, dict | ColumnValue) else "plain value"


Value = Annotated[
    Annotated[ColumnValue, Tag("column value")] | Annotated[Scalar | None, Tag("plain value")],
    Discriminator(_kind_of_value),
]
"""What a case gives: a value, null, or `{column: name}`."""


class Branch(StrictModel):
    """One branch of a case."""

    when: Condition
    then: Value


class Case(StrictModel):
    """The value of the first branch whose condition holds, else `else` (null when it is left out)."""

    case: Annotated[tuple[Branch, ...], AfterValidator(_not_empty)]
    otherwise: Annotated[Value, Field(alias="else")] = None


def _form_of_field(value: Any) -> str | None:
    """Which of the forms a field has, by its telling key; null when it has none of them."""
    if isinstance(value, str):
        return "{name}"
    keys = value if isinstance(value, dict) else type(value).model_fields if isinstance(value, StrictModel) else ()
    return next((f"{{{key}}}" for key in ("column", "const", "hash", "case") if key in keys), None)


FieldRule = Annotated[
    Annotated[str, Tag("{name}")]
    | Annotated[FormattedColumn, Tag("{column}")]
    | Annotated[Constant, Tag("{const}")]
    | Annotated[Hash, Tag("{hash}")]
    | Annotated[Case, Tag("{case}")],
    Discriminator(
        _form_of_field,
        custom_error_type="field_form",
        custom_error_message="a field is a column name, {column, format}, {const}, {hash} or {case, else}",
    ),
]
"""How one column of an entity gets its value."""


class Options(StrictModel):
    """How a file is read. Null means: as the source says, else the default in `Reading`."""

    path: str | None = None
    format: Literal["parquet", "csv", "jsonl"] | None = None
    delimiter: Annotated[str | None, Field(min_length=1, max_length=1)] = None
    encoding: str | None = None
    decimal: Literal[".", ","] | None = None
    thousands: Annotated[str | None, Field(min_length=1, max_length=1)] = None
    null_values: tuple[str, ...] | None = None
    date_format: str | None = None
    timezone: str | None = None
    default_country: Annotated[str | None, Field(pattern="^[A-Z]{2}$")] = None

    @field_validator("delimiter")
    @classmethod
    def _delimits(cls, delimiter: str | None) -> str | None:
        if delimiter is not None and delimiter in '"\r\n':
            raise ValueError("a quote or a line break cannot separate columns")
        return delimiter

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str | None) -> str | None:
        if encoding is None:
            return None
        try:
            return codecs.lookup(encoding).name
        except LookupError:
            raise ValueError(f"unknown encoding {encoding!r}; for example utf-8, cp1252, latin-1, utf-16") from None

    @field_validator("date_format")
    @classmethod
    def _known_format(cls, text: str | None) -> str | None:
        if text is not None and (problem := time_format_problem(text)):
            raise ValueError(problem)
        return text

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str | None) -> str | None:
        if name is not None and name not in available_timezones():
            raise ValueError(f"unknown time zone {name!r}; {did_you_mean(name, available_timezones())}")
        return name


class EntityConfig(Options):
    """One entity that a source's files feed."""

    skip: tuple[SkipRule, ...] = ()
    fields: Annotated[dict[str, FieldRule], AfterValidator(_not_empty)]


class SourceConfig(Options):
    """One source of `config/sources.yml`."""

    kind: Annotated[Literal["files"], Field(alias="from")]
    entities: Annotated[dict[str, EntityConfig], AfterValidator(_not_empty)]


@dataclass(frozen=True)
class Reading:
    """How the files of one (source, entity) are read: the options, resolved."""

    format: str
    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: str = "."
    thousands: str | None = None
    null_values: tuple[str, ...] = ()
    date_format: str | None = None
    timezone: str = "UTC"
    default_country: str | None = None


@dataclass(frozen=True)
class FileMapping:
    """One (source, entity): which files feed it and how their rows become rows of the entity."""

    source: str
    entity: Entity
    columns: tuple[Column, ...]
    pattern: str
    place: str
    reading: Reading
    fields: Mapping[str, FieldRule]
    skip: tuple[SkipRule, ...]
    shares_file: bool
    used: Mapping[str, str] = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Digest of all that decides the rows a file gives; another one means: load the file again."""
        content = {
            "entity": self.entity.name,
            "columns": [[column.name, column.type] for column in self.columns],
            "reading": vars(self.reading),
            "fields": {name: _plain(rule) for name, rule in self.fields.items()},
            "skip": [_plain(rule) for rule in self.skip],
            "shares_file": self.shares_file,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class FileSource:
    """One source of `config/sources.yml`: its name and what its files feed, in the order of the entities."""

    name: str
    mappings: tuple[FileMapping, ...]


def entity_columns(settings: Settings, entity: Entity) -> tuple[Column, ...]:
    """The canonical columns of an entity, followed by the custom fields of the company."""
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


def load_sources(settings: Settings) -> tuple[FileSource, ...]:
    """The sources of `config/sources.yml`; `ConfigError` with every problem of the file, each with its line."""
    document = read_yaml(settings.config / "sources.yml")
    if not isinstance(document.content, dict):
        raise ConfigError([f"{document.where()}: expected a mapping of source names to sources"])
    sources: list[FileSource] = []
    problems: list[str] = []
    for name in document.content:
        try:
            sources.append(_load_source(settings, document, name))
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)
    return tuple(sources)


def _load_source(settings: Settings, document: YamlDocument, name: Any) -> FileSource:
    if not re.fullmatch("[a-z][a-z0-9_]*", str(name)):
        raise ConfigError([f"{document.where((name,))}: source name {name!r}: use lower case, digits and underscores"])
    config = validate(SourceConfig, document, (name,))
    problems = list(_problems(settings, document, name, config))
    if problems:
        raise ConfigError(problems)
    try:
        patterns = {
            entity: str(settings.expand(options.path or config.path or ""))
            for entity, options in config.entities.items()
        }
    except ConfigError as error:
        raise ConfigError(f"{document.where((name, 'path'))}: {problem}" for problem in error.problems) from None
    mappings = []
    for entity in (ENTITIES[key] for key in ENTITIES if key in config.entities):
        options = config.entities[entity.name]
        own_path = (name, "entities", entity.name, "path")
        mappings.append(
            FileMapping(
                source=name,
                entity=entity,
                columns=entity_columns(settings, entity),
                pattern=patterns[entity.name],
                place=document.where(own_path if options.path else (name, "path")),
                reading=_reading(config, options),
                fields=options.fields,
                skip=options.skip,
                shares_file=list(patterns.values()).count(patterns[entity.name]) > 1,
                used=_used_columns(document, (name, "entities", entity.name), options),
            )
        )
    return FileSource(name, tuple(mappings))


def _reading(source: SourceConfig, entity: EntityConfig) -> Reading:
    names = Reading.__dataclass_fields__
    given = {name: getattr(source, name) for name in names} | {
        name: getattr(entity, name) for name in names if getattr(entity, name) is not None
    }
    return Reading(**{name: value for name, value in given.items() if value is not None})


def _used_columns(document: YamlDocument, base: Location, entity: EntityConfig) -> dict[str, str]:
    """The columns of the file that the entity reads, and where the configuration first names each."""
    used: dict[str, str] = {}
    for name, rule in entity.fields.items():
        for column in columns_of(rule):
            used.setdefault(column, f"{document.where((*base, 'fields', name))}: {entity_name(base)}.{name}")
    for index, skip in enumerate(entity.skip):
        used.setdefault(skip.column, f"{document.where((*base, 'skip', index))}: {entity_name(base)} skip")
    return used


def entity_name(base: Location) -> str:
    """`source.entities.entity` as people call it: `source.entity`."""
    return f"{base[0]}.{base[-1]}"


def columns_of(rule: FieldRule) -> tuple[str, ...]:
    """The columns of the file that a field reads."""
    match rule:
        case str():
            return (rule,)
        case ColumnValue():
            return (rule.column,)
        case Hash():
            return rule.hash
        case Case():
            values = [*(branch.then for branch in rule.case), rule.otherwise]
            conditions = [branch.when.column for branch in rule.case]
            return (*conditions, *(value.column for value in values if isinstance(value, ColumnValue)))
        case _:
            return ()


def _problems(settings: Settings, document: YamlDocument, name: str, source: SourceConfig) -> Iterator[str]:
    """What the models cannot know: entities, their columns and types, options without effect."""
    for entity_key, entity_config in source.entities.items():
        base = (name, "entities", entity_key)
        if entity_key not in ENTITIES:
            yield f"{document.where(base)}: unknown entity {entity_key!r}; {did_you_mean(entity_key, ENTITIES)}"
            continue
        entity = ENTITIES[entity_key]
        columns = {column.name: column for column in entity_columns(settings, entity)}
        yield from _field_problems(document, base, entity, columns, entity_config)
        for required in ("path", "format"):
            if not (getattr(entity_config, required) or getattr(source, required)):
                yield f"{document.where(base)}: {entity_key} has no {required}, neither of its own nor of its source"
        yield from _option_problems(document, base, entity_config, [_format_of(source, entity_config)], columns)
    formats = [_format_of(source, entity_config) for entity_config in source.entities.values()]
    used_columns = {
        column.name for key in source.entities if key in ENTITIES for column in ENTITIES[key].columns
    }
    yield from _option_problems(document, (name,), source, formats, used_columns)


def _format_of(source: SourceConfig, entity: EntityConfig) -> str | None:
    return entity.format or source.format


def _option_problems(
    document: YamlDocument, base: Location, options: Options, formats: Sequence[str | None], columns: Iterable[str]
) -> Iterator[str]:
    for option, wanted in (("delimiter", {"csv"}), ("encoding", {"csv", "jsonl"})):
        if getattr(options, option) is not None and not wanted & set(formats):
            kinds = " or ".join(sorted({str(kind) for kind in formats}))
            yield f"{document.where((*base, option))}: {option} has no effect on {kinds} files"
    if options.default_country is not None and "country" not in columns:
        yield f"{document.where((*base, 'default_country'))}: default_country has no effect: no country column here"
    if options.thousands is not None and options.thousands == (options.decimal or "."):
        yield f"{document.where((*base, 'thousands'))}: thousands and decimal are both {options.thousands!r}"


def _field_problems(
    document: YamlDocument, base: Location, entity: Entity, columns: Mapping[str, Column], config: EntityConfig
) -> Iterator[str]:
    for name, rule in config.fields.items():
        where = document.where((*base, "fields", name))
        if name not in columns:
            yield f"{where}: {entity.name} has no column {name!r}; {did_you_mean(name, columns)}"
            continue
        for problem in _rule_problems(columns[name], rule):
            yield f"{where}: {name}: {problem}"
    missing = [column.name for column in columns.values() if column.required and column.name not in config.fields]
    if missing:
        yield f"{document.where((*base, 'fields'))}: {entity.name} needs {', '.join(missing)}"


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
            for value in (*(branch.then for branch in rule.case), rule.otherwise):
                if value is not None and not isinstance(value, ColumnValue):
                    yield from _constant_problem(column, value)


def _constant_problem(column: Column, value: Scalar) -> Iterator[str]:
    try:
        constant(column.type, value)
    except ValueError as error:
        yield str(error)


def constant(kind: ColumnType, value: Scalar) -> str:
    """A value of the configuration as the text that a cast to the type reads; `ValueError` when it does not fit."""
    match kind, value:
        case ColumnType.TEXT, bool() | date():
            raise ValueError(f"{value!r} is not text: YAML reads it as something else; put it in quotes")
        case ColumnType.TEXT, _:
            return str(value)
        case ColumnType.DECIMAL | ColumnType.BIGINT, bool() | date():
            raise ValueError(f"{value!r} is not a number")
        case ColumnType.DECIMAL | ColumnType.BIGINT, _:
            try:
                number = Decimal(str(value))
            except InvalidOperation:
                raise ValueError(f"{value!r} is not a number") from None
            if not number.is_finite() or (kind is ColumnType.BIGINT and number != int(number)):
                raise ValueError(f"{value!r} is not a {'whole' if kind is ColumnType.BIGINT else 'finite'} number")
            return format(number, "f")
        case ColumnType.BOOL, bool():
            return str(value).lower()
        case ColumnType.DATE | ColumnType.TIMESTAMP, date():
            return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
        case ColumnType.JSON, _:
            return json.dumps(value, default=str)
        case _:
            raise ValueError(f"{value!r} is not a {kind} value")


def _plain(rule: FieldRule | SkipRule) -> Any:
    return rule if isinstance(rule, str) else rule.model_dump(mode="json", by_alias=True, exclude_unset=True)
