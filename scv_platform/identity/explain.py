"""Why records are one customer, or are not: what `scv explain identity` tells, read from the links themselves.

Data flow: a name (record, customer, or an id that a customer once had) -> its component -> the kept links inside, the
refused ones at its border -> the shortest path, or what stands between two.
Invariant: only what the components asked about hold is read, and a value is told only where a link hangs on it,
masked unless the caller asks for it. Choices go by record id, so an answer never depends on the order of rows.
A customer stands for the record that named it: its path is that record's.
Known limit: two who are apart are explained by one refused link, or by two that meet in a third customer.
"""

import hashlib
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from scv_platform.config_files import ConfigError, did_you_mean
from scv_platform.identity.paths import distances, shortest_path
from scv_platform.identity.stewardship import Decision
from scv_platform.warehouse import Warehouse, bind
from scv_platform.warehouse.preview import MASK

SHOWN_REFUSALS = 20
"""How many refused links of a border are told: of a key that thousands have, there are thousands."""
SHOWN_WAYS = 3
"""How many ways over refused links are told of two who are apart."""


@dataclass(frozen=True)
class Evidence:
    """What two records share, or who decided on them and why."""

    kind: str
    value: str


@dataclass(frozen=True)
class Held:
    """What is known of the two sides of a link in one respect."""

    trait: str
    by_a: tuple[str, ...]
    by_b: tuple[str, ...]


@dataclass(frozen=True)
class Link:
    """A proposed link between two records, and what it hangs on."""

    record_a: str
    record_b: str
    component_a: str
    component_b: str
    customer_a: str | None
    customer_b: str | None
    rule: str
    key_hash: str | None
    """None where identifiers are masked."""
    level: int
    strength: str
    probability: float | None
    origin: str
    reason: str | None
    """Why it is refused; None of a kept one."""
    evidence: tuple[Evidence, ...] = ()
    held: tuple[Held, ...] = ()

    def seen_from(self, component: str) -> "Link":
        """The link with the end in that component as its first."""
        return self if self.component_a == component else self.turned()

    def turned(self) -> "Link":
        """The link from its other end."""
        return replace(
            self,
            record_a=self.record_b,
            record_b=self.record_a,
            component_a=self.component_b,
            component_b=self.component_a,
            customer_a=self.customer_b,
            customer_b=self.customer_a,
        )

    @property
    def place(self) -> tuple[int, str, str, str, str]:
        """Its place in an order: the strongest level first."""
        return (self.level, self.rule, self.key_hash or "", self.record_a, self.record_b)


@dataclass(frozen=True)
class Record:
    """A person record of the customer."""

    record_id: str
    source: str
    record_type: str
    first_seen_at: datetime | None
    is_deleted: bool | None


@dataclass(frozen=True)
class Event:
    """What became of a customer id."""

    customer_id: str
    event: str
    other_customer_id: str | None
    cause: str | None
    generation: int
    occurred_at: datetime | None


@dataclass(frozen=True)
class Subject:
    """What was asked about: the record that it stands for, and whose that is now."""

    asked: str
    record_id: str
    customer_id: str | None
    """None of a visitor."""
    is_old_id: bool = False


@dataclass(frozen=True)
class Explanation:
    """Why these records are one customer."""

    subject: Subject
    records: tuple[Record, ...]
    links: tuple[Link, ...]
    refused: tuple[Link, ...]
    """At its border, the strongest first; `record_a` is the customer's own."""
    refused_count: int
    old_ids: tuple[str, ...]
    """Ids of before that are this customer now."""
    history: tuple[Event, ...]
    is_published: bool
    """False when the published map is of before these links."""


@dataclass(frozen=True)
class Comparison:
    """Why two are one customer, or are not."""

    a: Subject
    b: Subject
    is_one: bool
    path: tuple[Link, ...]
    """The kept links from the one to the other; none between two who are apart, or are one record."""
    refused: tuple[tuple[Link, ...], ...]
    """The ways between two who are apart: a refused link, or two that meet in a third customer."""
    decisions: tuple[Decision, ...]
    """What stewards decided on two who are apart."""
    is_published: bool
    """False when the published map is of before these links."""


