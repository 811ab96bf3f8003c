"""Dates as numbers: days since the earliest, and where in the year, the week and the day they are."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
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
CLOCK = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9](?:\.[0-9]+)?))?(?: ?([AP])\.?M\.?)?", re.IGNORECASE)
# The end of a date with a time, as the parts that a format has of it.
TIME = re.compile(r"(?<![0-9])[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?( ?[AP]M)?( [+-][0-9]{4})?", re.IGNORECASE)
MONTHS = "january february march april may june july august september october november december".split()
DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
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


def strays(texts: Sequence[str], forms: Sequence[str]) -> list[str]:
    """The texts that are no dates where most are, of ISO 8601 or of one of the formats; empty where most are none."""
    iso = [text for text in texts if not ISO.fullmatch(_iso(text))]
    others = [iso, *([text for text in texts if _parsed([text], form) is None] for form in forms)]
    fewest = min(others, key=len)
    return fewest if 2 * len(fewest) < len(texts) else []


def _parsed(texts: Sequence[str | None], form: str) -> np.ndarray | None:
    found = _read(texts, form)
    if found is None or (np.isnat(found)[:-1] != np.array([text is None for text in texts])).any():
        return None
    return found


def _read(texts: Sequence[str | None], form: str) -> np.ndarray | None:
    import pandas as pd

    try:
        found = pd.to_datetime(pd.Series([*texts, None], dtype=object), format=form, utc=True, errors="coerce")
    except (ValueError, OverflowError):
        return None
    return found.dt.tz_localize(None).to_numpy()


def hours_of(texts: Sequence[str | None]) -> np.ndarray | None:
    """Times of a day, 23:59, 23:59:59.9 or 11:59 PM, as hours; with NaN for None and one more; None where not all are."""
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


def likely_formats(texts: Sequence[str]) -> list[str]:
    """The formats in which most of the texts can be dates, days before months first; none where they are no dates."""
    forms = dict.fromkeys(form for text in texts[:2] for form in _formats(text))
    dated = {form: sum(~np.isnat(found)) for form in forms if (found := _read(texts, form)) is not None}
    most = max(dated.values(), default=0)
    return [form for form, count in dated.items() if count == most and 2 * most > len(texts)]


def _formats(text: str) -> Iterator[str]:
    """The formats that a text can have: words for months and days, three numbers of a date, a time behind them."""
    time = next((found for found in TIME.finditer(text) if found.end() == len(text)), None)
    head, clock = (text[: time.start()], _clock(time)) if time else (text, "")
    parts = re.findall(r"[^\W\d_]+|[0-9]+|[^\w]+|_", head)
    known = [_part(part) for part in parts]
    open_places = [i for i, form in enumerate(known) if form == "?"]
    for order in _orders([form for form in known if form in ("%Y", "%b", "%B", "?")]):
        if len(order) == len(open_places):
            for i, form in zip(open_places, order, strict=True):
                known[i] = form
            yield "".join(known) + clock


def _clock(time: re.Match[str]) -> str:
    half = {None: "", True: " %p", False: "%p"}[time[3] and time[3][0] == " "]
    seconds = "" if time[1] is None else ":%S" if time[2] is None else ":%S.%f"
    return ("%I" if half else "%H") + ":%M" + seconds + half + (" %z" if time[4] else "")


def _part(part: str) -> str:
    """What a format has for a part of a date: `?` for a number that may be several things."""
    if part.isascii() and part.isdigit():
        return "%Y" if len(part) == 4 else "?" if len(part) < 3 else part
    for names, short, long in ((MONTHS, "%b", "%B"), (DAYS, "%a", "%A")):
        for name in names:
            if part.lower() in (name, name[:3]):
                return long if part.lower() == name and len(name) > 3 else short
    return part


def _orders(parts: list[str]) -> list[tuple[str, ...]]:
    """In which orders the numbers of a date that is written so can stand for day, month and year."""
    month, year = ("%b" in parts or "%B" in parts), parts.count("%Y")
    numbers = parts.count("?")
    if year > 1:
        return []
    if month:
        return [("%d", "%y")] if not year and numbers == 2 else [("%d",)] if year and numbers == 1 else [()] * year
    if year and numbers == 1:
        return [("%m",)]
    if year and numbers == 2:
        return [("%m", "%d")] if parts[0] == "%Y" else [("%d", "%m"), ("%m", "%d")]
    return [("%d", "%m", "%y"), ("%m", "%d", "%y")] if numbers == 3 and not year else []


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
