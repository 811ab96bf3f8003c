"""Columns that say the target in other words: its copy, its text, its codes."""

from __future__ import annotations

from typing import Any

import numpy as np

# The label must tell nearly all of what the commonest value of a column leaves open, in no fewer rows than these.
NEARLY_ALL = 0.99
FEWEST_ROWS = 5
# A first look, which spares the sorting of columns with far more values than the target has labels.
SAMPLE, SLACK = 1000, 10


def leaking(columns: dict[str, Any], target: np.ndarray) -> list[str]:
    """The names of the columns whose value follows from the label, by Goodman and Kruskal's lambda of 0.99 or more.

    lambda = (sum over labels of the commonest value's rows - m) / (N - m), where m is the rows of the value that is
    commonest over all N. It is 1 for a copy of the target, its labels as text, other codes for them, or groups of them,
    and stays near 1 where a few rows differ. A target of more labels than a tenth of the rows is not looked at.
    """
    labels = _codes(target)
    n, kinds = len(labels), int(labels.max()) + 1
    if kinds < 2 or kinds > max(2, n // 10):
        return []
    found = []
    for name, values in columns.items():
        if len(_distinct(values[:SAMPLE])) > kinds + SLACK:
            continue
        codes = _codes(values)
        width = int(codes.max()) + 1
        if width > kinds + max(SLACK, n // 100):
            continue
        table = np.bincount(labels * width + codes, minlength=kinds * width).reshape(kinds, width)
        open_rows = n - int(table.sum(0).max())
        told = int(table.max(1).sum()) - (n - open_rows)
        if open_rows >= FEWEST_ROWS and told >= NEARLY_ALL * open_rows:
            found.append(name)
    return found


def _distinct(values: Any) -> np.ndarray:
    return np.unique(_codes(values) if hasattr(values, "codes") or values.dtype == object else values)


def _codes(values: Any) -> np.ndarray:
    """Each value's number among the distinct ones, a missing one being a value too."""
    if hasattr(values, "codes"):
        return np.asarray(values.codes).astype(np.int64) + 1
    values = np.asarray(values)
    if values.dtype == object:  # by hash: sorting needs texts of one width
        known: dict[str, int] = {}
        return np.array([known.setdefault(str(value), len(known)) for value in values.tolist()])
    return np.unique(values, return_inverse=True)[1]
