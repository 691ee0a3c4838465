"""A folder as a destination: `<folder>/<audience>/<audience>-<hash>.csv` and `manifest.json`.

Invariants: the manifest is the commit point, replaced last and in one step, and the file that it names is
whole; killed at any moment, the former manifest and its file are untouched. The same rows in the same order
give the same bytes. A reader opens the manifest, then the file; if that is gone, the manifest is newer.
Format: UTF-8, RFC 4180 quoting, text always quoted, so that an unquoted empty cell is null.
The files hold personal data; only their owner can read them.
"""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv

from scv_platform.activation.destinations.protocol import Export, Receipt

_MANIFEST = "manifest.json"
_UNFINISHED = ".tmp"


@dataclass(frozen=True)
class FileDestination:
    """Writes audiences below a folder, each into a folder of its own."""

    folder: Path

    def deliver(self, export: Export, batches: Iterable[pa.RecordBatch]) -> Receipt:
        """Write the file, then the manifest that makes it the current one, then remove what is superseded."""
        folder = self.folder / export.audience
        folder.mkdir(parents=True, exist_ok=True)
        with _unfinished(folder) as (file, path):
            rows = _write_csv(file, export.columns, batches)
            digest = _sha256(path)
            csv = folder / f"{export.audience}-{digest[:16]}.csv"
            _publish(file, path, csv)
        with _unfinished(folder) as (file, path):
            file.write(_manifest(export, csv.name, rows, digest))
            _publish(file, path, folder / _MANIFEST)
        _remove_superseded(folder, export.audience, current=csv.name)
        return Receipt(rows, str(csv))


@contextmanager
def _unfinished(folder: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """A file beside the final one, so that giving it its name is one step; gone when something fails."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=_UNFINISHED, delete=False) as file:
        path = Path(file.name)
        try:
            yield file, path
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _publish(file: IO[bytes], path: Path, final: Path) -> None:
    """Give the file its name, once its bytes are on the disk, and make the name last as well."""
    file.flush()
    os.fsync(file.fileno())
    os.replace(path, final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write_csv(file: IO[bytes], columns: tuple[str, ...], batches: Iterable[pa.RecordBatch]) -> int:
    rows = 0
    pa.csv.write_csv(pa.schema([(column, pa.string()) for column in columns]).empty_table(), file)
    for batch in batches:
        pa.csv.write_csv(batch, file, pa.csv.WriteOptions(include_header=False))
        rows += batch.num_rows
    file.flush()
    return rows


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(export: Export, file: str, rows: int, digest: str) -> bytes:
    content: dict[str, Any] = {
        "audience": export.audience,
        "destination": export.destination,
        "as_of": export.as_of.isoformat(),
        "rule_version": export.rule_version,
        "legal_basis": export.legal_basis,
        "purpose": export.purpose,
        "file": file,
        "columns": export.columns,
        "rows": rows,
        "sha256": digest,
        "withheld": dict(sorted(export.withheld.items())),
    }
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def _remove_superseded(folder: Path, audience: str, current: str) -> None:
    """Former files of the audience, and what killed runs left behind. Other files are not ours."""
    ours = re.compile(rf"{re.escape(audience)}-[0-9a-f]{{16}}\.csv|\..*{re.escape(_UNFINISHED)}")
    for path in folder.iterdir():
        if path.name != current and ours.fullmatch(path.name):
            path.unlink()
