"""From the rows of a file to the rows of an entity, as one select.

Data flow: columns of the file -> their canonical text -> the columns of the entity -> what becomes of the row.
Invariants: every row is valid, skipped or refused, and only one of them; a value that is there and does not become the
type of its column refuses the row, it never becomes null.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from scv_platform.sources.entities import Column, ColumnType
from scv_platform.sources.landing import sql
from scv_platform.sources.landing.columns import STORED_AS, FileColumn, moment_of_iso_text
from scv_platform.sources.landing.mapping import RowMapping
from scv_platform.sources.landing.read import FileRows
from scv_platform.sources.landing.rules import (
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
_UNIX_BOUNDS = "-2208988800 and 7289654399"
"""Days and moments outside are typing errors, dates that were read by the wrong format, or milliseconds."""


@dataclass(frozen=True)
class JudgedRows:
    """Selects over the rows of a file that say what becomes of each."""

    valid: str
    """`_line` and the columns of the entity."""
    others: str
    """`_line`, `_skipped` (the reason, or null), else `_refused` (the reasons) and `_raw`."""


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


def judged_rows(mapping: RowMapping, rows: FileRows) -> JudgedRows:
    """What becomes of the rows of a file."""
    columns = {
        name: FileColumn(position, kind, mapping.reading)
        for position, (name, kind) in enumerate(zip(mapping.used, rows.types, strict=True))
    }
    values = {column.name: _value(mapping, column, columns) for column in mapping.columns}
    texts = [f"{column.canonical_text()} as {column.text}" for column in columns.values()]
    typed = [f"{value.typed} as {sql.name(name)}" for name, value in values.items()]
    typed += [f"{value.is_given} as {_given(name)}" for name, value in values.items() if value.is_given]
    problems = _problems(mapping, values)
    judged = f"""
    select
        *,
        {_skip(mapping, values, columns)} as _skipped,
        _broken is not null or {" or ".join(problem.applies for problem in problems)} as _is_refused,
    from (
        select *, {", ".join(typed)}
        from ({_numbered(mapping, columns, f"select {', '.join(['*', *texts])} from ({rows.select})")})
    )
    """
    names = ", ".join(sql.name(column.name) for column in mapping.columns)
    valid = f"from ({judged}) where _skipped is null and not _is_refused"
    reasons = ", ".join(f"case when {problem.applies} then {sql.text(problem.reason)} end" for problem in problems)
    newest_of_equal = f"select max(_line) as _line, {names} {valid} group by {names}"
    return JudgedRows(
        valid=newest_of_equal if collapses(mapping) else f"select _line, {names} {valid}",
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


def collapses(mapping: RowMapping) -> bool:
    """Whether equal rows of a file are one row of the entity: orders say who bought again with each of them."""
    return mapping.shares_file and mapping.entity.name in COLLAPSING


def _given(column: str) -> str:
    return sql.name(f"_given_{column}")


def _skip(mapping: RowMapping, values: Mapping[str, _Value], columns: Mapping[str, FileColumn]) -> str:
    """The first reason for which a row is not of this entity."""
    branches = [f"when {_holds(rule, columns)} then {sql.text(rule.reason)}" for rule in mapping.skip]
    if mapping.shares_file:
        # The other entities of the file have the row; without a key it only is not one of this entity.
        keys = [mapping.entity.key] if mapping.entity.key else [c.name for c in mapping.columns if c.required]
        branches += [f"when {_is_missing(key, values[key])} then {sql.text(f'no {key}')}" for key in keys]
    return f"case when _broken is not null then null {' '.join(branches)} end"


def _problems(mapping: RowMapping, values: Mapping[str, _Value]) -> list[_Problem]:
    """The reasons to refuse a row of which every field could be read."""
    problems = []
    for column in mapping.columns:
        name, value = sql.name(column.name), values[column.name]
        wrong = [f"({name} is null and {_given(column.name)})"] if value.is_given else []
        bounds = _UNIX_BOUNDS if column.is_unix_time else _BOUNDS.get(column.type)
        if bounds and column.name in mapping.fields:
            wrong.append(f"coalesce({name} not between {bounds}, false)")
        if wrong:
            problems.append(_Problem(" or ".join(wrong), f"{column.name}: not {_described(column)}"))
        if column.required:
            problems.append(_Problem(_is_missing(column.name, value), f"{column.name}: missing"))
    return problems


def _described(column: Column) -> str:
    if column.is_unix_time:
        return f"{_DESCRIBED[ColumnType.TIMESTAMP]}, in unix seconds"
    return _DESCRIBED[column.type]


def _is_missing(column: str, value: _Value) -> str:
    """Whether there is no value at all, not even one that is wrong."""
    return f"not {_given(column)}" if value.is_given else f"{sql.name(column)} is null"


def _value(mapping: RowMapping, column: Column, columns: Mapping[str, FileColumn]) -> _Value:
    """The value of one column of the entity."""
    value = _value_of_rule(mapping, column, mapping.fields.get(column.name), columns)
    if column.name == "country" and mapping.reading.default_country:
        is_given = value.is_given or f"{value.typed} is not null"
        default = sql.text(mapping.reading.default_country)
        return _Value(f"case when {is_given} then {value.typed} else {default} end", is_given)
    return value


def _value_of_rule(
    mapping: RowMapping, column: Column, rule: FieldRule | None, columns: Mapping[str, FileColumn]
) -> _Value:
    match rule:
        case None:
            return _Value(f"cast(null as {STORED_AS[column.type]})")
        case str():
            return _converted(columns[rule], column.type)
        case FormattedColumn():
            return _converted(columns[rule.column], column.type, rule.format)
        case Constant():
            return _Value(_literal(column.type, rule.const, mapping.reading.timezone))
        case Hash() if column.name == mapping.entity.key:
            return _Value("_digest || case when _occurrence = 1 then '' else '-' || _occurrence end")
        case Hash():
            return _Value(_digest(rule, columns))
        case Case():
            return _chosen(rule, column.type, mapping.reading.timezone, columns)


def _converted(column: FileColumn, kind: ColumnType, time_format: str | None = None) -> _Value:
    return _Value(column.value(kind, time_format), column.is_given if column.can_fail(kind) else None)


def _literal(kind: ColumnType, value: Scalar | None, timezone: str) -> str:
    if value is None:
        return f"cast(null as {STORED_AS[kind]})"
    quoted = sql.text(constant(kind, value))
    if kind is ColumnType.TIMESTAMP:
        return moment_of_iso_text(quoted, timezone)
    return f"cast({quoted} as {STORED_AS[kind]})"


def _digest(rule: Hash, columns: Mapping[str, FileColumn]) -> str:
    """A digest of the texts of the columns; null where all of them are."""
    texts = [columns[name].text for name in rule.hash]
    parts = ", ".join(f"coalesce({text}, '')" for text in texts)
    return f"case when coalesce({', '.join(texts)}) is not null then left(sha256(concat_ws(chr(31), {parts})), 32) end"


def _numbered(mapping: RowMapping, columns: Mapping[str, FileColumn], select: str) -> str:
    """Where a digest is the key: tells equal rows of a file apart, by their order among all its lines."""
    rule = mapping.fields.get(mapping.entity.key or "")
    if not isinstance(rule, Hash):
        return select
    digests = f"select *, {_digest(rule, columns)} as _digest from ({select})"
    return f"select *, row_number() over (partition by _digest order by _line) as _occurrence from ({digests})"


def _chosen(rule: Case, kind: ColumnType, timezone: str, columns: Mapping[str, FileColumn]) -> _Value:
    """The value of the first branch that holds; only that one must be of the type."""
    conditions = [_holds(branch.when, columns) for branch in rule.case]
    results = [
        _converted(columns[result.column], kind)
        if isinstance(result, ColumnValue)
        else _Value(_literal(kind, result, timezone))
        for result in rule.results
    ]

    def choose(options: list[str]) -> str:
        branches = [f"when {condition} then {option}" for condition, option in zip(conditions, options, strict=False)]
        return f"case {' '.join(branches)} else {options[-1]} end"

    is_given = [result.is_given or f"{result.typed} is not null" for result in results]
    can_fail = any(result.is_given for result in results)
    return _Value(choose([result.typed for result in results]), choose(is_given) if can_fail else None)


def _holds(condition: Condition, columns: Mapping[str, FileColumn]) -> str:
    column = columns[condition.column]
    if condition.matches is not None:
        return f"regexp_matches({column.text}, {sql.text(condition.matches)})"
    for operator, operand in (("=", condition.eq), ("<", condition.lt), (">", condition.gt)):
        match operand:
            case bool():
                return f"{column.boolean()} {operator} {str(operand).lower()}"
            case int() | float():
                return f"{column.number()} {operator} {constant(ColumnType.DECIMAL, operand)}"
            case str():
                return f"{column.text} {operator} {sql.text(operand)}"
    raise ValueError(f"a condition without an operator: {condition}")
