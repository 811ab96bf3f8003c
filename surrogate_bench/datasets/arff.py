"""ARFF as Weka reads it, dense and sparse, and KEEL's dialect of it (ranges after types, @inputs and @outputs)."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surrogate_bench.datasets.columns import Raw, Sparse, narrow
from surrogate_bench.datasets.dates import dates_of
from surrogate_bench.datasets.files import Text
from surrogate_bench.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
ATTRIBUTE = re.compile(rf"@attribute\s+({QUOTED}|[^\s{{]+)\s*(.*)", re.IGNORECASE)
CELL = re.compile(rf"\s*({QUOTED}|[^,]*?)\s*(,|$)")
LOOSE = re.compile(rf"{QUOTED}|[^\s,]+")
PAIR = re.compile(rf"\s*([0-9]+)\s+({QUOTED}|[^,]*?)\s*(,|$)")
WEIGHT = re.compile(r"[\s,]\s*\{\s*([0-9.eE+-]+)\s*\}$")
NUMERIC = ("numeric", "real", "integer")
# Java's parts of a date, and the form that Weka takes where none is said.
JAVA = {"yyyy": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%m", "dd": "%d", "d": "%d", "HH": "%H"}
JAVA |= {"H": "%H", "hh": "%I", "h": "%I", "mm": "%M", "ss": "%S", "SSS": "%f", "a": "%p", "EEE": "%a", "Z": "%z"}
JAVA_DEFAULT = "yyyy-MM-dd'T'HH:mm:ss"
# A sparse column with a value in more than a third of its rows is no smaller than a dense one.
DENSE = 3


class Column:
    """One attribute's values as they come: numbers, or codes for texts; a row that has none has `usual`."""

    def __init__(self, name: str, kind: str, *, as_text: bool) -> None:
        self.name, self.numeric = name, kind in NUMERIC and not as_text
        self.nominal = kind.startswith("{")
        self.date = None if as_text else _date_format(kind)
        first = _cells(kind[1:].rstrip("} "))[0] if self.nominal else "0"
        self.values: Any = array("d" if self.numeric else "i")
        self.rows = array("i")
        self.codes: dict[str, int] = {first: 0}

    def add(self, cell: str, gaps: set[str], line: int) -> None:
        """Takes the value of the next row that has one."""
        if cell in gaps:
            self.values.append(float("nan") if self.numeric else -1)
        elif self.numeric:
            try:
                self.values.append(float(cell))
            except ValueError:
                raise UserError(f"line {line}: {self.name!r} is numeric and not {cell[:40]!r}") from None
        else:
            self.values.append(self.codes.setdefault(cell, len(self.codes)))

    def whole(self, count: int, *, sparse: bool) -> Any:
        """All rows' values."""
        values = np.frombuffer(self.values, dtype=np.float64 if self.numeric else np.int32)
        if sparse and self.numeric and DENSE * len(values) < count:
            return Sparse(count, np.array(self.rows, dtype=np.int64), narrow(values))
        if sparse:
            found = np.zeros(count, dtype=values.dtype)
            found[np.array(self.rows, dtype=np.int64)] = values
            values = found
        if self.numeric:
            return narrow(values)
        used, codes = np.unique(values, return_inverse=True)  # the usual one need not occur
        texts = list(self.codes)
        known = [texts[code] for code in used.tolist() if code >= 0]
        codes -= int((used < 0).any())
        dates = dates_of(known, [self.date]) if self.date else None
        return _categorical(codes, known) if dates is None else dates[codes]


def read_arff(
    file: Path, *, encoding: str, missing: Sequence[str], wanted: Callable[[list[str]], tuple[set[str], set[str]]]
) -> Raw:
    """The columns, numeric attributes as numbers and all others as text.

    Where @outputs names a column, that one comes last: it is what a table takes for the target. Weights of rows
    are read over, which `remarks` says.
    """

    def read(as_text: set[str] | None = None) -> tuple[list[Column], dict[str, Any], bool]:
        with Text(file, encoding) as text:
            lines = enumerate((line.strip() for line in iter(text.readline, "")), start=1)
            names, kinds, output = _attributes(_header(lines))
            order = [*(name for name in names if name != output), *([output] if output in names else [])]
            texts, left_out = wanted(order)
            texts = texts if as_text is None else as_text
            columns = [Column(n, kind, as_text=n in texts) for n, kind in zip(names, kinds, strict=True)]
            count, weighted, sparse = _fill(columns, lines, {"", "?", *missing})
        kept = {column.name: column for column in columns if column.name not in left_out}
        return columns, {n: kept[n].whole(count, sparse=sparse) for n in order if n in kept}, weighted

    try:
        columns, found, weighted = read()
    except UserError as error:
        raise error if str(file) in str(error) else UserError(f"{file}: {error}") from error
    remark = {"name": "weights", "message": f"{file.name} gives its rows different weights, which are not used"}
    return Raw(
        found,
        as_text=lambda names: {name: values for name, values in read(set(names))[1].items() if name in names},
        typed=True,
        nominal={column.name for column in columns if column.nominal},
        remarks=(remark,) if weighted else (),
    )


