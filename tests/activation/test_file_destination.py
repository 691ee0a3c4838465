import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from scv_platform.activation.destinations.file import FileDestination
from scv_platform.activation.destinations.protocol import Export, Receipt
from scv_platform.audiences.rules import LegalBasis

EXPORT = Export(
    audience="vip",
    destination="files",
    as_of=date(2024, 6, 30),
    rule_version="abc",
    legal_basis=LegalBasis.CONSENT,
    purpose="email_marketing",
    columns=("customer_id", "E mail"),
    withheld={"suppressed": 2, "consent_denied": 1},
)


def batches(*rows: tuple[str, str | None], size: int = 2) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(rows), size):
        chosen = rows[start : start + size]
        yield pa.record_batch({"customer_id": [row[0] for row in chosen], "x": pa.array([row[1] for row in chosen])})


def deliver(folder: Path, *rows: tuple[str, str | None]) -> Receipt:
    return FileDestination(folder).deliver(EXPORT, batches(*rows))


def manifest(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "vip" / "manifest.json").read_text())
    return content


def current(folder: Path) -> list[list[str]]:
    """What a reader finds: the file that the manifest names, checked against its digest."""
    path = folder / "vip" / manifest(folder)["file"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == manifest(folder)["sha256"]
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_the_file_holds_the_rows_and_the_manifest_says_what_it_is(tmp_path: Path) -> None:
    receipt = deliver(tmp_path, ("c1", "a@x.org"), ("c2", None), ("c3", 'says "hi", twice\nor more'))
    assert current(tmp_path) == [
        ["customer_id", "E mail"], ["c1", "a@x.org"], ["c2", ""], ["c3", 'says "hi", twice\nor more']
    ]  # fmt: skip
    assert receipt.rows == 3
    assert receipt.location == str(tmp_path / "vip" / manifest(tmp_path)["file"])
    del (content := manifest(tmp_path))["file"], content["sha256"]
    assert content == {
        "audience": "vip",
        "destination": "files",
        "as_of": "2024-06-30",
        "rule_version": "abc",
        "legal_basis": "consent",
        "purpose": "email_marketing",
        "columns": ["customer_id", "E mail"],
        "rows": 3,
        "withheld": {"consent_denied": 1, "suppressed": 2},
    }


def test_the_same_rows_give_the_same_bytes_however_they_are_batched(tmp_path: Path) -> None:
    rows = [(f"c{n}", f"v{n}") for n in range(9)]
    for folder, size in (("one", 9), ("many", 2)):
        FileDestination(tmp_path / folder).deliver(EXPORT, batches(*rows, size=size))
    files = [sorted((tmp_path / folder / "vip").iterdir()) for folder in ("one", "many")]
    assert [path.name for path in files[0]] == [path.name for path in files[1]]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]


def test_an_empty_audience_is_a_file_with_a_header(tmp_path: Path) -> None:
    assert deliver(tmp_path).rows == 0
    assert current(tmp_path) == [["customer_id", "E mail"]]


def test_null_and_empty_text_differ(tmp_path: Path) -> None:
    deliver(tmp_path, ("c1", None), ("c2", ""))
    assert (tmp_path / "vip" / manifest(tmp_path)["file"]).read_text() == '"customer_id","E mail"\n"c1",\n"c2",""\n'


def test_every_type_of_the_catalogue_has_a_text(tmp_path: Path) -> None:
    values = {
        "text": "x",
        "integer": 1,
        "float": 0.1,
        "decimal": Decimal("1.5000"),
        "boolean": True,
        "date": date(2024, 6, 30),
        "timestamp": datetime(2024, 6, 30, 12, 0, 1),
    }
    export = Export(**{**vars(EXPORT), "columns": tuple(values)})
    FileDestination(tmp_path).deliver(export, [pa.RecordBatch.from_pylist([values])])
    assert current(tmp_path)[1] == ["x", "1", "0.1", "1.5000", "true", "2024-06-30", "2024-06-30 12:00:01.000000"]


def test_the_superseded_file_goes_and_files_of_others_stay(tmp_path: Path) -> None:
    deliver(tmp_path, ("c1", "a"))
    first = manifest(tmp_path)["file"]
    others = [tmp_path / "vip" / name for name in ("notes.txt", "vip-latest.csv", "vip_two-0123456789abcdef.csv")]
    for path in others:
        path.write_text("not ours")
    deliver(tmp_path, ("c2", "b"))
    names = {path.name for path in (tmp_path / "vip").iterdir()}
    assert names == {"manifest.json", manifest(tmp_path)["file"], *(path.name for path in others)}
    assert first not in names


def test_delivering_the_same_again_changes_nothing(tmp_path: Path) -> None:
    deliver(tmp_path, ("c1", "a"))
    before = {path.name: path.read_bytes() for path in (tmp_path / "vip").iterdir()}
    deliver(tmp_path, ("c1", "a"))
    assert {path.name: path.read_bytes() for path in (tmp_path / "vip").iterdir()} == before


def test_a_source_that_fails_half_way_leaves_the_former_export_and_nothing_else(tmp_path: Path) -> None:
    deliver(tmp_path, ("c1", "a"))
    before = {path.name: path.read_bytes() for path in (tmp_path / "vip").iterdir()}

    def broken() -> Iterator[pa.RecordBatch]:
        yield from batches(("c8", "x"), ("c9", "y"))
        raise OSError("the warehouse went away")

    with pytest.raises(OSError, match="the warehouse went away"):
        FileDestination(tmp_path).deliver(EXPORT, broken())
    assert {path.name: path.read_bytes() for path in (tmp_path / "vip").iterdir()} == before


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.activation.test_file_destination import EXPORT, FileDestination, batches

folder, moment = Path(sys.argv[1]), sys.argv[2]

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def rows():
    yield from batches(*((f"n{n}", "new") for n in range(1000)), size=100)
    if moment == "in the middle of the rows":
        die()

rename = os.replace

def replace(source, target):
    if moment == "before the file has its name" and str(target).endswith(".csv"):
        die()
    if moment == "before the manifest has its name" and str(target).endswith(".json"):
        die()
    rename(source, target)
    if moment == "before the superseded file is removed" and str(target).endswith(".json"):
        die()

os.replace = replace
FileDestination(folder).deliver(EXPORT, rows())
"""


@pytest.mark.parametrize(
    ("moment", "rows"),
    [
        ("in the middle of the rows", 1),
        ("before the file has its name", 1),
        ("before the manifest has its name", 1),
        ("before the superseded file is removed", 1000),
    ],
)
def test_killed_at_any_moment_a_reader_finds_a_whole_export_and_the_next_run_tidies_up(
    tmp_path: Path, moment: str, rows: int
) -> None:
    deliver(tmp_path, ("c1", "old"))
    root = Path(__file__).parents[2]
    process = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), moment], cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    )
    assert process.returncode == -signal.SIGKILL
    assert len(current(tmp_path)) == 1 + rows == 1 + manifest(tmp_path)["rows"]
    deliver(tmp_path, ("c2", "next"))
    assert current(tmp_path)[1:] == [["c2", "next"]]
    assert {path.name for path in (tmp_path / "vip").iterdir()} == {"manifest.json", manifest(tmp_path)["file"]}
