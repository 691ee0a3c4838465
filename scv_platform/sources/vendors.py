"""The landing files of vendors: `<landing>/<source>/<table>/*`, one object of the vendor per row, by its own keys.

What a vendor's table holds is in its contract, so nothing is configured: each column is read from the key that the
vendor gives it, a file may lack any column that is not required, and keys that the contract does not name stay unread.
The format is that of the file's ending.
"""

from collections.abc import Collection
from pathlib import Path

from scv_platform.sources.contract import RawSource, RawTable
from scv_platform.sources.entities import Entity
from scv_platform.sources.landing.mapping import FileMapping, LandingDataset, Reading


def vendor_dataset(contract: RawSource, folder: Path, tables: Collection[str], place: str) -> LandingDataset:
    """These tables of a vendor, from the folder in which each has one of its own name.

    `place` is where the configuration enables the source.
    """
    chosen = [table for name, table in contract.tables.items() if name in tables]
    return LandingDataset(
        contract.name, {table.name: (_mapping(contract.name, table, folder, place),) for table in chosen}
    )


def _mapping(source: str, table: RawTable, folder: Path, place: str) -> FileMapping:
    return FileMapping(
        source=source,
        entity=Entity(table.name, table.key, table.columns),
        columns=table.columns,
        pattern=str(folder / table.name / "*"),
        place=place,
        reading=Reading(format=None),
        fields=dict(table.vendor_keys),
        used=dict.fromkeys(table.vendor_keys.values(), place),
        may_lack=frozenset(table.vendor_keys[column.name] for column in table.columns if not column.required),
        lineage=table.lineage,
        root=folder,
    )
