"""Who the people truly are: households, companies, names, addresses, and what changes in their lives.

Names and addresses are positions in the pools; SQL spells them out. Households lie side by side: a head, a
partner, grown-up children. Whoever writes the e-mail or phone of another person says whose in `email_owner`
and `phone_owner`.
"""

import numpy as np

from scv_platform.simulation import pools
from scv_platform.simulation.company import Company
from scv_platform.simulation.draws import DAY, NEVER, Columns, at_daytime, chance, days, days_from, positions, stream

_HOUSEHOLD_SIZES = (0.50, 0.25, 0.12, 0.13)
_YEAR = 365.25


def draw_people(company: Company) -> Columns:
    """One row per person who appears before the horizon; person_id from 0."""
    rng, rates = stream(company.seed, "people"), company.rates
    later = round(company.customers * (company.horizon - company.now) / DAY / rates.history_days)
    size = company.customers + later
    appeared = _appeared(company, rng, later)
    role, head = _households(rng, size)
    names = list(rates.countries)
    share = np.array([rates.countries[name] for name in names], dtype=float)
    country = np.array(names)[rng.choice(len(names), size, p=share / share.sum())[head]]
    gender = np.where(chance(rng, 0.5, size), "f", "m")
    given = rng.integers(0, pools.POOL_SIZE, size)
    family = _inherited(rng, rng.integers(0, pools.POOL_SIZE, size), head, 0.1)
    born = _born(company, rng, role, head)

    person = np.arange(size)
    child, second_child = role == 2, role == 3
    namesake = child & (gender == gender[head]) & chance(rng, _within(rates.namesake_share, 0.066), size)
    given = np.where(namesake, given[head], given)
    twin = second_child & chance(rng, _within(rates.twin_share, 0.069), size)
    born = np.where(twin, born[person - 1], born)
    family = np.where(namesake, family[head], np.where(twin, family[person - 1], family))
    shares_email = namesake | ((role > 0) & ~twin & chance(rng, _within(rates.family_email_share, 0.47), size))
    shares_phone = (role > 0) & chance(rng, _within(rates.family_phone_share, 0.47), size)
    email_owner = np.where(shares_email, head, person)
    email_owner = np.where(twin, email_owner[person - 1], email_owner)
    phone_changed = _some_day(company, rng, appeared, chance(rng, rates.changed_phone_share, size))

    return {
        "person_id": person,
        "country": country,
        "gender": gender,
        "given_no": given,
        "family_no": family,
        "married_no": rng.integers(0, pools.POOL_SIZE, size),
        "birth_date": born,
        "place_no": _inherited(rng, rng.integers(0, pools.POOL_SIZE, size), head, 0.1),
        "house_no": _inherited(rng, rng.integers(1, 180, size), head, 0.1),
        "moved_place_no": rng.integers(0, pools.POOL_SIZE, size),
        "head": head,
        "role": role,
        "is_namesake": namesake,
        "is_twin": twin,
        "email_owner": email_owner,
        "email_style": rng.integers(0, 4, size),
        "email_domain": rng.integers(0, len(pools.EMAIL_DOMAINS), size),
        "phone_owner": np.where(shares_phone, head, person),
        "first_phone": _first_phones(company, rng, phone_changed),
        "appeared_at": appeared,
        "email_changed_at": _some_day(company, rng, appeared, chance(rng, rates.changed_email_share, size)),
        "phone_changed_at": phone_changed,
        "married_at": _some_day(company, rng, appeared, chance(rng, rates.married_share, size)),
        "moved_at": _some_day(company, rng, appeared, chance(rng, rates.moved_share, size)),
        **_uses(company, rng, size),
    }


def _within(share: float, of: float) -> float:
    """The share among those who can be meant, who are so many of all."""
    return min(share / of, 1.0)


def _appeared(company: Company, rng: np.random.Generator, later: int) -> np.ndarray:
    span = company.rates.history_days
    # The square root makes the company grow: more people appear late than early.
    before = company.now - days(span * (1 - np.sqrt(rng.random(company.customers))) + 1)
    after = company.now + days(rng.random(later) * ((company.horizon - company.now) / DAY))
    return at_daytime(rng, np.concatenate([before, after]))


