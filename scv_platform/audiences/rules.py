"""The grammar of segments and audiences, as strict models of one YAML file each.

A rule is a tree of groups (`all`, `any`, `none`) over conditions (`field`, `event`, `purchase`, `segment`,
`consent`).
Invariant: an instance is well formed by itself. Whether its fields and segments exist, and whether
values fit the types of fields, is the business of `checks`, which knows the catalogue.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    StrictBool,
    Tag,
    field_validator,
    model_validator,
)

from scv_platform.config_files import Location, StrictModel, did_you_mean
from scv_platform.settings import Identifier

MAX_DEPTH = 8
"""Groups inside groups; deeper trees are better written as segments of their own."""

Value = bool | int | float | date | str


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be text; put {str(value)!r} in quotes")
    if not value.strip():
        raise ValueError("must not be empty")
    return _encodable(value)


def _encodable(text: str) -> str:
    """Refuses half a surrogate pair, which a YAML escape can write and no warehouse can store."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("is not valid Unicode text") from None
    return text


def _word(value: Any) -> str:
    text = _text(value)
    if text != text.strip().lower():
        raise ValueError(f"is kept in lower case by every source; write {text.strip().lower()!r}")
    return text


def _scalar(value: Any) -> Value:
    if isinstance(value, datetime):
        raise ValueError("rules know whole days; write YYYY-MM-DD")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number")
    if not isinstance(value, bool | int | float | date | str):
        raise ValueError("must be text, a number, true or false, or a day (YYYY-MM-DD)")
    return _encodable(value) if isinstance(value, str) else value


def _number(value: Any) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0:
        return value
    raise ValueError("must be a number, 0 or more")


def _owner(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"team:[\w.-]+|[\w.%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}", value):
        return value
    raise ValueError("must be team:<name> or an e-mail address")


Scalar = Annotated[Value, PlainValidator(_scalar)]
Text = Annotated[str, PlainValidator(_text)]
Word = Annotated[str, PlainValidator(_word)]
Number = Annotated[int | float, PlainValidator(_number)]
Texts = Annotated[list[Text], Field(min_length=1)]
Days = Annotated[int, Field(strict=True, ge=1, le=36_500)]


class RuleModel(StrictModel):
    """Base of the models of a rule: keys are accepted by the name that the file uses only."""

    model_config = ConfigDict(populate_by_name=False)

    def given(self) -> dict[str, Any]:
        """The keys that the file gives, by their names in the file, in the order of the grammar."""
        return {
            field.alias or name: getattr(self, name)
            for name, field in type(self).model_fields.items()
            if name in self.model_fields_set
        }

    @model_validator(mode="after")
    def _no_empty_keys(self) -> Self:
        if empty := [key for key, value in self.given().items() if value is None]:
            raise ValueError(f"{empty[0]!r} has no value; leave the key out, or give it one")
        return self


class FieldCondition(RuleModel):
    """A field of the catalogue against given values; several operators must all hold."""

    field: Text
    eq: Scalar | None = None
    ne: Scalar | None = None
    in_: Annotated[list[Scalar], Field(min_length=1)] | None = Field(default=None, alias="in")
    not_in: Annotated[list[Scalar], Field(min_length=1)] | None = None
    gt: Scalar | None = None
    gte: Scalar | None = None
    lt: Scalar | None = None
    lte: Scalar | None = None
    between: Annotated[list[Scalar], Field(min_length=2, max_length=2, description="Both ends included.")] | None = None
    is_null: StrictBool | None = None
    contains: Text | None = None
    starts_with: Text | None = None
    within_days: Days | None = None
    older_than_days: Days | None = None

    @property
    def operators(self) -> dict[str, Any]:
        """The operators with their values."""
        return {key: value for key, value in self.given().items() if key != "field"}

    @model_validator(mode="after")
    def _has_operators(self) -> Self:
        valid = sorted(field.alias or name for name, field in type(self).model_fields.items() if name != "field")
        if not self.operators:
            raise ValueError(f"a field condition needs an operator; valid: {', '.join(valid)}")
        if self.is_null is not None and len(self.operators) > 1:
            raise ValueError("'is_null' stands alone: an unknown value meets no other operator")
        return self


