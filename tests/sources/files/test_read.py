"""What a file is, before anything is mapped: lines, records, fields, and what is wrong with them."""

import csv
import gzip
import io
import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scv_platform.sources.landing import sql
from scv_platform.sources.landing.mapping import Reading
from scv_platform.sources.landing.read import UnreadableFile, open_rows

ABC = {"id": "sources.yml:1: shop.people.source_id", "name": "sources.yml:2: x", "note": "sources.yml:3: y"}


def read(path: Path, columns=ABC, **reading) -> list[tuple]:
    """Line, what is broken, and the columns of each row."""
    with sql.scratch() as connection:
        rows = open_rows(connection, path, Reading(**{"format": "csv", **reading}), columns)
        names = ", ".join(f"_c{position}" for position in range(len(columns)))
        return connection.execute(f"select _line, _broken, {names} from ({rows.select}) order by _line").fetchall()


def raw(path: Path, **reading) -> list[tuple[int, str]]:
    with sql.scratch() as connection:
        rows = open_rows(connection, path, Reading(**{"format": "csv", **reading}), ABC)
        return connection.execute(f"select _line, _raw from ({rows.select}) order by _line").fetchall()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people [1]*.dat"


MESSY = '''\
id, name ,note
1,a,x
2,"b
b2",y
3,short

4,d,"q1

q2"
5,too,many,fields
6,5" pipe,z
7,"say ""hi""",w
8,"closed"early,w

9,last,
'''
MESSY_ROWS = [
    (2, None, "1", "a", "x"),
    (3, None, "2", "b\nb2", "y"),
    (5, "2 columns instead of 3", None, None, None),
    (7, None, "4", "d", "q1\n\nq2"),
    (10, "4 columns instead of 3", None, None, None),
    (11, None, "6", '5" pipe', "z"),
    (12, None, "7", 'say "hi"', "w"),
    (13, "text after a closing quote", None, None, None),
    (15, None, "9", "last", ""),
]


@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(str.encode, id="plain"),
        pytest.param(lambda text: text.replace("\n", "\r\n").encode(), id="windows line ends"),
        pytest.param(lambda text: text.encode("utf-8-sig"), id="byte order mark"),
        pytest.param(lambda text: gzip.compress(text.encode()), id="gzip"),
    ],
)
def test_every_row_of_a_messy_csv_knows_the_line_it_begins_on(file, encode):
    file.write_bytes(encode(MESSY))
    assert read(file) == MESSY_ROWS


def test_the_raw_of_a_row_is_json_of_its_fields_and_of_a_broken_row_json_of_its_text(file):
    file.write_text('id,name,note\n1,"a ""b""",é\nbroken "row\n')
    assert [(line, json.loads(text)) for line, text in raw(file)] == [
        (2, {"id": "1", "name": 'a "b"', "note": "é"}),
        (3, 'broken "row'),
    ]


def test_a_quote_that_is_never_closed_costs_its_own_line_only(file):
    file.write_text('id,name,note\n1,"a\nb",x\n2,"never,x\n3,"c",y\n4,d,z\n')
    assert read(file) == [
        (2, None, "1", "a\nb", "x"),
        (4, "a quote that opens here is never closed", None, None, None),
        (5, None, "3", "c", "y"),
        (6, None, "4", "d", "z"),
    ]


FIELD = st.text(st.sampled_from('ab ,;"\n|é'), max_size=6)


@given(
    rows=st.lists(st.tuples(FIELD, FIELD, FIELD), max_size=12),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    delimiter=st.sampled_from([",", ";", "|", "\t"]),
)
@settings(max_examples=60, deadline=None)
def test_a_csv_reads_as_it_was_written(tmp_path_factory, rows, quoting, delimiter):
    file = tmp_path_factory.getbasetemp() / "written.csv"
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator="\n")
    writer.writerow(ABC)
    lines = []
    for row in rows:
        lines.append(text.getvalue().count("\n") + 1)
        writer.writerow(row)
    file.write_text(text.getvalue())
    assert read(file, delimiter=delimiter) == [(line, None, *row) for line, row in zip(lines, rows, strict=True)]


def test_a_csv_without_rows_has_none(file):
    for content in ("", "\n\n", "id,name,note", "id,name,note\n", "\n\nid,name,note\n\n"):
        file.write_text(content)
        assert read(file) == []


