"""Whether two warehouses hold the same: columns, types and rows of every relation, whichever engine it lies on.

Data flow: a warehouse -> its catalogue and its rows, as Arrow in canonical values -> `Contents`; two of those -> what
differs, in words.
Invariants: a relation is read unless `UNREAD` names it and a column unless `LEFT_OUT` does, each with its reason; rows
are a multiset, so their order does not matter and a row that is there twice does.
Known limit: decimals and floats are equal when they are at 6 digits after the point.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from scv_platform.warehouse import Warehouse
from tests.parity.catalogue import Column, catalogue

UNREAD = {
    "_dlt_pipeline_state": "what dlt remembers of a pipeline, its destination among it, packed into one text",
    "_dlt_version": "the schema as dlt wrote it down for this destination, and when",
}
"""Tables by their name in any schema, and why they cannot be equal."""

LEFT_OUT = {
    "_dlt_load_id": "a load is named by the time when it began",
    "load_id": "the same, in dlt's list of loads and in the models that read it",
    "first_load_id": "the load that brought a record first; `birth_seq`, which follows from it, is compared",
    "schema_version_hash": "dlt's digest of a schema, which knows the destination",
    "inserted_at": "when dlt completed a load",
    "loaded_at": "when a row was refused",
    "registered_at": "when the registry saw a record first",
    "identity.assignments.assigned_at": "the same, of the newest load",
    "identity.identity_events.occurred_at": "the same",
    "identity.edge_scopes.fingerprint": "hashes of the engine's own",
    "run_id": "Dagster draws it for each run",
    "activation.sync_runs.started_at": "when a run sent an audience",
    "activation.sync_runs.finished_at": "when it had done so",
    "identity.evaluations.evaluated_at": "when a run was made",
    "identity.match_models.trained_at": "when a run was made",
    "audiences.definitions.sql": "the rule in the dialect of the engine; its members are compared",
}
"""Columns, by name or by relation and name, that tell which run wrote a row, when, or on which engine."""

SHOWN_ROWS = 5

_CANONICAL = {
    "integer": "cast({0} as hugeint)",
    "decimal": "round(cast({0} as decimal(38, 9)), 6)",
    # There is but one zero.
    "float": "round({0}, 6) + 0.0",
    "timestamp": "cast({0} as timestamp)",
}
"""How DuckDB writes a value of a common type so that equal values are one; any other type is as it is."""


@dataclass(frozen=True)
class Relation:
    """A table or view: its columns in order, and its rows in canonical values without what is left out."""

    columns: tuple[Column, ...]
    rows: pa.Table


Contents = Mapping[str, Relation]
"""What a warehouse holds, by `schema.relation`."""


def contents(warehouse: Warehouse) -> Contents:
    """Everything that the warehouse holds, but for what cannot be equal."""
    with warehouse.session(), duckdb.connect() as canonical:
        canonical.execute("set TimeZone = 'UTC'")
        return {
            name: Relation(columns, _rows(warehouse, name, columns, canonical))
            for name, columns in catalogue(warehouse).items()
            if name.partition(".")[2] not in UNREAD
        }


def _rows(
    warehouse: Warehouse, relation: str, columns: Sequence[Column], canonical: duckdb.DuckDBPyConnection
) -> pa.Table:
    names = [f'"{column.name}"' for column in columns]
    # What is left out is read as null, so that a relation of nothing else still has its number of rows.
    read = [
        f"null as {name}" if _is_left_out(relation, column) else name
        for name, column in zip(names, columns, strict=True)
    ]
    schema, _, table = relation.partition(".")
    rows = warehouse.table(f'select {", ".join(read)} from {schema}."{table}"')
    for position, column in enumerate(columns):
        if column.type == "json":
            rows = rows.set_column(position, column.name, canonical_json(rows.column(position)))
    values = [_CANONICAL.get(column.type, "{0}").format(name) for name, column in zip(names, columns, strict=True)]
    canonical.register("fetched", rows)
    select = ", ".join(f"{value} as {name}" for value, name in zip(values, names, strict=True))
    return canonical.sql(f"select {select} from fetched").to_arrow_table()


def _is_left_out(relation: str, column: Column) -> bool:
    return column.name in LEFT_OUT or f"{relation}.{column.name}" in LEFT_OUT


def canonical_json(texts: pa.ChunkedArray) -> pa.Array:
    """Each document with its keys sorted and 1.0 as 1; a text that comes again is worked out once."""
    encoded = texts.cast(pa.string()).combine_chunks().dictionary_encode()
    documents = (json.loads(text, parse_float=_number) for text in encoded.dictionary.to_pylist())
    canonical = pa.array([json.dumps(document, sort_keys=True) for document in documents], pa.string())
    return canonical.take(encoded.indices)


def _number(text: str) -> float | int:
    number = float(text)
    return int(number) if number.is_integer() else number


def differences(left: Contents, right: Contents, names: tuple[str, str] = ("duckdb", "bigquery")) -> list[str]:
    """What is not the same on both sides, a text for each relation; nothing when all is."""
    found = dict.fromkeys(left.keys() - right.keys(), f"is on {names[0]} only")
    found |= dict.fromkeys(right.keys() - left.keys(), f"is on {names[1]} only")
    with duckdb.connect() as connection:
        for name in left.keys() & right.keys():
            problem = _columns_differ(left[name], right[name], names) or _rows_differ(
                left[name].rows, right[name].rows, names, connection
            )
            if problem:
                found[name] = problem
    return [f"{name} {problem}" for name, problem in sorted(found.items())]


def _columns_differ(left: Relation, right: Relation, names: tuple[str, str]) -> str:
    if left.columns == right.columns:
        return ""
    alone = [
        [f"{column.name} {column.type}" for column in mine.columns if column not in theirs.columns]
        for mine, theirs in ((left, right), (right, left))
    ]
    if not any(alone):
        return "has its columns in another order"
    told = (f"\n  {name} alone has {', '.join(columns) or 'none'}" for name, columns in zip(names, alone, strict=True))
    return f"has other columns{''.join(told)}"


def _rows_differ(left: pa.Table, right: pa.Table, names: tuple[str, str], connection: duckdb.DuckDBPyConnection) -> str:
    connection.register("left_rows", left)
    connection.register("right_rows", right)
    left_alone = connection.sql("(from left_rows except all from right_rows) order by all").to_arrow_table()
    right_alone = connection.sql("(from right_rows except all from left_rows) order by all").to_arrow_table()
    if not left_alone.num_rows + right_alone.num_rows:
        return ""
    lines = [f"has other rows ({left.num_rows:,} on {names[0]}, {right.num_rows:,} on {names[1]})"]
    lines += [f"  columns: {', '.join(_differing_columns(left_alone, right_alone))}"]
    for name, alone in zip(names, (left_alone, right_alone), strict=True):
        lines += [f"  {name} alone has {alone.num_rows:,}, such as", *(f"    {row}" for row in _first(alone))]
    return "\n".join(lines)


def _differing_columns(left: pa.Table, right: pa.Table) -> list[str]:
    """The columns whose values alone are not the same among the rows that only one side has."""
    values = [{name: sorted(map(repr, side[name].to_pylist())) for name in side.column_names} for side in (left, right)]
    return [name for name in left.column_names if values[0][name] != values[1][name]] or ["only together"]


def _first(rows: pa.Table) -> list[dict[str, object]]:
    first: list[dict[str, object]] = rows.slice(0, SHOWN_ROWS).to_pylist()
    return first
