"""From the columns of a file to the columns of an entity, as one select.

Data flow: rows of a file -> canonical text of each column -> values of the entity, with a reason to skip or to refuse.
Invariants: every row is valid, skipped or refused, and only one of them; a value that is there and does not become the
type of its column refuses the row, it never becomes null.
Canonical text is trimmed, is no value when it is empty or one of the null values, and has no `.0` for a whole number
that was stored as a float.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from scv_platform.sources.entities import Column, ColumnType
from scv_platform.sources.files import sql
from scv_platform.sources.files.config import FileMapping, Reading
from scv_platform.sources.files.grammar import (
    Case,
    ColumnValue,
    Condition,
    Constant,
    FieldRule,
    FormattedColumn,
    Hash,
    Scalar,
    constant,
)
from scv_platform.sources.files.read import FileRows

STORED_AS = {
    ColumnType.TEXT: "varchar",
    ColumnType.DECIMAL: "decimal(38, 9)",
    ColumnType.BIGINT: "bigint",
    ColumnType.BOOL: "boolean",
    ColumnType.DATE: "date",
    ColumnType.TIMESTAMP: "timestamptz",
    ColumnType.JSON: "varchar",
}
"""DuckDB type of each column type, as it is written to parquet."""

COLLAPSING = frozenset({"people", "products", "accounts"})
"""Entities that describe a thing: in a file that is about something else, equal descriptions are one."""

_DESCRIBED = {
    ColumnType.TEXT: "plain text (a NUL byte, NaN or infinity)",
    ColumnType.DECIMAL: "a number",
    ColumnType.BIGINT: "a whole number",
    ColumnType.BOOL: "true or false",
    ColumnType.DATE: "a date between the years 1000 and 9999",
    ColumnType.TIMESTAMP: "a time between the years 1900 and 2200",
    ColumnType.JSON: "JSON",
}
_BOUNDS = {
    ColumnType.DATE: "date '1000-01-01' and date '9999-12-31'",
    ColumnType.TIMESTAMP: "timestamptz '1900-01-01' and timestamptz '2200-12-31 23:59:59.999999'",
}
"""Days and moments outside are typing errors, or dates that were read by the wrong format."""

_WHITESPACE = " \t\n\r\u00a0"
_ISO_DATE = r"\d{4}-\d{2}-\d{2}"
_ISO_TIME = r"[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?"
_ISO_ZONE = r" ?(Z|UTC|[+-]\d{2}(:?\d{2})?)"
_WHOLE = frozenset("TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT".split())
_FLOAT = frozenset({"FLOAT", "DOUBLE"})
_NAIVE = frozenset({"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"})
_ZONED = "TIMESTAMP WITH TIME ZONE"
_TYPED = _WHOLE | _FLOAT | _NAIVE | {_ZONED, "DATE", "BOOLEAN"}


@dataclass(frozen=True)
class _Source:
    """A column of the file inside the select: its value as stored, that one's DuckDB type, its canonical text."""

    stored: str
    kind: str
    text: str
    is_told_by_text: bool
    """Whether only the text tells that there is a value; a number or a time needs none, unless for null values."""

    @property
    def is_given(self) -> str:
        return f"{self.text if self.is_told_by_text else self.stored} is not null"


@dataclass(frozen=True)
class _Value:
    """What a rule gives: a typed value, and whether there must be one (null when it cannot fail to become typed)."""

    typed: str
    is_given: str | None = None


@dataclass(frozen=True)
class _Problem:
    """A reason to refuse a row, and when it applies (true or false, never null)."""

    applies: str
    reason: str


@dataclass(frozen=True)
class JudgedRows:
    """Selects over the rows of a file that say what becomes of each."""

    valid: str
    """`_line` and the columns of the entity."""
    others: str
    """`_line`, `_skipped` (the reason, or null), else `_refused` (the reasons) and `_raw`."""


def judged_rows(mapping: FileMapping, rows: FileRows) -> JudgedRows:
    """What becomes of the rows of a file."""
    sources = {
        name: _source(position, kind, mapping.reading)
        for position, (name, kind) in enumerate(zip(mapping.used, rows.types, strict=True))
    }
    values = {
        column.name: _value(mapping, column, mapping.fields.get(column.name), sources) for column in mapping.columns
    }
    texts = [f"{_canonical(source, mapping.reading)} as {source.text}" for source in sources.values()]
    typed = [f"{value.typed} as {sql.name(name)}" for name, value in values.items()]
    typed += [f"{value.is_given} as {_given(name)}" for name, value in values.items() if value.is_given]
    problems = _problems(mapping, values)
    judged = f"""
    select
        *,
        {_skip(mapping, values, sources)} as _skipped,
        _broken is not null or {" or ".join(problem.applies for problem in problems)} as _is_refused,
    from (
        select *, {", ".join(typed)}
        from ({_numbered(mapping, sources, f"select {', '.join(['*', *texts])} from ({rows.select})")})
    )
    """
    names = ", ".join(sql.name(column.name) for column in mapping.columns)
    reasons = ", ".join(f"case when {problem.applies} then {sql.text(problem.reason)} end" for problem in problems)
    valid = f"from ({judged}) where _skipped is null and not _is_refused"
    return JudgedRows(
        valid=f"select max(_line) as _line, {names} {valid} group by {names}"
        if collapses(mapping)
        else f"select _line, {names} {valid}",
        others=f"""
        select
            _line,
            _skipped,
            case when _skipped is null then coalesce(_broken, concat_ws('; ', {reasons})) end as _refused,
            case when _skipped is null then _raw end as _raw,
        from ({judged})
        where _skipped is not null or _is_refused
        """,
    )


