"""A table as numbers: imputation, scaling and one-hot encoding, fitted on some of its rows: those for training."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from surrogate_bench.datasets.source import Table, coded, is_categorical
from surrogate_bench.errors import UserError

# A column with more categories keeps its most frequent ones; the rest share one column.
MAX_CATEGORIES = 64
MANY = ("other", "frequency", "hashed")
# Squares of smaller deviations and of larger ones leave the range of a float64.
SMALL, LARGE = 1e-150, 1e150


def encode(table: Table, train: np.ndarray, *, scaled: bool = True) -> np.ndarray:
    """All rows as float32 [N, F], by what the training rows say.

    A number: (value - mean) / standard deviation, a missing one by the median; a column that is constant in training
    is 0. Not `scaled`, numbers stay as they are. A category: one column each, missing being one of its own; one that
    training never saw is 0 everywhere. F depends on the table alone, not on the rows: what is left of a column's share
    is filled with zeros. Where a column has more than 64 categories, `table.many` says what becomes of them: with
    `other` those beyond the 63 commonest share one column; with `frequency` a category is the share of the training
    rows that have it, as a number; with `hashed` all are spread over 64 columns by their CRC-32.
    """
    widths = column_widths(table)
    x = np.zeros((len(table.target), sum(widths)), dtype=np.float32)
    start = 0
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused
        for (name, values), width in zip(table.columns.items(), widths, strict=True):
            block = x[:, start : start + width]
            if is_categorical(values):
                _categories(block, values, train, table.many, scaled=scaled)
            else:
                block[:, 0] = _numbers(np.asarray(values, dtype=np.float64), train, scaled=scaled)
                finite = np.isfinite(block[:, 0])
                if not finite.all():
                    raise UserError(f"{table.name}: column {name!r} is not finite in row {int(finite.argmin()) + 1}")
            start += width
    return x


def column_widths(table: Table) -> list[int]:
    """How many columns of numbers each column of the table becomes."""
    return [_width(values, table.many) if is_categorical(values) else 1 for values in table.columns.values()]


def shared(table: Table) -> dict[str, float]:
    """The columns of more categories than have one of their own, with the share of rows whose category has none."""
    found = {}
    for name, values in table.columns.items():
        if table.many == "other" and is_categorical(values):
            codes, categories = _with_missing(values)
            if len(categories) > MAX_CATEGORIES:
                counts = np.sort(np.bincount(codes, minlength=len(categories)))[::-1]
                found[name] = float(counts[MAX_CATEGORIES - 1 :].sum() / len(codes))
    return found


def _numbers(values: np.ndarray, train: np.ndarray, *, scaled: bool) -> np.ndarray:
    fitted = values[train]
    if (missing := np.isnan(values)).any():
        known = fitted[~np.isnan(fitted)]
        median = np.median(known) if len(known) else 0.0  # a column may be missing in every training row
        fitted, values = np.where(np.isnan(fitted), median, fitted), np.where(missing, median, values)
    if not scaled:
        return values
    if fitted.min() == fitted.max():  # what a sum's rounding leaves of a deviation is none
        return np.zeros(len(values))
    mean, deviation = fitted.mean(), fitted.std()
    if not SMALL < deviation < LARGE:
        size = np.abs(fitted).max()
        fitted, values = fitted / size, values / size
        mean, deviation = fitted.mean(), fitted.std()
    return (values - mean) / (deviation or 1.0)


def _categories(block: np.ndarray, values: Any, train: np.ndarray, many: str, *, scaled: bool) -> None:
    codes, categories = _with_missing(values)
    counts = np.bincount(codes[train], minlength=len(categories))
    width = block.shape[1]
    if many == "frequency" and len(categories) > MAX_CATEGORIES:
        block[:, 0] = _numbers((counts / len(train))[codes], train, scaled=scaled)
        return
    if many == "hashed" and len(categories) > MAX_CATEGORIES:
        place = np.array([zlib.crc32(text.encode(errors="surrogatepass")) % width for text in categories])
    else:
        ranked = np.argsort(-counts, kind="stable")
        place = np.full(len(categories), -1)
        place[ranked] = np.minimum(np.arange(len(categories)), width - 1)
        if len(categories) == width:  # else the last column stands for all rare ones, those unseen among them
            place[counts == 0] = -1
    rows = np.flatnonzero(place[codes] >= 0)
    block[rows, place[codes[rows]]] = 1.0


def _width(values: Any, many: str) -> int:
    count = len(_with_missing(values)[1])
    return count if count <= MAX_CATEGORIES else 1 if many == "frequency" else MAX_CATEGORIES


def _with_missing(values: Any) -> tuple[np.ndarray, list[str]]:
    """Codes and categories in the order of their texts, of which a missing one is the empty."""
    codes, categories = coded(values)
    texts = ["" if code < 0 else categories[code] for code in range(len(categories))]
    distinct = sorted({*texts, *([""] if (codes < 0).any() else [])})
    place = {text: i for i, text in enumerate(distinct)}
    places = np.array([*(place[text] for text in texts), place.get("", -1)], dtype=np.int64)
    used = np.unique(codes2 := places[codes])
    if len(used) == len(distinct):
        return codes2, distinct
    return np.searchsorted(used, codes2), [distinct[i] for i in used.tolist()]
