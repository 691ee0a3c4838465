"""Errors of the warehouse, in words that are fit for logs and run history: they never quote a row."""

import re

from scv_platform.errors import ReadableError

_FOUND_BEFORE_A_ROW_IS_READ = (
    "Binder Error", "Catalog Error", "Compilation Error", "Connection Error", "IO Error", "Not implemented Error",
    "Parser Error", "Permission Error",
)  # fmt: skip
"""The kinds of errors whose text tells of tables, columns and files. The text of any other may quote a value."""

_OF_BIGQUERY = re.compile(
    r"\A(?:(?:Database|Runtime) Error\b.*\n\s*)*(?:BigQuery (?P<reason>\w+): )?(?:Query error: )?(?P<text>.*)"
)
"""An error of BigQuery, which has no kinds: what dbt, or our own client, puts before it, and its first line."""

_BIGQUERY_TELLS_OF_NO_ROW = re.compile(
    r"Syntax error: |Unrecognized name: |Function not found: |No matching signature for |Name \w+ not found inside "
    r"|Column name \w+ is ambiguous|Query column \d+ has type |SELECT list expression references column "
    r"|Not found: (?:Project|Dataset|Table|Job|Routine) |Already Exists: |Access Denied: |Quota exceeded: "
    r"|Exceeded rate limits: |Query exceeded limit for bytes billed: |Resources exceeded during query execution: "
    r"|UPDATE/MERGE must match at most one source row"
)
"""How texts begin that tell of tables, columns, syntax, access and quota. Any other may quote a value."""

_WITHOUT_A_KIND_OF_THEIR_OWN = {"Runtime Error", "Database Error"}
"""What dbt puts around the error of the engine."""

_NO_VALUE = re.compile(r"Constraint Error: NOT NULL constraint failed: \w+\.\w+$", flags=re.MULTILINE)
"""How DuckDB says that a contract found no value: with the names of the table and the column."""


class WarehouseError(ReadableError):
    """A statement failed; the message quotes no row."""


def without_values(message: str) -> str:
    """The message of an error, of which only the kind is kept when its text may quote a value of a row."""
    found = re.findall(r"^\s*([A-Z][\w ]* (?:Error|Exception))\b", message, flags=re.MULTILINE)
    kinds = [kind for kind in found if kind not in _WITHOUT_A_KIND_OF_THEIR_OWN]
    if kinds and all(kind in _FOUND_BEFORE_A_ROW_IS_READ for kind in kinds):
        return message.strip()
    if missing := _NO_VALUE.search(message):
        return missing.group()
    of_bigquery = _OF_BIGQUERY.match(message)
    if not kinds and of_bigquery and _BIGQUERY_TELLS_OF_NO_ROW.match(of_bigquery["text"]):
        return of_bigquery["text"]
    reason = of_bigquery["reason"] if of_bigquery else None
    kind = kinds[0] if kinds else f"BigQuery {reason}" if reason else "error"
    return f"{kind}; its text is left out because it may quote a row: run the SQL by hand to read it"
