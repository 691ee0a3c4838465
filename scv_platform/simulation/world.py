"""What truly happens: who the people are, what is on sale, and what they buy and send back.

Everything is drawn as arrays. Each concern has a random stream of its own, so that a new concern does not
change what the others draw. Money is in whole cents.
"""

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from scv_platform.simulation import pools
from scv_platform.simulation.rates import Rates

_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class World:
    """The truth, as tables that the systems are written from."""

    people: pa.Table
    """One row per person: person_id from 0, attributes, and what they use."""
    products: pa.Table
    """One row per product: product_no from 0, name, category, brand, price_cents, cost_cents."""
    orders: pa.Table
    """One row per purchase, in the web shop or in the store."""
    lines: pa.Table
    """One row per (order_no, position): what was bought, and when it came back if it did."""
    consents: pa.Table
    """One row per answer of an account holder: purpose, status, answered_at."""


def draw_world(people: int, seed: int, until: date, rates: Rates) -> World:
    """The world up to the end of the day `until` (UTC)."""
    last_day = np.datetime64(until, "D")
    persons = _people(people, _stream(seed, "people"), last_day, rates)
    products = _products(_stream(seed, "products"))
    orders = _orders(persons, _stream(seed, "orders"), last_day, rates)
    lines = _lines(persons, products, orders, _stream(seed, "lines"), last_day, rates)
    orders |= _goodwill(orders, lines, _stream(seed, "goodwill"), last_day, rates)
    consents = _consents(persons, _stream(seed, "consents"), last_day, rates)
    return World(*(pa.table(columns) for columns in (persons, products, orders, lines, consents)))


Columns = dict[str, np.ndarray]


def _stream(seed: int, concern: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(concern.encode())])


def _chance(rng: np.random.Generator, share: float, size: int) -> np.ndarray:
    return rng.random(size) < share


def _days_between(rng: np.random.Generator, first: np.ndarray, last_day: np.datetime64) -> np.ndarray:
    """A day from `first` to the last day, each as likely as the others."""
    span = (last_day - first).astype(int) + 1
    day: np.ndarray = first + (rng.random(len(first)) * span).astype(int) * _DAY
    return day


def _by_day(rng: np.random.Generator, days: np.ndarray) -> np.ndarray:
    """A second of each day between 8 and 20 o'clock."""
    seconds = rng.integers(8 * 3600, 20 * 3600, len(days))
    moment: np.ndarray = days.astype("datetime64[s]") + seconds.astype("timedelta64[s]")
    return moment


