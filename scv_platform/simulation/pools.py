"""Names, addresses and goods to draw from. Faker fills the first two, seeded by the country alone."""

import unicodedata

import numpy as np
import pyarrow as pa
from faker import Faker

LOCALES = {"DE": "de_DE", "GB": "en_GB", "US": "en_US", "FR": "fr_FR"}
POOL_SIZE = 400
"""Family names, streets and towns of a country; also the given names of each gender."""

EMAIL_DOMAINS = ("example.com", "example.org", "example.net", "mail.example", "post.example", "inbox.example")
"""Domains that are reserved for documentation, so that no simulated address reaches anybody."""

_NICKNAMES = {
    "Alexander": "Alex", "Alexandra": "Alex", "Andrew": "Andy", "Anthony": "Tony", "Benjamin": "Ben",
    "Catherine": "Cathy", "Charles": "Charlie", "Christian": "Chris", "Christopher": "Chris", "Daniel": "Dan",
    "David": "Dave", "Deborah": "Debbie", "Edward": "Ed", "Elisabeth": "Lisa", "Elizabeth": "Liz",
    "Frédéric": "Fred", "Friedrich": "Fritz", "Gregory": "Greg", "Guillaume": "Guy", "Hans-Peter": "Hans",
    "James": "Jim", "Jennifer": "Jenny", "Johannes": "Hannes", "Joseph": "Joe", "Joshua": "Josh",
    "Katharina": "Kathi", "Kenneth": "Ken", "Margaret": "Maggie", "Matthew": "Matt", "Maximilian": "Max",
    "Michael": "Mike", "Nicholas": "Nick", "Nicolas": "Nico", "Patricia": "Pat", "Rebecca": "Becky",
    "Richard": "Rick", "Robert": "Bob", "Samantha": "Sam", "Samuel": "Sam", "Stephen": "Steve",
    "Stéphanie": "Steph", "Susan": "Sue", "Theodor": "Theo", "Thomas": "Tom", "Timothy": "Tim",
    "Valérie": "Val", "Véronique": "Véro", "William": "Bill", "Wolfgang": "Wolf", "Zachary": "Zach",
}  # fmt: skip
"""What people with these names are called by those who know them."""

CATEGORIES: dict[str, tuple[int, tuple[str, ...]]] = {
    "Jeans": (6900, ("Slim Jeans", "Straight Jeans", "Wide Jeans", "Jeans Jacket", "Bootcut Jeans", "Jeans Skirt")),
    "Dresses": (7900, ("Summer Dress", "Wrap Dress", "Shirt Dress", "Evening Dress", "Knit Dress", "Maxi Dress")),
    "Shirts": (3400, ("Oxford Shirt", "Linen Shirt", "T-Shirt", "Polo Shirt", "Flannel Shirt", "Tank Top")),
    "Shoes": (8900, ("Sneakers", "Ankle Boots", "Loafers", "Sandals", "Running Shoes", "Rain Boots")),
    "Baby": (2400, ("Romper", "Baby Blanket", "Nappies", "Bottle Set", "Baby Carrier", "Play Mat")),
    "Kids": (2900, ("Scooter", "Sun Hat", "Kite", "Rucksack", "Puzzle", "Balance Board")),
    "Home": (3900, ("Skillet", "Kettle", "Bed Linen", "Lamp", "Coffee Mill", "Cushion")),
    "Beauty": (1900, ("Face Cream", "Shampoo", "Hand Balm", "Perfume", "Lip Care", "Sun Milk")),
    "Sports": (5400, ("Yoga Mat", "Helmet", "Rain Jacket", "Dumbbells", "Tent", "Swim Goggles")),
    "Garden": (2700, ("Planter", "Secateurs", "Watering Can", "Bird House", "Hose", "Lantern")),
}
"""Median price in cents and the goods, by category."""
BRANDS = ("Falkwind", "Morgentau", "Nordlauf", "Hageby", "Vento & Figli")
PRODUCTS_PER_CATEGORY = 18

LIKED_BY = {"f": (20, 12, 7, 10, 11, 8, 11, 12, 5, 4), "m": (12, 1, 14, 12, 7, 8, 11, 4, 19, 12)}
"""Weight of each category as a person's favourite, by gender."""

INDUSTRIES = ("Retail", "Hospitality", "Health", "Education", "Construction", "Software")
FIRST_WORDS = ("Nord", "Alpha", "Linden", "Blue", "Castle", "Harbour", "Mont", "Delta", "Silver", "Green", "Rhein",
               "Oak", "Stella", "Prima", "Quartz", "Terra", "Union", "Vista", "West", "Atlas")  # fmt: skip
SECOND_WORDS = ("Hotels", "Clinics", "Logistics", "Foods", "Studios", "Works", "Systems", "Schools", "Partners",
                "Gardens", "Mode", "Trading")  # fmt: skip
LEGAL_FORMS = {"DE": "GmbH", "GB": "Ltd", "US": "Inc.", "FR": "SARL"}
TITLES = ("Head of Purchasing", "Office Manager", "Buyer", "Managing Director", "Facility Manager", "HR Manager")


def _plain(name: str) -> str:
    """As people write a name in an e-mail address: lower case, without accents or spaces."""
    decomposed = unicodedata.normalize("NFKD", name.lower().replace("ß", "ss"))
    return "".join(letter for letter in decomposed if letter.isascii() and letter.isalpha())


def names() -> pa.Table:
    """One row per (country, kind, position) with kind f and m for given names, l for family names."""
    rows: list[dict[str, object]] = []
    for country, locale in LOCALES.items():
        fake = Faker(locale)
        fake.seed_instance(f"names {country}")
        for kind, provider in (("f", "first_name_female"), ("m", "first_name_male"), ("l", "last_name")):
            for position in range(POOL_SIZE):
                name = str(fake.format(provider))
                rows.append(
                    {
                        "country": country,
                        "kind": kind,
                        "position": position,
                        "name": name,
                        "plain": _plain(name),
                        "nickname": _NICKNAMES.get(name),
                    }
                )
    return pa.Table.from_pylist(rows)


def places() -> pa.Table:
    """One row per (country, position): street, city, postcode."""
    rows: list[dict[str, object]] = []
    for country, locale in LOCALES.items():
        fake = Faker(locale)
        fake.seed_instance(f"places {country}")
        for position in range(POOL_SIZE):
            rows.append(
                {
                    "country": country,
                    "position": position,
                    "street": fake.street_name(),
                    "city": fake.city(),
                    "postcode": fake.postcode(),
                }
            )
    return pa.Table.from_pylist(rows)


def products(rng: np.random.Generator) -> pa.Table:
    """One row per product: product_no from 0, name, category, brand, price_cents, cost_cents."""
    rows = [
        (f"{brand} {name}", category, brand, price)
        for category, (price, goods) in CATEGORIES.items()
        for name in goods
        for brand in rng.choice(BRANDS, 3, replace=False)
    ]
    name, category, brand, median = (np.array(column) for column in zip(*rows, strict=True))
    # Prices end in 90 cents; a product costs the shop between 45 and 70 % of its price.
    price = np.maximum(median * rng.lognormal(0, 0.4, len(rows)) // 100, 3).astype(int) * 100 - 10
    return pa.table(
        {
            "product_no": np.arange(len(rows)),
            "name": name,
            "category": category,
            "brand": brand,
            "price_cents": price,
            "cost_cents": (price * rng.uniform(0.45, 0.70, len(rows))).astype(int),
        }
    )