class Products(RuleModel):
    """Which products a purchase condition counts; several keys must all match the same line."""

    category: Texts | None = None
    product_id: Texts | None = None
    sku: Texts | None = None
    brand: Texts | None = None

    @model_validator(mode="after")
    def _names_products(self) -> Self:
        if not self.given():
            raise ValueError(
                "name at least one of category, product_id, sku, brand;"
                " purchases of anything are fields, such as customer_metrics.last_order_at"
            )
        return self


class Threshold(RuleModel):
    """Bounds of a figure; several must all hold."""

    eq: Number | None = None
    gt: Number | None = None
    gte: Number | None = None
    lt: Number | None = None
    lte: Number | None = None

    @model_validator(mode="after")
    def _has_bounds(self) -> Self:
        if not self.given():
            raise ValueError("needs a bound; valid: eq, gt, gte, lt, lte")
        return self


class PurchaseCondition(RuleModel):
    """What a customer bought: sales with a matching line, and the amount of those lines.

    Amounts are after discount and in the base currency; lines in another currency count as sales, not as money.
    Without `count` and `amount` one sale is enough. A customer without such a sale counts 0.
    """

    purchase: Products
    count: Threshold | None = None
    amount: Threshold | None = None
    within_days: Days | None = None


class EventCondition(RuleModel):
    """What a customer did: events of that name, of which `where` may ask more.

    Without `count` one event is enough. A customer without such an event counts 0, so `count: {eq: 0}` and
    `count: {lt: 1}` are those who did not; an event that is not known to be anybody's counts for nobody.
    """

    event: Text
    where: "Group | None" = None
    count: Threshold | None = None
    within_days: Days | None = None

    @field_validator("where")
    @classmethod
    def _asks_about_one_event(cls, where: "AllOf | AnyOf | NoneOf | None") -> "AllOf | AnyOf | NoneOf | None":
        for _, condition in [] if where is None else conditions(where):
            if not isinstance(condition, FieldCondition):
                kind = next(iter(condition.given()))
                raise ValueError(
                    "the 'where' of an event asks about that event, with field conditions only;"
                    f" {kind!r} belongs beside the event"
                )
        return where


class SegmentCondition(RuleModel):
    """Membership of another segment."""

    segment: Identifier
    member: StrictBool = True


class ConsentStatus(StrEnum):
    """An answer to the question of consent."""

    GRANTED = "granted"
    DENIED = "denied"


class ConsentCondition(RuleModel):
    """What a customer allows for a purpose, judged as the gate of exports does: one no outweighs every yes.

    `granted`: she said yes on a channel and no on none; `denied`: she said no on a channel. With `channel`, only that
    channel and what was said for any channel count. Who never answered is neither.
    """

    consent: Word
    status: ConsentStatus
    channel: Word | None = None


class AllOf(RuleModel):
    """Every part holds."""

    all: "Nodes"


class AnyOf(RuleModel):
    """At least one part holds."""

    any: "Nodes"


class NoneOf(RuleModel):
    """No part holds."""

    none: "Nodes"


_GROUPS: dict[str, type[RuleModel]] = {"all": AllOf, "any": AnyOf, "none": NoneOf}
_NODES: dict[str, type[RuleModel]] = {
    **_GROUPS,
    "field": FieldCondition,
    "event": EventCondition,
    "purchase": PurchaseCondition,
    "segment": SegmentCondition,
    "consent": ConsentCondition,
}


def _one_of(keys: Mapping[str, type[RuleModel]]) -> BeforeValidator:
    """Refuses a part of the tree that is not exactly one of these kinds, with a nearest name."""

    def check(value: Any) -> Any:
        needed = f"exactly one of {', '.join(keys)}"
        if not isinstance(value, Mapping):
            raise ValueError(f"needs {needed}")
        found = [key for key in value if key in keys]
        if not found and value:
            unknown = str(next(iter(value)))
            raise ValueError(f"unknown key {unknown!r}; {did_you_mean(unknown, keys)}")
        if len(found) != 1:
            raise ValueError(f"needs {needed}, not {' and '.join(found) or 'nothing'}")
        return value

    return BeforeValidator(check)


def _kind(value: Mapping[str, Any] | RuleModel) -> str:
    """The model of a part: by its key when it is read, by its class when it is written."""
    if isinstance(value, RuleModel):
        return type(value).__name__
    return next(model.__name__ for key, model in _NODES.items() if key in value)


