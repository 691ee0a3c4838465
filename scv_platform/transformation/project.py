"""The dbt project as this process sees it: where it is, its manifest, and the environment that dbt reads.

The manifest is made again only when a file of the project changed. dagster-dbt's own `prepare_if_dev`
parses the project in every process that Dagster starts, and never outside `dagster dev`.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scv_platform.settings import Settings

if TYPE_CHECKING:
    from dagster_dbt import DbtCliResource

_PROJECT_FOLDERS = ("models", "macros", "tests", "seeds", "snapshots")


def dbt_environment(settings: Settings, as_of: date | None = None) -> dict[str, str]:
    """What the dbt project reads through `env_var`; `as_of` is left out where only parsing happens."""
    custom_fields = {name: field.model_dump(mode="json") for name, field in settings.platform.custom_fields.items()}
    return {
        "SCV_DUCKDB_PATH": str(settings.duckdb_path),
        "SCV_BASE_CURRENCY": settings.platform.base_currency,
        "SCV_DEFAULT_COUNTRY": settings.platform.default_country,
        "SCV_CUSTOM_FIELDS": json.dumps(custom_fields, sort_keys=True),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        **({"SCV_AS_OF": as_of.isoformat()} if as_of else {}),
    }


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """These environment variables for the processes started inside, and the interpreter's folder on PATH.

    dagster-dbt looks `dbt` up on PATH, where it is not when the virtual environment is not activated.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    values = {**values, "PATH": path}
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


def dbt_resource(settings: Settings) -> "DbtCliResource":
    """Runs dbt on the project, from the virtual environment of this process, activated or not."""
    from dagster_dbt import DbtCliResource

    executable = Path(sys.executable).with_name("dbt")
    return DbtCliResource(
        project_dir=settings.dbt_project,
        profiles_dir=settings.dbt_project,
        target=settings.warehouse,
        dbt_executable=executable,
    )


def load_manifest(settings: Settings) -> dict[str, Any]:
    """The manifest of the dbt project, parsed again first when a file of the project changed."""
    from dagster_dbt import DbtProject

    project = settings.dbt_project
    with environment(dbt_environment(settings)):
        dbt_project = DbtProject(project_dir=project, target=settings.warehouse)
        stamp = dbt_project.manifest_path.with_name("manifest.fingerprint")
        fingerprint = project_fingerprint(project)
        stored = stamp.read_text() if stamp.exists() and dbt_project.manifest_path.exists() else ""
        if stored != fingerprint:
            dbt_project.preparer.prepare(dbt_project)
            stamp.write_text(fingerprint)
    manifest: dict[str, Any] = json.loads(dbt_project.manifest_path.read_text())
    return manifest
