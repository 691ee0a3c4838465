"""What the platform asks of a destination."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import pyarrow as pa

from scv_platform.audiences.rules import LegalBasis


@dataclass(frozen=True)
class Export:
    """One audience on its way to one destination: what it is, by what right, and who was held back."""

    audience: str
    destination: str
    as_of: date
    rule_version: str
    legal_basis: LegalBasis
    purpose: str | None
    columns: tuple[str, ...]
    withheld: Mapping[str, int]


@dataclass(frozen=True)
class Receipt:
    """What the destination has now."""

    rows: int
    location: str


class Destination(Protocol):
    """One place that takes audiences."""

    def deliver(self, export: Export, batches: Iterable[pa.RecordBatch]) -> Receipt:
        """Replace what the destination has of this audience with these rows, or leave it as it was and raise.

        The columns of the batches are `export.columns`, in that order; each customer is at most one row.
        """
        ...
