"""Damaged files, through dlt into a warehouse: good rows load, the others are in quarantine with line and reason."""

import errno
import gzip
import io
import json
import os
import resource
import shutil
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scv_platform.ingestion.quarantine import rows_in_quarantine
from scv_platform.sources.landing import pending_files

OK = {"id": 1, "created_at": "2026-01-05T10:00:00Z", "updated_at": "2026-01-05T10:00:00Z"}
LINE = json.dumps(OK)
HEADER = "id,created_at,updated_at,email\n"
TIMES = "2026-01-05T10:00:00Z,2026-01-05T10:00:00Z"


def _line(**values: object) -> str:
    return json.dumps(OK | values)


def _parquet(**columns: list) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


DAMAGED: dict[str, tuple[str | bytes, int, list[tuple[int | None, str]]]] = {
    # File -> its content, the rows that load, and line and reason of those that do not.
    "half-written.jsonl": (f"{LINE}\n{LINE[:30]}", 1, [(2, "not JSON")]),
    "broken-lines.jsonl": (f"{LINE}\n{{'id': 1}}\n\n[{LINE}]\n7\n{LINE}\n", 2,
                           [(2, "not JSON"), (4, "not a JSON object"), (5, "not a JSON object")]),
    "two-on-a-line.jsonl": (f"{LINE}{LINE}\n{LINE}\n", 1, [(1, "not JSON")]),
    "truncated.jsonl.gz": (gzip.compress(LINE.encode() * 500)[:-20], 0, [(None, "damaged gzip file")]),
    "truncated.parquet": (_parquet(id=["1"])[:-20], 0, [(None, "not a readable parquet file")]),
    "really-text.parquet": (LINE, 0, [(None, "not a readable parquet file")]),
    "wrong-encoding.jsonl": (LINE.encode() + b'\n{"id": "\xe4"}\n', 0, [(None, "not utf-8 text from line 2 on")]),
    "utf-16.csv": ((HEADER + f"1,{TIMES},a\n").encode("utf-16"), 0, [(None, "not utf-8 text from line 1 on")]),
    "bom.jsonl": (b"\xef\xbb\xbf" + LINE.encode(), 1, []),
    "bom.csv": (b"\xef\xbb\xbf" + (HEADER + f"1,{TIMES},a\n").encode(), 1, []),
    "ragged.csv": (HEADER + f"1,{TIMES}\n2,{TIMES},a,b\n3,{TIMES},c\n", 1,
                   [(2, "3 columns instead of 4"), (3, "5 columns instead of 4")]),
    "unclosed-quote.csv": (HEADER + f'1,{TIMES},"a\n2,{TIMES},b\n', 1,
                           [(2, "a quote that opens here is never closed")]),
    "no-key-column.csv": ("number,created_at,updated_at\n", 0, [(None, "sources.yml:1: the file has no column 'id'")]),
    "wrong-types.jsonl": (_line(verified_email="perhaps") + "\n" + _line(updated_at={"at": 1}) + "\n"
                          + _line(created_at=True), 0,
                          [(1, "verified_email: not true or false"), (2, "updated_at: not a time"),
                           (3, "created_at: not a time")]),
    "missing-keys.jsonl": (f'{{"id": 5}}\n{_line(id=None)}\n{_line(id="  ")}\n', 0,
                           [(1, "created_at: missing; updated_at: missing"), (2, "id: missing"), (3, "id: missing")]),
    "absurd-dates.jsonl": ("\n".join(_line(updated_at=at) for at in
                                     ("0000-00-00", "1026-01-05", "2026-13-40", "3026-01-05", "20260105")), 0,
                           [(line, "updated_at: not a time between the years 1900 and 2200") for line in range(1, 6)]),
    "nul-bytes.jsonl": (_line(email="a\0b") + "\n" + LINE + "\n" + "\0" * 40, 1,
                        [(1, "email: not plain text"), (3, "not JSON")]),
    "nan.jsonl": ('{"id": NaN}\n' + LINE, 1, [(1, "id: not plain text")]),
    "deep.jsonl": ('{"id": ' + "[" * 100_000 + "]" * 100_000 + "}\n" + LINE, 1, [(1, "")]),
    "unknown-format.xlsx": (b"PK\x03\x04", 0, [(None, "its name does not tell its format")]),
    "empty.jsonl": ("", 0, []),
    "blank.csv": ("\n\n", 0, []),
}  # fmt: skip


