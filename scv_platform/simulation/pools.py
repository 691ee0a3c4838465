"""Names, addresses and goods to draw from. Faker fills the first two, seeded by the country alone."""

import unicodedata
from dataclasses import dataclass

import numpy as np
from faker import Faker

# Not it_IT: its cities come from a Python set, so they differ from process to process.
_LOCALES = {"DE": "de_DE", "AT": "de_AT", "FR": "fr_FR", "NL": "nl_NL", "ES": "es_ES"}
LANGUAGES = {"DE": "de", "AT": "de", "FR": "fr", "NL": "nl", "ES": "es"}
MOBILE_PREFIXES = {"DE": "0151 ", "AT": "0664 ", "FR": "06 ", "NL": "06 ", "ES": "6"}
"""How people of a country begin their mobile number when they write it."""
MOBILE_DIGITS = {"DE": 8, "AT": 7, "FR": 8, "NL": 8, "ES": 8}
EMAIL_DOMAINS = ("example.com", "example.org", "example.net")
"""Domains that are reserved for documentation, so that no simulated address reaches anybody."""

CATEGORIES: dict[str, tuple[int, tuple[str, ...]]] = {
    "Camping": (5900, ("Tent", "Sleeping Bag", "Stove", "Lantern", "Mat", "Cool Box", "Folding Chair", "Hammock")),
    "Cycling": (4500, ("Helmet", "Pannier", "Bike Light", "Lock", "Pump", "Gloves", "Bottle Cage", "Saddle")),
    "Garden": (2900, ("Watering Can", "Planter", "Secateurs", "Trowel", "Bird House", "Wind Light", "Hose", "Rake")),
    "Hiking": (7900, ("Rucksack", "Rain Jacket", "Trekking Poles", "Boots", "Flask", "Map Case", "Cap", "Socks")),
    "Kids": (2400, ("Scooter", "Rain Boots", "Kite", "Explorer Kit", "Sun Hat", "Balance Board", "Puzzle", "Ball")),
    "Kitchen": (3400, ("Skillet", "Kettle", "Bread Knife", "Coffee Mill", "Bowl", "Apron", "Teapot", "Board")),
}
"""Median price in cents and the goods, by category."""
BRANDS = ("Falkwind", "Morgentau", "Nordlauf", "Hageby", "Vento & Figli")


@dataclass(frozen=True)
class CountryPool:
    """What the people of one country are called and where they live."""

    given_names: dict[str, np.ndarray]
    """By gender, `f` or `m`."""
    family_names: np.ndarray
    streets: np.ndarray
    cities: np.ndarray
    postcodes: np.ndarray
    """The postcode of the city at the same place."""


def country_pool(country: str, size: int = 200) -> CountryPool:
    """The pool of a country; always the same one."""
    fake = Faker(_LOCALES[country])
    fake.seed_instance(country)

    def draws(name: str) -> np.ndarray:
        return np.array([fake.format(name) for _ in range(size)])

    return CountryPool(
        given_names={"f": draws("first_name_female"), "m": draws("first_name_male")},
        family_names=draws("last_name"),
        streets=draws("street_name"),
        cities=draws("city"),
        postcodes=draws("postcode"),
    )


def as_mailbox(names: np.ndarray) -> np.ndarray:
    """Names as people write them in an e-mail address: lower case, without accents or spaces."""

    def mailbox(name: str) -> str:
        plain = unicodedata.normalize("NFKD", name.lower().replace("ß", "ss"))
        return "".join(letter for letter in plain if letter.isascii() and letter.isalpha())

    distinct, positions = np.unique(names, return_inverse=True)
    return np.array([mailbox(name) for name in distinct])[positions]
