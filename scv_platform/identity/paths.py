"""The shortest way over links from one record to another."""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import TypeVar

Link = TypeVar("Link")


def distances(neighbours: Mapping[str, Iterable[str]], start: str) -> dict[str, int]:
    """How many links away each record is that can be reached."""
    found = {start: 0}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for record in neighbours.get(here, ()):
            if record not in found:
                found[record] = found[here] + 1
                waiting.append(record)
    return found


def shortest_path(neighbours: Mapping[str, Mapping[str, Link]], start: str, end: str) -> list[Link] | None:
    """The fewest links from one record to the other, and of such paths the one whose records come first.

    `neighbours` has the link from each record to each other, both ways. None where no way leads there.
    """
    away = distances(neighbours, end)
    if start not in away:
        return None
    path = []
    while start != end:
        nearest = min(record for record in neighbours[start] if away[record] < away[start])
        path.append(neighbours[start][nearest])
        start = nearest
    return path
