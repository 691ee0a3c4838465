"""Google's own analyzer reads every statement that the platform sent, and is shown to bite.

The emulator runs on DuckDB, so that a statement ran on it does not make it valid. What was sent is taken from the list
of jobs, not from what dbt compiles: working tables, loads and merges are built while the platform runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError

import pytest

from scv_platform.transformation.project import load_manifest
from tests.parity.analyzer import Analyzer, Column, Refused, columns_of
from tests.parity.compare import Contents
from tests.parity.conftest import EMULATOR, Both
from tools.bigquery_emulator import Emulator

pytestmark = pytest.mark.parity

PEOPLE = columns_of(
    [
        {"name": "person", "type": "STRING"},
        {"name": "day", "type": "DATE"},
        {"name": "seen_at", "type": "TIMESTAMP"},
        {"name": "orders", "type": "INTEGER"},
        {"name": "spent", "type": "NUMERIC"},
        {"name": "traits", "type": "JSON"},
        {"name": "tags", "type": "STRING", "mode": "REPEATED"},
    ]
)


def people(dataset: str, table: str) -> list[Column] | None:
    return PEOPLE if (dataset, table) == ("master", "people") else None


@pytest.mark.parametrize(
    "sql",
    [
        "select person from master.people qualify row_number() over (partition by person order by day) = 1",
        "select person from `scv.master.people` union distinct select person from `scv`.`master`.`people`",
        "select cast(spent as bigint), max_by(person, day), min_by(spent, orders) from master.people group by 1",
        "select one.person from master.people as one full join master.people as two on one.person = two.person",
        "create table master.copy partition by day cluster by person as select * from master.people;"
        "select spent from master.copy",
        "create view master.seen as select seen_at as day from master.people;"
        "select timestamp_trunc(day, day) from master.seen",
        "alter table master.people add column age int64; select age from master.people",
        "merge into master.people as old using master.people as fresh on false"
        " when not matched by source and old.day = '2026-01-01' then delete when not matched then insert row",
        "select json_value(traits, '$.size'), tag from master.people, unnest(tags) as tag where day = @day",
        "begin transaction; delete from master.people where true; commit transaction",
    ],
)
def test_what_bigquery_runs_is_accepted(sql: str) -> None:
    Analyzer(people).read(sql)


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("select list_sort(tags) from master.people", "Function not found: list_sort"),
        ("select array_filter(tags, tag -> tag != '') from master.people", "array_filter"),
        ("select person from master.people where orders = '1'", "No matching signature for operator ="),
        ("select person from master.people where seen_at > datetime '2026-01-01'", "No matching signature"),
        ("select name from master.people", "Unrecognized name: name"),
        ("select person from master.persons", "Table not found: master.persons"),
        ("select person, day from master.people group by person", "neither grouped nor aggregated"),
        ("select min(person) as person from master.people having count(distinct person) = 1", "Aggregations of aggreg"),
        ("select traits from master.people union all select person from master.people", "incompatible types"),
        ("select person from master.people union select person from master.people", "keyword ALL or keyword DISTINCT"),
        ("select cast(person as json) from master.people", "Invalid cast from STRING to JSON"),
        ("select cast(spent as numeric(20, 4)) from master.people", "parameterized types"),
        ("select tags from master.people group by tags", "ARRAY"),
        ("select distinct traits from master.people", "JSON"),
        (
            "select one.person from master.people as one left join master.people as two on one.day < two.day",
            "an equality of fields from both sides",
        ),
        ("create table master.t as select 1 as a; select b from master.t", "Unrecognized name: b"),
        ("select person from master.people as new", "Unexpected keyword NEW"),
        ("pivot master.people on day", "Syntax error"),
    ],
)
def test_what_bigquery_refuses_is_refused(sql: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        Analyzer(people).read(sql)


@dataclass(frozen=True)
class Job:
    """A job that succeeded, in what it did to which table or which text it ran."""

    is_ours: bool
    """Whether it bears the label of the platform."""
    asset: str
    sql: str
    loaded: str
    fields: list[dict[str, Any]]


on_the_emulator = pytest.mark.parametrize("bigquery_environment", [EMULATOR], indirect=True, scope="session")
"""A project of Google's judges what is sent to it by itself, and has jobs of others."""