def _people(size: int, rng: np.random.Generator, last_day: np.datetime64, rates: Rates) -> Columns:
    names = list(rates.countries)
    share = np.array([rates.countries[name] for name in names])
    country = np.array(names)[rng.choice(len(names), size, p=share / share.sum())]
    gender = np.where(_chance(rng, 0.5, size), "f", "m")
    drawn = {name: np.empty(size, dtype="U80") for name in ("given_name", "family_name", "street", "city", "postcode")}
    phone = np.empty(size, dtype="U20")
    for name in names:
        pool = pools.country_pool(name)
        here = np.flatnonzero(country == name)
        for sex, given in pool.given_names.items():
            those = here[gender[here] == sex]
            drawn["given_name"][those] = rng.choice(given, len(those))
        drawn["family_name"][here] = rng.choice(pool.family_names, len(here))
        house = rng.integers(1, 120, len(here)).astype(str)
        drawn["street"][here] = np.char.add(np.char.add(rng.choice(pool.streets, len(here)), " "), house)
        town = rng.integers(0, len(pool.cities), len(here))
        drawn["city"][here], drawn["postcode"][here] = pool.cities[town], pool.postcodes[town]
        digits = pools.MOBILE_DIGITS[name]
        number = rng.integers(10 ** (digits - 1), 10**digits, len(here)).astype(str)
        phone[here] = np.char.add(pools.MOBILE_PREFIXES[name], number)

    def email(separator: str) -> np.ndarray:
        given, family = pools.as_mailbox(drawn["given_name"]), pools.as_mailbox(drawn["family_name"])
        name = np.char.add(np.char.add(given, separator), np.char.add(family, np.arange(1, size + 1).astype(str)))
        return np.char.add(np.char.add(name, "@"), rng.choice(pools.EMAIL_DOMAINS, size))

    # The square root makes the shop grow: more people appear late than early.
    age = rates.history_days * (1 - np.sqrt(rng.random(size)))
    first_day = last_day - age.astype(int) * _DAY
    active = rng.exponential(rates.active_days, size).astype(int) * _DAY
    has_account = _chance(rng, rates.account_share, size)
    in_newsletter = _chance(rng, rates.newsletter_share, size)
    subscribed_at = _by_day(rng, _days_between(rng, first_day, last_day))
    left = in_newsletter & _chance(rng, rates.unsubscribed_share, size)
    return {
        "person_id": np.arange(size),
        **drawn,
        "gender": gender,
        "birth_date": last_day - rng.integers(18 * 366, 80 * 365, size) * _DAY,
        "country": country,
        "language": np.array([pools.LANGUAGES[name] for name in country]),
        "phone": phone,
        "email": email("."),
        "other_email": email("_"),
        "first_day": first_day,
        "last_active_day": np.minimum(first_day + active, last_day),
        "is_buyer": _chance(rng, rates.buyer_share, size),
        "repeats_per_year": rng.gamma(rates.orders_shape, rates.orders_per_year / rates.orders_shape, size),
        "favourite": rng.integers(0, len(pools.CATEGORIES), size),
        "is_store_goer": _chance(rng, rates.store_goer_share, size),
        "has_account": has_account,
        "registered_at": first_day.astype("datetime64[s]") + np.timedelta64(7, "h"),
        "has_second_account": has_account & _chance(rng, rates.second_account_share, size),
        "registered_again_at": _by_day(rng, _days_between(rng, first_day, last_day)),
        "in_newsletter": in_newsletter,
        "subscribed_with_other_email": _chance(rng, rates.other_email_share, size),
        "subscribed_in_capitals": _chance(rng, rates.capitals_share, size),
        "subscribed_at": subscribed_at,
        "has_unsubscribed": left,
        "unsubscribed_at": np.maximum(
            subscribed_at, _by_day(rng, _days_between(rng, subscribed_at.astype("datetime64[D]"), last_day))
        ),
    }


