"""The emulator of BigQuery: mended where it has to be, refused where it cannot be, and never left behind."""

import socket
from pathlib import Path
from typing import Any

import pytest
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import BadRequest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery as google

from tests.parity.analyzer import Analyzer
from tools.bigquery_emulator import PROJECT, Emulator, patches, serve
from tools.bigquery_emulator.errors import EmulatorError

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def client(bigquery: Emulator) -> google.Client:
    client = google.Client(
        PROJECT, AnonymousCredentials(), client_options=ClientOptions(api_endpoint=bigquery.endpoint)
    )
    client.create_dataset("mended", exists_ok=True)
    return client


def rows(client: google.Client, sql: str) -> list[tuple[Any, ...]]:
    return [row.values() for row in client.query_and_wait(sql)]


def test_expressions_have_the_values_that_google_computes(client: google.Client) -> None:
    expressions = [
        "edit_distance('Zoë', 'Zoe')",
        "edit_distance('Müller', 'Maier', max_distance => 2)",
        "edit_distance(null, 'Maier')",
        """json_query('{"a": null}', '$.a')""",
        """json_query('{"a": [1, null]}', '$.a')""",
        *(
            f"safe_cast('{text}' as {kind})"
            for text in ("1_000", "1.5", "1e3", "12", "-7", "0", "-0.50", "t", "TRUE", "yes", "1", "")
            for kind in ("int64", "float64", "numeric", "bool")
        ),
        "timestamp_diff(timestamp '2026-01-02 00:30:00', timestamp '2026-01-01 01:00:00', day)",
        "least(1, null)",
        "1 / 4",
    ]
    texts = [f"coalesce(cast({expression} as string), 'null')" for expression in expressions]
    ((row,),) = rows(client, f"select [{', '.join(texts)}]")
    assert dict(zip(expressions, row, strict=True)) == dict(
        zip(expressions, Analyzer(lambda *_: None).values(texts), strict=True)
    )


def test_a_table_that_replaces_itself_reads_what_it_was_and_survives_a_failure(client: google.Client) -> None:
    columns = "create or replace table mended.t (a int64) as select"
    client.query_and_wait(f"{columns} 1 as a")
    client.query_and_wait(f"{columns} a + 1 as a from mended.t")
    assert rows(client, "select a from mended.t") == [(2,)]
    with pytest.raises(BadRequest, match="x"):
        client.query_and_wait(f"{columns} cast('x' as int64) as a")
    assert rows(client, "select a from mended.t") == [(2,)]


def test_an_edit_that_does_not_fit_the_package_is_an_error(tmp_path: Path) -> None:
    for edit in patches.EDITS:
        path = tmp_path / edit.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    with pytest.raises(EmulatorError, match=r"catalog/metadata.py has this 0 times, not once: 'import hashlib"):
        patches.apply(tmp_path)


def test_it_is_gone_after_a_failure(tmp_path: Path) -> None:
    running: list[Emulator] = []

    def fail() -> None:
        with serve(tmp_path) as emulator:
            running.append(emulator)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    host, port = running[0].endpoint.removeprefix("http://").split(":")
    with socket.socket() as probe:
        assert probe.connect_ex((host, int(port)))


def test_one_that_cannot_start_says_why(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(EmulatorError, match="address already in use"), serve(tmp_path, taken.getsockname()[1]):
            pass
