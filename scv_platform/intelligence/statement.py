"""SQL of the scores, rendered for either engine."""

import sqlglot
from sqlglot import exp


def statement(sql: str, **values: exp.Expr) -> exp.Expr:
    """SQL whose `:name` parts become these expressions.

    Read as DuckDB's, because `date_diff` has its arguments in another order on BigQuery.
    """
    return exp.replace_placeholders(sqlglot.parse_one(sql, dialect="duckdb"), **values)