Group = Annotated[
    Annotated[AllOf, Tag("AllOf")] | Annotated[AnyOf, Tag("AnyOf")] | Annotated[NoneOf, Tag("NoneOf")],
    Discriminator(_kind),
    _one_of(_GROUPS),
]
Condition = FieldCondition | EventCondition | PurchaseCondition | SegmentCondition | ConsentCondition
Node = Annotated[
    Annotated[AllOf, Tag("AllOf")]
    | Annotated[AnyOf, Tag("AnyOf")]
    | Annotated[NoneOf, Tag("NoneOf")]
    | Annotated[FieldCondition, Tag("FieldCondition")]
    | Annotated[EventCondition, Tag("EventCondition")]
    | Annotated[PurchaseCondition, Tag("PurchaseCondition")]
    | Annotated[SegmentCondition, Tag("SegmentCondition")]
    | Annotated[ConsentCondition, Tag("ConsentCondition")],
    Discriminator(_kind),
    _one_of(_NODES),
]
Nodes = Annotated[list[Node], Field(min_length=1)]

for _model in (AllOf, AnyOf, NoneOf, EventCondition):
    _model.model_rebuild()


class LegalBasis(StrEnum):
    """Why we may act on the members of an audience."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGITIMATE_INTEREST = "legitimate_interest"
    INTERNAL = "internal"


class Rules(RuleModel):
    """What segments and audiences share: who it is about, and who owns it."""

    kind: ClassVar[str]
    group: ClassVar[str]

    schema_version: Literal[1]
    name: Identifier
    description: Text
    owner: Annotated[str, PlainValidator(_owner)]
    where: Group

    @field_validator("where")
    @classmethod
    def _not_too_deep(cls, where: AllOf | AnyOf | NoneOf) -> AllOf | AnyOf | NoneOf:
        depth = _depth(where)
        if depth > MAX_DEPTH:
            raise ValueError(f"groups are nested {depth} deep, {MAX_DEPTH} at most; move a part into its own segment")
        return where

    @property
    def rule_version(self) -> str:
        """A digest of the rule alone: a new description or layout is the same version."""
        where = self.where.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return hashlib.sha256(json.dumps(where, sort_keys=True).encode()).hexdigest()[:12]


class Segment(Rules):
    """Who someone is."""

    kind: ClassVar[str] = "segment"
    group: ClassVar[str] = "segments"


class DestinationFields(RuleModel):
    """A destination of an audience, and the fields it gets: its column -> field of the catalogue."""

    name: Identifier
    fields: dict[Annotated[str, Field(pattern=r"^[A-Za-z][\w .-]{0,99}$")], Text] = Field(default={})

    @field_validator("fields")
    @classmethod
    def _columns_are_distinct(cls, fields: dict[str, str]) -> dict[str, str]:
        names = [name.lower() for name in fields]
        if "customer_id" in names:
            raise ValueError("'customer_id' is always the first column; leave it out")
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"column {repeated[0]!r} is given twice, in upper and lower case")
        return fields


class Audience(Rules):
    """Whom we act on, through which destinations, and by what right."""

    kind: ClassVar[str] = "audience"
    group: ClassVar[str] = "audiences"

    destinations: Annotated[list[DestinationFields], Field(min_length=1)]
    legal_basis: LegalBasis = LegalBasis.CONSENT
    purpose: Word | None = None

    @model_validator(mode="after")
    def _purpose_is_stated(self) -> Self:
        if self.purpose is None and self.legal_basis is not LegalBasis.INTERNAL:
            raise ValueError(f"'purpose' is missing: legal_basis {self.legal_basis} is judged by the consents for it")
        names = [destination.name for destination in self.destinations]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"destination {repeated[0]!r} is given twice")
        return self


def parts(node: Node) -> list[Node]:
    """The parts of a group; none for a condition."""
    match node:
        case AllOf():
            return node.all
        case AnyOf():
            return node.any
        case NoneOf():
            return node.none
        case _:
            return []


def conditions(node: Node, location: Location = ("where",)) -> Iterator[tuple[Location, Condition]]:
    """Every condition of the tree with its location in the file; those inside an event's `where` are its own."""
    if isinstance(node, Condition):
        yield location, node
    for index, part in enumerate(parts(node)):
        yield from conditions(part, (*location, next(iter(node.given())), index))


def _depth(node: Node) -> int:
    match node:
        case EventCondition(where=inner):
            return 0 if inner is None else _depth(inner)
        case AllOf() | AnyOf() | NoneOf():
            return 1 + max(_depth(part) for part in parts(node))
        case _:
            return 0
