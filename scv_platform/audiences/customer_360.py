"""`serving.customer_360`: everything the platform knows of a customer in one wide row, for reports and other tools.

Data flow: field catalogue + consents + memberships -> one select -> the table, made anew by every run.
Columns: attributes of `master.customers` by their own names; a column of any other table as `<table>_<column>`,
without `customer_` before and `_scores` behind the table, and not said twice (`metrics_orders`, `rfm_segment`,
`churn_probability`); `tickets_…`; `consent_<purpose>`; `in_segment_<name>` and `in_audience_<name>`. In this order;
tables of `master` come before scores, and each kind by name.
Invariants: one row per customer of `master.customers`; a new column, table, purpose, segment or audience appears by
itself, and one that is gone disappears; two columns never share a name. Null is unknown: no score, no answer, or a
membership that was not evaluated for the day by the rule as it is now.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from sqlglot import exp

from scv_platform.audiences.catalogue import (
    CONSENT,
    CUSTOMERS,
    TICKET,
    Catalogue,
    CatalogueError,
    CatalogueField,
    CatalogueTable,
)
from scv_platform.audiences.compiler import event_fields_read, fields_read, segments_read, select_fields
from scv_platform.audiences.definitions import Definition, Definitions
from scv_platform.audiences.membership import evaluated_on
from scv_platform.audiences.rules import Audience, ConsentCondition, ConsentStatus, Rules, Segment, conditions
from scv_platform.audiences.tables import MEMBERS
from scv_platform.settings import Privacy
from scv_platform.warehouse import Table, TableColumn, Warehouse, bind, literal

SCHEMA, NAME = "serving", "customer_360"
DESCRIPTION = (
    "What is known of each customer on the day as_of, side by side: attributes, metrics, scores, consents, and every"
    " segment and audience as a flag. For reports and other tools. One row per customer."
)

_TICKETS = (
    TableColumn("tickets_open", "integer", "Requests to the help desk that are not solved.", Privacy.QUASI),
    TableColumn("tickets_rated_bad", "integer", "Requests whose answer the customer called bad.", Privacy.QUASI),
    TableColumn("tickets_last_at", "timestamp", "Last request, UTC; null without one.", Privacy.QUASI),
)
_TICKETS_PER_CUSTOMER = """
    select
        customer_id,
        count(case when solved_at is null and status not in ('solved', 'closed') then 1 end) as tickets_open,
        count(case when satisfaction = 'bad' then 1 end) as tickets_rated_bad,
        max(created_at) as tickets_last_at
    from {tickets}
    where cast(created_at as date) <= $as_of
    group by customer_id
"""
_KEYS = ("customer_id", "as_of")
_PURPOSE = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""Purposes that can be part of a column's name; a source that puts free text there makes no columns of it."""


@dataclass(frozen=True)
class WideColumn:
    """A column of the wide table, and where its value comes from."""

    column: TableColumn
    value: exp.Expr


@dataclass(frozen=True)
class Flag:
    """Membership of one segment or audience; `is_known` when it was evaluated for the day by its current rule."""

    definition: Definition[Rules]
    privacy: Privacy
    is_known: bool

    @property
    def column(self) -> str:
        """The name of its column."""
        return f"in_{self.definition.rules.kind}_{self.definition.name}"


@dataclass(frozen=True)
class Customer360:
    """The wide table of one day: what it is, and the select that fills it."""

    table: Table
    select: exp.Select
    unknown_memberships: tuple[str, ...]


def tables_read(catalogue: Catalogue) -> list[tuple[str, str]]:
    """The tables (schema, name) whose columns go into the wide row, memberships not among them."""
    tables = [(table.schema, table.name) for table in _tables(catalogue)]
    return [*tables, *(catalogue.facts[grain].path for grain in (TICKET, CONSENT) if grain in catalogue.facts)]


def dated_fields(catalogue: Catalogue) -> list[CatalogueField]:
    """One field of each table, by which its day can be judged."""
    return [next(iter(table.fields.values())) for table in _tables(catalogue)]


@dataclass(frozen=True)
class Counted:
    """The rows of the wide table against the customers."""

    customers: int
    wide_rows: int
    distinct_customers: int
    known_customers: int

    @property
    def is_complete(self) -> bool:
        """Whether each customer has exactly one row, and nobody else has one."""
        return self.customers == self.wide_rows == self.distinct_customers == self.known_customers


def count_customers(warehouse: Warehouse, catalogue: Catalogue) -> Counted:
    """Counts what the check judges."""
    (row,) = warehouse.rows(
        f"""
        select
            (select count(*) from {catalogue.tables[CUSTOMERS]}) as customers,
            count(*) as wide_rows,
            count(distinct wide.customer_id) as distinct_customers,
            count(distinct customers.customer_id) as known_customers
        from {SCHEMA}.{NAME} as wide
        left join {catalogue.tables[CUSTOMERS]} as customers on customers.customer_id = wide.customer_id
        """
    )
    return Counted(**row)


