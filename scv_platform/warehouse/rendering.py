"""SQL of ours, which is DuckDB's, as BigQuery reads it.

Invariant: a literal stays a literal. The text is parsed, so what a person wrote is one node of the tree, and
BigQuery's escapes are written by sqlglot. What sqlglot cannot say in BigQuery's dialect is an error, never a guess.
Meaning: a naive `timestamp` of DuckDB is UTC, so it is a `TIMESTAMP` here; a number with a point is exact; a decimal
is rounded to its digits, half away from zero; a schema is a dataset, whose name begins with the prefix.
"""

import sqlglot
from sqlglot import exp

from scv_platform.warehouse.protocol import Statement

_NAIVE = (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ)


def bigquery_sql(statement: Statement, prefix: str = "", pretty: bool = False) -> str:
    """The statement in BigQuery's dialect, with the prefix before every dataset."""
    tree = sqlglot.parse_one(statement, dialect="duckdb") if isinstance(statement, str) else statement.copy()
    # So that the tree itself can be exchanged for another.
    root = exp.Tuple(expressions=[tree])
    # Children first, because what stands around them is made of them.
    for node in reversed(list(root.find_all(exp.Table, exp.DataType, exp.Cast, exp.Literal, exp.RegexpReplace))):
        match node:
            case exp.Table(args={"db": exp.Identifier() as dataset}):
                dataset.set("this", f"{prefix}{dataset.name}")
            case exp.DataType(this=kind) if kind in _NAIVE:
                node.replace(exp.DataType.build("timestamptz"))
            case exp.Cast(to=exp.DataType(this=exp.DType.DECIMAL, expressions=[_, scale])):
                node.to.set("expressions", [])
                node.replace(exp.Round(this=node.copy(), decimals=scale.this))
            case exp.Literal(is_string=False, this=number) if "." in number and "e" not in number.lower():
                node.replace(exp.cast(exp.Literal.string(number), "decimal"))
            case exp.RegexpReplace():
                _replace_every_match(node)
    (tree,) = root.expressions
    return str(tree.sql("bigquery", pretty=pretty, unsupported_level=sqlglot.ErrorLevel.RAISE))


def _replace_every_match(node: exp.RegexpReplace) -> None:
    """BigQuery knows no other way, so a statement that means the first match only is none of ours."""
    if node.args.get("single_replace") and node.text("modifiers") != "g":
        raise ValueError(f"{node.sql()} replaces the first match only; give it 'g'")
    node.set("modifiers", None)
