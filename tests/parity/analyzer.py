"""Says what BigQuery would refuse, by the code that BigQuery itself reads SQL with.

zetasql is Google's parser and analyzer of this dialect, here as a WebAssembly module: it knows the syntax, every
function with the types it takes, and the columns of the tables it is told of. Two refusals of BigQuery that come after
the analyzer are added. What a statement costs, how large it may be and who may run it, nothing here knows.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import wasmtime
from google.protobuf.message import DecodeError
from sqlglot import tokenize
from sqlglot.tokens import TokenType
from zetasql import types
from zetasql.api import PreparedQuery
from zetasql.core import wasm_client
from zetasql.core.exceptions import ServerError
from zetasql.core.local_service import ZetaSqlLocalService
from zetasql.types import LanguageFeature as Feature
from zetasql.types import ResolvedNodeKind as Node

from tools.bigquery_emulator import HOME

FEATURES = [
    # Queries.
    Feature.FEATURE_ANALYTIC_FUNCTIONS,
    Feature.FEATURE_IS_DISTINCT,
    Feature.FEATURE_NULLS_FIRST_LAST_IN_ORDER_BY,
    Feature.FEATURE_QUALIFY,
    Feature.FEATURE_SELECT_STAR_EXCEPT_REPLACE,
    Feature.FEATURE_WITH_ON_SUBQUERY,
    Feature.FEATURE_WITH_RECURSIVE,
    # Aggregates.
    Feature.FEATURE_HAVING_IN_AGGREGATE,
    Feature.FEATURE_LIMIT_IN_AGGREGATE,
    Feature.FEATURE_NULL_HANDLING_MODIFIER_IN_AGGREGATE,
    Feature.FEATURE_NULL_HANDLING_MODIFIER_IN_ANALYTIC,
    Feature.FEATURE_ORDER_BY_IN_AGGREGATE,
    # Types.
    Feature.FEATURE_BIGNUMERIC_TYPE,
    Feature.FEATURE_CIVIL_TIME,
    Feature.FEATURE_DECIMAL_ALIAS,
    Feature.FEATURE_INTERVAL_TYPE,
    Feature.FEATURE_JSON_TYPE,
    Feature.FEATURE_NUMERIC_TYPE,
    Feature.FEATURE_PARAMETERIZED_TYPES,
    # Functions.
    Feature.FEATURE_ADDITIONAL_STRING_FUNCTIONS,
    Feature.FEATURE_ALLOW_REGEXP_EXTRACT_OPTIONALS,
    Feature.FEATURE_CONCAT_MIXED_TYPES,
    Feature.FEATURE_DATE_ARITHMETICS,
    Feature.FEATURE_DATE_TIME_CONSTRUCTORS,
    Feature.FEATURE_EXTENDED_DATE_TIME_SIGNATURES,
    Feature.FEATURE_FORMAT_IN_CAST,
    Feature.FEATURE_JSON_ARRAY_FUNCTIONS,
    Feature.FEATURE_JSON_CONSTRUCTOR_FUNCTIONS,
    Feature.FEATURE_JSON_KEYS_FUNCTION,
    Feature.FEATURE_JSON_VALUE_EXTRACTION_FUNCTIONS,
    Feature.FEATURE_NAMED_ARGUMENTS,
    Feature.FEATURE_SAFE_FUNCTION_CALL,
    Feature.FEATURE_WEEK_WITH_WEEKDAY,
    # Statements.
    Feature.FEATURE_ALLOW_DASHES_IN_TABLE_NAME,
    Feature.FEATURE_CREATE_TABLE_AS_SELECT_COLUMN_LIST,
    Feature.FEATURE_CREATE_TABLE_CLUSTER_BY,
    Feature.FEATURE_CREATE_TABLE_FIELD_ANNOTATIONS,
    Feature.FEATURE_CREATE_TABLE_NOT_NULL,
    Feature.FEATURE_CREATE_TABLE_PARTITION_BY,
    Feature.FEATURE_CREATE_VIEW_WITH_COLUMN_LIST,
    Feature.FEATURE_OMIT_INSERT_COLUMN_LIST,
]
"""What BigQuery documents and the platform may use; zetasql knows more than BigQuery offers."""

STATEMENTS = [
    Node.RESOLVED_QUERY_STMT,
    Node.RESOLVED_CREATE_SCHEMA_STMT,
    Node.RESOLVED_CREATE_TABLE_STMT,
    Node.RESOLVED_CREATE_TABLE_AS_SELECT_STMT,
    Node.RESOLVED_CREATE_VIEW_STMT,
    Node.RESOLVED_ALTER_TABLE_STMT,
    Node.RESOLVED_DROP_STMT,
    Node.RESOLVED_INSERT_STMT,
    Node.RESOLVED_UPDATE_STMT,
    Node.RESOLVED_DELETE_STMT,
    Node.RESOLVED_MERGE_STMT,
    Node.RESOLVED_TRUNCATE_STMT,
    Node.RESOLVED_BEGIN_STMT,
    Node.RESOLVED_COMMIT_STMT,
    Node.RESOLVED_ROLLBACK_STMT,
]

LANGUAGE = types.LanguageOptions(
    product_mode=types.ProductMode.PRODUCT_EXTERNAL,
    enabled_language_features=FEATURES,
    supported_statement_kinds=STATEMENTS,
    # As in BigQuery; without it QUALIFY needs a WHERE, GROUP BY or HAVING before it.
    reserved_keywords=["QUALIFY"],
)
OPTIONS = types.AnalyzerOptions(
    language_options=LANGUAGE,
    # Their values come with the job.
    allow_undeclared_parameters=True,
    default_timezone="UTC",
    error_message_mode=types.ErrorMessageMode.ERROR_MESSAGE_MULTI_LINE_WITH_CARET,
)

# Of the REST interface.
TYPES = {
    "STRING": types.TypeKind.TYPE_STRING,
    "BYTES": types.TypeKind.TYPE_BYTES,
    "INTEGER": types.TypeKind.TYPE_INT64,
    "FLOAT": types.TypeKind.TYPE_DOUBLE,
    "BOOLEAN": types.TypeKind.TYPE_BOOL,
    "NUMERIC": types.TypeKind.TYPE_NUMERIC,
    "BIGNUMERIC": types.TypeKind.TYPE_BIGNUMERIC,
    "TIMESTAMP": types.TypeKind.TYPE_TIMESTAMP,
    "DATETIME": types.TypeKind.TYPE_DATETIME,
    "DATE": types.TypeKind.TYPE_DATE,
    "TIME": types.TypeKind.TYPE_TIME,
    "JSON": types.TypeKind.TYPE_JSON,
}

# What BigQuery has and zetasql has not.
ALIASES = dict.fromkeys(("int", "smallint", "integer", "bigint", "tinyint", "byteint"), types.TypeKind.TYPE_INT64)


def _statements(sql: str) -> Iterator[str]:
    """The statements of a script, each as it is written."""
    start = 0
    for token in tokenize(sql, read="bigquery"):
        if token.token_type is TokenType.SEMICOLON:
            yield sql[start : token.start]
            start = token.end + 1
    if sql[start:].strip():
        yield sql[start:]


def _aggregate_by(name: str) -> types.Function:
    """`min_by` and `max_by`: the first argument of the row in which the second is least or greatest."""
    value, order = (
        types.FunctionArgumentType(kind=kind, num_occurrences=1)
        for kind in (types.SignatureArgumentKind.ARG_TYPE_ANY_1, types.SignatureArgumentKind.ARG_TYPE_ANY_2)
    )
    signature = types.FunctionSignature(argument=[value, order], return_type=value)
    return types.Function(
        name_path=[name], group="BigQuery", mode=types.FunctionEnums.Mode.AGGREGATE, signature=[signature]
    )


FUNCTIONS = [_aggregate_by("min_by"), _aggregate_by("max_by")]

ALTERED = re.compile(r"\balter\s+table\s+(?:if\s+exists\s+)?([\w`.-]+)", re.IGNORECASE)


class Refused(Exception):
    """BigQuery would not run this statement; says why."""


@dataclass(frozen=True)
class Column:
    """A column as a catalogue has it."""

    name: str
    type: types.Type


INFORMATION_SCHEMA = {
    "COLUMNS": [
        *(
            Column(name, types.Type(type_kind=types.TypeKind.TYPE_STRING))
            for name in "table_catalog table_schema table_name column_name is_nullable data_type".split()
        ),
        Column("ordinal_position", types.Type(type_kind=types.TypeKind.TYPE_INT64)),
    ],
}
"""The views of every dataset, in the columns that are used."""


class Analyzer:
    """The analyzer with the tables it knows. It learns those that the statements it reads make."""

    def __init__(self, look_up: Callable[[str, str], list[Column] | None]) -> None:
        """`look_up` tells the columns of a table of a dataset which no statement made, if it exists."""
        self._service = _service()
        self._look_up = look_up
        self._tables: dict[tuple[str, str], list[Column]] = {}
        self.statements: set[str] = set()
        """Those that were read."""
        self.too_nested: list[str] = []
        """Those that were taken, but not looked into."""

    def learn(self, table: str, columns: list[Column]) -> None:
        """The columns of `dataset.table`, which something other than a statement made."""
        self._tables[_key([table])] = columns

    def read(self, sql: str) -> None:
        """Every statement of the text in turn that was not read before; raises Refused at the first that BigQuery would
        not run."""
        for statement in _statements(sql):
            if statement not in self.statements:
                self.statements.add(statement)
                self._read(statement)

    def _read(self, sql: str) -> None:
        start = types.ParseResumeLocation(input=sql, byte_position=0)
        try:
            names = self._service.extract_table_names_from_next_statement(parse_resume_location=start, options=LANGUAGE)
            paths = {tuple(name.table_name_segment) for name in names.table_name}
            # The one kind of statement whose own table is not among the names.
            paths |= {tuple(name.replace("`", "").split(".")) for name in ALTERED.findall(sql)}
            statement = self._service.analyze(
                options=OPTIONS, simple_catalog=self._catalogue(paths), sql_statement=sql
            ).resolved_statement
        except ServerError as error:
            raise Refused(error.raw_error.partition("Message: ")[2]) from error
        except DecodeError:
            # The analyzer took it, but its answer nests deeper than Python decodes: the columns of the table that it
            # makes, if it makes one, are looked up, and BigQuery's own refusals of such a statement are not seen.
            self.too_nested.append(sql)
            return
        _refuse_outer_joins_without_equality(statement)
        _refuse_casts_with_parameters(statement)
        self._learn_from(statement)

    def values(self, texts: Iterable[str]) -> list[str]:
        """What these texts of constants are, as Google's reference implementation computes them."""
        query = PreparedQuery.builder().set_sql(f"select {', '.join(texts)}").set_analyzer_options(OPTIONS)
        with query.set_catalog(self._catalogue([])).prepare() as prepared:
            return [cell.string_value for cell in prepared.execute().content.table_data.row[0].cell]

    def _learn_from(self, statement: types.ResolvedStatement) -> None:
        if isinstance(statement, types.ResolvedCreateTableStmtBase):
            columns = [Column(column.name, column.type) for column in statement.column_definition_list]
        elif isinstance(statement, types.ResolvedCreateViewBase):
            columns = [Column(output.name, output.column.type) for output in statement.output_column_list]
        elif isinstance(statement, types.ResolvedAlterTableStmt):
            definitions = [action.column_definition for action in _nodes(statement, types.ResolvedAddColumnAction)]
            columns = [*self._columns(statement.name_path), *(Column(one.name, one.type) for one in definitions)]
        else:
            return
        self._tables[_key(statement.name_path)] = columns

    def _columns(self, path: Sequence[str]) -> list[Column]:
        """The columns of a table; none of one that is not there."""
        key = _key(path)
        if key[0] == "INFORMATION_SCHEMA":
            return INFORMATION_SCHEMA.get(key[1], [])
        if key not in self._tables:
            self._tables[key] = self._look_up(*key) or []
        return self._tables[key]

    def _catalogue(self, paths: Iterable[Sequence[str]]) -> types.SimpleCatalog:
        """A catalogue of the tables that a statement names, each under the path it is named by."""
        root = types.SimpleCatalog(
            name="",
            builtin_function_options=types.ZetaSQLBuiltinFunctionOptions(language_options=LANGUAGE),
            named_type=[
                types.SimpleCatalog.NamedType(name=name, type=types.Type(type_kind=kind))
                for name, kind in ALIASES.items()
            ],
            custom_function=FUNCTIONS,
        )
        for path in paths:
            columns = self._columns(path)
            if not columns:
                continue
            catalogue = root
            for name in path[:-1]:
                inner = next((inner for inner in catalogue.catalog if inner.name == name), None)
                if inner is None:
                    inner = types.SimpleCatalog(name=name)
                    catalogue.catalog.append(inner)
                catalogue = inner
            catalogue.table.append(
                types.SimpleTable(
                    name=path[-1], column=[types.SimpleColumn(name=column.name, type=column.type) for column in columns]
                )
            )
        return root


