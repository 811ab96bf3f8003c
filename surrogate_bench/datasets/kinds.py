"""What a column of texts is: numbers, dates, truth values or categories; what cannot be told is asked about."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from surrogate_bench.datasets.dates import dates_of, hours_of, likely_formats
from surrogate_bench.datasets.labels import whole
from surrogate_bench.datasets.saying import said, shown
from surrogate_bench.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

# A column of text of which this share are numbers is a column of numbers with something wrong in it.
MOSTLY_NUMBERS = 0.9
BETWEEN = "[' \u00a0\u202f{}]"  # what stands between thousands, beside the mark that is not the decimal one
EXPONENT = "(?:[eE][+-]?[0-9]+)?"
UNITS = "%€$£¥ "
MARKED = re.compile(rf"[0-9][,' \u00a0\u202f.][0-9]|[{UNITS.strip()}]")
DECIMALS = {
    mark: re.compile(
        rf"[+-]?(?:[1-9][0-9]{{0,2}}(?:{BETWEEN.format(other)}[0-9]{{3}})+|[0-9]+)(?:{re.escape(mark)}[0-9]*)?{EXPONENT}"
        rf"|[+-]?{re.escape(mark)}[0-9]+{EXPONENT}"
    )
    for mark, other in ((",", "."), (".", ","))
}


@dataclass
class Reading:
    """How texts are read: by the options of a table.

    missing: words for a missing value. used: which of them the files hold, asked for where a message proposes more.
    decimal: the mark of decimals where one is given. dates: a format of dates where one is given. typed: whether the
    file says what is text.
    """

    table: str
    missing: Sequence[str] = ("",)
    used: Callable[[], list[str]] = list
    decimal: str | None = None
    dates: str | None = None
    headed: bool = True
    typed: bool = False


def settle(values: pd.Categorical, column: str, reading: Reading, *, as_category: bool) -> Any:
    """The column as numbers, as dates (datetime64), or as categories of stripped texts.

    Raises UserError, with the options that answer it, for what can be read in two ways.
    """
    texts = [str(text).strip() for text in values.categories.tolist()]
    codes = np.asarray(values.codes)
    if not reading.typed and texts and all(re.fullmatch(r"'.*'|", text, re.DOTALL) for text in texts):
        texts = [text.strip("'") for text in texts]
    gaps = set(reading.missing)
    changed = any(text in gaps for text in texts)
    kept: list[str | None] = [None if text in gaps else text for text in texts]
    present = [text for text in dict.fromkeys(kept) if text is not None]
    if as_category or not present:
        return _categories(codes, [None if text is None else whole(text) for text in kept])
    if {text.lower() for text in present} <= {"true", "false"}:
        return _truth(codes, kept)
    numbers = _numbers(kept, reading)
    read = np.array([number is not None for number in numbers])
    given = np.array([text is not None for text in kept])
    if (read == given).all():
        if reading.typed and not changed:
            return _categories(codes, kept)
        return np.array([np.nan if number is None else number for number in [*numbers, None]])[codes]
    if not read.any():
        for convert in (lambda found: dates_of(found, reading.dates), hours_of):
            if (converted := convert(kept)) is not None:
                return converted[codes]
    _refuse_a_slip(codes, kept, read, column, reading)
    return _categories(codes, [None if text is None else whole(text) for text in kept])


def _categories(codes: np.ndarray, texts: list[str | None]) -> pd.Categorical:
    """Codes for other texts, of which several may be one, in the texts' own order."""
    import pandas as pd

    distinct = sorted({text for text in texts if text is not None})
    place = {text: i for i, text in enumerate(distinct)}
    places = np.array([*(-1 if text is None else place[text] for text in texts), -1], dtype=np.int64)
    return pd.Categorical.from_codes(places[codes], categories=pd.Index(distinct, dtype=object))


def _truth(codes: np.ndarray, texts: list[str | None]) -> Any:
    found = _categories(codes, [None if text is None else text.capitalize() for text in texts])
    missing = np.asarray(found.codes) < 0
    return found if missing.any() else (np.asarray(found.astype(object)) == "True").astype(np.int8)


def _numbers(texts: list[str | None], reading: Reading) -> list[float | None]:
    import pandas as pd

    if reading.decimal:
        texts = [None if text is None else _plain(text, reading.decimal) for text in texts]
    numbers = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").to_numpy(dtype=np.float64)
    return [None if number != number else number for number in numbers.tolist()]


def _plain(text: str, decimal: str) -> str | None:
    """A number with marks between its thousands and this one before its decimals, as Python writes it; else None."""
    text = text.strip(UNITS)
    if not DECIMALS[decimal].fullmatch(text):
        return None
    return re.sub(BETWEEN.format("," if decimal == "." else "."), "", text).replace(decimal, ".")


def _refuse_a_slip(codes: np.ndarray, texts: list[str | None], read: np.ndarray, column: str, reading: Reading) -> None:
    """Raises UserError for texts that may be numbers, dates, or one word for what is missing among numbers."""
    where = f"{reading.table}: column {column!r}"
    as_names = said("categorical", [column])
    others = [text for text, number in zip(texts, read, strict=True) if text is not None and not number]
    marked = [mark for mark in ",." if all(_plain(text, mark) is not None for text in others)]
    commas = reading.decimal is None and any(map(MARKED.search, others))
    if marked and commas:
        ways = " or ".join(said("decimal", "comma" if mark == "," else "point") for mark in marked)
        raise UserError(f"{where} has {shown(others[0])}, which may be a number: say {ways}, or {as_names}")
    if not read.any():
        if formats := likely_formats(others):
            ways = " or ".join(said("dates", form) for form in formats)
            left = said("drop", [column])
            raise UserError(
                f"{where} has {shown(others[0])}, which may be a date: say {ways}, or {as_names}, or {left}"
            )
        return
    rows = np.bincount(codes[codes >= 0], minlength=len(texts))
    share = rows[read].sum() / max(1, rows[[text is not None for text in texts]].sum())
    if len(set(others)) > 1 and share < MOSTLY_NUMBERS:
        return
    odd = np.array([*(text is not None and not number for text, number in zip(texts, read, strict=True)), False])
    row = int(np.flatnonzero(odd[codes])[0])
    text = str(texts[codes[row]])
    missing = said("missing", [*reading.used(), text])
    answers = [missing, as_names]
    if row == 0 and not reading.headed:
        answers.insert(0, "dataset.header=true if it names the columns")
    elif row == 0 and (odd[codes]).sum() == 1 and len(re.findall(r"[^\W\d_]", text)) > 1:
        answers.append("dataset.header=2 if it names the columns too")
    told = ", ".join(answers[:-1]) + f" or {answers[-1]}"
    raise UserError(f"{where} has the text {shown(text)} among numbers in row {row + 1}: correct it, or say {told}")
