"""What the warehouse says of the loads of a database: what each did, and what is in quarantine."""

from dataclasses import dataclass

from scv_platform.sources.contract import RawTable
from scv_platform.sources.database.connection import Database
from scv_platform.sources.landing.source import REJECTED
from scv_platform.warehouse import Warehouse, bind


@dataclass(frozen=True)
class TableLoad:
    """What one load did for one table, for people to read."""

    rows_loaded: int = 0
    rows_rejected: int = 0


def table_loads(warehouse: Warehouse, database: Database, load_id: str) -> dict[str, TableLoad]:
    """What that load did, by table."""

    def count(table: str, condition: str = "true", **values: str) -> int:
        query = f"select count(*) as n from {database.schema}.{table} where _dlt_load_id = $load_id and {condition}"
        return int(warehouse.rows(bind(query, load_id=load_id, **values))[0]["n"])

    return {name: TableLoad(count(name), count(REJECTED, "table_name = $name", name=name)) for name in database.tables}


def rows_in_quarantine(warehouse: Warehouse, database: Database) -> dict[str, int]:
    """Refused rows of each table of which no later version could be loaded."""
    return {table.name: _rows_in_quarantine(warehouse, database, table) for table in database.tables.values()}


def _rows_in_quarantine(warehouse: Warehouse, database: Database, table: RawTable) -> int:
    query = f"""
    select count(*) as n
    from {database.schema}.{REJECTED} as rejected
    join {database.schema}._dlt_loads as loads on rejected._dlt_load_id = loads.load_id and loads.status = 0
    where
        rejected.table_name = $name
        and not exists (
            select 1
            from {database.schema}.{table.name} as later
            where
                later.{table.key} = json_extract_scalar(rejected.raw, '$.{table.key}')
                and later._dlt_load_id > rejected._dlt_load_id
        )
    """
    return int(warehouse.rows(bind(query, name=table.name))[0]["n"])
