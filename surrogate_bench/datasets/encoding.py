"""A table as numbers: imputation, scaling and one-hot encoding, fitted on some of its rows: those for training."""

from __future__ import annotations

import warnings

import numpy as np

from surrogate_bench.datasets.source import Table
from surrogate_bench.errors import UserError

# A column with more categories keeps its most frequent ones; the rest share one column.
MAX_CATEGORIES = 64


def encode(table: Table, train: np.ndarray, *, scaled: bool = True) -> np.ndarray:
    """All rows as float32 [N, F], by what the training rows say.

    A number: (value - mean) / standard deviation, a missing one by the median; a constant column is 0.
    Not `scaled`, numbers stay as they are. A category: one
    column each, missing being one of its own; one that training never saw is 0 everywhere. F depends on the table
    alone, not on the rows: what is left of a column's share is filled with zeros.
    """
    blocks = [
        _one_hot(v, train) if v.dtype == object else _numbers(v, train, scaled=scaled) for v in table.columns.values()
    ]
    x = np.concatenate(blocks, axis=1)
    bad = ~np.isfinite(x)
    if bad.any():
        row, place = (int(where[0]) for where in np.nonzero(bad))
        ends = np.cumsum([block.shape[1] for block in blocks])
        column = list(table.columns)[int(np.searchsorted(ends, place, side="right"))]
        raise UserError(f"{table.name}: column {column!r} is not finite in row {row + 1}")
    return x


def _numbers(values: np.ndarray, train: np.ndarray, *, scaled: bool) -> np.ndarray:
    fitted = values[train]
    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # a column may be missing in every training row
        median = np.nan_to_num(np.nanmedian(fitted))
        fitted = np.where(np.isnan(fitted), median, fitted)
        mean, deviation = (fitted.mean(), fitted.std()) if scaled else (0.0, 1.0)
        x = (np.where(np.isnan(values), median, values) - mean) / (deviation or 1.0)
        return x.astype(np.float32)[:, None]


def _one_hot(values: np.ndarray, train: np.ndarray) -> np.ndarray:
    texts = np.array(["" if value is None else value for value in values.tolist()], dtype=object)
    categories, codes = np.unique(texts, return_inverse=True)
    width = min(len(categories), MAX_CATEGORIES)
    counts = np.bincount(codes[train], minlength=len(categories))
    ranked = np.argsort(-counts, kind="stable")
    place = np.full(len(categories), -1)
    place[ranked] = np.minimum(np.arange(len(categories)), width - 1)
    if len(categories) == width:  # else the last column stands for all rare ones, those unseen among them
        place[counts == 0] = -1
    encoded = np.zeros((len(values), width), dtype=np.float32)
    rows = np.flatnonzero(place[codes] >= 0)
    encoded[rows, place[codes[rows]]] = 1.0
    return encoded
