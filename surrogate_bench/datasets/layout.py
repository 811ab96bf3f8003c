"""How a text file's table is laid out: what stands before it, what separates its values."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from surrogate_bench.datasets import other_layouts
from surrogate_bench.datasets.files import NOTHING, RULE, Apart, Text
from surrogate_bench.datasets.headers import count_header, names_of
from surrogate_bench.datasets.saying import said, shown
from surrogate_bench.datasets.separators import (
    MOST_LINES,
    NUMBER,
    WORDS,
    commonest_width,
    find_separator,
    numbered_rows,
)
from surrogate_bench.errors import UserError

SAMPLE_ROWS = 200
COMMENTS = "#%!*"
# A quote that neither ends a value nor begins one has a backslash before it for that reason.
ESCAPED = re.compile(r"\\\"(?=[^\",;\t|\r\n])")


@dataclass
class Layout:
    """The layout of a text file: rows begin after `before` lines, and have these columns.

    width: values a row. names: one a column. indexed: so many first columns have no name, as pandas and R write the
    names of rows. headed: whether the names are the file's own. trailing: so many last columns have neither name nor
    value. escaped: whether a backslash stands before a quote that is a character. apart: the lines that are no rows.
    padded: columns whose numbers have zeros ahead.
    """

    mark: str
    before: int
    width: int
    names: list[str]
    quotes: bool
    indexed: int = 0
    headed: bool = True
    trailing: int = 0
    escaped: bool = False
    apart: Apart = NOTHING
    padded: frozenset[str] = frozenset()


def look(
    text: Text,
    *,
    header: bool | int | None,
    separator: str | None,
    quotes: bool,
    skip: int,
    missing: Sequence[str],
    named: Iterable[str],
) -> Layout:
    """The layout that the first lines show. `named` are columns that options name.

    Raises UserError, with the option that answers it, for what can be read in two ways.
    """
    for _ in range(skip):
        text.readline()
    lines = enumerate(iter(text.readline, ""), start=skip + 1)
    numbered = [(number, line) for number, line in itertools.islice(lines, SAMPLE_ROWS) if line.strip()]
    if numbered:
        numbered[0] = (numbered[0][0], numbered[0][1].removeprefix("\ufeff"))
    mark = None if separator is None else WORDS.get(separator, separator)
    if mark is not None and len(mark) != 1:
        raise UserError(f"dataset.separator must be one character, or tab, or blank, not {separator!r}")
    if numbered and (told := re.fullmatch(r'"?sep=(.)"?\s*', numbered[0][1])):
        mark, skip = mark or told[1], numbered[0][0]
        del numbered[0]
    apart = _apart(text.apart, numbered)
    numbered = [(number, apart.bare(line)) for number, line in numbered if line not in apart]
    if not numbered:
        raise UserError(f"{str(text.path)!r} is empty")
    if separator is None:
        other_layouts.refuse([line for _, line in numbered], text.path)
    escaped = quotes and any(map(ESCAPED.search, (line for _, line in numbered)))
    mark = mark or find_separator([line for _, line in numbered], quotes, escaped)
    rows = list(numbered_rows(numbered, mark, quotes, escaped))
    width = commonest_width([row for _, row in rows])
    _ask_what_stands_before(rows, width, numbered, text.apart.comment)
    trailing = _trailing([row for _, row in rows], width)
    width -= trailing
    rows = [(number, row[:width] if trailing else row) for number, row in rows]
    if len(rows[0][1]) == width + 1 and not rows[0][1][-1]:
        rows[0] = (rows[0][0], rows[0][1][:-1])
    cells = [row for _, row in rows]
    row_names = len(cells[0]) == width - 1 > 0 and not trailing
    if row_names:
        _ask_whether_a_title(rows)
        cells[0] = ["", *cells[0]]
    count = count_header(cells, header, missing, named)
    names = names_of(cells[:count], width)
    before = rows[count - 1][0] if count else skip
    nameless = itertools.takewhile(lambda name: re.fullmatch(r"|Unnamed: [0-9.]+", name), cells[0][: width - 1])
    indexed = len(list(nameless)) if count else 0
    padded = frozenset(
        name for i, name in enumerate(names) if _padded([row[i] for row in cells[count:] if i < len(row)])
    )
    return Layout(mark, before, width + trailing, names, quotes, indexed, bool(count), trailing, escaped, apart, padded)


def _padded(cells: Iterable[str]) -> bool:
    """True if numbers are filled up with zeros to one length, as those of codes are."""
    digits = [cell for cell in cells if cell]
    lengths = {len(cell) if cell.isdigit() else 0 for cell in digits}
    return len(lengths) == 1 and lengths.pop() > 1 and any(cell[0] == "0" for cell in digits)


def _apart(given: Apart, numbered: list[tuple[int, str]]) -> Apart:
    """The lines that are no rows, those of a printed table if one of the first lines is its rule."""
    first = [line for _, line in numbered if line not in given][:3]
    if not any(map(RULE.fullmatch, first)):
        return given
    ruled = replace(given, ruled=True)
    rows = [line.strip() for _, line in numbered if line not in ruled]
    boxed = sum(line.startswith("|") and line.endswith("|") for line in rows) >= MOST_LINES * len(rows)
    return replace(ruled, boxed=boxed)


def _trailing(rows: list[list[str]], width: int) -> int:
    """How many separators more than a row needs end every row, as spreadsheets write what was emptied."""
    empty = 0
    while len(rows) > 1 and empty < width - 1 and all(len(row) == width and not row[-1 - empty] for row in rows[1:]):
        if any(rows[0][width - 1 - empty :]):
            break
        empty += 1
    return empty if len(rows[0]) >= width - empty else 0


def _ask_what_stands_before(
    rows: list[tuple[int, list[str]]], width: int, numbered: list[tuple[int, str]], comment: str | None
) -> None:
    """Raises UserError for lines before the table that are none of its rows."""

    def strange(row: list[str]) -> bool:
        if abs(len(row) - width) == 1 and len(row) > 1:  # a header without the row names, or with a separator more
            return False
        filled = [cell for cell in row if cell]
        lonely = width > 2 and len(filled) <= 1 and not any(map(NUMBER.fullmatch, filled))
        return len(row) != width or lonely

    ahead = list(itertools.takewhile(lambda found: strange(found[1]), rows[:20]))
    if not ahead or len(ahead) >= min(len(rows), 20):
        return
    first = numbered[0][1].strip()
    starts = {line.lstrip()[:1] for number, line in numbered if number <= ahead[-1][0]}
    if comment is None and len(starts) == 1 and (mark := starts.pop()) in COMMENTS:
        way = f"{said('comment', mark)} if lines that begin with it are comments"
    else:
        way = said("skip", str(ahead[-1][0]))
    raise UserError(
        f"line {numbered[0][0]}, {shown(first)}, is not of the table, whose rows have {width} values: say {way}"
    )


def _ask_whether_a_title(rows: list[tuple[int, list[str]]]) -> None:
    """Raises UserError where a first row that lacks a value stands over one that names the columns."""
    second, others = rows[1][1], [cell for _, row in rows[2:] for cell in row]
    if not any(map(NUMBER.fullmatch, second)) and any(map(NUMBER.fullmatch, others)):
        way = said("skip", str(rows[0][0]))
        raise UserError(f"line {rows[0][0]} has a value less than the rows, as a title has: say {way}")
