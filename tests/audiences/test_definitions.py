from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from scv_platform.audiences.definitions import Definitions, load_definitions
from tests.audiences.shop import catalogue

ANYONE = "{field: customers.country, is_null: false}"


def write(config: Path, group: str, name: str, where: str, more: str = "") -> Path:
    path = config / group / f"{name}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    head = f"schema_version: 1\nname: {name}\ndescription: Some customers.\nowner: team:crm\n"
    path.write_text(f"{head}where:\n  all:\n    - {where}\n{dedent(more)}")
    return path


def problems(definitions: Definitions) -> dict[str, tuple[str, ...]]:
    return {f"{wrong.group}/{wrong.name}": wrong.problems for wrong in definitions.invalid}


def test_a_missing_folder_is_an_empty_one(tmp_path: Path) -> None:
    assert load_definitions(tmp_path, catalogue()) == Definitions((), (), ())


def test_good_files_load_beside_bad_ones(tmp_path: Path) -> None:
    write(tmp_path, "segments", "good", ANYONE)
    write(tmp_path, "audiences", "fine", "{segment: good}", "legal_basis: internal\ndestinations: [{name: files}]\n")
    (tmp_path / "segments" / "torn.yml").write_text("where: {all: [")
    (tmp_path / "segments" / "binary.yml").write_bytes(b"\xff\xfe")
    (tmp_path / "segments" / "deep.yml").write_text("[" * 1000)
    (tmp_path / "segments" / "Über alles.yml").write_text("name: x\n")
    (tmp_path / "segments" / "other.yaml").write_text("name: x\n")
    definitions = load_definitions(tmp_path, catalogue())
    assert [definition.name for definition in definitions.segments] == ["good"]
    assert definitions.segment_versions == {"good": definitions.segments[0].rules.rule_version}
    assert [definition.name for definition in definitions.audiences] == ["fine"]
    found = problems(definitions)
    assert set(found) == {
        "segments/torn", "segments/binary", "segments/deep", "segments/_ber_alles", "segments/other"
    }  # fmt: skip
    assert "torn.yml:1: not valid YAML" in found["segments/torn"][0]
    assert "binary.yml: not UTF-8 text" in found["segments/binary"][0]
    assert "deep.yml: not valid YAML: maximum recursion depth" in found["segments/deep"][0]
    assert found["segments/other"][0].endswith("rename the file to other.yml")


def test_two_files_never_claim_one_asset(tmp_path: Path) -> None:
    write(tmp_path, "segments", "vip", ANYONE)
    (tmp_path / "segments" / "vip.yaml").write_text("")
    definitions = load_definitions(tmp_path, catalogue())
    names = [*(definition.name for definition in definitions.segments), *(wrong.name for wrong in definitions.invalid)]
    assert len(set(names)) == 2


def test_the_name_is_the_name_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "segments", "vip", ANYONE)
    path.rename(path.with_name("vop.yml"))
    (problem,) = problems(load_definitions(tmp_path, catalogue()))["segments/vop"]
    assert "vop.yml:2: name 'vip' differs from the name of the file; write 'vop'" in problem


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("{field: customers.contry, eq: CH}", "unknown field 'customers.contry': customers has no column 'contry';"
                                              " did you mean 'country'?"),
        ("{field: customer.country, eq: CH}", "there is no table 'customer'; did you mean 'customers'"),
        ("{field: country, eq: CH}", "fields are written table.column, and there is no table 'country'"),
        ("{field: transactions.currency, eq: CHF}", "there is no table 'transactions'"),
        ("{field: customers.country, gte: CH}", "'gte' does not fit customers.country, which is of type string;"
                                                " valid: eq, ne, in, not_in, contains, starts_with, is_null"),
        ("{field: customers.country, within_days: 3}", "'within_days' does not fit customers.country"),
        ("{field: customers.extras, eq: x}", "does not fit customers.extras, which is of type json; valid: is_null"),
        ("{field: customers.country, in: [CH, NO]}", "false (YAML reads yes, no, on and off as true and false) does not"
                                                     " fit customers.country; in needs text in quotes"),
        ("{field: customers.country, eq: 41}", "41 does not fit customers.country; eq needs text in quotes"),
        ("{field: customer_metrics.orders, gte: 1.5}", "1.5 does not fit customer_metrics.orders; gte needs a whole"),
        ("{field: customer_metrics.orders, gte: true}", "does not fit customer_metrics.orders; gte needs a whole"),
        ("{field: customer_metrics.net_revenue, gte: '9'}", "'9' does not fit customer_metrics.net_revenue; gte needs"),
        ("{field: customers.is_staff, eq: 1}", "1 does not fit customers.is_staff; eq needs true or false"),
        ("{field: customers.birth_date, lt: '1990-01-01'}", "'1990-01-01' does not fit customers.birth_date; lt needs a"
                                                            " day (YYYY-MM-DD)"),
        ("{field: customer_metrics.orders, between: [5, 3]}", "nothing is between 5 and 3; the lower end comes first"),
        ("{segment: vipp}", "unknown segment 'vipp'; did you mean 'vip'?"),
        ("{field: events.category, eq: Baby}", "events has many rows per customer; ask about them with {event: <name>"),
        ("{event: Prodct Viewed}", "no event is called 'Prodct Viewed'; did you mean 'Product Viewed'"),
        ("{event: order_completed}", "no event is called 'order_completed'; did you mean 'Order Completed'"),
        ("{event: A, where: {all: [{field: events.categry, eq: x}]}}", "unknown field 'events.categry': the 'where' of"
                                                " an event asks about columns of events; did you mean"),
        ("{event: A, where: {all: [{field: customers.country, eq: CH}]}}", "unknown field 'customers.country': the"),
        ("{event: A, where: {all: [{field: events.value, contains: x}]}}", "'contains' does not fit events.value"),
    ],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused_with_its_line(tmp_path: Path, condition: str, message: str) -> None:
    write(tmp_path, "segments", "vip", ANYONE)
    write(tmp_path, "segments", "wrong", condition)
    (problem,) = problems(load_definitions(tmp_path, catalogue()))["segments/wrong"]
    assert "wrong.yml:7: " in problem
    assert message in problem