def plan_customer_360(warehouse: Warehouse, catalogue: Catalogue, definitions: Definitions, as_of: date) -> Customer360:
    """The wide table as it is to be on that day. Raises `CatalogueError` where two columns would share a name."""
    for members in MEMBERS.values():
        warehouse.ensure(members)
    evaluated = evaluated_on(warehouse, as_of)
    privacy = _flag_privacy(definitions, catalogue)
    flags = [
        Flag(
            definition,
            privacy[definition.rules.kind, definition.name],
            (definition.rules.kind, definition.name, definition.rules.rule_version) in evaluated,
        )
        for definitions_of_kind in (definitions.segments, definitions.audiences)
        for definition in sorted(definitions_of_kind, key=lambda definition: definition.name)
    ]
    purposes = _purposes(warehouse, catalogue, definitions)
    return compose(catalogue, as_of, purposes, flags)


def compose(catalogue: Catalogue, as_of: date, purposes: Iterable[str], flags: Iterable[Flag]) -> Customer360:
    """The wide table from its parts; pure, and the same for the same parts."""
    fields = dict(_fields(catalogue))
    purposes, flags = sorted(set(purposes)), list(flags)
    columns = [
        WideColumn(TableColumn("customer_id", "string", "The customer."), _column("customer_id", "known")),
        WideColumn(TableColumn("as_of", "date", "The day, inclusive, up to which figures look."), literal(as_of)),
        *(
            WideColumn(
                TableColumn(name, field.type, f"{field.description} ({field.name})", field.privacy),
                _column(name, "known"),
            )
            for name, field in fields.items()
        ),
        *(_ticket_column(column) for column in _TICKETS if TICKET in catalogue.facts),
        *map(_consent_column, purposes),
        *map(_flag_column, flags),
    ]
    _check_names([column.column.name for column in columns])
    table = Table(SCHEMA, NAME, DESCRIPTION, tuple(column.column for column in columns), ("customer_id",))
    select = exp.select(*(exp.alias_(column.value, column.column.name, quoted=True) for column in columns))
    select = select.from_(_everything_known(catalogue, fields, as_of).subquery("known"))
    for alias, per_customer in _per_customer(catalogue, as_of, purposes, flags):
        same_customer = exp.EQ(this=_column("customer_id", alias), expression=_column("customer_id", "known"))
        relation = exp.Subquery(this=per_customer, alias=exp.TableAlias(this=exp.to_identifier(alias)))
        select = select.join(relation, on=same_customer, join_type="left")
    unknown = tuple(flag.column for flag in flags if not flag.is_known)
    return Customer360(table, select, unknown)


def _tables(catalogue: Catalogue) -> list[CatalogueTable]:
    """The customers first, then what is known of them, then what is computed, each by name."""
    customers = catalogue.tables[CUSTOMERS]
    return sorted(
        catalogue.tables.values(),
        key=lambda table: (table != customers, table.schema != customers.schema, table.schema, table.name),
    )


def _fields(catalogue: Catalogue) -> Iterator[tuple[str, CatalogueField]]:
    """The fields of the catalogue by the names of their columns in the wide row."""
    names: list[str] = []
    for table in _tables(catalogue):
        for field in table.fields.values():
            if field.column not in _KEYS:
                names.append(_wide_name(field))
                yield names[-1], field
    _check_names(names)


def _wide_name(field: CatalogueField) -> str:
    if field.table == CUSTOMERS:
        return field.column
    prefix = field.table.removeprefix("customer_").removesuffix("_scores")
    return field.column if field.column.startswith(f"{prefix}_") else f"{prefix}_{field.column}"


def _check_names(names: list[str]) -> None:
    """Engines fold case, so names are compared without it."""
    folded = [name.lower() for name in names]
    if repeated := sorted({name for name in folded if folded.count(name) > 1}):
        raise CatalogueError(f"{SCHEMA}.{NAME} would have two columns {repeated[0]!r}; rename one of the two")


def _everything_known(catalogue: Catalogue, fields: Mapping[str, CatalogueField], as_of: date) -> exp.Select:
    customers = catalogue.tables[CUSTOMERS]
    everyone = exp.select(_column("customer_id", CUSTOMERS)).from_(
        exp.table_(customers.name, db=customers.schema, quoted=True)
    )
    return select_fields(everyone, fields, catalogue, as_of)


def _ticket_column(column: TableColumn) -> WideColumn:
    """Without a request the counts are 0."""
    value: exp.Expr = _column(column.name, "tickets")
    if column.type == "integer":
        value = exp.Coalesce(this=value, expressions=[literal(0)])
    return WideColumn(column, value)