def test_damaged_files_cost_their_bad_rows_and_nothing_else(company):
    # Each row an e-mail of its own would change nothing: files are told apart by their content.
    for name, (content, _, _) in DAMAGED.items():
        company.write("shopify/customers", name, content)
    summary = company.load("shopify")["customers"]
    ledger = company.rows("select file, rows_loaded from raw_shopify._loaded_files")
    rejected = company.rows("select file, line, reason from raw_shopify._rejected_rows order by file, line")
    loaded = {Path(row["file"]).name: row["rows_loaded"] for row in ledger}
    reasons = {name: [(r["line"], r["reason"]) for r in rejected if Path(r["file"]).name == name] for name in DAMAGED}
    for name, (_, rows, expected) in DAMAGED.items():
        assert (name, loaded[name]) == (name, rows)
        assert (name, [line for line, _ in reasons[name]]) == (name, [line for line, _ in expected])
        for (_, reason), (_, beginning) in zip(reasons[name], expected, strict=True):
            assert reason.removeprefix(f"{company.folder}/").startswith(beginning), name
    assert summary.rows_loaded == sum(rows for _, rows, _ in DAMAGED.values())
    assert company.load("shopify") == {}


def test_a_time_in_milliseconds_where_seconds_are_due_is_refused(company):
    customers = [{"id": f"cus_{created}", "created": created} for created in (1704445200, 1704445200000, -9999999999)]
    company.write("stripe/customers", "customers.jsonl", customers)
    assert company.load("stripe")["customers"].rows_loaded == 1
    reason = "created: not a time between the years 1900 and 2200, in unix seconds"
    assert company.rows("select line, reason from raw_stripe._rejected_rows order by line") == [
        {"line": 2, "reason": reason},
        {"line": 3, "reason": reason},
    ]


def test_a_line_of_fifty_megabytes_is_one_refused_row_in_bounded_memory_and_time(company):
    huge, long = "x" * 50_000_000, "y" * 10_000_000
    company.write("shopify/customers", "a.jsonl", f"{LINE}\n{_line(note=huge)}\n{_line(note=long)}\n{_line(note=huge)}")
    company.write("shopify/customers", "b.csv", f"{HEADER}1,{TIMES},{huge}\n2,{TIMES},a\n")
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    summary = company.load("shopify")["customers"]
    took, grown = time.monotonic() - started, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
    assert (summary.rows_loaded, summary.rows_rejected) == (3, 3)
    rejected = company.rows("select line, reason from raw_shopify._rejected_rows order by file, line")
    assert rejected == [{"line": line, "reason": "longer than 16 MB"} for line in (2, 4, 2)]
    assert company.rows("select max(length(note)) as n from raw_shopify.customers") == [{"n": len(long)}]
    assert took < 30, "seconds"
    assert grown < 800, "MB"


