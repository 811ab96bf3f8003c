"""ARFF, dense and sparse, and KEEL's dialect of it (ranges after types, @inputs and @outputs)."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from surrogate_bench.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

ATTRIBUTE = re.compile(r"@attribute\s+('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\s{]+)\s*(.*)", re.IGNORECASE)
NUMERIC = ("numeric", "real", "integer")


def parse_arff(text: str, missing: Sequence[str] = ("?",)) -> pd.DataFrame:
    """The rows as a frame, numeric attributes as numbers and all others as text.

    Where @outputs names a column, that one comes last: it is what a table takes for the target.
    """
    import pandas as pd

    header, rows = _parts(text)
    names, kinds, output = _attributes(header)
    if not rows:
        raise UserError("there is no row after @data")
    sparse = rows[0][1].startswith("{")
    gaps = {"", "?", *missing}
    columns: list[list[str | None]] = [[] for _ in names]
    for line, row in rows:
        cells = _sparse(row, kinds, line) if sparse else _cells(row)
        if len(cells) != len(names):
            raise UserError(f"line {line} has {len(cells)} values, and there are {len(names)} attributes")
        for column, cell in zip(columns, cells, strict=True):
            column.append(None if cell in gaps else cell)
    frame = pd.DataFrame(
        {
            name: _numbers(column, name, [line for line, _ in rows])
            if kind in NUMERIC
            else pd.Series(column, dtype="category")
            for name, kind, column in zip(names, kinds, columns, strict=True)
        }
    )
    if output and output in frame:
        frame = frame[[*(name for name in frame if name != output), output]]
    return frame


def _parts(text: str) -> tuple[list[str], list[tuple[int, str]]]:
    header: list[str] = []
    lines = enumerate((line.strip() for line in text.splitlines()), start=1)
    for _, line in lines:
        if line.lower().startswith("@data"):
            return header, [(number, row) for number, row in lines if row and not row.startswith("%")]
        header.append(line)
    raise UserError("there is no @data")


def _attributes(header: list[str]) -> tuple[list[str], list[str], str | None]:
    names, kinds, output = [], [], None
    for line in header:
        if line.lower().startswith("@attribute"):
            found = ATTRIBUTE.match(line)
            if not found or not found[2]:
                raise UserError(f"cannot read the line {line[:60]!r}")
            names.append(re.sub(r"\\(.)", r"\1", found[1].strip("'\"")))
            kind = re.match(r"[a-z]*", found[2].lower())
            kinds.append(found[2].strip() if found[2].startswith("{") else kind[0] if kind else "")
        elif line.lower().startswith("@output"):
            output = line.split(None, 1)[1].strip() if " " in line else None
    if not names:
        raise UserError("there is no @attribute")
    if len(set(names)) < len(names):
        raise UserError("two attributes have one name")
    return names, kinds, output


def _cells(row: str) -> list[str]:
    quote = "'" if "'" in row else '"'
    return [cell.strip() for cell in next(csv.reader([row], quotechar=quote, skipinitialspace=True, escapechar="\\"))]


def _sparse(row: str, kinds: list[str], line: int) -> list[str]:
    """`{3 5.1, 7 a}`: what is not named is 0, of a nominal attribute its first value."""
    if not (row.startswith("{") and row.endswith("}")):
        raise UserError(f"line {line}: {row[:40]!r} is no sparse row, as in {{3 5.1, 7 a}}")
    cells = [_cells(kind.strip("{}"))[0] if kind.startswith("{") else "0" for kind in kinds]
    for pair in _cells(row.strip("{} ")) if row.strip("{} ") else []:
        place, _, value = pair.partition(" ")
        if not place.isdigit() or int(place) >= len(cells):
            raise UserError(f"line {line}: {pair[:40]!r} is no position and value")
        cells[int(place)] = value.strip(" '\"")
    return cells


def _numbers(cells: list[str | None], name: str, lines: list[int]) -> list[float]:
    numbers = []
    for cell, line in zip(cells, lines, strict=True):
        try:
            numbers.append(float("nan") if cell is None else float(cell))
        except ValueError:
            raise UserError(f"line {line}: {name!r} is numeric and not {str(cell)[:40]!r}") from None
    return numbers
