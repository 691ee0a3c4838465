"""Explanations of identities as sentences for a terminal, and as JSON."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict

from scv_platform.identity.explain import Comparison, Event, Explanation, Link, Record, Subject
from scv_platform.identity.stewardship import Decision


def as_json(found: Explanation | Comparison) -> str:
    """All that was found, for programs."""
    return json.dumps(asdict(found), default=str, ensure_ascii=False, indent=2)


def as_text(found: Explanation | Comparison) -> str:
    """What was found, for people."""
    return _of_one(found) if isinstance(found, Explanation) else _of_two(found)


def _of_one(found: Explanation) -> str:
    unseen = found.refused_count - len(found.refused)
    return _blocks(
        _who(found.subject),
        _block(
            f"{_counted(len(found.records), 'record')}: {_tally(record.source for record in found.records)}",
            [_record(record) for record in found.records],
        ),
        _block(
            f"Held together by {_counted(len(found.links), 'link')}: {_tally(link.rule for link in found.links)}",
            [_kept(link) for link in found.links],
        ),
        _block(
            f"{_counted(found.refused_count, 'refused link')} to others",
            [*(_refused(link) for link in found.refused), *([f"and {unseen:,} more"] if unseen else [])],
        ),
        _block("History", [_event(event) for event in found.history]),
        f"It was known as {', '.join(found.old_ids)}." if found.old_ids else "",
        "" if found.is_published else _UNPUBLISHED,
    )


def _of_two(found: Comparison) -> str:
    return _blocks(
        "\n".join([_who(found.a), _who(found.b)]),
        _verdict(found),
        "\n".join(_kept(link) for link in found.path),
        "\n".join(_decision(decision) for decision in found.decisions),
        *("\n".join(line for link in way for line in [_refused(link), *_held(link)]) for way in found.refused),
        "" if found.is_published else _UNPUBLISHED,
    )


_UNPUBLISHED = "The published map is of before these links: a check of the last run held the new one back."


def _who(subject: Subject) -> str:
    if subject.customer_id is None:
        return f"{subject.asked} is a visitor's: nothing tells who that is"
    if subject.is_old_id:
        return f"{subject.asked} is {subject.customer_id} now"
    if subject.asked == subject.record_id:
        return f"{subject.asked} is a record of {subject.customer_id}"
    return f"{subject.asked} is a customer, named by {subject.record_id}"


def _verdict(found: Comparison) -> str:
    if found.is_one:
        links = f", over {_counted(len(found.path), 'link')}:" if found.path else "."
        return f"They are one customer{links}"
    if found.refused or found.decisions:
        return "They are not one customer:"
    return "They are not one customer: no rule links them, nor a third one to both."


def _kept(link: Link) -> str:
    return f"{link.record_a} and {link.record_b} {_shared(link)} ({_rule(link)})"


def _refused(link: Link) -> str:
    ends = [f"{link.record_a} ({link.customer_a or 'visitor'})", f"{link.record_b} ({link.customer_b or 'visitor'})"]
    return f"{' and '.join(ends)} {_shared(link)}, but {link.reason} ({_rule(link)})"


def _shared(link: Link) -> str:
    told = [f"{evidence.kind.replace('_', ' ')} {evidence.value}" for evidence in link.evidence]
    if link.origin == "steward":
        return f"were linked by {', '.join(f'{e.kind}: {e.value}' for e in link.evidence) or 'a steward'}"
    if link.probability is not None:
        return f"look like one person, with probability {link.probability:.3f}"
    return f"share {' and '.join(told)}" if told else "share a key"


def _rule(link: Link) -> str:
    return f"rule {link.rule}, level {link.level}, {link.strength}"


def _held(link: Link) -> list[str]:
    return [
        f"  {held.trait.replace('_', ' ')}: {', '.join(held.by_a)} against {', '.join(held.by_b)}" for held in link.held
    ]


def _decision(decision: Decision) -> str:
    return (
        f"{decision.decided_by} decided on {decision.record_a} and {decision.record_b}:"
        f" {decision.decision}, because {decision.reason}"
    )


def _event(event: Event) -> str:
    other = f" {event.other_customer_id}" if event.other_customer_id else ""
    cause = f": {event.cause}" if event.cause else ""
    when = f"{event.occurred_at:%Y-%m-%d}" if event.occurred_at else "undated"
    return f"{when}  {event.customer_id} {event.event.replace('_', ' ')}{other}{cause}"


def _record(record: Record) -> str:
    since = f", since {record.first_seen_at:%Y-%m-%d}" if record.first_seen_at else ""
    return f"{record.record_id}, {record.record_type}{since}{', deleted at its source' if record.is_deleted else ''}"


def _tally(names: Iterable[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in Counter(names).items())


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _block(title: str, lines: list[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines)]) if lines else ""


def _blocks(*blocks: str) -> str:
    return "\n\n".join(block for block in blocks if block)
