"""One file of a system."""

from dataclasses import dataclass
from datetime import date

JSON_LINES = "format json"
GZIP_JSON_LINES = "format json, compression gzip"
PARQUET = "format parquet, compression zstd"


@dataclass(frozen=True)
class Export:
    """One table of a system: its rows, its format, and broken lines at the end of the first file."""

    system: str
    table: str
    select: str
    options: str = JSON_LINES
    broken: tuple[str, ...] = ()

    def file_name(self, until: date) -> str:
        """The name of the file of a delivery, below the folder of the table."""
        ending = {JSON_LINES: "jsonl", GZIP_JSON_LINES: "jsonl.gz", PARQUET: "parquet"}[self.options]
        return f"{self.table}-{until.isoformat()}.{ending}"
