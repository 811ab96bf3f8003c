"""Dates as numbers: days since the earliest, and where in the year, the week and the day they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}(-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?( ?(Z|[+-][0-9]{2}:?([0-9]{2})?))?)?)?"
)
CLOCK = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9](?:\.[0-9]+)?))?")
OTHER = re.compile(r"([0-9]{1,4})([./-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})( [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?")
SECOND = np.timedelta64(1, "s")
DAY = 86400.0
# A cycle is only seen where the dates span two of it.
CYCLES = {"year": 365.2425 * DAY, "week": 7 * DAY, "day": DAY}
MONDAY = np.datetime64("1970-01-05", "s")


def dates_of(texts: Sequence[str | None], form: str | None) -> np.ndarray | None:
    """The texts as datetime64 with NaT for None and one more at the end; None where not all of them are dates.

    They are dates of ISO 8601, of the zone UTC where they name one, or such of the format `form` (strptime's).
    """
    import pandas as pd

    iso = all(text is None or ISO.fullmatch(text) for text in texts)
    if not (iso or form):
        return None
    try:
        found = pd.to_datetime(
            pd.Series([*texts, None], dtype=object), format="ISO8601" if iso else form, utc=True, errors="coerce"
        )
    except (ValueError, OverflowError):
        return None
    if (found.isna().to_numpy()[:-1] != np.array([text is None for text in texts])).any():
        return None
    return found.dt.tz_localize(None).to_numpy()


def hours_of(texts: Sequence[str | None]) -> np.ndarray | None:
    """Times of a day, 23:59 or 23:59:59.9, as hours; with NaN for None and one more; None where not all are."""
    found = []
    for text in [*texts, None]:
        time = CLOCK.fullmatch(text) if text is not None else None
        if text is not None and time is None:
            return None
        found.append(float(time[1]) + float(time[2]) / 60 + float(time[3] or 0) / 3600 if time else np.nan)
    return np.array(found)


def likely_formats(texts: Sequence[str]) -> list[str]:
    """The formats in which all of the texts can be dates, days before months first; none where they are no dates."""
    found = [OTHER.fullmatch(text) for text in texts]
    if not all(found) or len({(m[2], len(m[4]), m[5] is None, m[6] is None) for m in found if m}) > 1:
        return []
    parts = [(int(m[1]), int(m[3])) for m in found if m]
    first = found[0]
    assert first is not None
    mark, year = first[2], "%Y" if len(first[4]) == 4 else "%y"
    clock = "" if first[5] is None else " %H:%M" if first[6] is None else " %H:%M:%S"
    if max(a for a, _ in parts) > 31:  # a year first, as 2024/12/31
        return [f"%Y{mark}%m{mark}%d{clock}"] if len(first[4]) == 2 and min(a for a, _ in parts) > 999 else []
    forms = []
    if all(1 <= a <= 31 and 1 <= b <= 12 for a, b in parts):
        forms.append(f"%d{mark}%m{mark}{year}{clock}")
    if all(1 <= b <= 31 and 1 <= a <= 12 for a, b in parts):
        forms.append(f"%m{mark}%d{mark}{year}{clock}")
    return forms


def numbers_of(name: str, values: np.ndarray) -> dict[str, Any]:
    """A column of dates as columns of numbers: `name` in days since the earliest, and sine and cosine of its cycles.

    values: datetime64 [N]. A cycle, the year, the week or the day, is told where the dates span two of it; the day
    only where they have times. Days and cycles are missing where the date is.
    """
    missing = np.isnat(values)
    if missing.all():
        return {name: np.full(len(values), np.nan)}
    earliest = values[~missing].min()
    span = float((values[~missing].max() - earliest) / SECOND)
    since = np.where(missing, np.nan, (values - earliest) / SECOND)
    found = {name: since / DAY}
    of_monday = np.where(missing, np.nan, (values - MONDAY) / SECOND)
    for cycle, length in CYCLES.items():
        turn = 2 * np.pi * np.mod(of_monday, length) / length
        if span < 2 * length or (cycle == "day" and not np.nanmax(np.mod(of_monday, DAY))):
            continue
        found |= {f"{name} ({cycle}, sine)": np.sin(turn), f"{name} ({cycle}, cosine)": np.cos(turn)}
    return found
