"""Which warehouse the settings name. An engine is imported when it is chosen, because each takes its time."""

from scv_platform.settings import Settings
from scv_platform.warehouse.protocol import Warehouse


def warehouse_of(settings: Settings) -> Warehouse:
    """The warehouse that all of the platform reads and writes; nothing is opened yet."""
    if settings.bigquery is not None:
        from scv_platform.warehouse.bigquery import BigQueryWarehouse

        return BigQueryWarehouse(settings.bigquery, settings.dataset_prefix)
    from scv_platform.warehouse.duckdb import DuckDBWarehouse

    return DuckDBWarehouse(settings.duckdb_path)
