"""Finds the kind of a column of texts: numbers, dates, truth values or categories; asks if it cannot tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from surrogate_bench.datasets import dressed
from surrogate_bench.datasets.date_formats import likely_formats
from surrogate_bench.datasets.dates import dates_of, hours_of, strays
from surrogate_bench.datasets.labels import HIDDEN, whole
from surrogate_bench.datasets.saying import said, shown
from surrogate_bench.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

# A column of text of which this share are numbers is a column of numbers with something wrong in it.
MOSTLY_NUMBERS = 0.9
# So many different numbers are none of a few codes, and so few texts among them mean that a number is not there.
MANY_NUMBERS, FEW_TEXTS = 20, 3
CODE = re.compile(r"[^\W\d_].*[0-9]|[0-9].*[^\W\d_]")
# Rows before the first and after the last of a table that a message proposes to leave out.
MOST_LINES = 5


@dataclass
class Reading:
    """How texts are read: by the options of a table.

    missing: words for a missing value. used: which of them the files hold, asked for where a message proposes more.
    decimal: the mark of decimals where one is given. dates: the formats of dates that are given. skip_end: how many
    lines after the table are left out. typed: whether the file says what is text.
    """

    table: str
    missing: Sequence[str] = ("",)
    used: Callable[[], list[str]] = list
    decimal: str | None = None
    dates: Sequence[str] = ()
    skip_end: int = 0
    headed: bool = True
    typed: bool = False


def settle(values: pd.Categorical, column: str, reading: Reading, *, as_category: bool) -> Any:
    """The column as numbers, as dates (datetime64), or as categories of stripped texts.

    Raises UserError, with the options that answer it, for what can be read in two ways.
    """
    texts = [str(text).translate(HIDDEN).strip() for text in values.categories.tolist()]
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
        if reading.typed and not (changed or reading.decimal):
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

    found = dressed.numbers(texts, reading.decimal) if reading.decimal else []
    given = sum(text is not None for text in texts)
    if reading.decimal and sum(number is not None for number in found) == given:
        return found
    usual = [None if text is None else dressed.plain(text) for text in texts]
    numbers = pd.to_numeric(pd.Series(usual, dtype=object), errors="coerce").to_numpy(dtype=np.float64)
    plain = [None if number != number else number for number in numbers.tolist()]
    # One column may have points where the others have commas.
    return plain if not reading.decimal or sum(number is not None for number in plain) == given else found


def _refuse_a_slip(codes: np.ndarray, texts: list[str | None], read: np.ndarray, column: str, reading: Reading) -> None:
    """Raises UserError for texts that may be numbers, dates, or one word for what is missing among numbers."""
    where = f"{reading.table}: column {column!r}"
    as_names = said("categorical", [column])
    others = [text for text, number in zip(texts, read, strict=True) if text is not None and not number]
    _refuse_dressed_numbers(others, int(read.sum()), where, as_names, reading)
    among = "numbers"
    if not read.any():
        if formats := [form for form in likely_formats(others) if form not in reading.dates]:
            ways = " or ".join(said("dates", [*reading.dates, form] if reading.dates else form) for form in formats)
            left = said("drop", [column])
            raise UserError(
                f"{where} has {shown(others[0])}, which may be a date: say {ways}, or {as_names}, or {left}"
            )
        others, among = strays(others, reading.dates), "dates"
        if not others:
            return
        read = np.array([text is not None and text not in others for text in texts])
    rows = np.bincount(codes[codes >= 0], minlength=len(texts))
    share = rows[read].sum() / max(1, rows[[text is not None for text in texts]].sum())
    few = len(set(others)) <= FEW_TEXTS and read.sum() >= MANY_NUMBERS and not any(map(CODE.search, others))
    if len(set(others)) > 1 and share < MOSTLY_NUMBERS and not few:
        return
    odd = np.array([*(text is not None and not number for text, number in zip(texts, read, strict=True)), False])
    strange = np.flatnonzero(odd[codes])
    row, count = int(strange[0]), len(strange)
    text = str(texts[codes[row]])
    words = list(dict.fromkeys(others)) if few else [text]
    answers = [said("missing", [*reading.used(), *words])] if all(map(str.isprintable, words)) else []
    answers.append(as_names)
    if row == 0 and not reading.headed:
        answers.insert(0, "dataset.header=true if it names the columns")
    elif strange[-1] == count - 1 < MOST_LINES and len(re.findall(r"[^\W\d_]", text)) > 1:
        rest = f"rows 1 to {count} name" if count > 1 else "it names"
        answers.append(f"dataset.header={1 + count} if {rest} the columns too")
    elif row == len(codes) - count and count <= MOST_LINES and not reading.typed:
        answers.append(f"dataset.skip_end={reading.skip_end + count} if the table ends before it")
    told = f"{', '.join(answers[:-1])} or {answers[-1]}" if len(answers) > 1 else answers[0]
    raise UserError(f"{where} has the text {shown(text)} among {among} in row {row + 1}: correct it, or say {told}")


def _refuse_dressed_numbers(others: list[str], read: int, where: str, as_names: str, reading: Reading) -> None:
    """Raises UserError where texts are numbers with marks, units or currencies, and nothing says how to read them."""
    if reading.decimal:
        return
    found = {mark: [text for text in others if dressed.undressed(text, mark)] for mark in ",."}
    most = max(map(len, found.values()))
    marked = [mark for mark, texts in found.items() if len(texts) == most > len(others) / 2]
    if not marked:
        return
    others, alone = found[marked[0]], most == len(others)
    if None not in dressed.numbers(others, marked[0]):
        marked = marked if any(mark in text for mark in ",." for text in others) else ["."]
        ways = " or ".join(said("decimal", "comma" if mark == "," else "point") for mark in marked)
        raise UserError(f"{where} has {shown(others[0])}, which may be a number: say {ways}, or {as_names}")
    if alone and read + most >= MANY_NUMBERS and len(units := dressed.units(others, marked[0])) <= FEW_TEXTS:
        told = ", ".join(sorted(units))
        raise UserError(f"{where} has numbers of several units, {told}: write them in one, or say {as_names}")
