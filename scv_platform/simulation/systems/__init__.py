"""What each system writes down about the world, in its own words and formats: one module per vendor.

Each file is one select over the tables of the world, in the state of the day that the files end with, of the
objects that are new or changed since the delivery before. Some files carry broken rows on purpose: a platform
has to say which rows it could not read.
"""

from scv_platform.simulation.systems.export import Export

__all__ = ["Export"]