def collapses(mapping: FileMapping) -> bool:
    """Whether equal rows of a file are one row of the entity: orders say who bought again with each of them."""
    return mapping.shares_file and mapping.entity.name in COLLAPSING


def _given(column: str) -> str:
    return sql.name(f"_given_{column}")


def _skip(mapping: FileMapping, values: Mapping[str, _Value], sources: Mapping[str, _Source]) -> str:
    """The first reason for which a row is not of this entity."""
    branches = [f"when {_holds(rule, sources, mapping.reading)} then {sql.text(rule.reason)}" for rule in mapping.skip]
    if mapping.shares_file:
        # The other entities of the file have the row; without a key it only is not one of this entity.
        keys = [mapping.entity.key] if mapping.entity.key else [c.name for c in mapping.columns if c.required]
        branches += [f"when {_is_missing(key, values[key])} then {sql.text(f'no {key}')}" for key in keys]
    return f"case when _broken is not null then null {' '.join(branches)} end"


def _problems(mapping: FileMapping, values: Mapping[str, _Value]) -> list[_Problem]:
    """The reasons to refuse a row of which every field could be read."""
    problems = []
    for column in mapping.columns:
        name, value = sql.name(column.name), values[column.name]
        wrong = [f"({name} is null and {_given(column.name)})"] if value.is_given else []
        if column.type in _BOUNDS and column.name in mapping.fields:
            wrong.append(f"coalesce({name} not between {_BOUNDS[column.type]}, false)")
        if wrong:
            problems.append(_Problem(" or ".join(wrong), f"{column.name}: not {_DESCRIBED[column.type]}"))
        if column.required:
            problems.append(_Problem(_is_missing(column.name, value), f"{column.name}: missing"))
    return problems


def _is_missing(column: str, value: _Value) -> str:
    """Whether there is no value at all, not even one that is wrong."""
    return f"not {_given(column)}" if value.is_given else f"{sql.name(column)} is null"


def _source(position: int, kind: str, reading: Reading) -> _Source:
    is_typed = kind in _TYPED or kind.startswith("DECIMAL")
    return _Source(f"_c{position}", kind, f"_t{position}", is_told_by_text=bool(reading.null_values) or not is_typed)


def _value(mapping: FileMapping, column: Column, rule: FieldRule | None, sources: Mapping[str, _Source]) -> _Value:
    """The value of one column of the entity, by its rule."""
    reading = mapping.reading
    match rule:
        case None:
            value = _Value(_literal(column.type, None, reading))
        case str():
            value = _converted(sources[rule], column.type, reading)
        case FormattedColumn():
            value = _converted(sources[rule.column], column.type, reading, rule.format)
        case Constant():
            value = _Value(_literal(column.type, rule.const, reading))
        case Hash() if column.name == mapping.entity.key:
            value = _Value("_digest || case when _occurrence = 1 then '' else '-' || _occurrence end")
        case Hash():
            value = _Value(_digest(rule, sources))
        case Case():
            value = _chosen(rule, column.type, reading, sources)
    if column.name == "country" and reading.default_country:
        is_given = value.is_given or f"{value.typed} is not null"
        return _Value(f"case when {is_given} then {value.typed} else {sql.text(reading.default_country)} end", is_given)
    return value


def _literal(kind: ColumnType, value: Scalar | None, reading: Reading) -> str:
    if value is None:
        return f"cast(null as {STORED_AS[kind]})"
    quoted = sql.text(constant(kind, value))
    return _time(quoted, reading.timezone) if kind is ColumnType.TIMESTAMP else f"cast({quoted} as {STORED_AS[kind]})"


def _digest(rule: Hash, sources: Mapping[str, _Source]) -> str:
    """A digest of the texts of the columns; null where all of them are."""
    texts = [sources[column].text for column in rule.hash]
    parts = ", ".join(f"coalesce({text}, '')" for text in texts)
    return f"case when coalesce({', '.join(texts)}) is not null then left(sha256(concat_ws(chr(31), {parts})), 32) end"


