"""The warehouse: the one seam between the platform and the engine that stores its tables."""

from scv_platform.warehouse.errors import WarehouseError
from scv_platform.warehouse.protocol import Bill, Data, Table, TableColumn, Warehouse, bind, literal

__all__ = ["Bill", "Data", "Table", "TableColumn", "Warehouse", "WarehouseError", "bind", "literal"]