def columns_of(fields: Iterable[Mapping[str, Any]]) -> list[Column]:
    """The columns of a table as the REST interface describes it."""
    return [Column(field["name"], _type(field)) for field in fields]


def _type(field: Mapping[str, Any]) -> types.Type:
    if field["type"] == "RECORD":
        inner = [types.StructField(field_name=one["name"], field_type=_type(one)) for one in field["fields"]]
        kind = types.Type(type_kind=types.TypeKind.TYPE_STRUCT, struct_type=types.StructType(field=inner))
    else:
        kind = types.Type(type_kind=TYPES[field["type"]])
    if field.get("mode") == "REPEATED":
        return types.Type(type_kind=types.TypeKind.TYPE_ARRAY, array_type=types.ArrayType(element_type=kind))
    return kind


def _key(path: Sequence[str]) -> tuple[str, str]:
    """Dataset and table of a path, however its parts are quoted and whether or not the project is named."""
    *_, dataset, table = ["", *".".join(path).split(".")]
    return dataset, table


def _refuse_outer_joins_without_equality(statement: types.ResolvedStatement) -> None:
    """BigQuery's planner, not its analyzer, wants an equality between both sides of an outer join."""
    for join in _nodes(statement, types.ResolvedJoinScan):
        if join.join_type == types.ResolvedJoinScanEnums.JoinType.INNER:
            continue
        left, right = ({column.column_id for column in side.column_list} for side in (join.left_scan, join.right_scan))
        for condition in _conjuncts(join.join_expr):
            if isinstance(condition, types.ResolvedFunctionCall) and condition.function.name == "ZetaSQL:$equal":
                sides = [
                    {reference.column.column_id for reference in _nodes(argument, types.ResolvedColumnRef)}
                    for argument in condition.argument_list
                ]
                if all(sides) and any(a <= left and b <= right for a, b in (sides, sides[::-1])):
                    break
        else:
            raise Refused("an outer join cannot be used without an equality of fields from both sides of the join")


