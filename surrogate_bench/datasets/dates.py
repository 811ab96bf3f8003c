"""Dates as numbers: days since the earliest, and where in the year, the week and the day they are."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}(-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?( ?(Z|[+-][0-9]{2}:?([0-9]{2})?))?)?)?"
    r"|[0-9]{8}T[0-9]{4}([0-9]{2})?Z?"
)
ZONE = re.compile(r"(?<=[0-9]) ?(UTC|GMT)$")
QUARTER = re.compile(r"([0-9]{4})[- ]?[Qq]([1-4])")
WEEK = re.compile(r"([0-9]{4})-?W([0-5][0-9])")
CLOCK = re.compile(
    r"([01]?[0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9](?:\.[0-9]+)?))?(?: ?([AP])\.?M\.?)?", re.IGNORECASE
)
# Of numbers that are taken for days: the range, and how many different ones no chance makes valid.
FIRST_DAY, LAST_DAY, MANY_DAYS = 19000101, 21001231, 10
SECOND = np.timedelta64(1, "s")
DAY = 86400.0
# A cycle is only seen where the dates span two of it.
CYCLES = {"year": 365.2425 * DAY, "week": 7 * DAY, "day": DAY}
MONDAY = np.datetime64("1970-01-05", "s")


def dates_of(texts: Sequence[str | None], forms: Sequence[str]) -> np.ndarray | None:
    """The texts as datetime64 with NaT for None and one more at the end; None where not all of them are dates.

    They are dates of ISO 8601, of the zone UTC where they name one, quarters, or all of one of the formats `forms`
    (strptime's).
    """
    told = [None if text is None else _iso(text) for text in texts]
    if all(text is None or ISO.fullmatch(text) for text in told):
        return _parsed(told, "ISO8601")
    return next((found for form in forms if (found := _parsed(texts, form)) is not None), None)


def _iso(text: str) -> str:
    """A quarter or a week as its first day, and a zone's name as ISO 8601 has it."""
    if quarter := QUARTER.fullmatch(text):
        return f"{quarter[1]}-{3 * int(quarter[2]) - 2:02d}"
    if week := WEEK.fullmatch(text):
        with contextlib.suppress(ValueError):
            return date.fromisocalendar(int(week[1]), int(week[2]), 1).isoformat()
    return ZONE.sub("Z", text)


def dates_of_numbers(values: np.ndarray, forms: Sequence[str]) -> np.ndarray | None:
    """Whole numbers such as 20240131 as datetime64, by a format that is digits alone; None where not all are dates."""
    missing = np.isnan(values)
    distinct, places = np.unique(values[~missing], return_inverse=True)
    forms = [form for form in forms if re.fullmatch(r"%Y(%[mdHMS])*", form)]
    if not forms or not len(distinct) or (distinct != np.floor(distinct)).any():
        return None
    found = dates_of([str(int(value)) for value in distinct], forms)
    if found is None:
        return None
    dates = np.full(len(values), np.datetime64("NaT"), dtype=found.dtype)
    dates[~missing] = found[places]
    return dates


def look_like_dates(values: np.ndarray) -> bool:
    """True if numbers are days as 20240131, of so many years that they are no other numbers."""
    known = np.asarray(values[~np.isnan(values)], dtype=np.float64)
    if not len(known) or not (known.min() >= FIRST_DAY and known.max() <= LAST_DAY):
        return False
    return len(np.unique(known)) >= MANY_DAYS and dates_of_numbers(known, ["%Y%m%d"]) is not None


def strays(texts: Sequence[str], forms: Sequence[str]) -> list[str]:
    """The texts that are no dates where most are, of ISO 8601 or of one of the formats; empty where most are none."""
    told = [_iso(text) for text in texts]
    read = [(read_dates([text if ISO.fullmatch(text) else None for text in told], "ISO8601"))]
    read += [read_dates(texts, form) for form in forms]
    others = [
        [t for t, date in zip(texts, found, strict=False) if np.isnat(date)] for found in read if found is not None
    ]
    fewest = min(others, key=len)
    return fewest if 2 * len(fewest) < len(texts) else []


def _parsed(texts: Sequence[str | None], form: str) -> np.ndarray | None:
    found = read_dates(texts, form)
    if found is None or (np.isnat(found)[:-1] != np.array([text is None for text in texts])).any():
        return None
    return found


def read_dates(texts: Sequence[str | None], form: str) -> np.ndarray | None:
    """The texts as datetime64 with NaT for what is no date of this format and one more; None for no format."""
    import pandas as pd

    try:
        found = pd.to_datetime(pd.Series([*texts, None], dtype=object), format=form, utc=True, errors="coerce")
    except (ValueError, OverflowError):
        return None
    return found.dt.tz_localize(None).to_numpy()


def hours_of(texts: Sequence[str | None]) -> np.ndarray | None:
    """Times of a day, 23:59, 23:59:59.9 or 11:59 PM, as hours, NaN for None and one more; None where not all are."""
    found = []
    for text in [*texts, None]:
        time = CLOCK.fullmatch(text) if text is not None else None
        if text is not None and time is None:
            return None
        found.append(_hours(time) if time else np.nan)
    return np.array(found)


def _hours(time: re.Match[str]) -> float:
    hour = float(time[1]) if time[4] is None else float(time[1]) % 12 + 12 * (time[4] in "Pp")
    return hour + float(time[2]) / 60 + float(time[3] or 0) / 3600


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