@pytest.fixture(scope="session")
def jobs(second_day: tuple[Contents, Contents], bigquery: Emulator) -> list[Job]:
    """The jobs that succeeded over both days, the oldest first."""
    return list(reversed(list(_jobs(bigquery))))


@on_the_emulator
def test_bigquery_would_run_every_statement_that_was_sent(
    jobs: list[Job], bigquery: Emulator, figures: list[str]
) -> None:
    analyzer = Analyzer(lambda dataset, table: _columns(bigquery, dataset, table))
    refused = []
    for job in jobs:
        # What a preview made is gone by now; of other loads that are not ours the table itself can be asked.
        if job.loaded and (job.is_ours or "seeds__preview." in job.loaded):
            analyzer.learn(job.loaded, columns_of(job.fields))
        elif job.is_ours:
            try:
                analyzer.read(job.sql)
            except Refused as reason:
                refused.append(f"{job.asset}: {reason}\n{job.sql}")
    count = len(analyzer.statements)
    figures.append(
        f"read by Google's analyzer: {count:,} different statements, {len(refused)} refused,"
        f" {len(analyzer.too_nested)} too nested to be looked into further"
    )
    assert not refused, "\n\n".join(refused)
    # The numbering plans of all countries are one deep expression, and so are names in Latin letters.
    assert [sql for sql in analyzer.too_nested if "phones" not in sql and "'абвгґ" not in sql] == []


@on_the_emulator
def test_every_model_segment_and_audience_was_among_them(jobs: list[Job], both: Both, figures: list[str]) -> None:
    nodes = load_manifest(both.bigquery.platform.settings)["nodes"].values()
    models = {f"{node['config']['schema']}_{node['name']}" for node in nodes if node["resource_type"] == "model"}
    rules = {
        f"{folder}_{path.stem}"
        for folder in ("segments", "audiences")
        for path in (both.bigquery.platform.folder / "config" / folder).glob("*.yml")
    }
    # A label has no more than 63 characters.
    assert {asset[:63] for asset in models | rules} <= {job.asset for job in jobs}
    figures.append(f"among them all {len(models)} models and {len(rules)} segments and audiences")


@on_the_emulator
def test_only_what_dlt_does_in_raw_tables_and_dbts_loads_of_seeds_bear_no_label(jobs: list[Job], both: Both) -> None:
    prefix = both.bigquery.platform.settings.dataset_prefix
    others = [job for job in jobs if not job.is_ours and prefix in f"{job.sql} {job.loaded}"]
    assert any(job.loaded.startswith(f"{prefix}seeds.") for job in others)
    assert [
        job
        for job in others
        if f"{prefix}raw_" not in f"{job.sql} {job.loaded}"
        and not job.loaded.startswith((f"{prefix}seeds.", f"{prefix}seeds__preview."))
    ] == []


def _jobs(bigquery: Emulator) -> Iterator[Job]:
    """The jobs that succeeded, the newest first."""
    asked = "jobs?projection=full&allUsers=true&maxResults=1000"
    token: str | None = ""
    while token is not None:
        page = bigquery.get(f"{asked}&pageToken={token}" if token else asked)
        token = page.get("nextPageToken")
        for job in page.get("jobs", []):
            what = job["configuration"]
            labels = what.get("labels", {})
            asset = labels.get("asset", "")
            is_ours = labels.get("app") == "scv"
            if "errorResult" in job["status"]:
                continue
            if "query" in what:
                yield Job(is_ours, asset, what["query"]["query"], "", [])
            elif "load" in what:
                target = what["load"]["destinationTable"]
                fields = job["statistics"]["load"]["loadedFields"]
                yield Job(is_ours, asset, "", f"{target['datasetId']}.{target['tableId']}", fields)


def _columns(bigquery: Emulator, dataset: str, table: str) -> list[Column] | None:
    try:
        return columns_of(bigquery.get(f"datasets/{dataset}/tables/{table}")["schema"]["fields"])
    except HTTPError as error:
        if error.code == 404:
            return None
        raise
