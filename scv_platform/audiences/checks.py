"""Whether rules make sense: their fields and segments exist, operators and values fit the types of fields.

Each problem is one line for the person who edits the file: file, line, and the nearest valid name.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from scv_platform.audiences.catalogue import Catalogue
from scv_platform.audiences.rules import (
    Audience,
    FieldCondition,
    Rules,
    SegmentCondition,
    conditions,
)
from scv_platform.config_files import Location, YamlDocument, did_you_mean

_EQUALITY = ("eq", "ne", "in", "not_in")
_ORDER = ("gt", "gte", "lt", "lte", "between")
_AGE = ("within_days", "older_than_days")

OPERATORS: dict[str, tuple[str, ...]] = {
    "string": (*_EQUALITY, "contains", "starts_with", "is_null"),
    "integer": (*_EQUALITY, *_ORDER, "is_null"),
    "float": (*_EQUALITY, *_ORDER, "is_null"),
    "decimal": (*_EQUALITY, *_ORDER, "is_null"),
    "boolean": ("eq", "ne", "is_null"),
    "date": (*_EQUALITY, *_ORDER, *_AGE, "is_null"),
    "timestamp": (*_EQUALITY, *_ORDER, *_AGE, "is_null"),
    "json": ("is_null",),
}
"""The operators of each type of field. A timestamp is compared by its day in UTC."""

_WORDS = {
    "string": "text in quotes",
    "integer": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "boolean": "true or false",
    "date": "a day (YYYY-MM-DD)",
    "timestamp": "a day (YYYY-MM-DD)",
}


def problems(rules: Rules, document: YamlDocument, catalogue: Catalogue, segments: Iterable[str]) -> list[str]:
    """What is wrong with these rules, given the catalogue and the names of all segments."""
    found = list(_naming_problems(rules, document))
    known_segments = set(segments)
    for location, condition in conditions(rules.where):
        if isinstance(condition, FieldCondition):
            found += _field_problems(condition, location, document, catalogue)
        elif isinstance(condition, SegmentCondition) and condition.segment not in known_segments:
            where = document.where((*location, "segment"))
            hint = did_you_mean(condition.segment, known_segments)
            found.append(f"{where}: unknown segment {condition.segment!r}; {hint}")
    if isinstance(rules, Audience):
        found += _mapping_problems(rules, document, catalogue)
    return found


def cycles(references: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """For each segment that depends on itself, the chain that leads back to it, itself at both ends."""
    return {name: chain for name in references if (chain := _way_back(name, references))}


def _way_back(start: str, references: Mapping[str, Iterable[str]]) -> tuple[str, ...] | None:
    """The shortest chain of references from a segment to itself."""
    chains: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while chains:
        chain = chains.pop(0)
        for name in references.get(chain[-1], ()):
            if name == start:
                return (*chain, name)
            if name not in seen:
                seen.add(name)
                chains.append((*chain, name))
    return None


def _naming_problems(rules: Rules, document: YamlDocument) -> Iterator[str]:
    if rules.name != document.path.stem:
        yield (
            f"{document.where(('name',))}: name {rules.name!r} differs from the name of the file;"
            f" write {document.path.stem!r} or rename the file"
        )


def _field_problems(
    condition: FieldCondition, location: Location, document: YamlDocument, catalogue: Catalogue
) -> Iterator[str]:
    field = catalogue.fields.get(condition.field)
    if field is None:
        yield f"{document.where((*location, 'field'))}: {_unknown_field(condition.field, catalogue)}"
        return
    for operator, value in condition.operators.items():
        where = document.where((*location, operator))
        if operator not in OPERATORS[field.type]:
            valid = ", ".join(OPERATORS[field.type])
            yield f"{where}: {operator!r} does not fit {field.name}, which is of type {field.type}; valid: {valid}"
        elif operator in {*_EQUALITY, *_ORDER}:
            values = value if isinstance(value, list) else [value]
            for wrong in (item for item in values if not _fits(item, field.type)):
                yield f"{where}: {_shown(wrong)} does not fit {field.name}; {operator} needs {_WORDS[field.type]}"
            if operator == "between" and all(_fits(item, field.type) for item in values) and values[0] > values[1]:
                yield f"{where}: nothing is between {values[0]} and {values[1]}; the lower end comes first"


def _mapping_problems(audience: Audience, document: YamlDocument, catalogue: Catalogue) -> Iterator[str]:
    for index, destination in enumerate(audience.destinations):
        for column, name in destination.fields.items():
            if name not in catalogue.fields:
                where = document.where(("destinations", index, "fields", column))
                yield f"{where}: {_unknown_field(name, catalogue)}"


def _unknown_field(name: str, catalogue: Catalogue) -> str:
    """Suggests columns of the table that was meant, or tables when there is no such table."""
    table, _, column = name.partition(".")
    if table not in catalogue.tables:
        hint = did_you_mean(table, catalogue.tables)
        return f"unknown field {name!r}: fields are written table.column, and there is no table {table!r}; {hint}"
    hint = did_you_mean(column, catalogue.tables[table].fields)
    return f"unknown field {name!r}: {table} has no column {column!r}; {hint}"


def _fits(value: Any, field_type: str) -> bool:
    match field_type:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "decimal" | "float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            return isinstance(value, date)


def _shown(value: Any) -> str:
    """The value as YAML has it, so that NO, which YAML reads as false, is recognised."""
    if isinstance(value, bool):
        return f"{str(value).lower()} (YAML reads yes, no, on and off as true and false)"
    return repr(value) if isinstance(value, str) else str(value)
