"""A simulated shop with known truth: files as a real company would have them, for the demo and for tests.

Data flow: `world` draws people, products and purchases -> `systems` says what the web shop, the till and
the newsletter tool each write about them -> `landing` writes the files, and the truth beside them.
Invariants: the same seed, number of people and last day give the same bytes; nothing here knows the platform.
"""

from scv_platform.simulation.rates import Rates
from scv_platform.simulation.simulate import Summary, simulate

__all__ = ["Rates", "Summary", "simulate"]
