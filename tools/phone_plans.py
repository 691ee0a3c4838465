"""Which phone numbers exist, and how they are dialled: Google's libphonenumber as a dbt macro.

`phonenumbers` carries the metadata (Apache-2.0). Validity is kept whole, as patterns by calling code. A trunk prefix is
kept as a rewriting: most are dropped, some change the number (Argentina's 15 behind the area is a 9 before it).
Run after an upgrade of phonenumbers: `python -m tools.phone_plans`
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

MACROS = Path(__file__).parents[1] / "scv_dbt" / "macros" / "normalise" / "phone_plans.sql"

KINDS = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan",
    "voicemail",
)  # fmt: skip

# Mexico gave these up in 2019 and 2020, but address books still have them.
GIVEN_UP = {"MX": [(r"(?:01|04[45]|1)(\d{10})$", r"\1")]}

PATTERNS = """\
{{#- Written by tools/phone_plans.py from the metadata of phonenumbers {version}, which are those of Google's
    libphonenumber (Apache-2.0). -#}}

{{#- By calling code the patterns that a national number matches all of, if it exists. -#}}
{{% macro national_numbers() -%}}
    {{{{ return({national_numbers}) }}}}
{{%- endmacro %}}


{{#- What becomes of a number as it is dialled inside the country: the first pattern that it begins with is replaced.
    `plans` are countries, for their own numbers; and calling codes, for numbers that came with one. -#}}
{{% macro trunk_rules() -%}}
    {{{{ return({trunk_rules}) }}}}
{{%- endmacro %}}


{{#- What is dialled before a calling code, and where, except for 00. -#}}
{{% macro international_prefixes() -%}}
    {{{{ return({international_prefixes}) }}}}
{{%- endmacro %}}
"""


def national_numbers() -> dict[str, list[str]]:
    """Patterns that the national numbers match all of, by calling code."""
    return {
        str(code): [
            "|".join(dict.fromkeys(plan.general_desc.national_number_pattern for plan in _plans(code))),
            "|".join(dict.fromkeys(pattern for plan in _plans(code) for pattern in _numbers(plan))),
        ]
        for code in sorted(COUNTRY_CODE_TO_REGION_CODE)
    }


def trunk_rules() -> list[dict[str, object]]:
    """Rewritings by (pattern, replacement), those that change a number before those that only drop a prefix."""
    plans = defaultdict(list)
    for code, regions in sorted(COUNTRY_CODE_TO_REGION_CODE.items()):
        for place, (region, plan) in enumerate(zip(regions, _plans(code), strict=True)):
            for rule in [*GIVEN_UP.get(region, []), *_rewritings(plan)]:
                plans[rule] += ([str(code)] if place == 0 else []) + [region]
    return [
        {"pattern": pattern, "replacement": replacement, "plans": plans[pattern, replacement]}
        for pattern, replacement in sorted(plans, key=lambda rule: (rule[1] == "", rule))
    ]


def international_prefixes() -> dict[str, list[str]]:
    """Countries by the pattern of what they dial before a calling code, except for 00."""
    countries = defaultdict(list)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        countries[PhoneMetadata.metadata_for_region(region).international_prefix].append(region)
    return {prefix: countries[prefix] for prefix in sorted(countries) if prefix != "00"}


def macros() -> str:
    """The text of the file."""
    return PATTERNS.format(
        version=phonenumbers.__version__,
        national_numbers=_literal(national_numbers()),
        trunk_rules=_literal(trunk_rules()),
        international_prefixes=_literal(international_prefixes()),
    )


def _plans(code: int) -> list[PhoneMetadata]:
    """The plans that share a calling code, the main one first."""
    return [
        PhoneMetadata.metadata_for_region_or_calling_code(code, region) for region in COUNTRY_CODE_TO_REGION_CODE[code]
    ]


def _numbers(plan: PhoneMetadata) -> Iterator[str]:
    for kind in KINDS:
        numbers = getattr(plan, kind)
        if numbers and numbers.national_number_pattern:
            yield numbers.national_number_pattern


def _rewritings(plan: PhoneMetadata) -> Iterator[tuple[str, str]]:
    """What the plan does to a prefix, as (pattern, replacement). A replacement stands for the alternatives of the
    pattern that capture something, where they did; the others are dropped."""
    prefix, replacement = plan.national_prefix_for_parsing, plan.national_prefix_transform_rule
    if prefix is None:
        return
    if replacement is None:
        yield re.sub(r"\((?!\?)", "(?:", prefix), ""
        return
    for alternative in _alternatives(prefix):
        groups = re.compile(alternative).groups
        if not groups:
            yield alternative, ""
        elif alternative.endswith(")?"):
            # 0?(?:(area)15)? and (?:0|90)(?:(carrier)(number))?: all of it, else what stands before it.
            start = _opening(alternative)
            yield alternative[:-1], replacement
            yield alternative[:start], ""
        else:
            yield alternative, replacement


def _alternatives(pattern: str) -> list[str]:
    """The pattern split at the bars outside of all parentheses."""
    depth, parts = 0, [""]
    for letter in pattern:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _opening(pattern: str) -> int:
    """Where the parenthesis opens that `)?` closes at the end."""
    depth = 0
    for place in range(len(pattern) - 2, -1, -1):
        depth += {")": 1, "(": -1}.get(pattern[place], 0)
        if depth == 0:
            return place
    raise ValueError(pattern)


def _literal(value: object) -> str:
    return json.dumps(value, indent=4).replace("\n", "\n    ")


if __name__ == "__main__":
    MACROS.write_text(macros(), encoding="utf-8")