def is_arff(file: Path, encoding: str) -> bool:
    """True if a file begins as ARFF does: with @, after comments."""
    with Text(file, encoding) as text:
        for line in iter(text.readline, ""):
            if line.strip("\ufeff \t\r\n") and not line.startswith("%"):
                return line.lstrip("\ufeff \t").startswith("@")
    return False


def _header(lines: Iterator[tuple[int, str]]) -> list[str]:
    header: list[str] = []
    for _, line in lines:
        if line.lower().startswith("@data"):
            return header
        header.append(line)
    raise UserError("there is no @data")


def _attributes(header: list[str]) -> tuple[list[str], list[str], str | None]:
    names, kinds, output = [], [], None
    for line in header:
        if line.lower().startswith("@attribute"):
            found = ATTRIBUTE.match(line)
            if not found or not found[2]:
                raise UserError(f"cannot read the line {line[:60]!r}")
            names.append(_bare(found[1]) if found[1][0] in "'\"" else found[1].strip("'\""))
            kind = re.match(r"[a-z]*", found[2].lower())
            whole = found[2].startswith("{") or (kind and kind[0] == "date")
            kinds.append(found[2].strip() if whole else kind[0] if kind else "")
        elif line.lower().startswith("@output"):
            output = line.split(None, 1)[1].strip() if " " in line else None
    if not names:
        raise UserError("there is no @attribute")
    if len(set(names)) < len(names):
        raise UserError("two attributes have one name")
    return names, kinds, output


def _date_format(kind: str) -> str | None:
    """The format of a date as strptime has it, of that of Java that the attribute names, ISO 8601 where it does not."""
    found = re.fullmatch(rf"date\s*({QUOTED}|)\s*(?:\[.*)?", kind, re.IGNORECASE)
    if not found:
        return None
    parts = (match[0] for match in re.finditer(r"'[^']*'|([a-zA-Z])\1*|[^']", _bare(found[1]) or JAVA_DEFAULT))
    return "".join(part.strip("'") if part[0] == "'" else JAVA.get(part, part) for part in parts)


def _fill(columns: list[Column], lines: Iterator[tuple[int, str]], gaps: set[str]) -> tuple[int, bool, bool]:
    """Reads the rows: how many there are, whether they have different weights, whether they are sparse."""
    count, weights, sparse = 0, set(), None
    for number, row in lines:
        if not row or row.startswith("%"):
            continue
        sparse = row.startswith("{") if sparse is None else sparse
        weight = WEIGHT.search(row) if row.endswith("}") else None
        weights.add(float(weight[1]) if weight else 1.0)
        row = row[: weight.start()].rstrip(" ,\t") if weight else row
        if sparse:
            for place, value in _pairs(row, len(columns), number):
                columns[place].add(value, gaps, number)
                columns[place].rows.append(count)
        else:
            cells = _cells(row)
            if len(cells) != len(columns):
                loose = [_bare(cell) for cell in LOOSE.findall(row)]
                cells = loose if len(loose) == len(columns) else cells
            if len(cells) != len(columns):
                raise UserError(f"line {number} has {len(cells)} values, and there are {len(columns)} attributes")
            for column, cell in zip(columns, cells, strict=True):
                column.add(cell, gaps, number)
        count += 1
    if not count:
        raise UserError("there is no row after @data")
    return count, len(weights) > 1, bool(sparse)


def _cells(row: str) -> list[str]:
    """Values with commas between them."""
    if "'" not in row and '"' not in row and "\\" not in row:
        return [cell.strip() for cell in row.split(",")]
    found, at = [], 0
    while match := CELL.match(row, at):
        found.append(_bare(match[1]))
        if not match[2]:
            break
        at = match.end()
    return found


def _pairs(row: str, width: int, line: int) -> Iterator[tuple[int, str]]:
    """`{3 5.1, 7 a}`: what is not named is 0, of a nominal attribute its first value."""
    if not (row.startswith("{") and row.endswith("}")):
        raise UserError(f"line {line}: {row[:40]!r} is no sparse row, as in {{3 5.1, 7 a}}")
    inner, at = row[1:-1].strip(), 0
    while at < len(inner):
        match = PAIR.match(inner, at)
        if not match or int(match[1]) >= width:
            pair = inner[at:].split(",")[0].strip()
            raise UserError(f"line {line}: {pair[:40]!r} is no position and value")
        yield int(match[1]), _bare(match[2])
        at = match.end()


def _bare(cell: str) -> str:
    """A value without its quotes and escapes."""
    if len(cell) > 1 and cell[0] in "'\"" and cell[-1] == cell[0]:
        cell = cell[1:-1].strip()
    return re.sub(r"\\(.)", r"\1", cell)


def _categorical(codes: np.ndarray, texts: list[str]) -> pd.Categorical:
    import pandas as pd

    return pd.Categorical.from_codes(codes, categories=pd.Index(texts, dtype=object))
