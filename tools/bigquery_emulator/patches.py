"""What is changed in local-bigquery 0.4.0 after it is installed, edit by edit.

Each edit says why it is there: to run where the package does not (Python 3.11, no network), or to restore what
BigQuery does. None makes the emulator accept what BigQuery refuses. An edit whose text is not found exactly once is an
error, so a new version of the package cannot lose one silently.
"""

import compileall
from dataclasses import dataclass
from pathlib import Path

from tools.bigquery_emulator.errors import EmulatorError


@dataclass(frozen=True)
class Edit:
    """One replacement in one file of the package."""

    file: str
    why: str
    old: str
    new: str


PYTHON_311 = "Python 3.11 has no type parameters of functions."
OFFLINE = "The extension comes from the package index; DuckDB would fetch it, and the time zones, from its own site."
EDIT_DISTANCE = "EDIT_DISTANCE counts characters, and levenshtein of DuckDB bytes."
TEXTS = "`1_000` is no number, `1.5` no integer and `t` no truth; DuckDB takes them."
ONE_RELATION = "Asking DuckDB's catalogue binds every view of every dataset; asking the relation binds that one."
STORED_RELATION = "The same; DuckLake stores what there is in two tables that answer at once, and results are tables."
ONE_WRITER = "DuckLake, asked to commit much at once, fails at times, with an error that is not even text."
LOAD_DUCKLAKE = """\
LOAD '{Path(duckdb_extension_ducklake.__file__).parent}/extensions/v{duckdb.__version__}/ducklake.duckdb_extension'"""

