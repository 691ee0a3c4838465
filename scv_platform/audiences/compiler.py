"""Compiles rules to SQL: one select of customer_id, as a sqlglot expression that any engine can render.

Invariants: no text of a rule becomes SQL text, values are literals and names come from the catalogue;
every condition is true or false, never null (an unknown value meets no condition), so `none` means
exactly what is left. Facts after the end of the as_of day are not seen; attributes and consents are what is known
now.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlglot import exp

from scv_platform.audiences.catalogue import CONSENT, CUSTOMERS, EVENT, Catalogue, CatalogueField
from scv_platform.audiences.rules import (
    AllOf,
    AnyOf,
    Condition,
    ConsentCondition,
    ConsentStatus,
    EventCondition,
    FieldCondition,
    Node,
    NoneOf,
    PurchaseCondition,
    Rules,
    SegmentCondition,
    Threshold,
    conditions,
    parts,
)
from scv_platform.audiences.tables import SEGMENT_MEMBERS
from scv_platform.warehouse import literal

_COMPARISONS: dict[str, type[exp.Binary]] = {
    "eq": exp.EQ,
    "ne": exp.NEQ,
    "gt": exp.GT,
    "gte": exp.GTE,
    "lt": exp.LT,
    "lte": exp.LTE,
}
_LINES = ("master", "transaction_lines")
_ANY_CHANNEL = "any"


def compile_rules(rules: Rules, catalogue: Catalogue, as_of: date) -> exp.Select:
    """The customers that the rules describe at the end of that day: one row per customer, `customer_id`."""
    query = _Query(catalogue, as_of, root=CUSTOMERS)
    condition = query.condition(rules.where)
    customers = catalogue.tables[CUSTOMERS]
    select = exp.select(query.customer_id).from_(_relation(customers.schema, customers.name, CUSTOMERS))
    return query.joined(select).where(condition)


def select_fields(
    members: exp.Expr, fields: Mapping[str, CatalogueField], catalogue: Catalogue, as_of: date
) -> exp.Select:
    """`customer_id` and the fields, under the given aliases, of every customer that `members` selects."""
    query = _Query(catalogue, as_of, root="members")
    columns = [exp.alias_(query.column(field), alias, quoted=True) for alias, field in fields.items()]
    source = exp.Subquery(this=members, alias=exp.TableAlias(this=exp.to_identifier("members")))
    return query.joined(exp.select(query.customer_id, *columns).from_(source))


def fields_read(rules: Rules, catalogue: Catalogue) -> list[CatalogueField]:
    """The fields that the rules name, in the order of the file, each once."""
    names = [condition.field for _, condition in conditions(rules.where) if isinstance(condition, FieldCondition)]
    return [catalogue.fields[name] for name in dict.fromkeys(names)]


def event_fields_read(rules: Rules, catalogue: Catalogue) -> list[CatalogueField]:
    """The columns of events that the rules ask about, in the order of the file, each once."""
    asked = [condition.where for _, condition in conditions(rules.where) if isinstance(condition, EventCondition)]
    inner = [part for where in asked if where is not None for _, part in conditions(where)]
    fields = {field.name: field for field in catalogue.facts[EVENT].fields.values()} if inner else {}
    return [fields[name] for name in dict.fromkeys(p.field for p in inner if isinstance(p, FieldCondition))]


def events_read(rules: Rules) -> list[str]:
    """The names of events in the rules, in the order of the file, each once."""
    names = [condition.event for _, condition in conditions(rules.where) if isinstance(condition, EventCondition)]
    return list(dict.fromkeys(names))


def select_seen_events(rules: Rules, catalogue: Catalogue) -> exp.Select:
    """Those of the names that any source ever told, one row each, `event`."""
    event = _column("event", "events")
    names: list[exp.Expr] = [literal(name) for name in events_read(rules)]
    events = _relation(*catalogue.facts[EVENT].path, "events")
    return exp.select(event).distinct().from_(events).where(_is_one_of(event.copy(), names))


def segments_read(rules: Rules) -> list[str]:
    """The segments that the rules name, in the order of the file, each once."""
    names = [condition.segment for _, condition in conditions(rules.where) if isinstance(condition, SegmentCondition)]
    return list(dict.fromkeys(names))


def tables_read(rules: Rules, catalogue: Catalogue) -> list[tuple[str, str]]:
    """The tables (schema, name) that the compiled rules read, the customers first, segments not among them."""
    customers = catalogue.tables[CUSTOMERS]
    tables = [(customers.schema, customers.name)]
    for item in fields_read(rules, catalogue):
        table = catalogue.tables[item.table]
        tables.append((table.schema, table.name))
    for _, condition in conditions(rules.where):
        match condition:
            case PurchaseCondition():
                tables.append(_LINES)
            case EventCondition():
                tables.append(catalogue.facts[EVENT].path)
            case ConsentCondition():
                tables.append(catalogue.facts[CONSENT].path)
    return list(dict.fromkeys(tables))


@dataclass
class _Query:
    """Collects the joins that conditions need; each adds at most one row per customer to `root`."""

    catalogue: Catalogue
    as_of: date
    root: str
    joins: dict[str, exp.Join] = field(default_factory=dict)

    @property
    def customer_id(self) -> exp.Column:
        """The customer of a row."""
        return _column("customer_id", self.root)

    def joined(self, select: exp.Select) -> exp.Select:
        """The select with every join collected so far."""
        for join in self.joins.values():
            select = select.join(join)
        return select

    def column(self, item: CatalogueField) -> exp.Column:
        """The column of a field, its table joined."""
        table = self.catalogue.tables[item.table]
        if table.name != self.root and table.name not in self.joins:
            by_day = [exp.EQ(this=_column("as_of", table.name), expression=literal(self.as_of))] if table.by_day else []
            self._join(_relation(table.schema, table.name, table.name), table.name, *by_day)
        return _column(item.column, table.name)

    def condition(self, node: Node) -> exp.Expr:
        """The tree as one expression that is true or false, never null."""
        return _tree(node, self._leaf)

    def _leaf(self, condition: Condition) -> exp.Expr:
        match condition:
            case FieldCondition():
                item = self.catalogue.fields[condition.field]
                return _meets(self.column(item), item, condition, self.as_of)
            case EventCondition():
                return self._event(condition)
            case PurchaseCondition():
                return self._purchase(condition)
            case SegmentCondition():
                return self._segment(condition)
            case ConsentCondition():
                return self._consent(condition)

    def _event(self, condition: EventCondition) -> exp.Expr:
        alias = f"event_{len(self.joins) + 1}"
        self._join(self._events(condition).subquery(alias), alias)
        return exp.and_(*_within(_or_zero(_column("times", alias)), condition.count or Threshold(gte=1)))

    def _events(self, condition: EventCondition) -> exp.Select:
        """One row per customer who did that: how often."""
        table = self.catalogue.facts[EVENT]
        fields = {field.name: field for field in table.fields.values()}
        happened_on = exp.cast(_column("occurred_at", "events"), "date")
        filters: list[exp.Expr] = [
            exp.EQ(this=_column("event", "events"), expression=literal(condition.event)),
            exp.LTE(this=happened_on, expression=literal(self.as_of)),
        ]
        if condition.within_days is not None:
            filters.append(_younger_than(happened_on, condition.within_days, self.as_of))
        if condition.where is not None:

            def about_the_event(part: Condition) -> exp.Expr:
                if not isinstance(part, FieldCondition):
                    raise TypeError(f"{type(part).__name__} is no question about an event")
                item = fields[part.field]
                return _meets(_column(item.column, "events"), item, part, self.as_of)

            filters.append(_tree(condition.where, about_the_event))
        return (
            exp.select(_column("customer_id", "events"), exp.alias_(exp.Count(this=exp.Star()), "times"))
            .from_(_relation(*table.path, "events"))
            .where(*filters)
            .group_by(_column("customer_id", "events"))
        )

    def _consent(self, condition: ConsentCondition) -> exp.Expr:
        alias = f"consent_{len(self.joins) + 1}"
        self._join(self._answers(condition).subquery(alias), alias)
        granted, denied = (
            exp.GT(this=_or_zero(_column(status, alias)), expression=literal(0)) for status in ConsentStatus
        )
        return exp.and_(granted, exp.not_(denied)) if condition.status is ConsentStatus.GRANTED else denied

    def _answers(self, condition: ConsentCondition) -> exp.Select:
        """One row per customer who was ever asked about the purpose: how often yes, and how often no."""
        table = self.catalogue.facts[CONSENT]
        filters: list[exp.Expr] = [exp.EQ(this=_column("purpose", "consents"), expression=literal(condition.consent))]
        if condition.channel is not None:
            channels = dict.fromkeys([condition.channel, _ANY_CHANNEL])
            filters.append(_is_one_of(_column("channel", "consents"), [literal(channel) for channel in channels]))
        status = _column("status", "consents")
        answers = [
            exp.alias_(exp.CountIf(this=exp.EQ(this=status.copy(), expression=literal(str(answer)))), str(answer))
            for answer in ConsentStatus
        ]
        return (
            exp.select(_column("customer_id", "consents"), *answers)
            .from_(_relation(*table.path, "consents"))
            .where(*filters)
            .group_by(_column("customer_id", "consents"))
        )

    def _purchase(self, condition: PurchaseCondition) -> exp.Expr:
        alias = f"purchase_{len(self.joins) + 1}"
        self._join(self._purchases(condition).subquery(alias), alias)
        figures = {
            "sales": Threshold(gte=1) if condition.count is None and condition.amount is None else condition.count,
            "amount": condition.amount,
        }
        tests = [
            test
            for figure, threshold in figures.items()
            if threshold is not None
            for test in _within(_or_zero(_column(figure, alias)), threshold)
        ]
        return exp.and_(*tests)

    def _purchases(self, condition: PurchaseCondition) -> exp.Select:
        """One row per customer who bought such products: how many sales, and the amount of the lines."""
        sold_on = exp.cast(_column("occurred_at", "lines"), "date")
        filters: list[exp.Expr] = [
            exp.EQ(this=_column("transaction_type", "lines"), expression=literal("sale")),
            _column("is_counted", "lines"),
            exp.LTE(this=sold_on, expression=literal(self.as_of)),
        ]
        if condition.within_days is not None:
            filters.append(_younger_than(sold_on, condition.within_days, self.as_of))
        for column, values in condition.purchase.given().items():
            filters.append(_is_one_of(_column(column, "lines"), [literal(value) for value in values]))
        return (
            exp.select(
                _column("customer_id", "lines"),
                exp.alias_(exp.Count(this=exp.Distinct(expressions=[_column("transaction_id", "lines")])), "sales"),
                exp.alias_(exp.Sum(this=_column("amount_base", "lines")), "amount"),
            )
            .from_(_relation(*_LINES, "lines"))
            .where(*filters)
            .group_by(_column("customer_id", "lines"))
        )

    def _segment(self, condition: SegmentCondition) -> exp.Expr:
        alias = f"segment_{condition.segment}"
        if alias not in self.joins:
            self._join(
                _relation(SEGMENT_MEMBERS.schema, SEGMENT_MEMBERS.name, alias),
                alias,
                exp.EQ(this=_column("name", alias), expression=literal(condition.segment)),
                _column("exited_at", alias).is_(exp.null()),
            )
        absent = _column("customer_id", alias).is_(exp.null())
        return exp.not_(absent) if condition.member else absent

    def _join(self, relation: exp.Expr, alias: str, *conditions: exp.Expr) -> None:
        same_customer = exp.EQ(this=_column("customer_id", alias), expression=self.customer_id)
        on = exp.and_(same_customer, *conditions)
        self.joins[alias] = exp.Join(this=relation, side="left", on=on)


def _tree(node: Node, leaf: Callable[[Condition], exp.Expr]) -> exp.Expr:
    """A tree as one expression, given that of each condition."""
    inner = [_tree(part, leaf) for part in parts(node)]
    match node:
        case AllOf():
            return exp.and_(*inner)
        case AnyOf():
            return exp.or_(*inner)
        case NoneOf():
            return exp.not_(exp.or_(*inner))
        case _:
            return leaf(node)


def _meets(column: exp.Expr, item: CatalogueField, condition: FieldCondition, as_of: date) -> exp.Expr:
    """Whether the column meets a field condition: true or false, never null."""
    if condition.is_null is not None:
        is_null = column.is_(exp.null())
        return is_null if condition.is_null else exp.not_(is_null)
    tests = [_test(column, item.type, operator, value, as_of) for operator, value in condition.operators.items()]
    return exp.Coalesce(this=exp.and_(*tests), expressions=[exp.false()])


def _within(figure: exp.Expr, threshold: Threshold) -> list[exp.Expr]:
    """The bounds of a figure that is never null."""
    return [
        _COMPARISONS[operator](this=figure.copy(), expression=_number(value))
        for operator, value in threshold.given().items()
    ]


def _test(column: exp.Expr, field_type: str, operator: str, value: Any, as_of: date) -> exp.Expr:
    """One operator; null when the column is null."""
    if field_type == "timestamp":
        column = exp.cast(column, "date")
    match operator:
        case "in":
            return _is_one_of(column, [_literal(item, field_type) for item in value])
        case "not_in":
            return exp.not_(_is_one_of(column, [_literal(item, field_type) for item in value]))
        case "between":
            return exp.Between(this=column, low=_literal(value[0], field_type), high=_literal(value[1], field_type))
        case "contains":
            return exp.GT(this=exp.StrPosition(this=column, substr=literal(value)), expression=literal(0))
        case "starts_with":
            return exp.StartsWith(this=column, expression=literal(value))
        case "within_days":
            return exp.and_(_younger_than(column, value, as_of), exp.LTE(this=column, expression=literal(as_of)))
        case "older_than_days":
            return exp.LTE(this=column, expression=literal(as_of - timedelta(days=value)))
        case _:
            return _COMPARISONS[operator](this=column, expression=_literal(value, field_type))


def _younger_than(day: exp.Expr, days: int, as_of: date) -> exp.Expr:
    """Whether the day is one of the last `days` days, of which as_of is the last."""
    return exp.GT(this=day, expression=literal(as_of - timedelta(days=days)))


def _is_one_of(column: exp.Expr, values: list[exp.Expr]) -> exp.Expr:
    return exp.In(this=column, expressions=values)


def _or_zero(figure: exp.Expr) -> exp.Expr:
    return exp.Coalesce(this=figure, expressions=[literal(0)])


def _literal(value: Any, field_type: str) -> exp.Expr:
    if field_type == "float":
        return exp.cast(literal(repr(float(value))), "double")
    return _number(value) if field_type == "decimal" else literal(value)


def _number(value: int | float) -> exp.Expr:
    """Written out with all digits, because engines read an exponent as a binary fraction."""
    return exp.Literal.number(f"{Decimal(repr(value)):f}")


def _column(name: str, relation: str) -> exp.Column:
    return exp.column(name, table=relation, quoted=True)


def _relation(schema: str, name: str, alias: str) -> exp.Expr:
    return exp.alias_(exp.table_(name, db=schema, quoted=True), alias, table=True, quoted=True)
