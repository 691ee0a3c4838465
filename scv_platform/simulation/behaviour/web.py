"""Devices, sign-ins, visits and marketing mails.

Devices belong to tracked people, some to two users, and some to visitors who never say who they are. A visit
is a run of calls some seconds apart; orders of the web shop end with a visit of their own. Mails go to users.
"""

import numpy as np

from scv_platform.simulation import pools
from scv_platform.simulation.behaviour.purchases import WEB, favourite_categories
from scv_platform.simulation.company import Company
from scv_platform.simulation.draws import (
    DAY,
    Columns,
    at_daytime,
    chance,
    days,
    days_from,
    positions,
    seconds,
    stacked,
    stream,
)

NOBODY = -1


def draw_devices(company: Company, people: Columns, user_since: np.ndarray) -> Columns:
    """One row per device; device_no from 0. `owner` is the person or NOBODY, `second_user` another user or NOBODY."""
    rng, rates = stream(company.seed, "devices"), company.rates
    tracked = np.flatnonzero(people["has_web"])
    owner = np.repeat(tracked, 1 + (rng.random(len(tracked)) < 0.4) + (rng.random(len(tracked)) < 0.1))
    visitors = round(0.12 * len(owner))
    users = np.flatnonzero(~np.isnat(user_since))
    second = np.full(len(owner), NOBODY)
    shared = np.flatnonzero(people["has_app"][owner] & chance(rng, rates.shared_device_share, len(owner)))
    if len(users) > 1:
        # The next user by number: somebody of the same household where the household has one.
        following = users[np.searchsorted(users, owner[shared], side="right") % len(users)]
        second[shared] = np.where(following == owner[shared], NOBODY, following)
    span = (company.horizon - company.founded) / DAY
    visited = at_daytime(rng, company.founded + days(rng.random(visitors) * (span - 1)))
    return {
        "device_no": np.arange(len(owner) + visitors),
        "owner": np.concatenate([owner, np.full(visitors, NOBODY)]),
        "second_user": np.concatenate([second, np.full(visitors, NOBODY)]),
        "since": np.concatenate([people["appeared_at"][owner] - 3 * DAY, visited]),
        "is_phone": chance(rng, 0.5, len(owner) + visitors),
    }


def draw_sign_ins(company: Company, devices: Columns, user_since: np.ndarray) -> Columns:
    """One row per sign-in of a user, by time; sign_in_no from 0. `device_no` is NOBODY where no device is tracked."""
    rng = stream(company.seed, "sign-ins")
    users = np.flatnonzero(~np.isnat(user_since))
    again = np.repeat(users, rng.poisson(1.5, len(users)))
    pick = _device_of(rng, devices, again)
    later = user_since[again] + days(rng.exponential(120, len(again)) + 0.1)
    first_pick = _device_of(rng, devices, users)
    second = np.flatnonzero(devices["second_user"] != NOBODY)
    visitor = devices["second_user"][second]
    borrowed = np.maximum(devices["since"][second], user_since[visitor]) + days(rng.uniform(1, 60, len(second)))
    person = np.concatenate([users, again, visitor])
    device = np.concatenate([first_pick, pick, second])
    moment = np.concatenate([user_since[users] + seconds(30), later, borrowed])
    order = np.lexsort((person, moment))
    return {
        "sign_in_no": np.arange(len(person)),
        "person_id": person[order],
        "device_no": device[order],
        "signed_in_at": moment[order],
    }


def _device_of(rng: np.random.Generator, devices: Columns, person: np.ndarray) -> np.ndarray:
    """Any of the person's devices, or NOBODY."""
    owners = devices["owner"][devices["owner"] != NOBODY]
    first = np.searchsorted(owners, person, side="left")
    count = np.searchsorted(owners, person, side="right") - first
    return np.where(count > 0, first + (rng.random(len(person)) * count).astype(int), NOBODY)