def _households(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The role of each person, 0 for the head, and who the head is."""
    sizes = rng.choice(np.arange(1, 5), size, p=_HOUSEHOLD_SIZES)
    role = positions(sizes)[:size]
    return role, np.arange(size) - role


def _inherited(rng: np.random.Generator, own: np.ndarray, head: np.ndarray, exceptions: float) -> np.ndarray:
    """What the head of the household has, but for some."""
    return np.where(chance(rng, exceptions, len(own)), own, own[head])


def _born(company: Company, rng: np.random.Generator, role: np.ndarray, head: np.ndarray) -> np.ndarray:
    size = len(role)
    has_child = np.zeros(size, dtype=bool)
    has_child[head[role >= 2]] = True
    age = np.where(has_child, rng.uniform(50, 78, size), rng.uniform(19, 78, size))
    partner, child = age[head] + rng.uniform(-6, 6, size), age[head] - rng.uniform(22, 31, size)
    age = np.select([role == 1, role >= 2], [np.maximum(partner, 19), child], age)
    born: np.ndarray = company.founded.astype("datetime64[D]") - (age * _YEAR).astype("timedelta64[D]")
    return born


def _some_day(company: Company, rng: np.random.Generator, appeared: np.ndarray, happens: np.ndarray) -> np.ndarray:
    """Mostly before the company's start, so that its first files show it, and for some after."""
    span = 1.15 * np.maximum(days_from(appeared, company.now), 60)
    return np.where(happens, at_daytime(rng, appeared + days(rng.random(len(appeared)) * span + 1)), NEVER)


def _first_phones(company: Company, rng: np.random.Generator, changed: np.ndarray) -> np.ndarray:
    """Numbers of the first phones: the person's own, or one that a stranger gave back. Second phones are odd."""
    size = len(changed)
    phone = 2 * np.arange(size)
    givers = np.flatnonzero(~np.isnat(changed))
    takers = rng.permutation(np.setdiff1d(np.arange(size), givers))
    count = min(len(givers), len(takers), round(size * company.rates.recycled_phone_share))
    phone[takers[:count]] = phone[rng.permutation(givers)[:count]]
    return phone


def _uses(company: Company, rng: np.random.Generator, size: int) -> Columns:
    """Which systems see the person."""
    rates = company.rates
    buyer = chance(rng, rates.buyer_share, size)
    app = chance(rng, rates.app_share, size)
    web = chance(rng, rates.web_share, size)
    support = chance(rng, rates.support_share, size)
    subscriber = chance(rng, rates.subscriber_share, size)
    business = chance(rng, rates.business_share, size)
    private = chance(rng, max(rates.crm_share - rates.business_share, 0) / max(1 - rates.business_share, 1e-9), size)
    # Nobody leaves no trace: whom no other system sees, sales has met.
    crm = business | private | ~(buyer | app | support | subscriber)
    lead_only = crm & ~business & chance(rng, rates.lead_share, size)
    companies = max(round(size * rates.business_share / 4), 1)
    of_company = rng.integers(0, companies, size)
    has_mailbox = chance(rng, _within(rates.role_mailbox_share, rates.business_share or 1), companies)
    return {
        "is_buyer": buyer,
        "has_shop": buyer & ~chance(rng, rates.guest_only_share, size),
        "has_app": app,
        "has_web": web,
        "has_support": support,
        "is_subscriber": subscriber,
        "has_stripe": subscriber | business | (buyer & chance(rng, rates.stripe_share, size)),
        "has_lead": lead_only | (crm & ~lead_only & chance(rng, rates.lead_contact_share, size)),
        "has_contact": crm & ~lead_only,
        "company_no": np.where(business, of_company, -1),
        "uses_role_mailbox": business & has_mailbox[of_company],
        "is_seller": app & chance(rng, rates.seller_share, size),
    }
