"""Keeps who is in a segment or audience, and since when.

Data flow: compiled rule -> today's members -> compared with the open stays -> entered and left, in SQL
and in one transaction with the version of the rule.
Invariants: the stays of one customer never overlap; a customer is a member on day d exactly when
`entered_at <= d` and `exited_at` is null or later; a second run of the same day with the same members
changes nothing; a customer whose id vanished leaves; the segments that a rule names are of its day and of their
current rules, for without its members an exclusion would exclude no one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlglot import exp

from scv_platform.audiences.compiler import segments_read
from scv_platform.audiences.definitions import Definition, Definitions
from scv_platform.audiences.rules import Audience, Rules, Segment
from scv_platform.audiences.tables import DEFINITIONS, MEMBERS
from scv_platform.errors import ReadableError
from scv_platform.warehouse import Table, Warehouse, bind

_CURRENT = "current_members"


class MembershipError(ReadableError):
    """A run would rewrite history, or rest on a segment that is not up to date."""


@dataclass(frozen=True)
class MembershipSummary:
    """How many are in, and how many came and went on the as_of day."""

    members: int
    entered: int
    exited: int


def record_membership(
    warehouse: Warehouse,
    definition: Definition[Rules],
    members: exp.Select,
    as_of: date,
    segment_versions: Mapping[str, str],
) -> MembershipSummary:
    """Brings the stays of a segment or audience to what the compiled rule selects on that day.

    `segment_versions` are the current versions of all valid segments. Raises `MembershipError` for a day before the
    last one that was evaluated, and where a segment that the rule names was not evaluated for that day by its current
    version.
    """
    rules = definition.rules
    _check_segments(warehouse, rules, as_of, segment_versions)
    table = MEMBERS[rules.kind]
    warehouse.ensure(table)
    warehouse.ensure(DEFINITIONS)
    last_day = _last_day(warehouse, rules)
    if last_day is not None and as_of < last_day:
        raise MembershipError(
            f"{rules.kind} {rules.name!r} was already evaluated for {last_day}; the earlier day {as_of} would rewrite"
            f" its history. Set SCV_AS_OF to {last_day} or later."
        )
    warehouse.run(
        [
            _create_current(members),
            *_membership_changes(table, rules, as_of),
            *_definition_changes(definition, warehouse.rendered(members), as_of),
        ]
    )
    return summarise(warehouse, rules, as_of)


def _check_segments(warehouse: Warehouse, rules: Rules, as_of: date, versions: Mapping[str, str]) -> None:
    for name in segments_read(rules):
        last = last_evaluation(warehouse, Segment.kind, name)
        if name not in versions:
            problem = "has no valid file; mend it and"
        elif last is None:
            problem = "was never evaluated;"
        elif last.rule_version != versions[name]:
            problem = "has another rule since it was evaluated;"
        elif last.as_of != as_of:
            problem = f"was last evaluated for {last.as_of};"
        else:
            continue
        raise MembershipError(
            f"{rules.kind} {rules.name!r} reads segment {name!r}, which {problem} materialise {Segment.group}/{name}"
            f" for {as_of} first"
        )


@dataclass(frozen=True)
class LastEvaluation:
    """The newest evaluation of a segment or audience: for which day, and by which version of the rule."""

    as_of: date
    rule_version: str


def last_evaluation(warehouse: Warehouse, kind: str, name: str) -> LastEvaluation | None:
    """The newest evaluation on record; null before the first one."""
    if not warehouse.exists(str(DEFINITIONS)):
        return None
    current = bind(
        f"""
        select last_as_of, rule_version from {DEFINITIONS} where kind = $kind and name = $name and is_current
        """,
        kind=kind,
        name=name,
    )
    rows = warehouse.rows(current)
    return LastEvaluation(rows[0]["last_as_of"], rows[0]["rule_version"]) if rows else None


def _last_day(warehouse: Warehouse, rules: Rules) -> date | None:
    """The last day that the history of a name tells about, by whichever version of its rule."""
    days = f"select max(last_as_of) as day from {DEFINITIONS} where kind = $kind and name = $name"
    (row,) = warehouse.rows(bind(days, kind=rules.kind, name=rules.name))
    day: date | None = row["day"]
    return day


def evaluated_on(warehouse: Warehouse, as_of: date) -> set[tuple[str, str, str]]:
    """The (kind, name, rule_version) whose open stays are the members of that day."""
    if not warehouse.exists(str(DEFINITIONS)):
        return set()
    of_day = f"select kind, name, rule_version from {DEFINITIONS} where is_current and last_as_of = $as_of"
    return {(row["kind"], row["name"], row["rule_version"]) for row in warehouse.rows(bind(of_day, as_of=as_of))}


def close_removed(warehouse: Warehouse, definitions: Definitions, as_of: date) -> list[str]:
    """End the stays of segments and audiences whose files are gone; their names, such as `segments/vip`.

    A file with problems is not gone. A name that comes back begins with new stays.
    """
    if not warehouse.exists(str(DEFINITIONS)):
        return []
    known = {model.kind: definitions.names(model) for model in (Segment, Audience)}
    current = f"select kind, name from {DEFINITIONS} where is_current and last_as_of <= $as_of order by kind, name"
    removed = [row for row in warehouse.rows(bind(current, as_of=as_of)) if row["name"] not in known[row["kind"]]]
    for row in removed:
        warehouse.run(_closing(MEMBERS[row["kind"]], as_of, **row))
    return [f"{row['kind']}s/{row['name']}" for row in removed]


def _closing(table: Table, as_of: date, kind: str, name: str) -> list[exp.Expr]:
    return [
        bind(
            f"update {table} set exited_at = $as_of where name = $name and exited_at is null",
            as_of=as_of,
            name=name,
        ),
        bind(
            f"""
            update {DEFINITIONS} set is_current = false, last_as_of = $as_of
            where kind = $kind and name = $name and is_current
            """,
            as_of=as_of,
            kind=kind,
            name=name,
        ),
    ]


def summarise(warehouse: Warehouse, rules: Rules, as_of: date) -> MembershipSummary:
    """The summary of the recorded stays; a stay that began and ended on the day counts nowhere."""
    counts = bind(
        f"""
        select
            count(case when exited_at is null then 1 end) as members,
            count(case when exited_at is null and entered_at = $as_of then 1 end) as entered,
            count(case when exited_at = $as_of and entered_at < $as_of then 1 end) as exited
        from {MEMBERS[rules.kind]} where name = $name
        """,
        as_of=as_of,
        name=rules.name,
    )
    (row,) = warehouse.rows(counts)
    return MembershipSummary(**row)


def open_members(kind: str, name: str) -> exp.Expr:
    """A select of the customers who are in the segment or audience now."""
    return bind(f"select customer_id from {MEMBERS[kind]} where name = $name and exited_at is null", name=name)


def _create_current(members: exp.Select) -> exp.Create:
    temporary = exp.Properties(expressions=[exp.TemporaryProperty()])
    return exp.Create(this=exp.to_table(_CURRENT), kind="table", expression=members, properties=temporary)


def _membership_changes(table: Table, rules: Rules, as_of: date) -> list[exp.Expr]:
    name, version = rules.name, rules.rule_version
    is_current = f"customer_id in (select customer_id from {_CURRENT})"
    return [
        # Who left on an earlier run of this day, and belongs after all, never left.
        bind(
            f"update {table} set exited_at = null where name = $name and exited_at = $as_of and {is_current}",
            name=name,
            as_of=as_of,
        ),
        bind(
            f"update {table} set exited_at = $as_of where name = $name and exited_at is null and not {is_current}",
            name=name,
            as_of=as_of,
        ),
        bind(
            f"""
            insert into {table} (name, customer_id, entered_at, exited_at, rule_version)
            select $name, customer_id, $as_of, cast(null as date), $version from {_CURRENT}
            where customer_id not in (select customer_id from {table} where name = $name and exited_at is null)
            """,
            name=name,
            as_of=as_of,
            version=version,
        ),
    ]


def _definition_changes(definition: Definition[Rules], sql: str, as_of: date) -> list[exp.Expr]:
    rules = definition.rules
    key = {"kind": rules.kind, "name": rules.name, "version": rules.rule_version}
    state = {"yaml": definition.yaml, "sql": sql, "as_of": as_of}
    this_one = "kind = $kind and name = $name and rule_version = $version"
    return [
        bind(
            f"""
            update {DEFINITIONS} set is_current = false
            where kind = $kind and name = $name and rule_version <> $version
            """,
            **key,
        ),
        bind(
            f"""
            update {DEFINITIONS} set yaml = $yaml, sql = $sql, last_as_of = $as_of, is_current = true
            where {this_one}
            """,
            **key,
            **state,
        ),
        bind(
            f"""
            insert into {DEFINITIONS}
            (kind, name, rule_version, yaml, sql, first_as_of, last_as_of, is_current)
            select $kind, $name, $version, $yaml, $sql, $as_of, $as_of, true from (select 1) as one_row
            where not exists (select 1 from {DEFINITIONS} where {this_one})
            """,
            **key,
            **state,
        ),
    ]
