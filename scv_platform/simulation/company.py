"""What identifies a simulated company: equal companies are equal worlds, however far their files go."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from scv_platform.simulation.draws import DAY
from scv_platform.simulation.rates import Rates

CHURN_DAYS = 90
"""Days after the last one that the truth about buying looks ahead."""


@dataclass(frozen=True)
class Company:
    """A world is drawn at once up to its horizon. Files show it up to some day between start and last day."""

    customers: int
    """People who appear up to the start; others follow."""
    seed: int
    start: date
    """The first day up to which files are written."""
    rates: Rates

    def __post_init__(self) -> None:
        if self.customers < 1:
            raise ValueError(f"customers must be 1 or more, not {self.customers}")
        if self.seed < 0:
            raise ValueError(f"seed must be 0 or more, not {self.seed}")

    @property
    def now(self) -> np.datetime64:
        """The end of the start day, exclusive."""
        return np.datetime64(self.start, "s") + DAY

    @property
    def founded(self) -> np.datetime64:
        """When the first person can appear."""
        return self.now - self.rates.history_days * DAY

    @property
    def horizon(self) -> np.datetime64:
        """The end of the last drawn day, exclusive: what the truth needs to look ahead from the last possible day."""
        return self.now + (self.rates.future_days + CHURN_DAYS) * DAY

    def check(self, until: date) -> None:
        """Refuse a day that the company's files cannot end with."""
        last = self.start + timedelta(days=self.rates.future_days)
        if not self.start <= until <= last:
            raise ValueError(
                f"the company began with files up to {self.start} and can be continued up to {last}, not {until}: "
                f"simulate a new one, or one with more future_days"
            )
