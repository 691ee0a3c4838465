from pathlib import Path

import pytest

from scv_platform.config_files import ConfigError
from scv_platform.settings import PROJECT_ROOT, Settings
from scv_platform.sources.config import load_sources

SHOP = """\
shop:
  from: files
  path: "${SCV_LANDING}/shop.csv"
  format: csv
  entities:
    people:
      fields:
        source_id: id
"""


def problems(project) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load_sources(project.settings)
    folder = f"{project.folder}/"
    return [problem.replace(folder, "") for problem in error.value.problems]


def test_every_form_of_the_grammar_is_accepted(project):
    project.configure(
        SHOP
        + """\
        email: {column: mail}
        created_at: {column: since, format: "%d.%m.%Y %H:%M"}
        country: {const: CH}
        national_id: {hash: [id, mail]}
        language:
          case:
            - {when: {column: lang, matches: "^d"}, then: de}
            - {when: {column: lang, eq: x}, then: null}
            - {when: {column: age, lt: 18}, then: {column: lang}}
            - {when: {column: age, gt: 99.5}, then: en}
          else: {column: lang}
        loyalty_tier: tier
      skip:
        - {column: id, matches: "^test", reason: test account}
    transaction_lines:
      path: "${SCV_LANDING}/lines.parquet"
      format: parquet
      fields: {source_id: line, transaction_source_id: bill, occurred_at: at, person_source_id: id, quantity: n}
""",
        custom_fields="{loyalty_tier: {entity: people, type: string, privacy: quasi, description: Tier}}",
    )
    assert list(project.dataset.tables) == ["people", "transaction_lines"]
    people, lines = project.dataset.mappings
    assert list(people.used) == ["id", "mail", "since", "lang", "age", "tier"]
    assert people.columns[-1].name == "loyalty_tier"
    assert (lines.reading.format, lines.pattern) == ("parquet", str(project.landing / "lines.parquet"))


def test_an_entity_overrides_the_options_of_its_source(project):
    project.configure(
        """
shop:
  from: files
  path: a.csv
  format: csv
  delimiter: ";"
  encoding: cp1252
  decimal: ","
  thousands: "."
  null_values: [NA]
  date_format: "%d.%m.%Y"
  timezone: Europe/Berlin
  default_country: DE
  entities:
    people: {fields: {source_id: id}}
    products:
      {path: b.csv, delimiter: "|", encoding: utf-8, decimal: ".", thousands: "'", null_values: ["-"],
       date_format: "%Y%m%d", timezone: UTC, fields: {product_id: id}}
"""
    )
    people, products = project.dataset.mappings
    assert vars(people.reading) == {
        "format": "csv", "delimiter": ";", "encoding": "cp1252", "decimal": ",", "thousands": ".",
        "null_values": ("NA",), "date_format": "%d.%m.%Y", "timezone": "Europe/Berlin", "default_country": "DE",
    }  # fmt: skip
    assert vars(products.reading) == {
        "format": "csv", "delimiter": "|", "encoding": "utf-8", "decimal": ".", "thousands": "'",
        "null_values": ("-",), "date_format": "%Y%m%d", "timezone": "UTC", "default_country": "DE",
    }  # fmt: skip
    assert (people.pattern, people.shares_file) == (str(project.folder / "a.csv"), False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SHOP.replace("format:", "fromat:"), "sources.yml:4: unknown key 'fromat'; did you mean 'format'"),
        (SHOP.replace("people", "peple"), "sources.yml:6: unknown entity 'peple'; did you mean 'people'?"),
        (SHOP + "        emial: mail\n", "sources.yml:9: people has no column 'emial'; did you mean 'email'?"),
        (
            SHOP + "        email: {colunm: mail}\n",
            "sources.yml:9: entities.people.fields.email: a field is a column name,",
        ),
        (
            SHOP + "        created_at: {column: at, fromat: x}\n",
            "sources.yml:9: unknown key 'entities.people.fields.created_at.fromat'; did you mean 'format'?",
        ),
        (
            SHOP + "        email: {case: [{when: {column: a, matchs: x}, then: b}]}\n",
            "sources.yml:9: unknown key 'entities.people.fields.email.case.0.when.matchs'; did you mean 'matches'?",
        ),
        (
            SHOP + "      skip:\n        - {column: a, equals: b, reason: c}\n",
            "sources.yml:10: unknown key 'entities.people.skip.0.equals'; valid: column, eq, gt, lt, matches, reason",
        ),
        (
            SHOP + "      skip:\n        - {column: a, eq: b, gt: 1, reason: c}\n",
            "sources.yml:10: entities.people.skip.0: give exactly one of matches, eq, lt, gt",
        ),
        (
            SHOP + "      skip:\n        - {column: a, matches: '(?=b)', reason: c}\n",
            "sources.yml:10: entities.people.skip.0: matches: not a pattern that RE2 understands",
        ),
        (SHOP + "        email: 5\n", "sources.yml:9: entities.people.fields.email: a field is a column name"),
        (SHOP.replace("source_id", "email"), "sources.yml:7: people needs source_id"),
        (SHOP.replace("id: id", "id: {const: 1}"), "sources.yml:7: no field reads a column of the file"),
        (SHOP + "        gender: {column: g, format: '%Y'}\n", "sources.yml:9: gender: a format is for dates"),
        (SHOP + "        birth_date: {column: b, format: '%Q'}\n", "sources.yml:9: birth_date: "),
        (SHOP + "        birth_date: {hash: [b]}\n", "sources.yml:9: birth_date: a hash is text"),
        (SHOP + "        country: {const: NO}\n", "sources.yml:9: country: False is not text: YAML reads it"),
        (SHOP + "        is_deleted: {const: maybe}\n", "sources.yml:9: is_deleted: 'maybe' is no bool"),
        (SHOP + "        gender: {case: []}\n", "sources.yml:9: entities.people.fields.gender.case: must not be empty"),
        (SHOP.replace("  format: csv\n", ""), "sources.yml:5: people has no format"),
        (SHOP.replace("format: csv", "format: xls"), "sources.yml:4: format: Input should be 'parquet', 'csv'"),
        (SHOP.replace("from: files", "from: api"), "sources.yml:2: from: 'api'; valid: database, files, landing"),
        (SHOP.replace("csv\n  ent", "parquet\n  delimiter: ','\n  ent"), "sources.yml:5: delimiter has no effect on"),
        (SHOP.replace("csv\n  ent", "csv\n  encoding: utf9\n  ent"), "sources.yml:5: encoding: unknown encoding"),
        (SHOP.replace("csv\n  ent", "csv\n  encoding: hex\n  ent"), "sources.yml:5: encoding: unknown encoding 'hex'"),
        (
            SHOP + "      skip:\n        - {column: a, lt: .inf, reason: c}\n",
            "sources.yml:10: entities.people.skip.0.lt: Input should be a finite number",
        ),
        (
            SHOP.replace("csv\n  ent", "csv\n  timezone: Europe/Belrin\n  ent"),
            "sources.yml:5: timezone: unknown time zone 'Europe/Belrin'; did you mean 'Europe/Berlin'",
        ),
        (SHOP.replace("csv\n  ent", "csv\n  thousands: .\n  ent"), "sources.yml:5: thousands and decimal are both '.'"),
        (SHOP.replace("SCV_LANDING", "NOWHERE"), "sources.yml:3: ${NOWHERE}/shop.csv: environment variable NOWHERE is"),
        (SHOP.replace("shop:", "my shop:"), "sources.yml:1: source name 'my shop'"),
        (SHOP + SHOP, "sources.yml:9: key 'shop' is given twice"),
        ("- shop", "sources.yml:1: expected a mapping"),
    ],
)
def test_a_mistake_is_refused_with_its_file_its_line_and_the_nearest_name(project, text, expected):
    project.configure(text)
    (problem,) = problems(project)
    assert problem.startswith(expected)


