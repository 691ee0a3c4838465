from pathlib import Path

import pytest

from scv_platform.config_files import ConfigError, StrictModel, did_you_mean, read_yaml, validate


class Inner(StrictModel):
    colour: str


class Outer(StrictModel):
    name: str
    parts: dict[str, Inner]


def problems_of(path: Path, text: str) -> tuple[str, ...]:
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        validate(Outer, read_yaml(path))
    return caught.value.problems


def test_an_unknown_key_is_named_with_file_line_and_nearest_valid_name(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    assert problems_of(path, "name: a\nparts:\n  left:\n    color: red\n    colour: blue\n") == (
        f"{path}:4: unknown key 'parts.left.color'; did you mean 'colour'?",
    )


def test_every_problem_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    assert problems_of(path, "parts:\n  left: {}\n  right:\n    colour: [1]\n") == (
        f"{path}:1: 'name' is missing",
        f"{path}:2: 'parts.left.colour' is missing",
        f"{path}:4: parts.right.colour: Input should be a valid string",
    )


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [("a: 1\nb: 2\na: 3\n", 3, "key 'a' is given twice"), ("a: [1\nb: 2\n", 2, "not valid YAML")],
)
def test_text_that_yaml_would_misread_is_refused_with_its_line(tmp_path: Path, text: str, line: int, word: str) -> None:
    path = tmp_path / "x.yml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=word) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")


@pytest.mark.parametrize("value", ["2026-02-30", "2026-13-01", "!foo bar", "{[a]: b}", "&x [*x]"])
def test_a_value_that_yaml_cannot_make_is_a_config_error_and_nothing_else(tmp_path: Path, value: str) -> None:
    path = tmp_path / "x.yml"
    path.write_text(f"name: {value}\nparts: {{}}\n")
    with pytest.raises(ConfigError, match=r"x\.yml"):
        validate(Outer, read_yaml(path))


def test_a_missing_file_and_a_file_that_is_not_text_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="file not found"):
        read_yaml(tmp_path / "none.yml")
    (tmp_path / "latin.yml").write_bytes(b"name: caf\xe9\n")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        read_yaml(tmp_path / "latin.yml")


def test_a_name_far_from_all_valid_ones_lists_them() -> None:
    assert did_you_mean("zzz", ["alpha", "beta"]) == "valid: alpha, beta"
