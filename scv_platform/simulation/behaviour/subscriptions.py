"""Subscriptions with their monthly invoices, and sales of the payment provider that belong to no order."""

import numpy as np

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
    sometimes,
    stream,
)

PLANS = (("Coffee Box", 990), ("Style Box", 1990), ("Family Box", 2990))
"""Name and monthly price in minor units, the same number in every currency."""


def draw_subscriptions(company: Company, people: Columns) -> Columns:
    """One row per subscription; subscription_no from 0."""
    rng = stream(company.seed, "subscriptions")
    person = np.flatnonzero(people["is_subscriber"])
    size = len(person)
    started = at_daytime(rng, people["appeared_at"][person] + days(rng.uniform(1, 200, size)))
    months = rng.geometric(0.07, size)
    ended = started + 30 * DAY * months
    unpaid = chance(rng, 0.15, size)
    reasons = np.array(["too_expensive", "unused", "switched_service", "customer_service"])
    return {
        "subscription_no": np.arange(size),
        "person_id": person,
        "plan": rng.choice(len(PLANS), size, p=(0.5, 0.3, 0.2)),
        "started_at": started,
        "months": months,
        "ends_unpaid": unpaid,
        # Whoever cancels does so some days before the period ends; who does not pay is cancelled a week after.
        "cancelled_at": np.where(unpaid, ended + 7 * DAY, ended - days(rng.uniform(1, 20, size))),
        "ended_at": np.where(unpaid, ended + 7 * DAY, ended),
        "feedback": rng.choice(reasons, size),
    }


def draw_invoices(company: Company, subscriptions: Columns) -> Columns:
    """One row per invoice of a subscription; invoice_no from 0."""
    rng, rates = stream(company.seed, "invoices"), company.rates
    possible = (days_from(subscriptions["started_at"], company.horizon) // 30).astype(int) + 1
    # Who does not pay gets one invoice more, which stays open.
    due = subscriptions["months"] + subscriptions["ends_unpaid"]
    count = np.clip(np.minimum(due, possible), 0, None)
    row = np.repeat(np.arange(len(count)), count)
    month = positions(count)
    size = len(row)
    created = subscriptions["started_at"][row] + 30 * DAY * month
    unpaid = subscriptions["ends_unpaid"][row] & (month == subscriptions["months"][row])
    failed = unpaid | chance(rng, rates.failed_payment_share, size)
    paid_at = created + np.where(failed, 2 * DAY, seconds(60))
    refunded = ~unpaid & chance(rng, 0.005, size)
    return {
        "invoice_no": np.arange(size),
        "subscription_no": row,
        "month": month,
        "created_at": created,
        "failed_at": sometimes(failed, created + seconds(60)),
        "paid_at": sometimes(~unpaid, paid_at),
        "given_up_at": sometimes(unpaid, created + 7 * DAY),
        "refunded_at": sometimes(refunded, at_daytime(rng, paid_at + days(rng.integers(2, 12, size)))),
    }


def draw_workshop_sales(company: Company, people: Columns) -> Columns:
    """One row per seat at a workshop, paid by a payment customer without any order; seat_no from 0. Free of tax."""
    rng = stream(company.seed, "workshops")
    person = np.flatnonzero(people["has_stripe"] & chance(rng, company.rates.ticket_sale_share, len(people["head"])))
    return {
        "seat_no": np.arange(len(person)),
        "person_id": person,
        "amount_cents": rng.choice(np.array([2900, 4900, 7900]), len(person)),
        "paid_at": at_daytime(rng, people["appeared_at"][person] + days(rng.uniform(2, 300, len(person)))),
    }
