"""The formats that dates other than those of ISO 8601 may have, as strptime has them: what a message proposes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from surrogate_bench.datasets.dates import ISO, read_dates

# The end of a date with a time, as the parts that a format has of it.
TIME = re.compile(r"(?<![0-9])[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?( ?[AP]M)?( [+-][0-9]{4})?", re.IGNORECASE)
HALF_YEAR = ("january", "february", "march", "april", "may", "june")
MONTHS = (*HALF_YEAR, "july", "august", "september", "october", "november", "december")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def likely_formats(texts: Sequence[str]) -> list[str]:
    """The formats in which most of the texts can be dates, days before months first; none where they are no dates."""
    forms = dict.fromkeys(form for text in texts[:2] for form in _formats(text))
    dated = {form: sum(~np.isnat(found)) for form in forms if (found := read_dates(texts, form)) is not None}
    most = max(dated.values(), default=0)
    return [form for form, count in dated.items() if count == most and 2 * most > len(texts)]


def _formats(text: str) -> Iterator[str]:
    """The formats that a text can have: words for months and days, three numbers of a date, a time behind them."""
    if ISO.fullmatch(text):
        return
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
    half = "" if time[3] is None else " %p" if time[3][0] == " " else "%p"
    seconds = "" if time[1] is None else ":%S" if time[2] is None else ":%S.%f"
    return ("%I" if half else "%H") + ":%M" + seconds + half + (" %z" if time[4] else "")


def _part(part: str) -> str:
    """The format's code for a part of a date: `?` for a number that may be several things."""
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
