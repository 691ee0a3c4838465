import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from scv_platform.config_files import ConfigError
from scv_platform.settings import BigQuerySettings, Settings

PLATFORM = "company: Acme\nbase_currency: EUR\ndefault_country: DE\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "platform.yml").write_text(PLATFORM)
    return tmp_path


def test_paths_are_anchored_at_the_project_root_whatever_the_working_directory(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    settings = Settings.load({"SCV_DUCKDB_PATH": "somewhere/x.duckdb"}, root)
    assert settings.duckdb_path == root / "somewhere/x.duckdb"
    assert settings.landing == root / "data/landing"
    assert settings.dlt_folder == root / "somewhere/x.dlt"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SCV_WAREHOUSE", "duckdbb", "unknown warehouse; did you mean 'duckdb'"),
        ("SCV_AS_OF", "01.02.2026", "write it as YYYY-MM-DD"),
        ("SCV_CONFIG", "nowhere", "file not found"),
        ("SCV_WAREHOUSE", "bigquery", "set SCV_BIGQUERY_PROJECT"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_what_is_wrong(root: Path, name: str, value: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        Settings.load({name: value}, root)
    assert len(caught.value.problems) == 1
    assert name in str(caught.value) or value in str(caught.value)


def test_the_environment_wins_over_platform_yml_and_both_over_the_day_of_the_run(root: Path) -> None:
    late = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
    assert Settings.load({}, root).resolve_as_of(late) == date(2026, 3, 1)
    (root / "config" / "platform.yml").write_text(PLATFORM + "as_of: 2010-12-09\n")
    assert Settings.load({}, root).resolve_as_of(late) == date(2010, 12, 9)
    assert Settings.load({"SCV_AS_OF": "2011-01-01"}, root).resolve_as_of(late) == date(2011, 1, 1)


def test_a_custom_field_cannot_take_the_name_of_a_column(root: Path) -> None:
    field = "custom_fields:\n  email: {entity: people, type: string, privacy: direct, description: x}\n"
    (root / "config" / "platform.yml").write_text(PLATFORM + field)
    with pytest.raises(ConfigError, match=r"platform.yml:4: custom_fields: 'email' is a column"):
        Settings.load({}, root)


def test_a_custom_field_cannot_be_a_word_of_sql(root: Path) -> None:
    field = "custom_fields:\n  group: {entity: people, type: string, privacy: none, description: x}\n"
    (root / "config" / "platform.yml").write_text(PLATFORM + field)
    with pytest.raises(ConfigError, match="'group' is a word of SQL"):
        Settings.load({}, root)


def test_an_unset_variable_in_a_path_is_named(root: Path) -> None:
    settings = Settings.load({"THERE": "/files"}, root)
    assert settings.expand("${THERE}/*.csv") == Path("/files/*.csv")
    assert settings.expand("${SCV_LANDING}/a.csv") == root / "data/landing/a.csv"
    with pytest.raises(ConfigError, match="environment variable NOT_THERE is not set"):
        settings.expand("${NOT_THERE}/x.csv")


BIGQUERY = {"SCV_WAREHOUSE": "bigquery", "SCV_BIGQUERY_PROJECT": "acme"}


def test_bigquery_needs_a_project_and_has_a_default_for_the_rest(root: Path) -> None:
    assert Settings.load(BIGQUERY, root).bigquery == BigQuerySettings("acme", "EU", 100_000_000_000)
    settings = Settings.load(
        {
            "SCV_WAREHOUSE": "bigquery",
            "GOOGLE_CLOUD_PROJECT": "other",
            "SCV_BIGQUERY_LOCATION": "europe-west6",
            "SCV_BIGQUERY_MAX_BYTES_BILLED": "5000",
        },
        root,
    )
    assert settings.bigquery == BigQuerySettings("other", "europe-west6", 5000)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SCV_BIGQUERY_MAX_BYTES_BILLED", "1 GB", "not a number of bytes"),
        ("SCV_BIGQUERY_MAX_BYTES_BILLED", "0", "not a number of bytes"),
        ("SCV_DATASET_PREFIX", "Dev-", "use lower case, digits and single underscores"),
        ("SCV_DATASET_PREFIX", "dev__", "use lower case, digits and single underscores"),
    ],
)
def test_a_wrong_value_for_bigquery_is_named(root: Path, name: str, value: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        Settings.load({**BIGQUERY, name: value}, root)
    assert f"{name}={value!r}" in str(caught.value)


def test_without_the_packages_of_bigquery_the_command_that_installs_them_is_told(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dbt.adapters.bigquery", None)
    with pytest.raises(ConfigError, match=r"pip install -e '\.\[bigquery\]'"):
        Settings.load(BIGQUERY, root)
    assert Settings.load({}, root).bigquery is None


def test_local_state_belongs_to_one_warehouse(root: Path) -> None:
    places = [
        Settings.load({**environment, "SCV_DUCKDB_PATH": "there/x.duckdb"}, root).beside_warehouse(".lock")
        for environment in ({}, BIGQUERY, {**BIGQUERY, "SCV_DATASET_PREFIX": "dev_"})
    ]
    names = ["x.lock", "bigquery-acme-.lock", "bigquery-acme-dev_.lock"]
    assert places == [root / "there" / name for name in names]


def test_a_prefix_is_for_datasets_of_bigquery_only(root: Path) -> None:
    assert Settings.load({"SCV_DATASET_PREFIX": "dev_"}, root).dataset_prefix == ""
    assert Settings.load({**BIGQUERY, "SCV_DATASET_PREFIX": "dev_"}, root).dataset_prefix == "dev_"
