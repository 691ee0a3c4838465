"""Application databases: their tables, read by a watermark, become raw tables as the contract declares them."""

from scv_platform.sources.database.connection import Database, UnreadableDatabase, watermarks
from scv_platform.sources.database.ledger import TableLoad, rows_in_quarantine, table_loads
from scv_platform.sources.database.source import database_source, tables_with_news

__all__ = [
    "Database",
    "TableLoad",
    "UnreadableDatabase",
    "database_source",
    "rows_in_quarantine",
    "table_loads",
    "tables_with_news",
    "watermarks",
]
