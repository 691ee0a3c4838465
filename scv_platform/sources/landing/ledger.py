"""What the ledger in the warehouse says was loaded.

`_loaded_files` travels in the load package of the rows that it counts, and dlt writes the package's row of `_dlt_loads`
last. So a file counts as loaded when its load is complete, and a load that was killed does not.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from scv_platform.sources.landing.discover import LoadedFile
from scv_platform.sources.landing.mapping import LandingDataset
from scv_platform.warehouse import Warehouse, bind


@dataclass(frozen=True)
class LoadSummary:
    """What one load did for one entity, for people to read."""

    files: int = 0
    unreadable: tuple[str, ...] = ()
    """Files of which nothing could be loaded."""
    rows_loaded: int = 0
    rows_rejected: int = 0
    rows_skipped: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    """Skipped rows by reason."""


def loaded_files(warehouse: Warehouse, schema: str) -> frozenset[LoadedFile]:
    """Every (source, entity, content hash, mapping hash) of a complete load."""
    if not warehouse.exists(f"{schema}._loaded_files"):
        return frozenset()
    rows = warehouse.table(f"select distinct source, entity, file_hash, mapping_hash {_of_complete_loads(schema)}")
    return frozenset((row["source"], row["entity"], row["file_hash"], row["mapping_hash"]) for row in rows.to_pylist())


def _of_complete_loads(schema: str) -> str:
    return (
        f"from {schema}._loaded_files as files"
        f" join {schema}._dlt_loads as loads on loads.load_id = files._dlt_load_id and loads.status = 0"
    )


def incomplete_tables(warehouse: Warehouse, dataset: LandingDataset) -> frozenset[str]:
    """The tables of the dataset that lack a column in the warehouse, or are not there."""
    present = warehouse.columns(dataset.schema)
    return frozenset(
        mapping.entity.name
        for mapping in dataset.mappings
        for column in (*mapping.lineage, *mapping.columns)
        if column.name not in present.get(mapping.entity.name, ())
    )


def load_summary(warehouse: Warehouse, schema: str, load_id: str) -> dict[str, LoadSummary]:
    """What that load did, by entity; entities without a new file are not in it."""
    files = warehouse.rows(
        bind(
            f"select entity, rows_loaded, rows_rejected, rows_skipped, skipped"
            f" {_of_complete_loads(schema)} where files._dlt_load_id = $load_id",
            load_id=load_id,
        )
    )
    unreadable = warehouse.rows(
        bind(
            f"select table_name, file from {schema}._rejected_rows where _dlt_load_id = $load_id and line is null",
            load_id=load_id,
        )
    )
    summary = {}
    for entity in {str(row["entity"]) for row in files}:
        rows = [row for row in files if row["entity"] == entity]
        skipped: Counter[str] = Counter()
        for row in rows:
            skipped.update(json.loads(row["skipped"] or "{}"))
        summary[entity] = LoadSummary(
            files=len(rows),
            unreadable=tuple(sorted(row["file"] for row in unreadable if row["table_name"] == entity)),
            rows_loaded=sum(row["rows_loaded"] for row in rows),
            rows_rejected=sum(row["rows_rejected"] for row in rows),
            rows_skipped=sum(row["rows_skipped"] for row in rows),
            skipped=dict(skipped),
        )
    return summary
