"""How a column of a raw table gets its value from a file: the rules, as a configuration writes them."""

import json
from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from scv_platform.config_files import StrictModel
from scv_platform.sources.entities import ColumnType
from scv_platform.sources.landing.sql import pattern_problem

Scalar = str | bool | int | float | datetime | date
"""A value as YAML reads it."""

CollectionT = TypeVar("CollectionT", bound=Collection[Any])


def not_empty(value: CollectionT) -> CollectionT:
    """The value, when there is something in it."""
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

    hash: Annotated[tuple[str, ...], AfterValidator(not_empty)]


class Condition(StrictModel):
    """A test of one column; exactly one operator. A row without a value never passes."""

    model_config = ConfigDict(allow_inf_nan=False)

    column: str
    matches: Annotated[str | None, Field(description="RE2 pattern, found anywhere in the text.")] = None
    eq: Annotated[str | bool | int | float | None, Field(description="Numbers compare as numbers.")] = None
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


def _form_of_value(value: Any) -> str:
    return "{column}" if isinstance(value, dict | ColumnValue) else "{value}"


Value = Annotated[
    Annotated[ColumnValue, Tag("{column}")] | Annotated[Scalar | None, Tag("{value}")],
    Discriminator(_form_of_value),
]
"""What a case gives: a value, null, or `{column: name}`."""


class Branch(StrictModel):
    """One branch of a case."""

    when: Condition
    then: Value


class Case(StrictModel):
    """The value of the first branch whose condition holds, else `else` (null when it is left out)."""

    case: Annotated[tuple[Branch, ...], AfterValidator(not_empty)]
    otherwise: Annotated[Value, Field(alias="else")] = None

    @property
    def results(self) -> tuple[ColumnValue | Scalar | None, ...]:
        """What the branches give, in their order, and the `else` last."""
        return (*(branch.then for branch in self.case), self.otherwise)


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
    # The tags look like no key of the file: a problem is told with the keys that the file has.
    Discriminator(
        _form_of_field,
        custom_error_type="field_form",
        custom_error_message="a field is a column name, {column, format}, {const}, {hash} or {case, else}",
    ),
]
"""How one column of an entity gets its value."""


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
            conditions = [branch.when.column for branch in rule.case]
            return (*conditions, *(value.column for value in rule.results if isinstance(value, ColumnValue)))
        case Constant():
            return ()


def constant(kind: ColumnType, value: Scalar) -> str:
    """A value of the configuration as the text that a cast to the type reads; `ValueError` when it does not fit."""
    match kind, value:
        case ColumnType.TEXT, bool() | date():
            raise ValueError(f"{value!r} is not text: YAML reads it as something else; put it in quotes")
        case ColumnType.TEXT, _:
            return str(value)
        case ColumnType.DECIMAL | ColumnType.BIGINT, str() | int() | float() if not isinstance(value, bool):
            return _number(value, is_whole=kind is ColumnType.BIGINT)
        case ColumnType.BOOL, bool():
            return str(value).lower()
        case ColumnType.DATE | ColumnType.TIMESTAMP, date():
            return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
        case ColumnType.JSON, _:
            return json.dumps(value, default=str)
        case _:
            raise ValueError(f"{value!r} is no {kind}")


def _number(value: str | int | float, *, is_whole: bool) -> str:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    if not number.is_finite() or (is_whole and number != int(number)):
        raise ValueError(f"{value!r} is not a {'whole' if is_whole else 'finite'} number")
    return format(number, "f")