def draw_sign_ups(company: Company, people: Columns, devices: Columns, user_since: np.ndarray) -> Columns:
    """One row per device whose owner, no user, left an e-mail for the newsletter."""
    rng = stream(company.seed, "newsletter")
    owner = devices["owner"]
    may = (owner != NOBODY) & np.isnat(user_since[owner])
    rows = np.flatnonzero(may & chance(rng, 0.5, len(owner)))
    return {
        "person_id": owner[rows],
        "device_no": devices["device_no"][rows],
        "left_at": at_daytime(rng, devices["since"][rows] + days(rng.uniform(4, 60, len(rows)))),
    }


def draw_calls(
    company: Company,
    people: Columns,
    devices: Columns,
    sign_ins: Columns,
    orders: Columns,
    lines: Columns,
    campaigns: Columns,
) -> Columns:
    """One row per page, screen or track call of a visit or an order; call_no from 0, by time."""
    signed_in = np.full(len(devices["device_no"]), company.horizon)
    # One owner more, so that the position NOBODY is nobody's.
    own = np.append(devices["owner"], NOBODY)[sign_ins["device_no"]] == sign_ins["person_id"]
    np.minimum.at(signed_in, sign_ins["device_no"][own], sign_ins["signed_in_at"][own])
    calls = stacked(
        [
            _visits(company, people, devices, campaigns),
            _checkouts(company, people, devices, orders, lines),
        ]
    )
    rng, size = stream(company.seed, "calls"), len(calls["device_no"])
    # A device knows its user from the first sign-in on, but not while she is signed out.
    known = (calls["occurred_at"] > signed_in[calls["device_no"]]) & (calls.pop("signed_out") > 0.3)
    calls["user"] = np.where(known, devices["owner"][calls["device_no"]], NOBODY)
    late = chance(rng, company.rates.late_share, size)
    calls["received_at"] = calls["occurred_at"] + np.where(late, days(rng.uniform(1, 3, size)), seconds(1))
    order = np.argsort(calls["occurred_at"], kind="stable")
    # Nobody will ever see what comes after the horizon.
    order = order[: np.searchsorted(calls["occurred_at"][order], company.horizon)]
    return {"call_no": np.arange(len(order))} | {name: values[order] for name, values in calls.items()}


def _visits(company: Company, people: Columns, devices: Columns, campaigns: Columns) -> Columns:
    rng, rates = stream(company.seed, "visits"), company.rates
    tracked = np.flatnonzero(people["has_web"])
    who = np.repeat(tracked, rng.poisson(rates.sessions_per_person, len(tracked)))
    visitors = np.flatnonzero(devices["owner"] == NOBODY)
    device = np.concatenate([_device_of(rng, devices, who), visitors])
    begins = np.concatenate(
        [people["appeared_at"][who] - 2 * DAY + days(rng.exponential(220, len(who))), devices["since"][visitors]]
    )
    owner = devices["owner"][device]
    begins = at_daytime(rng, begins)
    size = len(device)
    taste = np.where(owner == NOBODY, 0, favourite_categories(company, people)[owner])
    category = np.where(
        (owner != NOBODY) & chance(rng, rates.favourite_share, size),
        taste,
        rng.integers(0, len(pools.CATEGORIES), size),
    )
    in_app = devices["is_phone"][device] & (owner != NOBODY) & people["has_app"][owner] & chance(rng, 0.4, size)
    from_ad = ~in_app & chance(rng, 0.15, size)
    viewed = 1 + rng.poisson(0.9, size)
    added = chance(rng, 0.25, size)
    count = 2 + viewed + added
    visit = np.repeat(np.arange(size), count)
    step = positions(count)
    what = np.select(
        [step == 0, step == 1, step < 2 + viewed[visit]],
        [np.where(in_app, "screen", "page")[visit], "Product List Viewed", "Product Viewed"],
        "Product Added",
    )
    within = np.minimum(rng.exponential(pools.PRODUCTS_PER_CATEGORY / 4, len(visit)), pools.PRODUCTS_PER_CATEGORY - 1)
    product = category[visit] * pools.PRODUCTS_PER_CATEGORY + within.astype(int)
    return {
        "what": what,
        "device_no": device[visit],
        "occurred_at": begins[visit] + seconds(step * rng.integers(15, 90, size)[visit]),
        "signed_out": rng.random(size)[visit],
        "product_no": np.where(step >= 2, product, NOBODY),
        "category_no": category[visit],
        "campaign_no": np.where(from_ad[visit], _running(campaigns, begins, False)[visit], NOBODY),
        "order_no": np.full(len(visit), NOBODY),
        "session_no": visit,
    }