def _refuse_casts_with_parameters(statement: types.ResolvedStatement) -> None:
    """The parameters of a type are for columns of tables."""
    for cast in _nodes(statement, types.ResolvedCast):
        if cast.type_modifiers and cast.type_modifiers.type_parameters:
            raise Refused("parameterized types are not allowed in CAST expressions")


def _conjuncts(expression: types.ResolvedExpr | None) -> Iterator[types.ResolvedExpr]:
    if isinstance(expression, types.ResolvedFunctionCall) and expression.function.name == "ZetaSQL:$and":
        for argument in expression.argument_list:
            yield from _conjuncts(argument)
    elif expression is not None:
        yield expression


def _nodes(node: Any, kind: type) -> Iterator[Any]:
    """The nodes of this kind in the tree."""
    if isinstance(node, list):
        for one in node:
            yield from _nodes(one, kind)
    elif isinstance(node, types.ResolvedNode):
        if isinstance(node, kind):
            yield node
        for value in vars(node).values():
            if isinstance(value, list | types.ResolvedNode):
                yield from _nodes(value, kind)


@cache
def _service() -> ZetaSqlLocalService:
    """zetasql, which takes a minute to compile once and is kept compiled beside the emulator."""
    HOME.mkdir(exist_ok=True)
    settings = HOME / "wasmtime.toml"
    settings.write_text(f'[cache]\ndirectory = "{HOME / "wasmtime"}"\n')

    class Config(wasmtime.Config):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.cache = str(settings)

    wasm_client.Config = Config
    return ZetaSqlLocalService()