def _numbered(mapping: FileMapping, sources: Mapping[str, _Source], select: str) -> str:
    """Where a digest is the key: tells equal rows of a file apart, by their order among all its lines."""
    rule = mapping.fields.get(mapping.entity.key or "")
    if not isinstance(rule, Hash):
        return select
    digests = f"select *, {_digest(rule, sources)} as _digest from ({select})"
    return f"select *, row_number() over (partition by _digest order by _line) as _occurrence from ({digests})"


def _chosen(rule: Case, kind: ColumnType, reading: Reading, sources: Mapping[str, _Source]) -> _Value:
    conditions = [_holds(branch.when, sources, reading) for branch in rule.case]
    results = [
        _converted(sources[result.column], kind, reading)
        if isinstance(result, ColumnValue)
        else _Value(_literal(kind, result, reading))
        for result in rule.results
    ]

    def choose(options: list[str]) -> str:
        branches = [f"when {condition} then {option}" for condition, option in zip(conditions, options, strict=False)]
        return f"case {' '.join(branches)} else {options[-1]} end"

    is_given = [result.is_given or f"{result.typed} is not null" for result in results]
    can_fail = any(result.is_given for result in results)
    return _Value(choose([result.typed for result in results]), choose(is_given) if can_fail else None)


def _holds(condition: Condition, sources: Mapping[str, _Source], reading: Reading) -> str:
    source = sources[condition.column]
    if condition.matches is not None:
        return f"regexp_matches({source.text}, {sql.text(condition.matches)})"
    for operator, operand in (("=", condition.eq), ("<", condition.lt), (">", condition.gt)):
        match operand:
            case bool():
                return f"{_boolean(source)} {operator} {str(operand).lower()}"
            case int() | float():
                return f"{_number(source, reading)} {operator} {_literal(ColumnType.DECIMAL, operand, reading)}"
            case str():
                return f"{source.text} {operator} {sql.text(operand)}"
    raise ValueError(f"a condition without an operator: {condition}")


def _canonical(source: _Source, reading: Reading) -> str:
    """The canonical text of a column of the file."""
    stored, kind = source.stored, source.kind
    if kind in _FLOAT:
        is_whole = f"{stored} = trunc({stored}) and abs({stored}) < 1e18"
        whole = f"cast(try_cast({stored} as bigint) as varchar)"
        text = f"case when {is_whole} then {whole} else cast({stored} as varchar) end"
    elif kind == "JSON":
        text = f"({stored} ->> '$')"
        float_text = f"regexp_replace({text}, '\\.0$', '')"
        text = f"case when json_type({stored}) = 'DOUBLE' then {float_text} else {_trimmed(text)} end"
    elif kind.startswith("DECIMAL") and not kind.endswith(",0)"):
        text = f"rtrim(rtrim(cast({stored} as varchar), '0'), '.')"
    elif kind in _TYPED:
        text = f"cast({stored} as varchar)"
    else:
        text = _trimmed(stored if kind == "VARCHAR" else f"cast({stored} as varchar)")
    if reading.null_values:
        return f"case when {text} not in ({sql.strings(reading.null_values)}) then {text} end"
    return text


def _trimmed(text: str) -> str:
    # Trimming costs more than all the rest of a text column; the few texts that need it are known by their ends.
    white = sql.text(_WHITESPACE)
    needs_it = f"{text} < '!' or starts_with({text}, '\u00a0') or contains({white}, right({text}, 1))"
    return f"case when {needs_it} then nullif(trim({text}, {white}), '') else {text} end"


def _converted(source: _Source, kind: ColumnType, reading: Reading, time_format: str | None = None) -> _Value:
    """A column of the file as that type."""
    match kind:
        case ColumnType.TEXT:
            return _plain_text(source)
        case ColumnType.DECIMAL:
            typed = _number(source, reading)
        case ColumnType.BIGINT:
            number = _number(source, reading)
            typed = f"case when {number} = trunc({number}) then try_cast({number} as bigint) end"
        case ColumnType.BOOL:
            typed = _boolean(source)
        case ColumnType.DATE:
            typed = _day(source, reading, time_format)
        case ColumnType.TIMESTAMP:
            typed = _moment(source, reading, time_format)
        case ColumnType.JSON:
            typed = _json(source)
    return _Value(typed, source.is_given)


def _plain_text(source: _Source) -> _Value:
    has_no_nul = f"not contains({source.text}, chr(0))"
    if source.kind in _FLOAT:
        is_plain = f"isfinite({source.stored})"
    elif source.kind == "JSON":
        is_number = f"json_type({source.stored}) = 'DOUBLE'"
        is_plain = f"case when {is_number} then isfinite(try_cast({source.text} as double)) else {has_no_nul} end"
    elif source.kind == "VARCHAR":
        is_plain = has_no_nul
    else:
        return _Value(source.text)
    return _Value(f"case when {is_plain} then {source.text} end", source.is_given)