def _checkouts(company: Company, people: Columns, devices: Columns, orders: Columns, lines: Columns) -> Columns:
    rng = stream(company.seed, "checkouts")
    ordered = np.flatnonzero(
        (orders["source_name"] == WEB) & people["has_web"][orders["person_id"]] & ~orders["is_test"]
    )
    device = _device_of(rng, devices, orders["person_id"][ordered])
    steps = np.array(["Product Viewed", "Product Added", "Checkout Started", "Order Completed"])
    size = len(ordered)
    step = np.tile(np.arange(4), size)
    row = np.repeat(np.arange(size), 4)
    # Lines are sorted by order, so the first one of an order is found by search.
    first_line = np.searchsorted(lines["order_no"], ordered)
    product = lines["product_no"][first_line]
    return {
        "what": steps[step],
        "device_no": device[row],
        "occurred_at": orders["occurred_at"][ordered][row] - seconds((3 - step) * rng.integers(20, 120, size)[row]),
        "signed_out": rng.random(size)[row],
        "product_no": np.where(step < 2, product[row], NOBODY),
        "category_no": product[row] // pools.PRODUCTS_PER_CATEGORY,
        "campaign_no": np.full(len(row), NOBODY),
        "order_no": np.where(step >= 2, ordered[row], NOBODY),
        "session_no": np.full(len(row), NOBODY),
    }


def draw_mails(company: Company, people: Columns, campaigns: Columns, user_since: np.ndarray) -> Columns:
    """One row per mail event to a user: what (Email Delivered …), occurred_at, campaign_no; mail_no from 0, by time."""
    rng, rates = stream(company.seed, "mails"), company.rates
    users = np.flatnonzero(~np.isnat(user_since))
    agrees = users[chance(rng, rates.email_consent_share, len(users))]
    years = (days_from(user_since[agrees], company.horizon) / 365).clip(0)
    person = np.repeat(agrees, rng.poisson(rates.mails_per_year * years))
    size = len(person)
    sent = at_daytime(rng, user_since[person] + days(rng.random(size) * days_from(user_since[person], company.horizon)))
    opened = chance(rng, rates.open_share, size)
    opened_at = sent + seconds(rng.integers(300, 48 * 3600, size))
    clicked = opened & chance(rng, rates.click_share, size)
    left = opened & chance(rng, rates.unsubscribe_share, size)
    gone = np.full(len(user_since), company.horizon)
    np.minimum.at(gone, person[left], opened_at[left] + seconds(90))
    told = sent < gone[person]
    parts = [
        _mails("Email Delivered", person, sent, told, campaigns, sent),
        _mails("Email Opened", person, opened_at, told & opened, campaigns, sent),
        _mails("Email Link Clicked", person, opened_at + seconds(40), told & clicked, campaigns, sent),
        _mails("Unsubscribed", person, opened_at + seconds(90), told & left, campaigns, sent),
    ]
    mails = stacked(parts)
    order = np.argsort(mails["occurred_at"], kind="stable")
    return {"mail_no": np.arange(len(order))} | {name: values[order] for name, values in mails.items()}


def _mails(
    what: str, person: np.ndarray, moment: np.ndarray, rows: np.ndarray, campaigns: Columns, sent: np.ndarray
) -> Columns:
    return {
        "what": np.full(rows.sum(), what),
        "person_id": person[rows],
        "occurred_at": moment[rows],
        "campaign_no": _running(campaigns, sent[rows], True),
    }


def _running(campaigns: Columns, moments: np.ndarray, is_mail: bool) -> np.ndarray:
    """The campaign of the month or quarter of each moment."""
    rows = np.flatnonzero(campaigns["is_mail"] == is_mail)
    starts = campaigns["starts_on"][rows].astype("datetime64[M]")
    found = np.searchsorted(starts, moments.astype("datetime64[M]"), side="right") - 1
    return campaigns["campaign_no"][rows[np.maximum(found, 0)]]