EDITS = (
    Edit("catalog/metadata.py", PYTHON_311, "import hashlib\n", "from __future__ import annotations\nimport hashlib\n"),
    Edit("catalog/metadata.py", PYTHON_311, "def list_[R: Resource](", "def list_("),
    Edit("catalog/metadata.py", PYTHON_311, "def load[R: Resource](", "def load("),
    Edit("catalog/metadata.py", PYTHON_311, "def save[R: Resource](", "def save("),
    Edit(
        "engine/results.py",
        "Python 3.11 cannot repeat the quote of an f-string inside it.",
        """    message = f"Array cannot have a null element; error in writing field {column}"\n""",
        """    message = f"Array cannot have a null element; error in writing field {column}".replace("'", "''")\n""",
    ),
    Edit(
        "engine/results.py",
        "Python 3.11 cannot repeat the quote of an f-string inside it.",
        """error('{message.replace("'", "''")}')""",
        """error('{message}')""",
    ),
    Edit(
        "engine/database.py",
        OFFLINE,
        "import duckdb\n",
        f"""\
from pathlib import Path

import duckdb
import duckdb_extension_ducklake

EDIT_DISTANCE = "EDIT_DISTANCE counts characters, and levenshtein of DuckDB bytes."
LOAD_DUCKLAKE = f"{LOAD_DUCKLAKE}"
""",
    ),
    Edit(
        "engine/database.py",
        OFFLINE,
        """    con = duckdb.connect(config={"TimeZone": "UTC"})\n""",
        """    con = duckdb.connect()\n    con.execute(f"{LOAD_DUCKLAKE}; SET GLOBAL TimeZone = 'UTC'")\n""",
    ),
    Edit(
        "engine/database.py",
        OFFLINE,
        "            scratch.execute(f\"ATTACH {source.format('fresh')}\")\n",
        "            scratch.execute(f\"{LOAD_DUCKLAKE}; ATTACH {source.format('fresh')}\")\n",
    ),
    Edit(
        "sql/dialect.py",
        "Geography needs one more extension, and nothing of the platform is geography.",
        'FUNCTIONS = sorted((pathlib.Path(__file__).parent / "functions").glob("*.sql"))\n',
        'FUNCTIONS = sorted((pathlib.Path(__file__).parent / "functions").glob("[!g]*.sql"))\n',
    ),
    Edit(
        "jobs/query.py",
        "The destination of `create table as` is that table; dbt reads it from the job.",
        "    result = destination if produced and produced[-1] else None\n",
        """\
    result = destination if produced and produced[-1] else None
    if not scripted and children and children[0].statementType == "CREATE_TABLE_AS_SELECT":
        result = children[0].ddlTargetTable
""",
    ),
    Edit(
        "sql/native.py",
        EDIT_DISTANCE,
        "FUNCTIONS = {\n",
        """\
def edit_distance(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


FUNCTIONS = {
    "_edit_distance": (edit_distance, ["VARCHAR", "VARCHAR"], "BIGINT"),
""",
    ),
    Edit(
        "sql/functions/strings.sql",
        EDIT_DISTANCE,
        "CREATE MACRO to_code_points(s)",
        """\
CREATE MACRO _edits(a, b) AS CASE
    WHEN strlen(a) = length(a) AND strlen(b) = length(b) THEN levenshtein(a, b)
    ELSE _edit_distance(a, b)
END;

CREATE MACRO edit_distance(a, b, max_distance := NULL) AS
    CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN least(bq.main._edits(a, b), max_distance) END;

CREATE MACRO to_code_points(s)""",
    ),
    Edit(
        "sql/rules/json.py",
        "JSON_QUERY of a text gives NULL for the JSON null.",
        """\
    return exp.Cast(this=node, to=exp.DataType.build(target))
""",
        """\
    text = exp.Cast(this=node, to=exp.DataType.build(target))
    return text if target == "VARCHAR[]" else exp.Nullif(this=text, expression=exp.Literal.string("null"))
""",
    ),
    Edit(
        "jobs/query.py",
        "`create or replace table (columns) as select` may read the table, and leaves it as it was should it fail.",
        "    for part in parts:\n        sql, bound = translate(part, context)\n        if destination",
        """\
    if isinstance(tree, exp.Create) and len(parts) == 2:
        create, insert = parts
        rows, bound = translate(insert.expression, context)
        cur.execute(f"CREATE OR REPLACE TEMP TABLE _selected AS {rows}", bound)
        target = _target(tree, context)
        with database.writing(*target):
            cur.execute("SELECT 1" if isolated else "BEGIN")
            try:
                cur.execute(*translate(create, context))
                cur.execute(f"INSERT INTO {quote(*target)} SELECT * FROM temp.main._selected")
                cur.execute("SELECT 1" if isolated else "COMMIT")
            except duckdb.Error:
                cur.execute("SELECT 1" if isolated else "ROLLBACK")
                raise
        parts = []
    for part in parts:
        sql, bound = translate(part, context)
        if destination""",
    ),
    Edit(
        "sql/functions/strings.sql",
        TEXTS,
        "CREATE MACRO _positions(s, t) AS",
        """\
CREATE MACRO _number(s) AS replace(s, '_', '?');

CREATE MACRO _integer(s) AS
    CASE WHEN regexp_full_match(trim(s), '[+-]?(\\d+|0[xX][0-9a-fA-F]+)') THEN s ELSE s || '?' END;

CREATE MACRO _truth(s) AS CASE WHEN lower(s) IN ('true', 'false') THEN s ELSE s || '?' END;

CREATE MACRO _positions(s, t) AS""",
    ),
    Edit(
        "sql/rules/strings.py",
        TEXTS,
        "NODE_RULES = [\n",
        """\
Type = exp.DataType.Type
CHECKS = {Type.BOOLEAN: "_truth", Type.BIGINT: "_integer", Type.INT: "_integer"}
CHECKS |= dict.fromkeys([Type.DECIMAL, Type.BIGDECIMAL, *FLOATS], "_number")


def text_to_value(node: exp.Expression, context) -> exp.Expression:
    if isinstance(node, exp.Cast) and kind(node.this) in TEXT and node.to.this in CHECKS:
        node.set("this", macro(CHECKS[node.to.this], node.this))
    return node


NODE_RULES = [
    text_to_value,
""",
    ),
    Edit(
        "sql/rules/strings.py",
        "A NUMERIC has no trailing zeros as text.",
        "    if kind(node.this) not in FLOATS:\n",
        """\
    if kind(node.this) in (exp.DataType.Type.DECIMAL, exp.DataType.Type.BIGDECIMAL):
        zeros, rest = exp.Literal.string(r"\\.0+$|(\\.\\d*[1-9])0+$"), exp.Literal.string(r"\\1")
        return exp.Anonymous(this="regexp_replace", expressions=[node, zeros, rest])
    if kind(node.this) not in FLOATS:
""",
    ),
    Edit(
        "catalog/tables.py",
        ONE_RELATION,
        """\
    required = database.fetch(
        "SELECT column_name FROM duckdb_columns() WHERE database_name = ? "
        "AND schema_name = ? AND table_name = ? AND NOT is_nullable",
        list(physical(project_id, dataset_id, table_id)),
    )
    required = {column for (column,) in required}
    with database.cursor() as cur:
        try:
""",
        """\
    with database.cursor() as cur:
        try:
            described = cur.execute(f"DESCRIBE {table}").fetchall()
            required = {column for column, _, nullable, *_ in described if nullable == "NO"}
""",
    ),
    Edit(
        "sql/rules/partitions.py",
        ONE_RELATION,
        """\
    return bool(
        database.fetch(
            "SELECT 1 FROM duckdb_columns() WHERE database_name = ? AND schema_name = ? "
            "AND table_name = ? AND column_name = ?",
            [table.catalog, table.db, table.name, tables.INGESTION_TIME],
        )
    )
""",
        """\
    with database.cursor() as cur:
        try:
            relation = cur.sql(f"SELECT * FROM {database.quote(table.catalog, table.db, table.name)} LIMIT 0")
        except duckdb.CatalogException:
            return False
        return tables.INGESTION_TIME in relation.columns
""",
    ),
    Edit(
        "sql/rules/partitions.py", ONE_RELATION, "from sqlglot import exp\n", "import duckdb\nfrom sqlglot import exp\n"
    ),
    Edit(
        "engine/database.py",
        STORED_RELATION,
        """\
) -> list[tuple[str, str, int]]:
    return fetch(
""",
        """\
) -> list[tuple[str, str, int]]:
    if table_id is not None and project_id == "emulator":
        relation = quote(project_id, dataset_id, table_id)
        try:
            return [(table_id, "TABLE", *row) for row in fetch(f"SELECT count(*) FROM {relation}")]
        except duckdb.CatalogException:
            return []
    if table_id is not None:
        lake = quote(f"__ducklake_metadata_{project_id}")
        return fetch(
            f"SELECT table_name, 'TABLE', coalesce(record_count, 0) FROM {lake}.ducklake_table AS relation "
            f"JOIN {lake}.ducklake_schema AS dataset USING (schema_id) "
            f"LEFT JOIN {lake}.ducklake_table_stats USING (table_id) "
            "WHERE relation.end_snapshot IS NULL AND dataset.end_snapshot IS NULL "
            "AND schema_name = $1 AND table_name = $2 "
            f"UNION ALL SELECT view_name, 'VIEW', 0 FROM {lake}.ducklake_view AS relation "
            f"JOIN {lake}.ducklake_schema AS dataset USING (schema_id) "
            "WHERE relation.end_snapshot IS NULL AND dataset.end_snapshot IS NULL "
            "AND schema_name = $1 AND view_name = $2",
            [dataset_id, table_id],
        )
    return fetch(
""",
    ),
    Edit(
        "engine/database.py",
        "What jobs said and found is wanted no longer than the emulator runs, and writing it down is slow.",
        """\
    con.execute(f"ATTACH '{settings.data_dir / 'emulator.duckdb'}' AS emulator")
""",
        """\
    con.execute("ATTACH ':memory:' AS emulator")
""",
    ),
    Edit(
        "engine/database.py",
        ONE_WRITER,
        "_connection_lock = threading.Lock()\n",
        "_connection_lock = threading.Lock()\none_writer = threading.RLock()\n",
    ),
    Edit(
        "jobs/query.py",
        ONE_WRITER,
        "import json\n\nimport duckdb\n",
        "import contextlib\nimport json\n\nimport duckdb\n",
    ),
    Edit(
        "jobs/query.py",
        ONE_WRITER,
        """\
        statistics = _run(cur, tree, context, destination, config, dry_run, isolated)
    except""",
        """\
        with contextlib.nullcontext() if isinstance(tree, exp.Query) else database.one_writer:
            statistics = _run(cur, tree, context, destination, config, dry_run, isolated)
    except""",
    ),
    Edit(
        "jobs/runner.py",
        ONE_WRITER,
        "            result = HANDLERS[job_type](cursor, config, upload)\n",
        """\
            with database.one_writer:
                result = HANDLERS[job_type](cursor, config, upload)
""",
    ),
    Edit(
        "jobs/runner.py",
        "The log says why a job failed; the platform leaves out what may quote a row.",
        """\
    except Exception as exception:
        error = (
            BigQueryError(
                "stopped",""",
        """\
    except Exception as exception:
        logging.getLogger("uvicorn.error").exception("a job failed")
        error = (
            BigQueryError(
                "stopped",""",
    ),
    Edit("jobs/runner.py", "The same.", "import concurrent.futures\n", "import concurrent.futures\nimport logging\n"),
    Edit(
        "jobs/query.py",
        "Only a session has temporary tables before its first statement; DuckDB would list all others to tell.",
        """\
    temporary = cur.sql("SELECT table_name FROM duckdb_tables() WHERE temporary")
""",
        """\
    temporary = cur.sql(f"SELECT table_name FROM duckdb_tables() WHERE {bool(session)} AND temporary")
""",
    ),
    Edit(
        "jobs/load.py",
        "A load job tells what columns it loaded: tests read statements on staged tables that are gone by then.",
        "        badRecords=str(rejected),\n",
        """\
        badRecords=str(rejected),
        loadedFields=[field.dump() for field in tables.columns(*reference)],
""",
    ),
)


def apply(package: Path) -> None:
    """Make every edit in the freshly installed package, which then compiles; fails otherwise."""
    for edit in EDITS:
        path = package / edit.file
        text = path.read_text()
        if (found := text.count(edit.old)) != 1:
            raise EmulatorError(
                f"{edit.file} has this {found} times, not once: {edit.old!r}\nIt is edited because: {edit.why}"
            )
        path.write_text(text.replace(edit.old, edit.new))
    if not compileall.compile_dir(package, quiet=1, force=True):
        raise EmulatorError(f"{package} does not compile after its edits")
