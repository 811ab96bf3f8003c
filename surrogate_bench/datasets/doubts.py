"""Columns of numbers that may be something else: days, codes, or a number that stands for a missing one.

What is read is not wrong for sure, so a run is told and goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from surrogate_bench.datasets.dates import look_like_dates
from surrogate_bench.datasets.kinds import Reading
from surrogate_bench.datasets.saying import said

# A number for a missing value stands there more often than once.
FEWEST = 2


def doubts(columns: dict[str, Any], padded: Collection[str], reading: Reading) -> Iterator[dict[str, str]]:
    """An alarm for each kind of doubt, with the option that answers it. `padded` are columns with zeros ahead."""
    numbers = {name: v for name, v in columns.items() if isinstance(v, np.ndarray) and v.dtype.kind in "iuf"}
    if days := [name for name, values in numbers.items() if look_like_dates(values)]:
        way = said("dates", [*reading.dates, "%Y%m%d"])
        yield {"name": "days", "message": f"the numbers of {_some(days)} are days if you say {way}"}
    if codes := [name for name in numbers if name in padded]:
        why = f"{_some(codes)} has zeros before its numbers, as codes have"
        yield {"name": "codes", "message": f"{why}: say {said('categorical', codes)} if they are names"}
    found = {name: own for name, values in numbers.items() if (own := stand_in(values)) is not None}
    if found:
        words = sorted({f"{own:g}" for own in found.values()})
        way = said("missing", [*reading.used(), *words])
        why = f"{', '.join(words)}, far from all other values of {_some(list(found))}, may stand for a missing one"
        yield {"name": "stand_in", "message": f"{why}: say {way} if so"}


def stand_in(values: np.ndarray) -> float | None:
    """The lowest or highest value where it may mean that there is none, as -999, 9999 or -1 do.

    It is whole, of nines alone or the only one below 0, occurs several times, and is farther from the next value than
    all others are from one another.
    """
    known = values[~np.isnan(values)].astype(np.float64)
    for sign in (-1, 1):
        if not len(known) or not (own := float((sign * known).max())).is_integer() or not np.isfinite(own):
            continue
        nines = len(text := str(abs(int(own)))) > 1 and set(text) == {"9"}
        if not (nines or (sign < 0 and own > 1)):
            continue
        others = sign * known[sign * known != own]
        if len(known) - len(others) < FEWEST or not len(others) or own - others.max() <= np.ptp(others):
            continue
        if nines or others.max() <= 0:
            return sign * own
    return None


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:3])) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