def explain(warehouse: Warehouse, name: str, show: bool = False) -> Explanation:
    """Why the records of a customer are one; `show` tells identifiers in full."""
    with warehouse.session("explain_identity"):
        reader = _Reader(warehouse, show)
        subject, component = reader.find(name)
        refused, refused_count = reader.border(component)
        return Explanation(
            subject=subject,
            records=component.records,
            links=tuple(reader.with_evidence(link) for link in component.kept),
            refused=refused,
            refused_count=refused_count,
            old_ids=reader.old_ids(subject.customer_id),
            history=reader.history(subject),
            is_published=reader.is_published(component, subject),
        )


def compare(warehouse: Warehouse, name_a: str, name_b: str, show: bool = False) -> Comparison:
    """Why two records or customers are one customer, or are not; `show` tells identifiers in full."""
    with warehouse.session("explain_identity"):
        reader = _Reader(warehouse, show)
        a, component_a = reader.find(name_a)
        b, component_b = reader.find(name_b)
        is_one = component_a is component_b
        path = path_between(component_a.kept, a.record_id, b.record_id) if is_one else []
        return Comparison(
            a=a,
            b=b,
            is_one=is_one,
            path=tuple(reader.with_evidence(link) for link in path),
            refused=() if is_one else reader.ways(component_a, component_b),
            decisions=() if is_one else reader.decisions(component_a, component_b),
            is_published=reader.is_published(component_a, a) and reader.is_published(component_b, b),
        )


def path_between(links: Iterable[Link], start: str, end: str) -> list[Link]:
    """The shortest path of links from one record to the other, each link with the nearer end first.

    Where several links join two records, the one of the strongest level is told.
    """
    neighbours: dict[str, dict[str, Link]] = {}
    for link in sorted(links, key=lambda link: link.place):
        neighbours.setdefault(link.record_a, {}).setdefault(link.record_b, link)
        neighbours.setdefault(link.record_b, {}).setdefault(link.record_a, link.turned())
    path = shortest_path(neighbours, start, end)
    if path is None:
        raise ValueError(f"no link leads from {start} to {end}")
    return path


def masked(value: str) -> str:
    """As much of an identifier as tells it from others to who knows it."""
    mailbox, at, domain = value.partition("@")
    if at:
        return f"{mailbox[:1]}{MASK}@{domain}"
    return f"{value[:1]}{MASK}{value[-2:]}" if len(value) > 8 else f"{value[:1]}{MASK}"


@dataclass(frozen=True)
class _Component:
    """The records that kept links hold together."""

    id: str
    records: tuple[Record, ...]
    customers: frozenset[str | None]
    kept: tuple[Link, ...]
    identifiers: Mapping[str, Mapping[str, tuple[str, str]]]
    """Type and value by record and by key hash."""
    attributes: Mapping[str, Mapping[str, str]]
    """Value by record and by name."""
    decisions: Mapping[tuple[str, str], Decision]
    """By pair of records."""

    def node(self, record_id: str, level: int) -> frozenset[str]:
        """The records that the levels above had joined to it when this one was resolved."""
        neighbours: dict[str, list[str]] = {}
        for link in self.kept:
            if link.level < level:
                neighbours.setdefault(link.record_a, []).append(link.record_b)
                neighbours.setdefault(link.record_b, []).append(link.record_a)
        return frozenset(distances(neighbours, record_id))


@dataclass(frozen=True)
class _Key:
    """What a rule compares."""

    name: str
    is_identifier: bool


