"""True if the first rows of a text file name its columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from surrogate_bench.datasets.labels import is_number
from surrogate_bench.datasets.saying import said, shown
from surrogate_bench.errors import UserError

# Fewer rows show too little of a column for a number to be unlike it.
FEW_ROWS = 5
MOST_HEADER_ROWS = 5
Cells = list[list[str]]


def count_header(rows: Cells, header: object, missing: Sequence[str], named: Iterable[str]) -> int:
    """How many of the first rows name columns: what `header` says, else what they look like.

    Raises UserError where they can be names and values.
    """
    if header is not None:
        count = int(header) if isinstance(header, bool | int) else -1
        if not 0 <= count <= MOST_HEADER_ROWS:
            raise UserError(f"dataset.header must be true, false or a number of rows up to 5, not {header!r}")
        return min(count, len(rows))
    gaps = {"", *missing}
    signs = _signs(rows[0], rows[1:], gaps)
    if count := _more_rows_of_names(rows, signs, gaps):
        which = "its second row" if count == 2 else f"its rows 2 to {count}"
        raise UserError(
            f"{which}, {_beginning(rows[1])}, may name columns as the first does: say dataset.header={count} if so, "
            "or dataset.header=1"
        )
    return int(_is_header(rows, signs, gaps) or bool(set(named) & set(rows[0]) - gaps))


def names_of(rows: Cells, width: int) -> list[str]:
    """A name a column, all different: by the rows that name them, the first of them alone where that is enough."""
    if not rows:
        return [f"c{i}" for i in range(width)]
    if all(re.fullmatch(r"'.*'|", cell) for cell in rows[0]):
        rows = [[cell.strip("'") for cell in row] for row in rows]
    padded = [(row + [""] * width)[:width] for row in rows]
    names = padded[0]
    if len(set(names)) < width and len(rows) > 1:
        names = [" ".join(filter(None, cells)) for cells in zip(*padded, strict=True)]
    found: list[str] = []
    for i, name in enumerate(names):
        own = name or ("index" if i == 0 else f"c{i}")
        copies = 0
        while own in found:
            copies += 1
            own = f"{name or f'c{i}'}.{copies}"
        found.append(own)
    return found


def _more_rows_of_names(rows: Cells, signs: list[str], gaps: set[str]) -> int:
    """How many first rows are texts over columns of numbers, where they are several; else 0."""
    for count in range(min(MOST_HEADER_ROWS, len(rows) - 2), 1, -1):
        last = _signs(rows[count - 1], rows[count:], gaps)
        over = [i for i, sign in enumerate(last) if sign == "text over numbers"]
        numeric = sum(sign in ("text over numbers", "like", "unlike") for sign in last)
        names = [cell for row in rows[:count] for i, cell in enumerate(row) if i in over]
        if numeric and len(over) == numeric and not ({"known"} & {*last, *signs} or any(map(is_number, names))):
            return count
    return 0


def _is_header(rows: Cells, signs: list[str], gaps: set[str]) -> bool:
    first, kinds = rows[0], set(signs) - {"gap"}
    texts = {"new text", "text over numbers"}
    run = _run(first)
    if run is not None and len(first) > 3 and _run(rows[1] if len(rows) > 1 else []) is None:
        if run in (0, 1):
            return True
        raise _ask(first)
    if run is not None and "unlike" in kinds:
        raise _ask(first)
    if not kinds or kinds <= {"like", "known"}:
        return False
    if kinds <= texts:
        different = len({cell for cell in first if cell not in gaps}) == len([c for c in first if c not in gaps])
        if "text over numbers" in kinds or (different and "gap" not in signs):
            return True
        if different and signs[0] == "gap" and signs.count("gap") == 1 and not first[0]:
            return True  # pandas' index, or R's row names
        if "gap" not in signs and len(rows) > FEW_ROWS:
            raise _ask(first)
        return False
    if "text over numbers" in kinds:
        raise _ask(first)
    if kinds == {"like", "new text"} and signs.count("new text") > 1 and _few(first, rows[1:], signs):
        raise _ask(first)
    if kinds <= {"unlike", *texts} and len(rows) > FEW_ROWS and len(set(first)) == len(first):
        raise _ask(first)
    return False


def _signs(first: list[str], rest: Cells, gaps: set[str]) -> list[str]:
    """For each cell of a row what it is beside the others of its column."""
    found = []
    for i, cell in enumerate(first):
        others = [row[i] for row in rest if i < len(row) and row[i] not in gaps]
        numeric = bool(others) and all(map(is_number, others))
        if cell in gaps or not re.search(r"\w", cell):
            found.append("gap")
        elif cell in others:
            found.append("known")
        elif is_number(cell):
            found.append("unlike" if not numeric or _unlike(cell, others) else "like")
        else:
            found.append("text over numbers" if numeric else "new text")
    return found


def _few(first: list[str], rest: Cells, signs: list[str]) -> bool:
    """True if all columns of text have few values, of which the first row has none."""
    columns = [[row[i] for row in rest if i < len(row)] for i, sign in enumerate(signs) if sign == "new text"]
    return len(set(first)) == len(first) and all(FEW_ROWS * len(set(cells)) <= len(cells) for cells in columns)


def _unlike(cell: str, others: list[str]) -> bool:
    """True if a number is beyond all others, or the only whole one among many."""
    values = [float(text) for text in others]
    beyond = not min(values) <= float(cell) <= max(values)
    whole = cell.isdigit() and all("." in text for text in others)
    return len(others) >= FEW_ROWS and (beyond or whole)


def _run(row: list[str]) -> int | None:
    """The first of numbers that each are one more than the one before, such as years; None for others."""
    if len(row) < 2 or not all(re.fullmatch(r"[0-9]{1,9}", cell) for cell in row):
        return None
    start = int(row[0])
    return start if [int(cell) for cell in row] == list(range(start, start + len(row))) else None


def _ask(first: list[str]) -> UserError:
    return UserError(
        f"its first row, {_beginning(first)}, may be names or values: say {said('header', 'true')} "
        f"if it names the columns, or {said('header', 'false')}"
    )


def _beginning(row: list[str]) -> str:
    return shown(", ".join(row))