def _present(source: _Source, value: str) -> str:
    """The value, unless it is one of the null values."""
    return f"case when {source.is_given} then {value} end" if source.is_told_by_text else value


def _number(source: _Source, reading: Reading) -> str:
    if source.kind in _FLOAT:
        direct = f"try_cast({source.stored} as decimal(38, 9))"
        by_text = f"try_cast(cast({source.stored} as varchar) as decimal(38, 9))"
        # A double below a million has nine exact digits after the point; of others only the shortest text is exact.
        is_exact = f"abs({source.stored}) < 1e6" if source.kind == "DOUBLE" else "false"
        return _present(source, f"case when {is_exact} then {direct} else {by_text} end")
    if source.kind in _WHOLE or source.kind.startswith("DECIMAL"):
        return _present(source, f"try_cast({source.stored} as decimal(38, 9))")
    point, separator = re.escape(reading.decimal), re.escape(reading.thousands or "")
    pattern = rf"[+-]?(\d+({point}\d*)?|{point}\d+)([eE][+-]?\d+)?"
    digits = source.text
    if reading.thousands:
        pattern = rf"{pattern}|[+-]?\d{{1,3}}({separator}\d{{3}})+({point}\d*)?"
        digits = f"replace({digits}, {sql.text(reading.thousands)}, '')"
    digits = f"replace({digits}, {sql.text(reading.decimal)}, '.')" if reading.decimal != "." else digits
    is_number = f"regexp_full_match({source.text}, {sql.text(pattern)})"
    number = f"case when {is_number} then try_cast({digits} as decimal(38, 9)) end"
    if source.kind == "JSON":
        is_text = f"json_type({source.stored}) = 'VARCHAR'"
        return f"case when {is_text} then {number} else try_cast({source.text} as decimal(38, 9)) end"
    return number


def _boolean(source: _Source) -> str:
    word = f"lower({source.text})"
    return (
        f"case when {word} in ('true', 't', 'yes', 'y', '1') then true"
        f" when {word} in ('false', 'f', 'no', 'n', '0') then false end"
    )


def _json(source: _Source) -> str:
    if source.kind == "JSON":
        return _present(source, f"cast({source.stored} as varchar)")
    return f"case when try_cast({source.text} as json) is not null then {source.text} end"


def _day(source: _Source, reading: Reading, time_format: str | None) -> str:
    """A date: of a moment, the day in the time zone of the source."""
    if source.kind == "DATE" or source.kind in _NAIVE:
        return _present(source, f"cast({source.stored} as date)")
    if source.kind == _ZONED:
        return _present(source, f"cast(timezone({sql.text(reading.timezone)}, {source.stored}) as date)")
    iso = rf"{_ISO_DATE}({_ISO_TIME}({_ISO_ZONE})?)?"
    is_iso = f"regexp_full_match({source.text}, {sql.text(iso)})"
    written = f"case when {is_iso} then try_cast(left({source.text}, 10) as date) end"
    if time_format:
        return f"cast(try_strptime({source.text}, {sql.text(time_format)}) as date)"
    if reading.date_format:
        return f"coalesce(cast(try_strptime({source.text}, {sql.text(reading.date_format)}) as date), {written})"
    return written


def _moment(source: _Source, reading: Reading, time_format: str | None) -> str:
    """A timestamp in UTC; without a zone of its own it is in that of the source."""
    if source.kind == _ZONED:
        return _present(source, source.stored)
    if source.kind == "DATE" or source.kind in _NAIVE:
        return _present(source, f"timezone({sql.text(reading.timezone)}, cast({source.stored} as timestamp))")
    if time_format:
        return _parsed(source.text, time_format, reading.timezone)
    written = _time(source.text, reading.timezone)
    if reading.date_format:
        return f"coalesce({_parsed(source.text, reading.date_format, reading.timezone)}, {written})"
    return written


def _parsed(text: str, time_format: str, timezone: str) -> str:
    parsed = f"try_strptime({text}, {sql.text(time_format)})"
    has_zone = "%z" in time_format or "%Z" in time_format
    return parsed if has_zone else f"timezone({sql.text(timezone)}, {parsed})"


def _time(text: str, timezone: str) -> str:
    """ISO 8601 text, with or without a time and a zone, as a timestamp."""
    naive, zoned = f"{_ISO_DATE}({_ISO_TIME})?", f"{_ISO_DATE}{_ISO_TIME}{_ISO_ZONE}"
    return (
        f"case when regexp_full_match({text}, {sql.text(naive)})"
        f" then timezone({sql.text(timezone)}, try_cast({text} as timestamp))"
        f" when regexp_full_match({text}, {sql.text(zoned)}) then try_cast({text} as timestamptz) end"
    )
