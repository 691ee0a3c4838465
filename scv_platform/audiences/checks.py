"""Whether rules make sense: their fields and segments exist, operators and values fit the types of fields.

Each problem is one line for the person who edits the file: file, line, and the nearest valid name.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from scv_platform.audiences.catalogue import CONSENT, EVENT, Catalogue, CatalogueField
from scv_platform.audiences.event_names import meant_name
from scv_platform.audiences.rules import (
    Audience,
    ConsentCondition,
    EventCondition,
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

_ASKED = {EVENT: "{event: <name>, where: ...}", CONSENT: "{consent: <purpose>, status: ...}"}

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
        match condition:
            case FieldCondition():
                found += _field_problems(condition, location, document, catalogue)
            case EventCondition():
                found += _event_problems(condition, location, document, catalogue)
            case ConsentCondition() if CONSENT not in catalogue.facts:
                found.append(_no_facts(document.where((*location, "consent")), CONSENT))
            case SegmentCondition() if condition.segment not in known_segments:
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
    else:
        yield from _operator_problems(condition, field, location, document)


def _event_problems(
    condition: EventCondition, location: Location, document: YamlDocument, catalogue: Catalogue
) -> Iterator[str]:
    """The fields inside `where` are those of the events, written `events.column`."""
    if meant := meant_name(condition.event):
        yield (
            f"{document.where((*location, 'event'))}: no event is called {condition.event!r}; did you mean {meant!r}?"
            " Events are called the same in every source"
        )
    if EVENT not in catalogue.facts:
        yield _no_facts(document.where((*location, "event")), EVENT)
        return
    events = catalogue.facts[EVENT]
    fields = {field.name: field for field in events.fields.values()}
    inner = [] if condition.where is None else conditions(condition.where, (*location, "where"))
    for inner_location, part in inner:
        if not isinstance(part, FieldCondition):
            continue
        if part.field in fields:
            yield from _operator_problems(part, fields[part.field], inner_location, document)
        else:
            where = document.where((*inner_location, "field"))
            yield (
                f"{where}: unknown field {part.field!r}: the 'where' of an event asks about columns of {events.name};"
                f" {did_you_mean(part.field, fields)}"
            )


def _no_facts(where: str, grain: str) -> str:
    return f"{where}: there is no table of {grain}s: no model of schema master has meta grain: {grain}"


def _operator_problems(
    condition: FieldCondition, field: CatalogueField, location: Location, document: YamlDocument
) -> Iterator[str]:
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
    for grain, way in _ASKED.items():
        if grain in catalogue.facts and table == catalogue.facts[grain].name:
            return f"unknown field {name!r}: {table} has many rows per customer; ask about them with {way}"
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
