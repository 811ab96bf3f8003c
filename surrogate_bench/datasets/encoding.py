"""A table as numbers: imputation, scaling and one-hot encoding, fitted on some of its rows: those for training."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from surrogate_bench.datasets.source import Table
from surrogate_bench.errors import UserError

# A column with more categories keeps its most frequent ones; the rest share one column.
MAX_CATEGORIES = 64
MANY = ("other", "frequency", "hashed")
# Squares of smaller deviations and of larger ones leave the range of a float64.
SMALL, LARGE = 1e-150, 1e150


@dataclass(frozen=True)
class Number:
    """How a column of numbers is scaled: a missing one is `median`, then (value / size - mean) / deviation.

    A column that is `constant` in training is 0.
    """

    median: float = 0.0
    size: float = 1.0
    mean: float = 0.0
    deviation: float = 1.0
    constant: bool = False

    def of(self, values: np.ndarray) -> np.ndarray:
        """The values [N] as they are trained on, float32."""
        if self.constant:
            return np.zeros(len(values), dtype=np.float32)
        values = np.asarray(values, dtype=np.float64)
        values = np.where(np.isnan(values), self.median, values)
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused
            return ((values / self.size - self.mean) / self.deviation).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Category:
    """In which of its columns of x each category stands, -1 for none, and as which number."""

    place: np.ndarray
    value: np.ndarray


@dataclass(frozen=True, eq=False)
class Encoding:
    """The statistics of the training rows, column by column, by which rows of a table become numbers; see `fit`."""

    table: Table
    columns: list[Number | Category]
    widths: list[int]

    def all_rows(self) -> np.ndarray:
        """x float32 [N, F]."""
        x = np.zeros((len(self.table.target), sum(self.widths)), dtype=np.float32)
        start = 0
        for (name, values), own, width in zip(self.table.columns.items(), self.columns, self.widths, strict=True):
            if isinstance(own, Number):
                x[:, start] = own.of(values)
            else:
                codes, _ = self.table.categories[name]
                rows = np.flatnonzero(own.place[codes] >= 0)
                x[rows, start + own.place[codes[rows]]] = own.value[codes[rows]]
            start += width
        return x

    def largest(self) -> dict[str, float]:
        """The largest absolute value that a column of numbers has in x."""
        columns = zip(self.table.columns, self.columns, strict=True)
        ends = {name: own.of(self.table.ranges[name]) for name, own in columns if isinstance(own, Number)}
        return {name: float(np.abs(own).max()) for name, own in ends.items()}


def fit(table: Table, train: np.ndarray, *, scaled: bool = True) -> Encoding:
    """How all rows become float32 [N, F], by what the training rows say.

    A number: (value - mean) / standard deviation, a missing one by the median; a column that is constant in training
    is 0. Not `scaled`, numbers stay as they are. A category: one column each, missing being one of its own; one that
    training never saw is 0 everywhere. F depends on the table alone, not on the rows: what is left of a column's share
    is filled with zeros. Where a column has more than 64 categories, `table.many` says what becomes of them: with
    `other` those beyond the 63 commonest share one column; with `frequency` a category is the share of the training
    rows that have it, as a number; with `hashed` all are spread over 64 columns by their CRC-32.
    Raises UserError where a number would not be finite.
    """
    columns: list[Number | Category] = []
    widths = column_widths(table)
    for (name, values), width in zip(table.columns.items(), widths, strict=True):
        if name in table.categories:
            columns.append(_category(table, name, train, width, scaled=scaled))
            continue
        ends, fitted = table.ranges[name], np.asarray(values[train], dtype=np.float64)
        own = _number(fitted, gaps=bool(np.isnan(ends[-1])), scaled=scaled)
        if not np.isfinite(own.of(ends)).all():
            finite = np.isfinite(own.of(values))
            raise UserError(f"{table.name}: column {name!r} is not finite in row {int(finite.argmin()) + 1}")
        columns.append(own)
    return Encoding(table, columns, widths)


def encode(table: Table, train: np.ndarray, *, scaled: bool = True) -> np.ndarray:
    """All rows as float32 [N, F], by what the training rows say; see `fit`."""
    return fit(table, train, scaled=scaled).all_rows()


def column_widths(table: Table) -> list[int]:
    """How many columns of numbers each column of the table becomes."""
    counts = [len(table.categories[name][1]) if name in table.categories else 1 for name in table.columns]
    many = 1 if table.many == "frequency" else MAX_CATEGORIES
    return [count if count <= MAX_CATEGORIES else many for count in counts]


def shared(table: Table) -> dict[str, float]:
    """The columns of more categories than have one of their own, with the share of rows whose category has none."""
    found = {}
    for name, (codes, categories) in table.categories.items():
        if table.many == "other" and len(categories) > MAX_CATEGORIES:
            counts = np.sort(np.bincount(codes, minlength=len(categories)))[::-1]
            found[name] = float(counts[MAX_CATEGORIES - 1 :].sum() / len(codes))
    return found


def _number(fitted: np.ndarray, *, gaps: bool, scaled: bool) -> Number:
    """How a column is scaled, `gaps` or not, of which these are the training rows."""
    median = 0.0
    if gaps:
        missing = np.isnan(fitted)
        if not missing.all():  # a column may be missing in every training row
            median = float(np.median(fitted[~missing]))
        fitted = np.where(missing, median, fitted)
    if not scaled:
        return Number(median)
    if fitted.min() == fitted.max():  # what a sum's rounding leaves of a deviation is none
        return Number(constant=True)
    with np.errstate(over="ignore", invalid="ignore"):
        size, mean, deviation = 1.0, fitted.mean(), fitted.std()
        if not SMALL < deviation < LARGE:
            size = float(np.abs(fitted).max())
            fitted = fitted / size
            mean, deviation = fitted.mean(), fitted.std()
    return Number(median, size, float(mean), float(deviation or 1.0))


def _category(table: Table, name: str, train: np.ndarray, width: int, *, scaled: bool) -> Category:
    codes, categories = table.categories[name]
    counts = np.bincount(codes[train], minlength=len(categories))
    value = np.ones(len(categories), dtype=np.float32)
    if table.many == "frequency" and len(categories) > MAX_CATEGORIES:
        shares = counts / len(train)
        own = _number(shares[codes[train]], gaps=False, scaled=scaled)
        return Category(np.zeros(len(categories), dtype=np.int64), own.of(shares))
    if table.many == "hashed" and len(categories) > MAX_CATEGORIES:
        hashed = (zlib.crc32(text.encode(errors="surrogatepass")) % width for text in categories)
        return Category(np.fromiter(hashed, dtype=np.int64), value)
    ranked = np.argsort(-counts, kind="stable")
    place = np.full(len(categories), -1)
    place[ranked] = np.minimum(np.arange(len(categories)), width - 1)
    if len(categories) == width:  # else the last column stands for all rare ones, those unseen among them
        place[counts == 0] = -1
    return Category(place, value)
