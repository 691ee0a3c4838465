"""Tickets: who asked when, in which mood, about what, in which language."""

import numpy as np

from scv_platform.simulation.company import Company
from scv_platform.simulation.draws import Columns, at_daytime, chance, days, seconds, stream

MOODS = ("happy", "neutral", "angry")
TOPICS = 4
VARIANTS = 3


def draw_tickets(company: Company, people: Columns) -> Columns:
    """One row per ticket, in order of time; ticket_no from 0."""
    rng, rates = stream(company.seed, "tickets"), company.rates
    asks = np.flatnonzero(people["has_support"])
    person = np.repeat(asks, 1 + rng.poisson(0.4, len(asks)))
    asked = at_daytime(rng, people["appeared_at"][person] + days(rng.exponential(90, len(person)) + 1))
    order = np.lexsort((person, asked))
    person, asked = person[order], asked[order]
    size = len(person)
    mood = rng.choice(MOODS, size, p=(rates.happy_share, 1 - rates.happy_share - rates.angry_share, rates.angry_share))
    answered = asked + seconds(rng.integers(1800, 40 * 3600, size))
    solved = answered + seconds(rng.integers(3600, 90 * 3600, size))
    # Happy people praise the answer, angry ones rarely do.
    praises = rng.random(size) < np.select([mood == "happy", mood == "neutral"], [0.95, 0.75], 0.25)
    return {
        "ticket_no": np.arange(size),
        "person_id": person,
        "asked_at": asked,
        "answered_at": answered,
        "solved_at": solved,
        "mood": mood,
        "topic": rng.integers(0, TOPICS, size),
        "variant": rng.integers(0, VARIANTS, size),
        "in_own_language": chance(rng, rates.own_language_share, size),
        "channel": rng.choice(np.array(["email", "web", "chat"]), size, p=(0.6, 0.3, 0.1)),
        "agent": rng.integers(0, 6, size),
        "is_rated": chance(rng, 0.4, size),
        "is_praised": praises,
    }
