"""Phone numbers as people write them, and what Google's libphonenumber makes of them: the oracle of `int_phones`."""

import random
import re
import re._constants as op
import re._parser as regex
from collections.abc import Iterator
from typing import Any, NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberFormat

COUNTRIES = (
    "AR AT AU BE BR CA CH CL CN CO CZ DE DK EG ES FI FR GB GR HU ID IE IL IN IT JP KR MX MY NL NO NZ PL PT RO SE SG TR"
    " US ZA"
).split()

# How often a number is of a kind, so that premium rates do not weigh as much as mobiles.
WEIGHTS = {"fixed_line": 40, "mobile": 60, "toll_free": 5, "premium_rate": 2, "shared_cost": 2, "voip": 3, "uan": 2}


class Written(NamedTuple):
    """A number in one way of writing, and its E.164 form by libphonenumber; null where it is no valid number."""

    country: str
    writing: str
    text: str
    e164: str | None


def written_numbers(chance: random.Random, country: str, count: int) -> Iterator[Written]:
    """Numbers that exist in a country, each in every way of writing."""
    for _ in range(count):
        number = _existing_number(chance, country)
        for writing, text in _writings(chance, number, country):
            yield Written(country, writing, text, e164(text, country))


def damaged_numbers(chance: random.Random, country: str, count: int) -> Iterator[Written]:
    """The same with a digit too many, too few or changed; some of them exist as well."""
    for _ in range(count):
        number = _existing_number(chance, country)
        for writing, text in _writings(chance, number, country):
            digits = [place for place, letter in enumerate(text) if letter.isdigit()]
            place, digit = chance.choice(digits), chance.choice("0123456789")
            damage = chance.choice(["", digit, digit + text[place]])
            damaged = text[:place] + damage + text[place + 1 :]
            yield Written(country, writing, damaged, e164(damaged, country))


def e164(text: str, country: str) -> str | None:
    """What libphonenumber makes of a text."""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) if phonenumbers.is_valid_number(number) else None


def _existing_number(chance: random.Random, country: str) -> PhoneNumber:
    plan = PhoneMetadata.metadata_for_region(country)
    kinds = {kind: numbers for kind in WEIGHTS if (numbers := getattr(plan, kind)) and numbers.national_number_pattern}
    while True:
        (kind,) = chance.choices(list(kinds), [WEIGHTS[kind] for kind in kinds])
        digits = _matching(chance, regex.parse(kinds[kind].national_number_pattern))
        zeros = len(digits) - len(digits.lstrip("0"))
        number = PhoneNumber(
            country_code=plan.country_code,
            national_number=int(digits),
            italian_leading_zero=True if zeros else None,
            number_of_leading_zeros=zeros if zeros > 1 else None,
        )
        if phonenumbers.is_valid_number_for_region(number, country):
            return number


def _matching(chance: random.Random, parsed: Any) -> str:
    """A text that matches a pattern, of those that libphonenumber has."""
    text = ""
    for kind, argument in parsed:
        if kind is op.LITERAL:
            text += chr(argument)
        elif kind is op.IN:
            text += chance.choice([letter for part in argument for letter in _letters(*part)])
        elif kind is op.MAX_REPEAT:
            least, most, repeated = argument
            text += "".join(_matching(chance, repeated) for _ in range(chance.randint(least, most)))
        elif kind is op.BRANCH:
            text += _matching(chance, chance.choice(argument[1]))
        elif kind is op.SUBPATTERN:
            text += _matching(chance, argument[3])
        else:
            raise ValueError(f"{kind} in a pattern of libphonenumber")
    return text


def _letters(kind: Any, argument: Any) -> str:
    if kind is op.RANGE:
        return "".join(map(chr, range(argument[0], argument[1] + 1)))
    return chr(argument) if kind is op.LITERAL else "0123456789"


def _writings(chance: random.Random, number: PhoneNumber, country: str) -> Iterator[tuple[str, str]]:
    plan = PhoneMetadata.metadata_for_region(country)
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    international = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    digits = phonenumbers.format_number(number, PhoneNumberFormat.E164).removeprefix("+")
    dialled = plan.preferred_international_prefix or plan.international_prefix
    separator = chance.choice([".", "-", "/", " - ", "  ", "\u00a0"])
    yield "national", national
    yield "national, digits", re.sub(r"\D", "", national)
    yield "national, punctuation", re.sub(r"[ ()-]+", separator, national).strip(separator)
    yield "national, extension", national + chance.choice([" ext. 12", " x12", " #12", ";ext=12", " extension 12"])
    yield "national, no trunk prefix", phonenumbers.national_significant_number(number)
    # Some numbers no mobile can dial.
    if mobile := phonenumbers.format_number_for_mobile_dialing(number, country, True):
        yield "national, as mobiles dial", mobile
    yield "international", international
    yield "international, extension", international + chance.choice([" ext. 12", "x12", " anexo 12", " int. 12"])
    yield "international, 00", "00 " + international.removeprefix("+")
    yield "international, as dialled there", (dialled if dialled.isdigit() else "00") + digits
    yield "E.164", "+" + digits
    yield "E.164, no plus", digits
