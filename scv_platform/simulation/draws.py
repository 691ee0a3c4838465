"""Random draws as arrays. Each concern has a stream of its own, so that a new one does not change the others."""

import zlib

import numpy as np
import pyarrow as pa

Columns = dict[str, np.ndarray]

DAY = np.timedelta64(86_400, "s")
NEVER = np.datetime64("NaT", "s")


def stream(seed: int, concern: str) -> np.random.Generator:
    """The random numbers of one concern."""
    return np.random.default_rng([seed, zlib.crc32(concern.encode())])


def chance(rng: np.random.Generator, share: float | np.ndarray, size: int) -> np.ndarray:
    """Whether each of them is among that share."""
    return rng.random(size) < share


def seconds(amount: np.ndarray | float) -> np.ndarray:
    """A span of so many seconds."""
    return np.asarray(amount).astype("timedelta64[s]")


def days(amount: np.ndarray | float) -> np.ndarray:
    """A span of so many days, with fractions."""
    return seconds(np.asarray(amount) * 86_400)


def at_daytime(rng: np.random.Generator, moments: np.ndarray) -> np.ndarray:
    """The same days, between 7 and 22 o'clock."""
    midnight = moments.astype("datetime64[D]").astype("datetime64[s]")
    moment: np.ndarray = midnight + seconds(rng.integers(7 * 3600, 22 * 3600, len(moments)))
    return moment


def days_from(moments: np.ndarray, until: np.datetime64) -> np.ndarray:
    """How many days, with fractions, are left at each moment."""
    left: np.ndarray = (until - moments).astype(np.int64) / 86_400
    return left


def sometimes(happens: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """The moment where it happens, else never."""
    return np.where(happens, moments, NEVER)


def positions(counts: np.ndarray) -> np.ndarray:
    """0, 1, 2 … within each group of so many rows."""
    ends = np.cumsum(counts)
    within: np.ndarray = np.arange(counts.sum()) - np.repeat(ends - counts, counts)
    return within


def ranks(moments: np.ndarray) -> np.ndarray:
    """The place of each row when all are ordered by time; ties keep their order."""
    order = np.argsort(moments, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place


def stacked(parts: list[Columns]) -> Columns:
    """Tables of the same columns, one below the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def table(columns: Columns) -> pa.Table:
    """As Arrow, with times to the microsecond and days as dates."""

    def array(values: np.ndarray) -> pa.Array:
        if values.dtype.kind == "M" and np.datetime_data(values.dtype)[0] != "D":
            values = values.astype("datetime64[us]")
        return pa.array(values)

    return pa.table({name: array(values) for name, values in columns.items()})
