"""A simulated company with known truth: files as a real company would have them, for the demo and for tests.

Data flow: `world` draws people, records and behaviour as arrays -> `writing` and `ledger` spell them out in SQL ->
`systems` says what each of six systems writes about them -> `simulate` writes the files, and the truth beside them.
Invariants: the same company up to the same day gives the same bytes; nothing here knows the platform.
"""

from scv_platform.simulation.rates import Rates
from scv_platform.simulation.simulate import NoCompany, Summary, continue_company, simulate

__all__ = ["NoCompany", "Rates", "Summary", "continue_company", "simulate"]