def test_blocks_are_cut_anywhere_without_a_trace(file, monkeypatch):
    file.write_text(MESSY.replace("last", "läst"))
    expected = [tuple("läst" if value == "last" else value for value in row) for row in MESSY_ROWS]
    for size in (1, 2, 3, 7, 50):
        monkeypatch.setattr("scv_platform.sources.landing.read._BLOCK_BYTES", size)
        assert read(file) == expected


@pytest.mark.parametrize("encoding", ["cp1252", "iso8859-15", "utf-16", "mac-roman"])
def test_a_csv_in_another_encoding_reads_with_its_encoding(file, encoding):
    file.write_bytes("id,name,note\n1,Zoë,ñ\n".encode(encoding))
    assert read(file, encoding=encoding) == [(2, None, "1", "Zoë", "ñ")]


def test_a_wrong_encoding_is_told_with_its_line(file):
    file.write_bytes(b"id,name,note\n1,a,x\n2,Zo\xeb,x\n")
    with pytest.raises(UnreadableFile, match=r"not utf-8 text from line 3 on .* set its encoding"):
        read(file)


def test_a_gzip_file_that_is_cut_off_is_unreadable(file):
    file.write_bytes(gzip.compress(MESSY.encode())[:-20])
    with pytest.raises(UnreadableFile, match="damaged gzip file"):
        read(file)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("id,Name,note", "sources.yml:2: x: the file has no column 'name'; did you mean 'Name'?"),
        (
            "id,other,note",
            "sources.yml:2: x: the file has no column 'name'; none of its 3 columns is near; has it a header?",
        ),
        ("id,name,name,note", "sources.yml:2: x: the file has 2 columns named 'name'"),
    ],
)
def test_a_column_that_the_file_has_not_is_told_with_the_nearest_one(file, header, expected):
    file.write_text(f"{header}\n1,2,3\n")
    with pytest.raises(UnreadableFile) as error:
        read(file)
    assert str(error.value) == expected


def test_json_lines_give_one_row_per_object_and_tell_the_broken_lines(file):
    file.write_text('{"id": 1.0, "name": "x", "note": {"a": [1]}}\n\n{"id"\n[1]\n{"id": "2", "name": null}\n')
    assert read(file, format="jsonl") == [
        (1, None, "1.0", '"x"', '{"a":[1]}'),
        (3, "not JSON", None, None, None),
        (4, "not a JSON object", None, None, None),
        (5, None, '"2"', "null", None),
    ]
    assert raw(file, format="jsonl")[1] == (3, '"{\\"id\\""')


def test_a_json_key_may_have_any_name(file):
    names = ["a b", "a/b", "a~b", 'a"b', "a.b", "$", "é", "a'b"]
    file.write_text(json.dumps({name: number for number, name in enumerate(names)}))
    assert read(file, dict.fromkeys(names, ""), format="jsonl") == [(1, None, *map(str, range(len(names))))]


def test_a_json_key_may_be_left_out_unless_one_that_nothing_reads_looks_like_it(file):
    file.write_text('{"id": 1, "note": 2}\n')
    assert read(file, format="jsonl") == [(1, None, "1", None, "2")]
    file.write_text('{"id": 1, "Name": "x"}\n')
    with pytest.raises(UnreadableFile, match=r"no column 'name'; did you mean 'Name'\?"):
        read(file, format="jsonl")


def test_a_row_of_parquet_knows_its_number(file):
    pq.write_table(pa.table({" id ": [1, 2], "name": ["a", None], "note": [[1], []]}), file)
    assert read(file, format="parquet") == [(1, None, 1, "a", "[1]"), (2, None, 2, None, "[]")]
    assert [json.loads(text) for _, text in raw(file, format="parquet")][1] == {"id": 2, "name": None, "note": []}


def test_a_name_that_the_reader_of_parquet_needs_is_refused(file):
    pq.write_table(pa.table({"id": [1], "file_row_number": [7]}), file)
    with pytest.raises(UnreadableFile, match="a column is named 'file_row_number'"):
        read(file, {"id": ""}, format="parquet")


def test_a_binary_column_of_parquet_is_unreadable_when_it_is_asked_for(file):
    pq.write_table(pa.table({"id": [b"1"], "name": ["a"], "note": ["x"]}), file)
    with pytest.raises(UnreadableFile, match="column 'id' is binary"):
        read(file, format="parquet")


def test_a_file_that_is_no_parquet_is_an_error_of_the_engine(file):
    file.write_text("id,name,note\n")
    with pytest.raises(duckdb.Error):
        read(file, format="parquet")
