from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from scv_platform.audiences.rules import Audience, Rules, Segment, conditions
from scv_platform.config_files import ConfigError, read_yaml, validate

HEAD = "schema_version: 1\nname: vip\ndescription: Our best.\nowner: team:crm\n"
WHERE = "where: {all: [{field: customers.country, eq: CH}]}\n"


def parse(path: Path, text: str, model: type[Rules] = Segment) -> Rules:
    file = path / "vip.yml"
    file.write_text(HEAD + dedent(text))
    return validate(model, read_yaml(file))


def test_a_tree_of_all_kinds_of_parts_is_read(tmp_path: Path) -> None:
    rules = parse(
        tmp_path,
        """\
        where:
          all:
            - {field: customers.country, in: [CH, DE]}
            - any:
                - {purchase: {category: [Baby]}, count: {gte: 1}, amount: {gte: 50}, within_days: 90}
                - none: [{segment: champions, member: false}]
                - {event: Product Viewed, where: {all: [{field: events.category, eq: Baby}]}, count: {eq: 0}}
                - {consent: email_marketing, status: granted, channel: email}
        """,
    )
    assert [location for location, _ in conditions(rules.where)] == [
        ("where", "all", 0),
        ("where", "all", 1, "any", 0),
        ("where", "all", 1, "any", 1, "none", 0),
        ("where", "all", 1, "any", 2),
        ("where", "all", 1, "any", 3),
    ]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("{field: a.b, inn: [CH]}", "unknown key 'where.all.0.inn'; did you mean 'in'?"),
        ("{field: a.b, in_: [CH]}", "unknown key 'where.all.0.in_'; did you mean 'in'?"),
        ("{evnt: Product Viewed}", "where.all.0: unknown key 'evnt'; did you mean 'event'"),
        (
            "{event: Product Viewed, times: 2}",
            "unknown key 'where.all.0.times'; valid: count, event, where, within_days",
        ),
        (
            "{event: Product Viewed, where: {field: a.b, eq: 1}}",
            "where.all.0.where: unknown key 'field'; valid: all, any",
        ),
        (
            "{event: Product Viewed, where: {all: [{segment: a}]}}",
            "with field conditions only; 'segment' belongs beside",
        ),
        (
            "{event: Product Viewed, where: {none: [{any: [{event: b}]}]}}",
            "field conditions only; 'event' belongs beside",
        ),
        ("{event: ' '}", "where.all.0.event: must not be empty"),
        ("{event: Signed In, count: 2}", "where.all.0.count: Input should be a valid dictionary"),
        (
            "{consent: Newsletter, status: granted}",
            "0.consent: is kept in lower case by every source; write 'newsletter'",
        ),
        ("{consent: newsletter, status: granted, channel: 'email '}", "0.channel: is kept in lower case"),
        ("{consent: newsletter}", "where.all.0.status' is missing"),
        ("{consent: newsletter, status: maybe}", "where.all.0.status: Input should be 'granted' or 'denied'"),
        ("{consent: newsletter, status: granted, chanel: email}", "0.chanel'; did you mean 'channel'?"),
        ("{segment: a, membr: true}", "unknown key 'where.all.0.membr'; did you mean 'member'?"),
        ("{purchase: {skus: ['1']}}", "unknown key 'where.all.0.purchase.skus'; did you mean 'sku'?"),
        (
            "{all: [{segment: a}], any: [{segment: b}]}",
            "needs exactly one of all, any, none, field, event, purchase, segment, consent",
        ),
        ("just text", "where.all.0: needs exactly one of all, any, none, field, event, purchase, segment, consent"),
        ("{all: []}", "where.all.0.all: List should have at least 1 item"),
        ("{field: a.b}", "where.all.0: a field condition needs an operator; valid: between, contains, eq"),
        ("{field: a.b, eq: }", "where.all.0: 'eq' has no value"),
        ("{field: a.b, eq: {x: 1}}", "where.all.0.eq: must be text, a number, true or false, or a day"),
        ("{field: a.b, eq: .nan}", "where.all.0.eq: must be a finite number"),
        ("{field: a.b, eq: 2024-05-01 10:00:00}", "where.all.0.eq: rules know whole days; write YYYY-MM-DD"),
        ('{field: a.b, eq: "\\ud83d"}', "where.all.0.eq: is not valid Unicode text"),
        ("{field: a.b, in: CH}", "where.all.0.in: Input should be a valid list"),
        ("{field: a.b, in: []}", "where.all.0.in: List should have at least 1 item"),
        ("{field: a.b, between: [1]}", "where.all.0.between: List should have at least 2 items"),
        ("{field: a.b, contains: ''}", "where.all.0.contains: must not be empty"),
        ("{field: a.b, is_null: true, eq: 1}", "where.all.0: 'is_null' stands alone"),
        ("{field: a.b, is_null: 'yes'}", "where.all.0.is_null: Input should be a valid boolean"),
        ("{field: a.b, within_days: 0}", "where.all.0.within_days: Input should be greater than or equal to 1"),
        ("{field: a.b, within_days: 99999}", "where.all.0.within_days: Input should be less than or equal to 36500"),
        ("{purchase: {}}", "where.all.0.purchase: name at least one of category, product_id, sku, brand"),
        ("{purchase: {product_id: [22423]}}", "where.all.0.purchase.product_id.0: must be text; put '22423' in quotes"),
        ("{purchase: {sku: [a]}, count: {gte: -1}}", "where.all.0.count.gte: must be a number, 0 or more"),
        ("{purchase: {sku: [a]}, count: {}}", "where.all.0.count: needs a bound; valid: eq, gt, gte, lt, lte"),
        ("{purchase: {sku: [a]}, amount: }", "where.all.0: 'amount' has no value"),
    ],
)
def test_a_wrong_part_is_refused_with_its_line_and_what_to_write(tmp_path: Path, part: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(tmp_path, f"where:\n  all:\n    - {part}\n")
    assert len(error.value.problems) == 1
    assert error.value.problems[0].startswith(f"{tmp_path}/vip.yml:7: ")
    assert message in error.value.problems[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("where: {field: a.b, eq: 1}\n", "vip.yml:5: where: unknown key 'field'; valid: all, any, none"),
        (WHERE + "holdout: {percent: 10}\n", "vip.yml:6: unknown key 'holdout'; valid: description, name, owner"),
        ("", "vip.yml:1: 'where' is missing"),
        ("where: " + "{any: [" * 9 + "{segment: a}" + "]}" * 9, "yml:5: where: groups are nested 9 deep, 8 at most"),
        (
            "where: {all: [{event: a, where: " + "{any: [" * 8 + "{field: a.b, eq: 1}" + "]}" * 8 + "}]}",
            "yml:5: where: groups are nested 9 deep, 8 at most",
        ),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=r"vip\.yml") as error:
        parse(tmp_path, text)
    assert message in str(error.value)


def test_eight_groups_inside_each_other_are_allowed(tmp_path: Path) -> None:
    parse(tmp_path, "where: " + "{any: [" * 8 + "{segment: a}" + "]}" * 8)


@pytest.mark.parametrize(
    ("line", "replacement", "message"),
    [
        ("schema_version: 1", "schema_version: 2", "schema_version: Input should be 1"),
        ("name: vip", "name: V.I.P.", "name: String should match pattern"),
        ("owner: team:crm", "owner: the crm people", "owner: must be team:<name> or an e-mail address"),
        ("description: Our best.", "description: ''", "description: must not be empty"),
    ],
)
def test_a_wrong_head_is_refused(tmp_path: Path, line: str, replacement: str, message: str) -> None:
    file = tmp_path / "vip.yml"
    file.write_text(HEAD.replace(line, replacement) + WHERE)
    with pytest.raises(ConfigError) as error:
        validate(Segment, read_yaml(file))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("destinations: [{name: files}]\n", "'purpose' is missing: legal_basis consent"),
        ("destinations: [{name: files}]\nlegal_basis: contract\n", "'purpose' is missing: legal_basis contract"),
        (
            "destinations: [{name: files}]\npurpose: E-Mail\n",
            "purpose: is kept in lower case by every source; write 'e-",
        ),
        ("destinations: [{name: files}]\nlegal_basis: hope\n", "legal_basis: Input should be 'consent'"),
        ("legal_basis: internal\n", "'destinations' is missing"),
        ("legal_basis: internal\ndestinations: []\n", "destinations: List should have at least 1 item"),
        ("legal_basis: internal\ndestinations: [{name: a}, {name: a}]\n", "destination 'a' is given twice"),
        (
            "legal_basis: internal\ndestinations: [{name: a, mode: mirror}]\n",
            "unknown key 'destinations.0.mode'; valid: fields, name",
        ),
        (
            "legal_basis: internal\ndestinations: [{name: a, fields: {customer_id: a.b}}]\n",
            "'customer_id' is always the first column",
        ),
        (
            "legal_basis: internal\ndestinations: [{name: a, fields: {Mail: a.b, mail: a.b}}]\n",
            "column 'mail' is given twice",
        ),
        ("legal_basis: internal\ndestinations: [{name: a}]\nlimits: {max_size: 3}\n", "unknown key 'limits'"),
    ],
)
def test_a_wrong_audience_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(tmp_path, WHERE + text, Audience)
    assert message in str(error.value)


def test_the_version_is_that_of_the_rule_and_not_of_its_layout_or_description() -> None:
    def version(**changes: Any) -> str:
        file = {"schema_version": 1, "name": "a", "description": "x", "owner": "team:a"}
        where = {"all": [{"field": "a.b", "in": ["x"]}]}
        return Segment.model_validate({**file, "where": where, **changes}).rule_version

    assert version() == version(description="y", owner="team:b")
    assert version() != version(where={"all": [{"field": "a.b", "in": ["y"]}]})
    assert version() != version(where={"all": [{"field": "a.b", "not_in": ["x"]}]})
    assert version() != version(where={"any": [{"field": "a.b", "in": ["x"]}]})
