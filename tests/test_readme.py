"""README promises nothing that is not there."""

import re

from scv_platform.cli import main
from scv_platform.settings import PROJECT_ROOT

README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")


def test_every_linked_file_exists_and_the_picture_is_small() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (PROJECT_ROOT / link).exists()] == []
    assert (PROJECT_ROOT / "docs" / "lineage.png").stat().st_size < 300_000


def test_every_command_that_it_names_exists() -> None:
    makefile = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"`?make ([a-z]+)", README))
    assert {target for target in targets if f"\n{target}:" not in makefile} == set()
    commands = set(re.findall(r"`scv ([a-z]+)", README))
    assert commands
    assert commands <= set(main.commands)
