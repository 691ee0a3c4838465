import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import yaml

from scv_platform.simulation import Summary, simulate

UNTIL = date(2026, 6, 30)
SEED = 7
CONTRACT = Path(__file__).parents[2] / "scv_dbt" / "models" / "sources"
VENDORS = ("salesforce", "stripe", "shopify", "zendesk", "web_events")


class Table:
    """A raw table of the contract, in the words of the vendor."""

    def __init__(self, source: str, declared: dict[str, Any]) -> None:
        self.source = source
        self.name: str = declared["name"]
        columns = [column for column in declared["columns"] if not column["name"].startswith("_")]
        self.types = {self._meta(column).get("key", column["name"]): column["data_type"] for column in columns}
        self.required = [
            self._meta(column).get("key", column["name"]) for column in columns if self._meta(column).get("required")
        ]
        keys = {column["name"]: self._meta(column).get("key", column["name"]) for column in columns}
        meta = declared["config"]["meta"]
        self.key = keys[meta["key"]]
        self.updated_at = keys[meta["updated_at"]] if "updated_at" in meta else None

    @staticmethod
    def _meta(column: dict[str, Any]) -> dict[str, Any]:
        meta: dict[str, Any] = column.get("config", {}).get("meta", {})
        return meta


def contract(source: str) -> list[Table]:
    (declared,) = yaml.safe_load((CONTRACT / f"{source}.yml").read_text())["sources"]
    return [Table(source, table) for table in declared["tables"] if not table["name"].startswith("_")]


class Company:
    """A simulated company: each file's good rows as a table named after its system and table, and the truth."""

    def __init__(self, folder: Path, summary: Summary, as_declared: bool = False) -> None:
        """With `as_declared` the columns have the types of the contract, else those that the values suggest."""
        self.folder, self.summary = folder, summary
        self.connection = duckdb.connect()
        for source in VENDORS:
            for table in contract(source):
                paths = sorted(path for path in summary.rows if path.startswith(f"{source}/{table.name}/"))
                types = table.types if as_declared else None
                reads = " union all by name ".join(
                    f"select *, {place} as delivery from ({self._reader(path, summary.rows[path], types)})"
                    for place, path in enumerate(paths)
                )
                self.connection.execute(f"create table {source}_{table.name} as {reads}")
        with closing(sqlite3.connect(folder / "app_db" / "app.sqlite")) as database:
            for table in contract("app_db"):
                columns = list(table.types)
                rows = database.execute(f"select {', '.join(columns)} from {table.name}").fetchall()
                values = list(zip(*rows, strict=True)) or [()] * len(columns)
                users = pa.table({name: pa.array(column) for name, column in zip(columns, values, strict=True)})
                self.connection.register("rows_of_table", users)
                self.connection.execute(f"create table app_db_{table.name} as select * from rows_of_table")
        for path in (folder / "truth").glob("*.parquet"):
            self.connection.execute(f"create table {path.stem} as select * from '{path}'")

    def _reader(self, path: str, rows: int, types: dict[str, str] | None) -> str:
        if path.endswith(".parquet"):
            return f"select * from '{self.folder}/{path}'"
        # Broken rows stand at the end, and good ones come in their order.
        options = "format = 'newline_delimited', ignore_errors = true, sample_size = -1"
        if types is not None:
            kinds = {"bigint": "bigint", "bool": "boolean", "json": "json", "decimal": "decimal(18, 4)"}
            columns = ", ".join(f"'{name}': '{kinds.get(kind, 'varchar')}'" for name, kind in types.items())
            options += f", columns = {{{columns}}}"
        return f"select * from read_json('{self.folder}/{path}', {options}) limit {rows}"

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def value(self, sql: str) -> Any:
        ((value,),) = self.rows(sql)
        return value


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("company")
    return Company(folder, simulate(1_500, SEED, UNTIL, folder))