class _Reader:
    """Reads components of a warehouse, each once."""

    def __init__(self, warehouse: Warehouse, show: bool) -> None:
        self._warehouse = warehouse
        self._show = show
        self._told = str if show else masked
        if lacking := sorted(_READ - warehouse.columns("identity").keys()):
            raise ConfigError([f"identity.{lacking[0]} is not built yet; run `scv run` first"])
        self._rules: dict[str, list[_Key]] = {}
        for row in warehouse.rows("select * from identity.rule_keys order by rule, place"):
            self._rules.setdefault(row["rule"], []).append(_Key(row["key_name"], row["is_identifier"]))
        self._components: dict[str, _Component] = {}

    def find(self, name: str) -> tuple[Subject, _Component]:
        """What the name stands for; `ConfigError` with what is near when it stands for nothing."""
        records = self._rows(_RECORD, name=name) or self._rows(_CUSTOMER, name=name)
        redirects = [] if records else self._rows(_REDIRECT, name=name)
        for redirect in redirects:
            records = self._rows(_CUSTOMER, name=redirect["customer_id"])
        if not records:
            raise ConfigError([self._unknown(name, was_known=bool(redirects))])
        # A customer stands for the record that bears its name; where that is with others, for its oldest one.
        found = min(records, key=lambda row: (row["own_customer_id"] != name, row["birth_seq"]))
        subject = Subject(name, found["record_id"], found["customer_id"], is_old_id=bool(redirects))
        return subject, self._component(found["component_id"])

    def _unknown(self, name: str, was_known: bool) -> str:
        if was_known:
            return f"{name} was a customer, of whom no record is left"
        if self._rows("select record_id from identity.components where record_id = $name", name=name):
            return f"{name} is not published yet: the publish gate holds back the run that brought it"
        near = [row["name"] for row in self._rows(_NEAR, name=name, edits=len(name) // 3)]
        hint = did_you_mean(name, near) if near else "a record is named source:id, a customer c_…"
        return f"no record and no customer is named {name!r}; {hint}"

    def is_published(self, component: _Component, subject: Subject) -> bool:
        """Whether the published map has just these records as the customer."""
        (count,) = self._rows(
            "select count(*) as n from identity.identity_map where customer_id = $c", c=subject.customer_id
        )
        return component.customers == {subject.customer_id} and count["n"] in (0, len(component.records))

    def border(self, component: _Component) -> tuple[tuple[Link, ...], int]:
        """The refused links that leave the component, and how many there are."""
        rows = self._rows(_BORDER, component=component.id, shown=SHOWN_REFUSALS)
        count = rows[0]["border_count"] if rows else 0
        links = [_link(row).seen_from(component.id) for row in rows]
        return tuple(self.with_evidence(link) for link in links), count

    def ways(self, a: _Component, b: _Component) -> tuple[tuple[Link, ...], ...]:
        """The nearest refused links between the two: of one link, else of two that meet in a third component."""
        ends = [(row["own"], row["beyond"], _link(row)) for row in self._rows(_WAYS, a=a.id, b=b.id)]
        ways: list[tuple[Link, ...]] = [(link.seen_from(a.id),) for _, beyond, link in ends if beyond == b.id]
        if not ways:
            of_a, of_b = ([(beyond, link) for own, beyond, link in ends if own == side.id] for side in (a, b))
            ways = [
                (link_a.seen_from(a.id), link_b.seen_from(beyond_a))
                for (beyond_a, link_a), (beyond_b, link_b) in itertools.product(of_a, of_b)
                if beyond_a == beyond_b
            ]
        nearest = sorted(ways, key=lambda way: (len({link.key_hash for link in way}), [link.place for link in way]))
        return tuple(
            tuple(self.with_evidence(replace(link, held=self._held(link))) for link in way)
            for way in nearest[:SHOWN_WAYS]
        )

    def with_evidence(self, link: Link) -> Link:
        """The link with what it hangs on, as it may be told. The hash of a key is as good as its value."""
        component = self._component(link.component_a)
        if link.origin == "steward":
            decision = component.decisions.get((min(link.record_a, link.record_b), max(link.record_a, link.record_b)))
            evidence = [Evidence(decision.decided_by, decision.reason)] if decision else []
        else:
            evidence = [Evidence(kind, self._told(value)) for kind, value in self._shared(component, link)]
        return replace(link, key_hash=link.key_hash if self._show else None, evidence=tuple(evidence))

    def decisions(self, a: _Component, b: _Component) -> tuple[Decision, ...]:
        """What stewards decided on records of the one and the other."""
        return tuple(Decision(**row) for row in self._rows(_DECISIONS, a=a.id, b=b.id))

    def old_ids(self, customer_id: str | None) -> tuple[str, ...]:
        """The ids of before that are this customer now."""
        rows = self._rows(_OLD_IDS, customer=customer_id)
        return tuple(row["old_customer_id"] for row in rows)

    def history(self, subject: Subject) -> tuple[Event, ...]:
        """What became of the customer, and of the old id that was asked about."""
        rows = self._rows(_HISTORY, customer=subject.customer_id, name=subject.asked)
        return tuple(Event(**row) for row in rows)

    def _shared(self, component: _Component, link: Link) -> list[tuple[str, str]]:
        """What both records of the link have, by its key: kinds and values."""
        identifiers = component.identifiers.get(link.record_a, {})
        if found := identifiers.get(link.key_hash or ""):
            return [found]
        # The key of several is a hash of their values together, so it is found by trying those of the record.
        known = [*identifiers.values(), *component.attributes[link.record_a].items()]
        keys = sorted(self._rules.get(link.rule, []), key=lambda key: not key.is_identifier)
        choices = [[(kind, value) for kind, value in known if kind == key.name] for key in keys]
        for chosen in itertools.product(*choices):
            if _sha256(":".join([link.rule, *(value for _, value in chosen)])) == link.key_hash:
                return list(chosen)
        return []

    def _held(self, link: Link) -> tuple[Held, ...]:
        """What the two sides have where they contradict each other; where no trait is named, all that differs."""
        kind, _, told = (link.reason or "").partition(": ")
        if kind not in _CONTRADICTIONS:
            return ()
        named = {trait.replace(" ", "_") for trait in told.split(", ")} if kind == "conflict" else None
        a, b = (
            self._traits(component, self._component(component).node(record, link.level))
            for component, record in ((link.component_a, link.record_a), (link.component_b, link.record_b))
        )
        return tuple(
            Held(trait, *(tuple(self._told(value) for value in sorted(side[trait])) for side in (a, b)))
            for trait in sorted(a.keys() & b.keys())
            if (trait in named if named else a[trait] != b[trait])
        )

    def _traits(self, component_id: str, records: frozenset[str]) -> dict[str, set[str]]:
        traits: dict[str, set[str]] = {}
        for row in self._rows(_TRAITS, component=component_id):
            if row["record_id"] in records:
                traits.setdefault(row["trait"], set()).add(row["trait_value"])
        return traits

    def _component(self, component_id: str) -> _Component:
        if component_id not in self._components:
            records = self._rows(_RECORDS, component=component_id)
            identifiers: dict[str, dict[str, tuple[str, str]]] = {}
            for row in self._rows(_IDENTIFIERS, component=component_id):
                of_record = identifiers.setdefault(row["record_id"], {})
                of_record[row["key_hash"]] = (row["identifier_type"], row["identifier_value"])
            decisions = [Decision(**row) for row in self._rows(_DECISIONS, a=component_id, b=component_id)]
            self._components[component_id] = _Component(
                id=component_id,
                records=tuple(Record(**{field.name: row[field.name] for field in fields(Record)}) for row in records),
                customers=frozenset(row["customer_id"] for row in records),
                kept=tuple(_link(row) for row in self._rows(_KEPT, component=component_id)),
                identifiers=identifiers,
                attributes={
                    row["record_id"]: {name: row[name] for name in _ATTRIBUTES if row[name] is not None}
                    for row in records
                },
                decisions={(decision.record_a, decision.record_b): decision for decision in decisions},
            )
        return self._components[component_id]

    def _rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        return self._warehouse.rows(bind(sql, **values))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _link(row: Mapping[str, Any]) -> Link:
    return Link(**{name: row[name] for name in _LINK_COLUMNS})


_LINK_COLUMNS = [field.name for field in fields(Link) if field.name not in ("evidence", "held")]

_CONTRADICTIONS = ("conflict", "ambiguous", "chain")
"""Kinds of reasons that are about names and birth dates."""

_ATTRIBUTES = {
    "given_name": "records.given_name_folded",
    "family_name": "records.family_name_folded",
    "birth_date": "cast(records.birth_date as string)",
    "birth_date_either_way": "records.birth_date_either_way",
    "postcode": "records.postcode_normalised",
    "address": "records.address_normalised",
}
"""The keys of the macro `identity_attributes`."""

_READ = {
    "components", "customer_redirects", "edges", "identifiers", "identity_events", "identity_map", "assignments",
    "overrides", "record_registry", "record_traits", "rule_keys", "source_records",
}  # fmt: skip

_SUBJECT = """
select
    identity_map.record_id,
    identity_map.customer_id,
    assignments.own_customer_id,
    registry.birth_seq,
    components.component_id
from identity.identity_map as identity_map
inner join identity.components as components on identity_map.record_id = components.record_id
inner join identity.record_registry as registry on identity_map.record_id = registry.record_id
left join identity.assignments as assignments on identity_map.record_id = assignments.record_id
where {condition}
qualify row_number() over (partition by identity_map.record_id order by assignments.generation desc nulls last) = 1
"""

_RECORD = _SUBJECT.format(condition="identity_map.record_id = $name")
_CUSTOMER = _SUBJECT.format(condition="identity_map.customer_id = $name")

_REDIRECT = "select customer_id from identity.customer_redirects where old_customer_id = $name"

_NEAR = """
with names as (
    select record_id as name, source_id from identity.identity_map
    union all
    select distinct customer_id as name, cast(null as string) as source_id
    from identity.identity_map
    where customer_id is not null
)

select name
from names
where source_id = $name or levenshtein(name, $name) <= $edits
order by levenshtein(name, $name), name
limit 3
"""

_RECORDS = f"""
select
    records.record_id,
    records.source,
    records.record_type,
    records.first_seen_at,
    records.is_deleted,
    {", ".join(f"{column} as {name}" for name, column in _ATTRIBUTES.items())},
    identity_map.customer_id
from identity.components as components
inner join identity.source_records as records on components.record_id = records.record_id
left join identity.identity_map as identity_map on components.record_id = identity_map.record_id
where components.component_id = $component
order by records.source, records.record_id
"""

_IDENTIFIERS = """
select
    identifiers.record_id,
    identifiers.identifier_type,
    identifiers.identifier_value,
    identifiers.key_hash
from identity.identifiers as identifiers
inner join identity.components as components on identifiers.record_id = components.record_id
where components.component_id = $component
"""

_TRAITS = """
select
    traits.record_id,
    traits.trait,
    traits.trait_value
from identity.record_traits as traits
inner join identity.components as components on traits.record_id = components.record_id
where components.component_id = $component
"""

_LINKS = """
links as (
    select
        edges.record_a,
        edges.record_b,
        of_a.component_id as component_a,
        of_b.component_id as component_b,
        map_a.customer_id as customer_a,
        map_b.customer_id as customer_b,
        edges.rule,
        edges.key_hash,
        edges.level,
        edges.strength,
        edges.probability,
        edges.origin,
        edges.status,
        edges.reason
    from identity.edges as edges
    inner join identity.components as of_a on edges.record_a = of_a.record_id
    inner join identity.components as of_b on edges.record_b = of_b.record_id
    left join identity.identity_map as map_a on edges.record_a = map_a.record_id
    left join identity.identity_map as map_b on edges.record_b = map_b.record_id
)"""

_PLACE = "level, rule, key_hash, record_a, record_b"

_KEPT = f"""
with {_LINKS}

select *
from links
where component_a = $component and status = 'kept'
order by {_PLACE}
"""

_BORDER = f"""
with {_LINKS}

select
    *,
    count(*) over () as border_count
from links
where component_a != component_b and $component in (component_a, component_b) and status = 'refused'
order by {_PLACE}
limit $shown
"""

_WAYS = f"""
with {_LINKS},

ends as (
    select *, component_a as own, component_b as beyond from links
    union all
    select *, component_b as own, component_a as beyond from links
),

borders as (
    select *
    from ends
    where status = 'refused' and own != beyond and own in ($a, $b)
),

meeting as (
    select beyond
    from borders
    group by beyond
    having count(distinct own) = 2
)

select borders.*
from borders
left join meeting on borders.beyond = meeting.beyond
where (own = $a and borders.beyond = $b) or meeting.beyond is not null
order by {_PLACE}
"""

_DECISIONS = """
select
    overrides.record_a,
    overrides.record_b,
    overrides.decision,
    overrides.decided_by,
    overrides.reason,
    overrides.decided_at
from identity.overrides as overrides
inner join identity.components as of_a on overrides.record_a = of_a.record_id
inner join identity.components as of_b on overrides.record_b = of_b.record_id
where
    (of_a.component_id = $a and of_b.component_id = $b)
    or (of_a.component_id = $b and of_b.component_id = $a)
order by overrides.record_a, overrides.record_b, overrides.decision
"""

_OLD_IDS = """
select old_customer_id
from identity.customer_redirects
where customer_id = $customer
order by old_customer_id
"""

_HISTORY = """
select *
from identity.identity_events
where customer_id in ($customer, $name) or other_customer_id in ($customer, $name)
order by generation, customer_id
"""
