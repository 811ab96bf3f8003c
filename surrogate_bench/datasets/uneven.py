"""Lines that have more or fewer values than a row has: which is the first, and what to do about it."""

from __future__ import annotations

from surrogate_bench.datasets.files import Text
from surrogate_bench.datasets.layout import COMMENTS, Layout
from surrogate_bench.datasets.saying import said
from surrogate_bench.datasets.separators import fields
from surrogate_bench.errors import UserError


def refuse_uneven_rows(text: Text, layout: Layout) -> None:
    """pandas has what a row lacks at its end missing, and knows no line where all have more than the first."""
    if found := uneven(text, layout):
        line, row, _ = found
        way = way_on(found, layout)
        if not way and row and row[0] and row[0][0] in COMMENTS:
            way = f": say {said('comment', row[0][0])} if that is a comment"
        columns = f"there are {layout.width - layout.trailing} columns"
        raise UserError(f"{text.path}: line {line} has {len(row)} values, and {columns}{way}")


def uneven(text: Text, layout: Layout) -> tuple[int, list[str], int] | None:
    """The first line with more or fewer values than a row has, its values, and how many lines end the file with it.

    They are 0 where a whole row comes later. What is blank is no row.
    """
    for _ in range(layout.before):
        text.readline()
    lines = ("\n" if line in layout.apart else layout.apart.bare(line) for line in iter(text.readline, ""))
    rows = fields(lines, layout.mark, layout.quotes, layout.escaped)
    found: tuple[int, list[str], int] | None = None
    for row in rows:
        if len(row) < 2 and not any(row):
            continue
        if found and len(row) == layout.width:
            return *found[:2], 0
        if found or len(row) != layout.width:
            first = found or (rows.line_num + layout.before, row, 0)
            found = *first[:2], first[2] + 1
    return found


def way_on(found: tuple[int, list[str], int], layout: Layout) -> str:
    """`: say dataset.skip_end=2 ...` where no row comes after a line that is none."""
    end = found[2] and found[2] + layout.apart.end
    return f": say {said('skip_end', str(end))} if the table ends before it" if end else ""
