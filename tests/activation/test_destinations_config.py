import re
from pathlib import Path

import pytest

from scv_platform.activation.config import Scope, load_destinations
from scv_platform.config_files import ConfigError
from tests.audiences.shop import settings

GOOD = "files: {type: file, path: data/exports, scope: internal}\n"


def load(folder: Path, text: str) -> object:
    path = folder / "config" / "destinations.yml"
    path.parent.mkdir()
    path.write_text(text)
    return load_destinations(settings(folder))


def test_a_destination_is_read(tmp_path: Path) -> None:
    destinations = load(tmp_path, GOOD)
    assert isinstance(destinations, dict)
    assert destinations["files"].scope is Scope.INTERNAL


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("path", "pth"), "destinations.yml:1: unknown key 'pth'; did you mean 'path'?"),
        (GOOD.replace("path: data/exports, ", ""), "destinations.yml:1: 'path' is missing"),
        (GOOD.replace("type: file", "type: meta_ads"), "destinations.yml:1: type: Input should be 'file'"),
        (GOOD.replace("internal", "public"), "destinations.yml:1: scope: Input should be 'internal' or 'external'"),
        (GOOD.replace("files:", "My Files:"), "destinations.yml:1: 'My Files': String should match pattern"),
        ("- files\n", "destinations.yml:1: must map the names of destinations to their settings"),
        (GOOD + GOOD.replace("files", "more"), "destinations.yml:2: 'more' and 'files' would write the same files"),
        (
            GOOD + "more:\n  type: file\n  path: ${NOWHERE}/x\n  scope: internal\n",
            "destinations.yml:4: ${NOWHERE}/x: environment variable NOWHERE is not set",
        ),
        (GOOD + GOOD, "destinations.yml:2: key 'files' is given twice"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(tmp_path, text)
    assert message in str(error.value)


def test_a_path_with_an_unset_name_hides_no_other_problem(tmp_path: Path) -> None:
    unset = GOOD.replace("files", "unset").replace("data/exports", '"${NOWHERE}"')
    with pytest.raises(ConfigError) as error:
        load(tmp_path, "torn: {}\n" + GOOD + unset + GOOD.replace("files", "last"))
    found = {int(line) for line in re.findall(r"destinations\.yml:(\d+): ", str(error.value))}
    assert found == {1, 3, 4}


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"destinations\.yml: file not found"):
        load_destinations(settings(tmp_path))
