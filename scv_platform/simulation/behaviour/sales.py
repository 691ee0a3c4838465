"""What sales people do: companies they deal with, deals, and campaigns."""

import numpy as np

from scv_platform.simulation import pools
from scv_platform.simulation.company import Company
from scv_platform.simulation.draws import Columns, at_daytime, chance, days, seconds, sometimes, stream

CAMPAIGN_DAYS = 20


def draw_companies(company: Company, people: Columns) -> Columns:
    """One row per company that a person works for; account_no from 0, company_no as people name it."""
    rng = stream(company.seed, "companies")
    numbers, first = np.unique(people["company_no"], return_index=True)
    numbers, first = numbers[numbers >= 0], first[numbers >= 0]
    size = len(numbers)
    return {
        "account_no": np.arange(size),
        "company_no": numbers,
        "country": people["country"][first],
        "first_word": rng.integers(0, len(pools.FIRST_WORDS), size),
        "second_word": rng.integers(0, len(pools.SECOND_WORDS), size),
        "industry": rng.integers(0, len(pools.INDUSTRIES), size),
        "employees": np.round(rng.lognormal(4, 1.2, size)).astype(int) + 2,
        "place_no": rng.integers(0, pools.POOL_SIZE, size),
        # Some belong to another company of the list; the first belongs to nobody.
        "parent_no": np.where(
            chance(rng, 0.06, size) & (np.arange(size) > 0), rng.integers(0, np.maximum(np.arange(size), 1)), -1
        ),
        "created_at": at_daytime(rng, company.founded + days(rng.integers(0, 60, size))),
    }


def draw_deals(company: Company, people: Columns, contacts: Columns) -> Columns:
    """One row per deal with a contact of a company; deal_no from 0. `contacts` are the first records of contacts."""
    rng, rates = stream(company.seed, "deals"), company.rates
    business = np.flatnonzero(people["company_no"][contacts["person_id"]] >= 0)
    # A company has about four people, each of whom makes his part of its deals.
    row = np.repeat(business, rng.poisson(rates.deals_per_company / 4, len(business)))
    person = contacts["person_id"][row]
    size = len(person)
    created = at_daytime(rng, contacts["created_at"][row] + days(rng.exponential(150, size) + 1))
    steps = [created + days(day) for day in np.cumsum(rng.uniform(4, 25, (4, size)), axis=0)]
    won = chance(rng, rates.won_share, size)
    invoiced = won & chance(rng, rates.invoiced_share, size)
    invoiced_at = steps[3] + seconds(3600)
    return {
        "deal_no": np.arange(size),
        "person_id": person,
        "created_at": created,
        "qualified_at": steps[0],
        "proposed_at": steps[1],
        "negotiated_at": steps[2],
        "closed_at": steps[3],
        "is_won": won,
        "amount_cents": np.round(rng.lognormal(8, 0.8, size)).astype(int) * 100,
        "is_repeat": chance(rng, 0.4, size),
        "campaign_draw": rng.random(size),
        "invoiced_at": sometimes(invoiced, invoiced_at),
        "paid_at": sometimes(invoiced, at_daytime(rng, invoiced_at + days(rng.integers(3, 30, size)))),
    }


def draw_campaigns(company: Company) -> Columns:
    """One row per campaign, a newsletter each month and an advertisement each quarter; campaign_no from 0."""
    rng = stream(company.seed, "campaigns")
    months = np.arange(company.founded.astype("datetime64[M]"), company.horizon.astype("datetime64[M]") + 1)
    quarters = months[months.astype(int) % 3 == 0]
    month = np.concatenate([months, quarters])
    is_mail = np.arange(len(month)) < len(months)
    start = month.astype("datetime64[D]") + 2
    budget = np.where(is_mail, rng.integers(5, 20, len(month)), rng.integers(40, 160, len(month))) * 10_000
    words = np.where(is_mail, "Newsletter ", "Ads ")
    return {
        "campaign_no": np.arange(len(month)),
        "name": np.char.add(words, month.astype(str)),
        "is_mail": is_mail,
        "starts_on": start,
        "ends_on": start + CAMPAIGN_DAYS,
        "budget_cents": budget,
        "cost_cents": (budget * rng.uniform(0.7, 1.15, len(month))).astype(int),
    }


def draw_memberships(company: Company, records: Columns, campaigns: Columns) -> Columns:
    """One row per (CRM record, campaign) that the record was in; membership_no from 0."""
    rng = stream(company.seed, "memberships")
    known = np.flatnonzero(np.isin(records["kind"], ["contact", "lead"]))
    row = np.repeat(known, rng.poisson(0.8, len(known)))
    size = len(row)
    campaign = rng.integers(0, len(campaigns["campaign_no"]), size)
    begins = campaigns["starts_on"].astype("datetime64[s]")[campaign]
    # Nobody is in a campaign that ended before sales knew of her.
    fits = begins > records["created_at"][row]
    pairs = np.unique(np.stack([row[fits], campaign[fits]], axis=1), axis=0)
    row, campaign = pairs[:, 0], pairs[:, 1]
    sent = campaigns["starts_on"].astype("datetime64[s]")[campaign] + seconds(8 * 3600)
    answers = chance(rng, 0.25, len(row))
    return {
        "membership_no": np.arange(len(row)),
        "record_no": records["record_no"][row],
        "campaign_no": campaign,
        "sent_at": sent,
        "responded_at": sometimes(answers, at_daytime(rng, sent + days(rng.integers(1, 10, len(row))))),
    }