def test_all_mistakes_of_all_sources_are_told_at_once(project):
    shop, other = SHOP + "        emial: mail\n", SHOP.replace("shop:", "other:").replace("people", "peple")
    project.configure(shop + other)
    assert [problem.split(":")[1] for problem in problems(project)] == ["9", "15"]


def test_the_separators_of_an_entity_are_judged_together_with_those_of_its_source(project):
    separators = SHOP.replace("csv\n  ent", 'csv\n  decimal: ","\n  ent') + "      thousands: '.'\n"
    project.configure(separators)
    assert project.mapping("people").reading.thousands == "."
    project.configure(separators.replace("thousands: '.'", "thousands: ','"))
    assert problems(project) == ["sources.yml:10: thousands and decimal are both ','"]


def test_a_default_country_needs_a_country_column(project):
    products = SHOP.replace("people:", "products:\n      default_country: DE").replace("source_id", "product_id")
    project.configure(products)
    assert problems(project) == ["sources.yml:7: default_country has no effect: no country column here"]


def test_a_mapping_has_another_fingerprint_when_it_gives_other_rows_and_only_then(project):
    def fingerprint(text: str, custom_fields: str = "{}") -> str:
        project.configure(text, custom_fields)
        return project.mapping("people").fingerprint

    original = fingerprint(SHOP)
    assert fingerprint("# a comment\n" + SHOP.replace("shop.csv", "*.csv")) == original
    assert fingerprint(SHOP + "      skip: []\n") == original
    others = [
        fingerprint(SHOP + "        email: mail\n"),
        fingerprint(SHOP.replace("csv\n", "csv\n  timezone: Europe/Berlin\n")),
        fingerprint(SHOP + "      skip: [{column: a, eq: b, reason: c}]\n"),
        fingerprint(SHOP, "{tier: {entity: people, type: string, privacy: quasi, description: Tier}}"),
    ]
    assert len({original, *others}) == 5


@pytest.mark.parametrize("folder", [PROJECT_ROOT / "config", PROJECT_ROOT / "examples" / "online_retail" / "config"])
def test_the_configurations_of_the_project_are_valid(folder: Path, tmp_path: Path):
    environment = {"SCV_CONFIG": str(folder), "SCV_LANDING": str(tmp_path), "SCV_REAL_DATA": str(tmp_path)}
    assert load_sources(Settings.load(environment)).landing