def _products(rng: np.random.Generator) -> Columns:
    rows = [
        (f"{brand} {name}", category, brand, price)
        for category, (price, names) in pools.CATEGORIES.items()
        for name in names
        for brand in rng.choice(pools.BRANDS, 3, replace=False)
    ]
    name, category, brand, median = (np.array(column) for column in zip(*rows, strict=True))
    # Prices end in 90 cents; a product costs the shop between 45 and 70 % of its price.
    price = np.maximum(median * rng.lognormal(0, 0.5, len(rows)) // 100, 1).astype(int) * 100 - 10
    return {
        "product_no": np.arange(len(rows)),
        "name": name,
        "category": category,
        "brand": brand,
        "price_cents": price,
        "cost_cents": (price * rng.uniform(0.45, 0.70, len(rows))).astype(int),
    }


def _orders(people: Columns, rng: np.random.Generator, last_day: np.datetime64, rates: Rates) -> Columns:
    active_days = (people["last_active_day"] - people["first_day"]).astype(int)
    season = np.array(rates.season)
    # Drawn at the rate of the busiest month and thinned to the season of each day.
    expected = people["repeats_per_year"] * active_days / 365 * season.max() / season.mean()
    repeats = rng.poisson(expected) * people["is_buyer"]
    buyers = np.flatnonzero(people["is_buyer"])
    again = np.repeat(np.arange(len(repeats)), repeats)
    day = people["first_day"][again] + (rng.random(len(again)) * (active_days[again] + 1)).astype(int) * _DAY
    month = day.astype("datetime64[M]").astype(int) % 12
    kept = rng.random(len(day)) * season.max() < season[month]
    person = np.concatenate([buyers, again[kept]])
    occurred_at = _by_day(rng, np.concatenate([people["first_day"][buyers], day[kept]]))

    by_time = np.lexsort((person, occurred_at))
    person, occurred_at = person[by_time], occurred_at[by_time]
    size = len(person)
    in_store = people["is_store_goer"][person] & _chance(rng, rates.store_order_share, size)
    has_account = people["has_account"][person]
    return {
        "order_no": np.arange(size),
        "person_id": person,
        "occurred_at": occurred_at,
        "in_store": in_store,
        "as_guest": ~has_account | _chance(rng, rates.not_logged_in_share, size),
        "left_email": _chance(rng, rates.receipt_email_share, size),
        "has_bag": in_store & _chance(rng, rates.bag_share, size),
        "has_voucher": ~in_store & _chance(rng, rates.voucher_share, size),
        "is_cancelled": ~in_store & _chance(rng, rates.cancelled_share, size),
        "is_on_its_way": ~in_store & (occurred_at >= last_day - 2 * _DAY),
    }


def _lines(
    people: Columns,
    products: Columns,
    orders: Columns,
    rng: np.random.Generator,
    last_day: np.datetime64,
    rates: Rates,
) -> Columns:
    count = 1 + rng.poisson(rates.extra_lines, len(orders["order_no"]))
    order = np.repeat(orders["order_no"], count)
    size = len(order)
    position = np.arange(size) - np.repeat(np.cumsum(count) - count, count) + 1

    per_category = len(products["product_no"]) // len(pools.CATEGORIES)
    favourite = people["favourite"][orders["person_id"][order]]
    any_category = rng.integers(0, len(pools.CATEGORIES), size)
    category = np.where(_chance(rng, rates.favourite_share, size), favourite, any_category)
    # Within a category some products sell far better than others.
    within = np.minimum(rng.exponential(per_category / 4, size).astype(int), per_category - 1)
    product = category * per_category + within
    quantity = np.where(_chance(rng, rates.several_share, size), rng.integers(2, 4, size), 1)

    goods = quantity * products["price_cents"][product]
    discount = np.where(orders["has_voucher"][order], goods * rates.voucher_percent // 100, 0)
    # What comes back of an order comes back at once, some days later; not yet when that day is to come.
    back_on = orders["occurred_at"].astype("datetime64[D]") + rng.integers(3, 22, len(orders["order_no"])) * _DAY
    returned_at = _by_day(rng, back_on)[order]
    can_return = ~orders["is_cancelled"][order] & (returned_at < last_day + _DAY)
    return {
        "order_no": order,
        "position": position,
        "product_no": product,
        "quantity": quantity,
        "price_cents": products["price_cents"][product],
        "discount_cents": discount,
        "is_returned": can_return & _chance(rng, rates.returned_share, size),
        "returned_at": returned_at,
    }


def _goodwill(
    orders: Columns, lines: Columns, rng: np.random.Generator, last_day: np.datetime64, rates: Rates
) -> Columns:
    """Money given back without goods, on web orders of which nothing came back."""
    size = len(orders["order_no"])
    has_return = np.zeros(size, dtype=bool)
    has_return[lines["order_no"][lines["is_returned"]]] = True
    goodwill_at = orders["occurred_at"] + rng.integers(2, 15, size) * _DAY
    possible = ~orders["in_store"] & ~orders["is_cancelled"] & ~has_return & (goodwill_at < last_day + _DAY)
    return {"has_goodwill": possible & _chance(rng, rates.goodwill_share, size), "goodwill_at": goodwill_at}


def _consents(people: Columns, rng: np.random.Generator, last_day: np.datetime64, rates: Rates) -> Columns:
    asked = np.flatnonzero(people["has_account"])
    answers: list[Columns] = []
    for purpose, share in rates.consents.items():
        agrees = _chance(rng, share, len(asked))
        answers.append(_answers(asked, purpose, np.where(agrees, "granted", "denied"), people["registered_at"][asked]))
        gone = asked[agrees & _chance(rng, rates.withdrawn_share, len(asked))]
        later = _by_day(rng, _days_between(rng, people["first_day"][gone], last_day))
        answers.append(_answers(gone, purpose, np.full(len(gone), "denied"), later))
    return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}


def _answers(person: np.ndarray, purpose: str, status: np.ndarray, answered_at: np.ndarray) -> Columns:
    return {
        "person_id": person,
        "purpose": np.full(len(person), purpose),
        "status": status,
        "answered_at": answered_at,
    }
