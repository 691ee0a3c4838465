"""Orders of the shop with their lines, payments, cancellations, returns and refunds.

Each buyer orders at a rate of a gamma until dropping out, with a chance of a beta at every order (MBG/NBD);
orders are thinned by the season of their month. Money is in whole cents of the base currency.
"""

import numpy as np

from scv_platform.simulation import pools
from scv_platform.simulation.company import Company
from scv_platform.simulation.draws import (
    DAY,
    Columns,
    at_daytime,
    chance,
    days,
    days_from,
    positions,
    ranks,
    seconds,
    sometimes,
    stream,
)

MARKETPLACE, COUNTER, WEB = "marketplace", "pos", "web"


def draw_orders(company: Company, people: Columns) -> Columns:
    """One row per order, in order of time; order_no from 0."""
    rng, rates = stream(company.seed, "orders"), company.rates
    person, moment = _bought(company, rng, people)
    size = len(person)
    place = rng.random(size)
    source = np.select(
        [place < rates.marketplace_share, place < rates.marketplace_share + rates.counter_share],
        [MARKETPLACE, COUNTER],
        WEB,
    )
    sellers = np.flatnonzero(people["is_seller"])
    if not len(sellers):
        source[source == MARKETPLACE] = WEB
    fate = rng.random(size)
    ends = np.cumsum([rates.cancelled_share, rates.returned_share, rates.lost_share, rates.goodwill_share])
    test = chance(rng, rates.test_share, size)
    at_counter = source == COUNTER
    cancelled = ~test & ~at_counter & (fate < ends[0])
    returned = ~test & (fate >= ends[0]) & (fate < ends[1])
    lost = ~test & ~at_counter & (fate >= ends[1]) & (fate < ends[2])
    goodwill = ~test & (fate >= ends[2]) & (fate < ends[3])
    sent_back = (fate >= ends[3]) & chance(rng, rates.shipping_refund_share, size) & ~at_counter & ~test
    paid = ~test & ~(cancelled & chance(rng, 0.3, size))
    failed = paid & ~at_counter & chance(rng, rates.failed_payment_share, size)
    paid_at = moment + np.where(failed, seconds(rng.integers(600, 7200, size)), seconds(rng.integers(20, 90, size)))
    refunded_at = at_daytime(rng, moment + days(rng.integers(4, 24, size)))
    cancelled_at = moment + seconds(rng.integers(3600, 30 * 3600, size)) + seconds(2 * 3600)
    return {
        "order_no": np.arange(size),
        "person_id": person,
        "occurred_at": moment,
        "source_name": source,
        "seller": sellers[rng.integers(0, len(sellers), size)] if len(sellers) else np.full(size, -1),
        "as_guest": ~people["has_shop"][person] | chance(rng, rates.guest_order_share, size),
        "is_test": test,
        "has_voucher": chance(rng, rates.voucher_share, size),
        "paid_at": sometimes(paid, paid_at),
        "failed_at": sometimes(failed, moment + seconds(15)),
        "cancelled_at": sometimes(cancelled, cancelled_at),
        "sent_at": sometimes(~cancelled & ~test, np.where(at_counter, moment, at_daytime(rng, moment + 2 * DAY))),
        "refund_kind": np.select(
            [cancelled & paid, returned, lost, goodwill, sent_back],
            ["cancellation", "return", "lost", "goodwill", "shipping"],
            "none",
        ),
        "refunded_at": np.where(cancelled, cancelled_at + seconds(300), refunded_at),
        "guest_damage": rng.random(size),
        "landing": rng.integers(0, 6, size),
    }


def draw_lines(company: Company, people: Columns, products: Columns, orders: Columns) -> Columns:
    """One row per line of an order; line_no from 0, in the order of orders."""
    rng, rates = stream(company.seed, "lines"), company.rates
    count = 1 + rng.poisson(rates.extra_lines, len(orders["order_no"]))
    order = np.repeat(orders["order_no"], count)
    size = len(order)
    person = orders["person_id"][order]
    liked = np.where(
        chance(rng, rates.favourite_share, size),
        favourite_categories(company, people)[person],
        rng.integers(0, len(pools.CATEGORIES), size),
    )
    # Within a category some products sell far better than others.
    per_category = pools.PRODUCTS_PER_CATEGORY
    within = np.minimum(rng.exponential(per_category / 4, size).astype(int), per_category - 1)
    product = liked * per_category + within
    quantity = np.where(chance(rng, rates.several_share, size), rng.integers(2, 4, size), 1)
    goods = quantity * products["price_cents"][product]
    position = positions(count)
    kind = orders["refund_kind"][order]
    # Of a return the first line comes back, and each other one as often as not.
    back = (kind == "return") & ((position == 0) | chance(rng, 0.5, size))
    return {
        "line_no": np.arange(size),
        "order_no": order,
        "position": position,
        "product_no": product,
        "quantity": quantity,
        "goods_cents": goods,
        "discount_cents": np.where(orders["has_voucher"][order], goods * rates.voucher_percent // 100, 0),
        "is_refunded": back | (kind == "lost") | (kind == "cancellation"),
    }


def favourite_categories(company: Company, people: Columns) -> np.ndarray:
    """The favourite category of each person, as a position in the pool; young families buy for babies."""
    rng = stream(company.seed, "favourites")
    size = len(people["person_id"])
    favourite = np.empty(size, dtype=np.int64)
    for gender, weights in pools.LIKED_BY.items():
        here = np.flatnonzero(people["gender"] == gender)
        share = np.array(weights, dtype=float)
        favourite[here] = rng.choice(len(weights), len(here), p=share / share.sum())
    age = (company.now.astype("datetime64[D]") - people["birth_date"]).astype(int) / 365.25
    has_baby = (age < 41) & chance(rng, 0.18, size)
    favourite[has_baby] = list(pools.CATEGORIES).index("Baby")
    return favourite


def _bought(company: Company, rng: np.random.Generator, people: Columns) -> tuple[np.ndarray, np.ndarray]:
    """Person and moment of every order, by time."""
    rates = company.rates
    size = len(people["person_id"])
    season = np.array(rates.season)
    yearly = rng.gamma(rates.orders_shape, rates.orders_per_year / rates.orders_shape, size)
    stops = rng.beta(rates.dropout_alpha, rates.dropout_beta, size).clip(1e-3, 1)
    # Repeat orders up to and including the one at which the person drops out; 0 when it is the first one.
    repeats = rng.geometric(stops) - 1
    window = days_from(people["appeared_at"], company.horizon)
    # Drawn at the rate of the busiest month, then thinned to the season of each day, then cut at the drop-out.
    drawn = rng.poisson(yearly * window / 365 * season.max() / season.mean()) * people["is_buyer"]
    person = np.repeat(np.arange(size), drawn)
    moment = people["appeared_at"][person] + days(rng.random(len(person)) * window[person])
    kept = rng.random(len(person)) * season.max() < season[moment.astype("datetime64[M]").astype(int) % 12]
    person, moment = person[kept], moment[kept]
    order = np.lexsort((moment, person))
    person, moment = person[order], moment[order]
    alive = positions(np.bincount(person, minlength=size)) < repeats[person]
    buyers = np.flatnonzero(people["is_buyer"])
    person = np.concatenate([buyers, person[alive]])
    moment = np.concatenate([people["appeared_at"][buyers], moment[alive]])
    by_time = np.argsort(ranks(moment))
    return person[by_time], moment[by_time]
