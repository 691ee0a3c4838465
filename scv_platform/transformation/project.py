"""The dbt project as this process sees it: where it is, its manifest, and the environment that dbt reads.

Run alone, `python -m scv_platform.transformation.project`, it makes the manifest.

The manifest is made again only when a file of the project changed. dagster-dbt's own `prepare_if_dev`
parses the project in every process that Dagster starts, and never outside `dagster dev`.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from scv_platform.settings import BigQuerySettings, Settings
from scv_platform.transformation.invocation import parse

_PROJECT_FOLDERS = ("models", "macros", "tests", "seeds", "snapshots")


def dbt_environment(settings: Settings, as_of: date | None = None) -> dict[str, str]:
    """What the dbt project reads through `env_var`; `as_of` is left out where only parsing happens."""
    custom_fields = {name: field.model_dump(mode="json") for name, field in settings.platform.custom_fields.items()}
    return {
        "SCV_DUCKDB_PATH": str(settings.duckdb_path),
        "SCV_DATASET_PREFIX": settings.dataset_prefix,
        **(_of_bigquery(settings.bigquery) if settings.bigquery else {}),
        "SCV_BASE_CURRENCY": settings.platform.base_currency,
        "SCV_DEFAULT_COUNTRY": settings.platform.default_country,
        "SCV_CUSTOM_FIELDS": json.dumps(custom_fields, sort_keys=True),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        **({"SCV_AS_OF": as_of.isoformat()} if as_of else {}),
    }


def _of_bigquery(bigquery: BigQuerySettings) -> dict[str, str]:
    return {
        "SCV_BIGQUERY_PROJECT": bigquery.project,
        "SCV_BIGQUERY_LOCATION": bigquery.location,
        "SCV_BIGQUERY_MAX_BYTES_BILLED": str(bigquery.max_bytes_billed),
    }


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """These environment variables, for what happens inside."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def project_fingerprint(folder: Path) -> str:
    """A digest of every file that the manifest depends on: changes with an edit, a new and a deleted file."""
    files = [folder / "dbt_project.yml", folder / "profiles.yml"]
    for name in _PROJECT_FOLDERS:
        files += sorted(path for path in (folder / name).rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(folder)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def load_manifest(settings: Settings) -> dict[str, Any]:
    """The manifest of the dbt project, parsed again first when a file of the project changed."""
    path = settings.dbt_target / "manifest.json"
    stamp = path.with_name("manifest.fingerprint")
    # On BigQuery the names of relations are of a project and a prefix.
    fingerprint = project_fingerprint(settings.dbt_project)
    if settings.bigquery is not None:
        fingerprint += f" {settings.place}"
    stored = stamp.read_text() if stamp.exists() and path.exists() else ""
    if stored != fingerprint:
        with environment(dbt_environment(settings)):
            parse(settings)
        stamp.write_text(fingerprint)
    manifest: dict[str, Any] = json.loads(path.read_text())
    return manifest


if __name__ == "__main__":
    load_manifest(Settings.load())
