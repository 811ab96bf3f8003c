"""Separators: which one cuts a text file's lines into values, and the values themselves."""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from surrogate_bench.datasets.labels import HIDDEN
from surrogate_bench.datasets.saying import said
from surrogate_bench.errors import UserError

SEPARATORS = ",;\t|"
BLANKS = " "  # any number of them, and of tabs
WORDS = {"comma": ",", "semicolon": ";", "tab": "\t", "blank": BLANKS, "\\t": "\t", "|": "|", "bar": "|"}
# Of the lines, so many have as many values as a row has.
MOST_LINES = 0.9
# A number as any table has it, with a point or a comma, and several of them with blanks between.
NUMBER = re.compile(r"[+-]?[0-9]*[.,]?[0-9]+(e[+-]?[0-9]+)?", re.IGNORECASE)
NUMBERS = re.compile(rf"({NUMBER.pattern}|\?)( +({NUMBER.pattern}|\?))+", re.IGNORECASE)


def fields(lines: Iterable[str], mark: str, quotes: bool, escaped: bool = False) -> Any:
    """The lines' values; `line_num` of what comes back counts the lines."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    if mark == BLANKS:
        lines = (re.sub(r"[ \t]+", BLANKS, line.strip()) for line in lines)
    return csv.reader(
        lines,
        delimiter=mark,
        skipinitialspace=True,
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        escapechar="\\" if escaped else None,
    )


def numbered_rows(
    numbered: list[tuple[int, str]], mark: str, quotes: bool, escaped: bool
) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of the line that it ends on."""
    reader = fields((f"{line.rstrip(chr(10) + chr(13))}\n" for _, line in numbered), mark, quotes, escaped)
    for row in reader:
        if row:
            yield numbered[reader.line_num - 1][0], [cell.translate(HIDDEN).strip() for cell in row]


def commonest_width(rows: list[list[str]]) -> int:
    """How many values most rows have."""
    counts = Counter(map(len, rows))
    return max(counts, key=lambda width: (counts[width], width))


def find_separator(lines: list[str], quotes: bool, escaped: bool) -> str:
    """The one that cuts most lines into equally many fields that hold no other; of equal ones, into most fields.

    Blanks are one where the fields of no other are single values.
    """
    ranked = []
    for mark in (*SEPARATORS, BLANKS):
        rows = [row for row in fields((f"{line.rstrip()}\n" for line in lines), mark, quotes, escaped) if row]
        if rows and (width := commonest_width(rows)) > 1:
            share = sum(len(row) == width for row in rows) / len(rows)
            cells = [cell.strip() for row in rows for cell in row]
            others = SEPARATORS.replace(mark, "")
            clean = sum(
                bool(NUMBER.fullmatch(cell)) or not (any(o in cell for o in others) or NUMBERS.fullmatch(cell))
                for cell in cells
            )
            if mark == BLANKS and (share < MOST_LINES or clean < len(cells)):
                continue
            ranked.append(
                (share == 1, share >= MOST_LINES, round(clean / len(cells), 3), mark != BLANKS, width, share, mark)
            )
    ranked.sort(reverse=True)
    if len(ranked) > 1 and ranked[0][:4] == ranked[1][:4] and ranked[0][1] and ranked[0][2] < 1:
        both = " or ".join(said("separator", _word(found[-1])) for found in ranked[:2])
        raise UserError(f"its values can be separated in two ways: say {both}")
    if ranked and ranked[0][1]:
        return ranked[0][-1]
    counts = Counter(len(re.split(r"[ \t]+", line.strip())) for line in lines)
    width, share = counts.most_common(1)[0]
    if width > 1 and share >= max(MOST_LINES * len(lines), len(lines) - 1):
        return BLANKS
    return ranked[0][-1] if ranked else ","


def _word(mark: str) -> str:
    return next(word for word, own in WORDS.items() if own == mark)
