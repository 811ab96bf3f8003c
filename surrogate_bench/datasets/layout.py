"""How a text file's table is laid out: what stands before it, what separates its values."""

from __future__ import annotations

import csv
import itertools
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from surrogate_bench.datasets import other_layouts
from surrogate_bench.datasets.files import NOTHING, RULE, Apart, Text
from surrogate_bench.datasets.headers import count_header, names_of
from surrogate_bench.datasets.labels import HIDDEN
from surrogate_bench.datasets.saying import said, shown
from surrogate_bench.errors import UserError

SEPARATORS = ",;\t|"
BLANKS = " "  # any number of them, and of tabs
WORDS = {"comma": ",", "semicolon": ";", "tab": "\t", "blank": BLANKS, "\\t": "\t", "|": "|", "bar": "|"}
SAMPLE_ROWS = 200
COMMENTS = "#%!*"
# Of the lines, so many have as many values as a row has.
MOST_LINES = 0.9
# A number as any table has it, with a point or a comma, and several of them with blanks between.
NUMBER = re.compile(r"[+-]?[0-9]*[.,]?[0-9]+(e[+-]?[0-9]+)?", re.IGNORECASE)
NUMBERS = re.compile(rf"({NUMBER.pattern}|\?)( +({NUMBER.pattern}|\?))+", re.IGNORECASE)
# A quote that neither ends a value nor begins one has a backslash before it for that reason.
ESCAPED = re.compile(r"\\\"(?=[^\",;\t|\r\n])")


@dataclass
class Layout:
    """Where the rows begin, after `before` lines, and what is in them.

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
    mark = mark or _separator([line for _, line in numbered], quotes, escaped)
    rows = list(_rows(numbered, mark, quotes, escaped))
    width = _width([row for _, row in rows])
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
    """Whether numbers are filled up with zeros to one length, as those of codes are."""
    digits = [cell for cell in cells if cell]
    lengths = {len(cell) if cell.isdigit() else 0 for cell in digits}
    return len(lengths) == 1 and lengths.pop() > 1 and any(cell[0] == "0" for cell in digits)


def _apart(given: Apart, numbered: list[tuple[int, str]]) -> Apart:
    """What is apart where one of the first lines rules a printed table."""
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


def _rows(numbered: list[tuple[int, str]], mark: str, quotes: bool, escaped: bool) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of the line that it ends on."""
    reader = fields((f"{line.rstrip(chr(10) + chr(13))}\n" for _, line in numbered), mark, quotes, escaped)
    for row in reader:
        if row:
            yield numbered[reader.line_num - 1][0], [cell.translate(HIDDEN).strip() for cell in row]


def _width(rows: list[list[str]]) -> int:
    counts = Counter(map(len, rows))
    return max(counts, key=lambda width: (counts[width], width))


def _separator(lines: list[str], quotes: bool, escaped: bool) -> str:
    """The one that cuts most lines into equally many fields that hold no other; of equal ones, into most fields.

    Blanks are one where the fields of no other are single values.
    """
    ranked = []
    for mark in (*SEPARATORS, BLANKS):
        rows = [row for row in fields((f"{line.rstrip()}\n" for line in lines), mark, quotes, escaped) if row]
        if rows and (width := _width(rows)) > 1:
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
