"""Which systems hold a record of whom since when, and how each record is damaged.

A person has one record in a system, some have a second one. The damage is drawn here; SQL (`faces`) writes it.
"""

import numpy as np

from scv_platform.simulation.company import Company
from scv_platform.simulation.draws import (
    Columns,
    at_daytime,
    chance,
    days,
    days_from,
    ranks,
    seconds,
    sometimes,
    stacked,
    stream,
)

SHOP, USER, PAYER, ASKER, CONTACT, LEAD = "shop", "user", "payer", "asker", "contact", "lead"
KINDS = (SHOP, USER, PAYER, ASKER, CONTACT, LEAD)


def draw_records(company: Company, people: Columns, tickets: Columns) -> Columns:
    """One row per person record of a system; record_no from 0, number from 0 in each kind, by time."""
    records = stacked([_records_of(company, people, tickets, kind) for kind in KINDS])
    records["record_no"] = np.arange(len(records["person_id"]))
    return records | _damage(company, records)


def _records_of(company: Company, people: Columns, tickets: Columns, kind: str) -> Columns:
    rng, rates = stream(company.seed, f"records {kind}"), company.rates
    appeared = people["appeared_at"]
    size = len(appeared)
    converts = people["has_lead"] & people["has_contact"]
    # Of a stream of its own, because a lead that becomes a contact does so when its contact is made.
    contact_rng = stream(company.seed, "contacts")
    contact_at = at_daytime(contact_rng, appeared + days(contact_rng.uniform(1, 150, size)))
    if kind == SHOP:
        member, since = people["has_shop"], appeared - seconds(1200)
    elif kind == USER:
        later = np.where(chance(rng, 0.5, size), 0.04, rng.uniform(0.1, 120, size))
        member, since = people["has_app"], appeared + days(later)
    elif kind == PAYER:
        member, since = people["has_stripe"], appeared + seconds(10)
    elif kind == ASKER:
        first = np.full(size, company.horizon)
        np.minimum.at(first, tickets["person_id"], tickets["asked_at"])
        member, since = people["has_support"], first - seconds(60)
    elif kind == CONTACT:
        member, since = people["has_contact"], contact_at
    else:
        own = at_daytime(rng, appeared + days(rng.uniform(-60, 60, size)))
        member, since = people["has_lead"], np.where(converts, contact_at - days(rng.uniform(5, 60, size)), own)
    person = np.flatnonzero(member)
    again = person[chance(rng, rates.duplicate_share, len(person))]
    span = 1.1 * np.maximum(days_from(since[again], company.now), 60)
    again_at = at_daytime(rng, since[again] + days(rng.random(len(again)) * span + 1))
    who = np.concatenate([person, again])
    created = np.concatenate([since[person], again_at])
    copy = np.concatenate([np.zeros(len(person), int), np.ones(len(again), int)])
    converted = sometimes((kind == LEAD) & (copy == 0) & converts[who], contact_at[who])
    merged = (kind == CONTACT) & (copy == 1) & chance(rng, 0.3, len(who))
    return {
        "kind": np.full(len(who), kind),
        "person_id": who,
        "copy": copy,
        "number": ranks(created),
        "created_at": created,
        "converted_at": converted,
        "merged_at": sometimes(merged, at_daytime(rng, created + days(rng.uniform(5, 60, len(who))))),
        "deleted_at": sometimes(
            (kind == USER) & chance(rng, 0.01, len(who)), created + days(rng.uniform(30, 400, len(who)))
        ),
    }


def _damage(company: Company, records: Columns) -> Columns:
    rng, rates = stream(company.seed, "damage"), company.rates
    size = len(records["record_no"])
    email, phone = rng.random(size), rng.random(size)
    email_ends = np.cumsum([rates.missing_email_share, rates.placeholder_share, rates.email_typo_share])
    phone_ends = np.cumsum([rates.missing_phone_share, rates.placeholder_share])
    return {
        "email_damage": np.select([email < end for end in email_ends], ["missing", "placeholder", "typo"], "none"),
        "phone_damage": np.select([phone < end for end in phone_ends], ["missing", "placeholder"], "none"),
        "phone_style": rng.integers(0, 6, size),
        "loses_zero": chance(rng, rates.lost_zero_share, size),
        "name_damage": np.where(
            chance(rng, rates.name_variant_share, size), rng.choice(np.array(["nickname", "given", "family"]), size), ""
        ),
        "letter_case": np.where(
            chance(rng, rates.other_case_share, size), rng.choice(np.array(["upper", "lower", "email"]), size), ""
        ),
        "typo_place": rng.random(size),
        "typo_kind": rng.integers(0, 3, size),
        "placeholder": rng.integers(0, 4, size),
        "has_birth_date": ~chance(rng, rates.missing_birth_date_share, size),
        "swaps_birth_date": chance(rng, 0.01, size),
        "follows": chance(rng, rates.follows_share, size),
        "names_shop": rng.random(size),
        "names_user": rng.random(size),
        "extra": rng.random(size),
        "email_consent": rng.random(size),
        "sms_consent": rng.random(size),
        "withdrawn_at": sometimes(
            chance(rng, rates.withdrawn_share, size),
            at_daytime(rng, records["created_at"] + days(rng.uniform(10, 500, size))),
        ),
    }


def first_records(records: Columns, kind: str) -> Columns:
    """The first record of each person in a system."""
    rows = np.flatnonzero((records["kind"] == kind) & (records["copy"] == 0))
    return {name: values[rows] for name, values in records.items()}


def by_person(records: Columns, kind: str, people: int) -> np.ndarray:
    """When each person's first record in a system was made; never, where there is none."""
    first = first_records(records, kind)
    made = np.full(people, np.datetime64("NaT", "s"))
    made[first["person_id"]] = first["created_at"]
    return made
