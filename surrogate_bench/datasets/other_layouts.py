"""Text files that are tables of another kind: each is refused with the command that makes a CSV of it."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Sequence
from pathlib import Path

from surrogate_bench.datasets.saying import said
from surrogate_bench.datasets.separators import SEPARATORS
from surrogate_bench.system import conversion

# A label, and pairs of a column's number and its value; a row whose values are all 0 has none.
SPARSE = re.compile(r"\S+(\s+(qid|\d+):\S+)+\s*(#.*)?")
PLACE = re.compile(r"(?<=\s)(\d+):")
LABEL = re.compile(r"[+-]?\d+(\.\d*)?")


def refuse(lines: Sequence[str], file: Path) -> None:
    """Raises UserError where these first lines are of libsvm, have quotes around whole rows, or have fixed widths."""
    bare = [line.strip() for line in lines]
    if _is_sparse(bare):
        code = (
            "import pandas, sklearn.datasets; x, y = sklearn.datasets.load_svmlight_file({0}); "
            'pandas.DataFrame(x.toarray()).add_prefix("x").assign(target=y).to_csv({1}, index=False)'
        )
        way = said("separator", "blank")
        conversion.rewrite(file, code, f"its rows hold column:value, as those of libsvm (say {way} if they are times)")
    if _is_quoted(bare):
        code = 'import csv; open({1}, "w").writelines(",".join(row) + "\\n" for row in csv.reader(open({0})))'
        conversion.rewrite(file, code, "quotes enclose its rows, and not its values")
    if starts := _fixed_widths(lines):
        places = list(zip(starts, [*starts[1:], None], strict=True))
        code = f"import pandas; pandas.read_fwf({{0}}, colspecs={places}).to_csv({{1}}, index=False)"
        conversion.rewrite(file, code, "its columns have fixed widths, and blanks within")


def _is_sparse(lines: Sequence[str]) -> bool:
    """True if labels and pairs stand there whose column numbers ascend, as the hours of times need not."""
    full = [SPARSE.fullmatch(line) is not None for line in lines]
    places = [list(map(int, PLACE.findall(line))) for line in lines]
    ascending = all(one < other for own in places for one, other in itertools.pairwise(own))
    several = any(len(own) > 1 for own in places)
    return (
        sum(full) > len(lines) / 2
        and ascending
        and several
        and all(own or LABEL.fullmatch(line) for own, line in zip(full, lines, strict=True))
    )


def _is_quoted(lines: Sequence[str]) -> bool:
    """True if every row but the first is one value in quotes, and all have as many separators, the first one too."""
    rows = lines[1:]
    if not rows or not all(len(line) > 2 and line[0] == line[-1] == '"' for line in rows):
        return False
    parsed = list(csv.reader(rows))
    cells = [lines[0], *(row[0] for row in parsed if len(row) == 1)]
    counts = {tuple(cell.count(mark) for mark in SEPARATORS) for cell in cells}
    return len(parsed) == len(rows) and all(len(row) == 1 for row in parsed) and len(counts) == 1 and any(*counts)


def _fixed_widths(lines: Sequence[str]) -> list[int]:
    """The starts of columns of fixed width: two blanks before each in all lines, one within some values; else []."""
    own = [line.rstrip("\r\n") for line in lines]
    if len(own) < 3 or any(mark in line for line in own for mark in SEPARATORS):
        return []
    longest = max(map(len, own))
    padded = [line.ljust(longest) for line in own]
    used = "".join(" " if all(line[i] == " " for line in padded) else "x" for i in range(longest))
    starts = [0, *(found.end() for found in re.finditer("(?<=x) {2,}(?=x)", used))]
    fields = {len(line.split()) for line in own}
    return starts if len(fields) > 1 and 2 <= len(starts) <= min(fields) else []