def _consent_column(purpose: str) -> WideColumn:
    """As the gate of exports judges: one no on any channel outweighs every yes."""
    description = (
        f"Whether {purpose!r} is granted or denied, as the gate of exports judges: one no on any channel is a no; null"
        " without an answer."
    )
    value = exp.case()
    for status in (ConsentStatus.DENIED, ConsentStatus.GRANTED):
        value = value.when(_column(f"{purpose}_{status}", "consents"), literal(str(status)))
    return WideColumn(TableColumn(f"consent_{purpose}", "string", description, Privacy.QUASI), value)


def _flag_column(flag: Flag) -> WideColumn:
    rules = flag.definition.rules
    description = f"Whether in {rules.kind} {rules.name!r} on the day: {rules.description}"
    value: exp.Expr = exp.cast(exp.null(), "boolean")
    if flag.is_known:
        value = exp.Coalesce(this=_column(flag.column, f"{rules.kind}s"), expressions=[exp.false()])
    return WideColumn(TableColumn(flag.column, "boolean", description, flag.privacy), value)


def _per_customer(
    catalogue: Catalogue, as_of: date, purposes: Iterable[str], flags: Iterable[Flag]
) -> Iterator[tuple[str, exp.Expr]]:
    """Selects of one row per customer, by their alias: requests, answers, and the memberships of each kind."""
    if TICKET in catalogue.facts:
        tickets = ".".join(catalogue.facts[TICKET].path)
        yield "tickets", bind(_TICKETS_PER_CUSTOMER.format(tickets=tickets), as_of=as_of)
    answers = {
        f"{purpose}_{status}": exp.and_(_equals("purpose", purpose), _equals("status", str(status)))
        for purpose in purposes
        for status in ConsentStatus
    }
    if answers:
        yield "consents", _pivot(catalogue.facts[CONSENT].path, answers)
    for model in (Segment, Audience):
        names = {
            flag.column: _equals("name", flag.definition.name)
            for flag in flags
            if flag.is_known and flag.definition.rules.kind == model.kind
        }
        if names:
            members = MEMBERS[model.kind]
            is_open = exp.column("exited_at", quoted=True).is_(exp.null())
            yield f"{model.kind}s", _pivot((members.schema, members.name), names).where(is_open)


def _pivot(path: tuple[str, str], tests: Mapping[str, exp.Expr]) -> exp.Select:
    """One row per customer: for each test whether any of her rows passes."""
    schema, name = path
    customer_id = exp.column("customer_id", quoted=True)
    columns = [exp.alias_(exp.LogicalOr(this=test), alias, quoted=True) for alias, test in tests.items()]
    return exp.select(customer_id, *columns).from_(exp.table_(name, db=schema, quoted=True)).group_by(customer_id)


def _purposes(warehouse: Warehouse, catalogue: Catalogue, definitions: Definitions) -> set[str]:
    """The purposes that rules name and those that anybody answered, as far as they can name a column."""
    if CONSENT not in catalogue.facts:
        return set()
    schema, name = catalogue.facts[CONSENT].path
    purposes = {row["purpose"] for row in warehouse.rows(f"select distinct purpose from {schema}.{name}")}
    purposes |= {audience.rules.purpose for audience in definitions.audiences}
    for definition in (*definitions.segments, *definitions.audiences):
        asked = [condition for _, condition in conditions(definition.rules.where)]
        purposes |= {condition.consent for condition in asked if isinstance(condition, ConsentCondition)}
    return {purpose for purpose in purposes if purpose is not None and _PURPOSE.fullmatch(purpose)}


def _flag_privacy(definitions: Definitions, catalogue: Catalogue) -> dict[tuple[str, str], Privacy]:
    """Membership tells what the rule asks: it is as sensitive as a sensitive field that the rule rests on."""
    segments = {segment.name: segment.rules for segment in definitions.segments}

    def is_sensitive(rules: Rules) -> bool:
        fields = [*fields_read(rules, catalogue), *event_fields_read(rules, catalogue)]
        return any(field.privacy is Privacy.SENSITIVE for field in fields) or any(
            is_sensitive(segments[name]) for name in segments_read(rules) if name in segments
        )

    everything: list[Definition[Rules]] = [*definitions.segments, *definitions.audiences]
    return {
        (definition.rules.kind, definition.name): (
            Privacy.SENSITIVE if is_sensitive(definition.rules) else Privacy.QUASI
        )
        for definition in everything
    }


def _equals(column: str, value: str) -> exp.Expr:
    return exp.EQ(this=exp.column(column, quoted=True), expression=literal(value))


def _column(name: str, relation: str) -> exp.Column:
    return exp.column(name, table=relation, quoted=True)