def test_a_link_that_leads_out_of_the_landing_folder_is_refused_unread(company):
    outside = company.folder / "secret.jsonl"
    outside.write_text(_line(id=666))
    (company.folder / "elsewhere").mkdir()
    (company.folder / "elsewhere" / "a.jsonl").write_text(_line(id=667))
    good = company.write("shopify/customers", "good.jsonl", [OK])
    (good.parent / "link.jsonl").symlink_to(outside)
    (good.parent / "inside.jsonl").symlink_to(company.write("shopify/archive", "a.jsonl", [OK | {"id": 2}]))
    (good.parent / "gone.jsonl").symlink_to(company.folder / "nowhere.jsonl")
    os.mkfifo(good.parent / "pipe.jsonl")
    summary = company.load("shopify")["customers"]
    assert (summary.rows_loaded, summary.rows_rejected) == (2, 1)
    (refused,) = company.rows("select file, line, reason, raw from raw_shopify._rejected_rows")
    assert (Path(refused["file"]).name, refused["line"], refused["raw"]) == ("link.jsonl", None, None)
    assert refused["reason"].startswith("a link leads out of ")
    assert company.load("shopify") == {}

    company.configure("stripe: {from: landing, tables: [charges]}")
    (company.landing / "stripe").mkdir()
    (company.landing / "stripe" / "charges").symlink_to(company.folder / "elsewhere")
    found = pending_files(company.settings, company.sources.dataset("stripe"), frozenset())
    assert [bool(file.refusal) for file in found.pending] == [True]


def test_a_file_that_disappears_while_it_is_looked_at_is_as_if_it_had_never_been(company, monkeypatch):
    good = company.write("shopify/customers", "good.jsonl", [OK])
    company.write("shopify/customers", "going.jsonl", [OK | {"id": 2}])
    open_file = Path.open

    def open_after_it_went(path, *arguments, **options):
        if path.name == "going.jsonl":
            path.unlink(missing_ok=True)
        return open_file(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", open_after_it_went)
    found = pending_files(company.settings, company.sources.dataset("shopify"), frozenset())
    assert [file.path for file in found.pending] == [good]
    assert company.load("shopify")["customers"].rows_loaded == 1


def test_a_file_that_may_not_be_read_is_refused_and_loads_once_it_may(company, monkeypatch):
    company.write("shopify/customers", "good.jsonl", [OK])
    closed = company.write("shopify/customers", "closed.jsonl", [OK | {"id": 2}])
    open_file = Path.open

    def open_unless_closed(path, *arguments, **options):
        if path == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return open_file(path, *arguments, **options)

    with monkeypatch.context() as closing:
        # Tests may run as root, who may read everything.
        closing.setattr(Path, "open", open_unless_closed)
        summary = company.load("shopify")["customers"]
        assert (summary.rows_loaded, summary.rows_rejected) == (1, 1)
        assert company.load("shopify") == {}
    (refused,) = company.rows("select file, line, reason from raw_shopify._rejected_rows")
    assert (Path(refused["file"]).name, refused["line"]) == (closed.name, None)
    assert refused["reason"] == "cannot be read: Permission denied"
    assert company.load("shopify")["customers"].rows_loaded == 1


def test_a_file_that_takes_the_place_of_a_refused_link_is_read_though_it_has_its_size_and_time(company):
    outside = company.folder / "outside.jsonl"
    outside.write_text(LINE)
    os.utime(outside, (1, 1))
    folder = company.landing / "shopify" / "customers"
    folder.mkdir(parents=True)
    (folder / "a.jsonl").symlink_to(outside)
    dataset = company.sources.dataset("shopify")
    before = pending_files(company.settings, dataset, frozenset())
    refused = frozenset(file.key for file in before.pending)
    assert {content for _, _, content, _ in refused} == before.contents
    (folder / "a.jsonl").unlink()
    shutil.copy2(outside, folder / "a.jsonl")
    (found,) = pending_files(company.settings, dataset, refused, before.known).pending
    assert found.refusal is None


def test_a_file_that_comes_again_in_good_shape_leaves_quarantine_and_what_it_brought_before_stays(company):
    company.write("shopify/customers", "other.jsonl", "{")
    for content in ([OK, {"id": 2}], [OK | {"id": 3}]):
        company.write("shopify/customers", "delta.jsonl", content)
        company.load("shopify")
        dataset = company.sources.dataset("shopify")
        seen = rows_in_quarantine(company.warehouse, dataset)
    assert seen == {"customers": 1}, "the row of the other file"
    rows = company.rows("select id from raw_shopify.customers order by id")
    assert [row["id"] for row in rows] == ["1", "3"]
