"""Columns of a LaTeX table as siunitx lines them up: by their decimal point, with the deviation in brackets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from surrogate_bench.comparison import columns
from surrogate_bench.comparison.formats.paging import words
from surrogate_bench.comparison.tables import Cell
from surrogate_bench.comparison.wording import MISSING, number

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
    "…": r"\dots{}",
    "▲": r"$\uparrow$",
    "▼": r"$\downarrow$",
    "−": "$-$",
    "–": "--",
    # At the start of a row these would be arguments of the \\ before it.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
}
NUMBER = re.compile(r"([+-]?)(\d+)(?:\.(\d+))?(?: \+- (\d+)\.(\d+))?")


@dataclass(frozen=True)
class Column:
    """One column: its metric and view, how LaTeX lines it up, its cells, and the letters that it needs.

    `group` is the heading above it; a column without views has its metric as `view`, in the row of the views.
    """

    about: str
    group: str
    view: str
    kind: str
    cells: tuple[str, ...]
    letters: int


def escape(text: str) -> str:
    """Text with everything that means something to LaTeX spelled out."""
    return "".join(SPECIAL.get(character, character) for character in text)


def as_column(column: columns.Column, cells: Sequence[tuple[Cell, int]]) -> Column:
    """A column of these cells and their rows' n: of numbers where one is a number; others stand in the middle."""
    texts = [_text(cell, n) for cell, n in cells]
    numbers = [found for text in texts if (found := NUMBER.fullmatch(text))]
    letters = [len(text) for text in texts if not NUMBER.fullmatch(text)]
    kind, longest = _format(numbers) if numbers else ("c", 0)
    shown = [_shown(text, best=cell.best) for text, (cell, _) in zip(texts, cells, strict=True)]
    group, view = (column.about, column.view) if column.view else ("", column.about)
    heading = (len(word) for text in (group, view) for word in words(text))
    return Column(column.about, group, view, kind, tuple(shown), max(longest, *letters, *heading))


def _text(cell: Cell, n: int) -> str:
    if cell.text is not None:
        number_of = cell.text.replace("−", "-")
        return number_of if NUMBER.fullmatch(number_of) else cell.text
    if cell.mean is None:
        return MISSING
    spread = f" +- {number(cell.std)}" if cell.std is not None else ""
    text = number(cell.mean).replace("−", "-") + spread
    return text if cell.n == n else f"{text.replace('+-', '±')} (n = {cell.n})"


def _shown(text: str, *, best: bool) -> str:
    """A cell's text, in braces where it is no number, by which siunitx leaves it as it is."""
    bold = r"\bfseries " * best
    return bold + text if NUMBER.fullmatch(text) else f"{{{bold}{escape(text)}}}"


def _format(numbers: Sequence[re.Match[str]]) -> tuple[str, int]:
    """The siunitx format for the longest of these numbers, and its number of letters."""
    signed = any(found[1] for found in numbers)
    whole = max(len(found[2]) for found in numbers)
    decimals = max(len(found[3] or "") for found in numbers)
    spread = max(len((found[4] + found[5]).lstrip("0") or "0") if found[4] else 0 for found in numbers)
    kind = f"S[table-format={'+' * signed}{whole}.{decimals}{f'({spread})' if spread else ''}]"
    return kind, signed + whole + bool(decimals) + decimals + (spread + 2 if spread else 0)