def test_events_of_the_company_have_any_name(tmp_path: Path) -> None:
    write(tmp_path, "segments", "own", "{event: Tent Pitched, where: {all: [{field: events.value, gte: 3}]}}")
    assert problems(load_definitions(tmp_path, catalogue())) == {}


@pytest.mark.parametrize(
    ("fact", "condition"), [("event", "{event: Signed In}"), ("consent", "{consent: calls, status: denied}")]
)
def test_a_condition_about_facts_that_no_model_publishes_is_refused(tmp_path: Path, fact: str, condition: str) -> None:
    write(tmp_path, "segments", "wrong", condition)
    without = replace(catalogue(), facts={})
    (problem,) = problems(load_definitions(tmp_path, without))["segments/wrong"]
    assert f"wrong.yml:7: there is no table of {fact}s: no model of schema master has meta grain: {fact}" in problem


def test_every_problem_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    two = "{field: customers.contry, eq: CH}\n    - {field: customers.country, eq: 1, gt: 2}"
    write(tmp_path, "segments", "wrong", two)
    assert len(problems(load_definitions(tmp_path, catalogue()))["segments/wrong"]) == 3


def test_a_mapping_of_an_unknown_field_is_refused_with_its_line(tmp_path: Path) -> None:
    more = """\
    legal_basis: internal
    destinations:
      - name: files
        fields: {country: customers.country, mail: customers.mail}
    """
    write(tmp_path, "audiences", "wrong", ANYONE, more)
    (problem,) = problems(load_definitions(tmp_path, catalogue()))["audiences/wrong"]
    assert "wrong.yml:11: unknown field 'customers.mail'" in problem
    assert problem.endswith("customers has no column 'mail'; did you mean 'email'?")


def test_a_segment_that_names_itself_is_an_error_that_shows_the_chain(tmp_path: Path) -> None:
    write(tmp_path, "segments", "vip", "{segment: vip}")
    (problem,) = problems(load_definitions(tmp_path, catalogue()))["segments/vip"]
    assert problem.endswith("vip.yml:5: the segment depends on itself: vip -> vip")


def test_segments_in_a_circle_are_errors_and_those_that_only_refer_to_them_are_not(tmp_path: Path) -> None:
    write(tmp_path, "segments", "a", "{segment: b}")
    write(tmp_path, "segments", "b", "{none: [{segment: c}, {segment: good}]}")
    write(tmp_path, "segments", "c", "{any: [{segment: good}, {segment: a, member: false}]}")
    write(tmp_path, "segments", "good", ANYONE)
    write(tmp_path, "segments", "outside", "{segment: a}")
    definitions = load_definitions(tmp_path, catalogue())
    assert [definition.name for definition in definitions.segments] == ["good", "outside"]
    found = problems(definitions)
    assert found["segments/a"][0].endswith("the segment depends on itself: a -> b -> c -> a")
    assert found["segments/c"][0].endswith("the segment depends on itself: c -> a -> b -> c")


def test_a_reference_to_a_segment_with_problems_is_no_problem_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, "segments", "broken", "{field: customers.nothing, eq: x}")
    write(tmp_path, "segments", "vip", "{segment: broken}")
    definitions = load_definitions(tmp_path, catalogue())
    assert [definition.name for definition in definitions.segments] == ["vip"]
    assert list(problems(definitions)) == ["segments/broken"]


def test_an_audience_may_share_the_name_of_a_segment(tmp_path: Path) -> None:
    write(tmp_path, "segments", "vip", ANYONE)
    write(tmp_path, "audiences", "vip", "{segment: vip}", "legal_basis: internal\ndestinations: [{name: files}]\n")
    assert load_definitions(tmp_path, catalogue()).invalid == ()
