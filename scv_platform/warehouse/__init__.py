"""The warehouse: the one seam between the platform and the engine that stores its tables."""

from scv_platform.warehouse.errors import WarehouseError
from scv_platform.warehouse.protocol import Data, Table, TableColumn, Warehouse, bind, in_one_session, literal

__all__ = ["Data", "Table", "TableColumn", "Warehouse", "WarehouseError", "bind", "in_one_session", "literal"]
