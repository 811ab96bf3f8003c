"""Columns that tell the target by themselves: by their order, an interval, their categories, gaps, or rows' places.

`leakage` finds what follows from the label; here the label follows from the value.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from surrogate_bench.datasets.categories import coded, is_categorical

# An AUROC that honest columns hardly have, and what an interval's TPR - FPR must be for as much.
NEARLY_PERFECT, NEARLY_ALL = 0.99, 0.98
# Of the rarer class: fewer rows are told by chance where columns are good, or many.
FEWEST = 10
# Rows of each class for a first look, which spares the sorting of long columns, and the AUROC that it must see.
SAMPLE, PROMISING = 500, 0.95
# Of a running number: standard deviations from what chance gives, and how much fewer runs or more order is much.
SIGMAS, FEW_RUNS, ORDERED = 6.0, 0.5, 0.75


def telling(columns: dict[str, Any], y: np.ndarray) -> dict[str, str]:
    """Columns from which the target y [N] in {0, 1} follows nearly always, and in words what each can do alone.

    A number whose AUROC is 0.99 or more in either direction, with missing values below or above all others; an
    interval of it that holds nearly all rows of one class and few of the other; categories, by the share of positives
    among the other rows of a row's own; and a number that counts the rows where classes come in blocks. O(N log N) a
    column where a first look at 500 rows of each class promises something, else O(N).
    """
    labels = y.astype(bool)
    rows = [np.flatnonzero(labels == kind) for kind in (False, True)]
    if min(map(len, rows)) < FEWEST:
        return {}
    few = np.concatenate([own[np.linspace(0, len(own) - 1, min(len(own), SAMPLE)).astype(int)] for own in rows])
    found = {}
    for name, values in columns.items():
        if is_categorical(values):
            area = _auroc_of_categories(coded(values)[0], labels)
            if area >= NEARLY_PERFECT:
                found[name] = f"its categories have AUROC {area:.3f} alone"
            continue
        numbers = np.asarray(values)
        if len(few) < len(labels) and max(_measures(numbers[few], labels[few])) < PROMISING:
            area = inside = 0.0
        else:
            area, inside = _measures(numbers, labels)
        if area >= NEARLY_PERFECT:
            found[name] = f"AUROC {area:.3f} alone"
        elif inside >= 1 - (1 - NEARLY_ALL) / 2:
            found[name] = f"an interval of it has balanced accuracy {inside:.3f} alone"
        elif _counts_rows(numbers) and (blocks := _blocks(numbers, labels)):
            found[name] = f"it counts the rows, and {blocks}"
    return found


def _measures(values: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """The AUROC in its better direction, and the balanced accuracy of the best interval, missing values at either end.

    The interval with the largest TPR - FPR, or FPR - TPR, is the largest sum of neighbours' weights.
    """
    gaps = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=bool)
    _, place = np.unique(values[~gaps], return_inverse=True)
    least = 1 if gaps.any() else 0
    ranks = np.zeros(len(values), dtype=np.int64)
    ranks[~gaps] = place + least
    shares = _shares(ranks, labels)
    areas = [_area(shares)]
    if least:
        areas.append(_area(np.roll(shares, -1, axis=1)))
    best = 0.0
    for weights in (shares[1] - shares[0], shares[0] - shares[1]):
        total = np.concatenate([[0.0], weights.cumsum()])
        best = max(best, float((total - np.minimum.accumulate(total)).max()))
    return max(max(area, 1 - area) for area in areas), (1 + best) / 2


def _shares(ranks: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The share of each class's rows [2, D] that have each of the ranks, 0 to D - 1."""
    width = int(ranks.max()) + 1
    counts = np.array([np.bincount(ranks[labels == kind], minlength=width) for kind in (False, True)])
    return counts / counts.sum(1, keepdims=True)


def _area(shares: np.ndarray) -> float:
    """The area under the ROC curve of ascending distinct values, from each class's share [2, D] of its rows."""
    below = shares[0].cumsum() - shares[0] / 2
    return float(shares[1] @ below)


def _auroc_of_categories(codes: np.ndarray, labels: np.ndarray) -> float:
    """The AUROC of each row's category, by the share of positives among the category's other rows."""
    codes = codes + 1
    rows, positives = np.bincount(codes)[codes], np.bincount(codes, weights=labels)[codes]
    with np.errstate(invalid="ignore"):
        share = (positives - labels) / (rows - 1)
    share[rows == 1] = labels.mean()
    # Not in the other direction: its own label makes a positive's share less than that of a negative beside it.
    return _area(_shares(np.unique(share, return_inverse=True)[1], labels))


def _counts_rows(values: np.ndarray) -> bool:
    """True if these are whole numbers, each once, with gaps as large as the numbers are many at most."""
    n = len(values)
    low, high = float(values.min()), float(values.max())
    if not n - 1 <= high - low <= 2 * n:  # false for NaN
        return False
    whole = values.dtype.kind in "iu" or bool((values == np.floor(values)).all())
    return whole and len(np.unique(values)) == n


def _blocks(values: np.ndarray, labels: np.ndarray) -> str:
    """How the classes come in blocks in this order of the rows; empty where they come as by chance."""
    ordered = labels[np.argsort(values)]
    n, positives = len(labels), int(labels.sum())
    negatives = n - positives
    runs = 1 + int((ordered[1:] != ordered[:-1]).sum())
    expected = 1 + 2 * positives * negatives / n
    deviation = np.sqrt((expected - 1) * (expected - 2) / (n - 1))
    if runs <= FEW_RUNS * expected and expected - runs >= SIGMAS * deviation:
        return f"the target has {runs} runs of one class in their order, {expected:.0f} by chance"
    area = _measures(values, labels)[0]
    if area >= ORDERED and area - 0.5 >= SIGMAS * np.sqrt((n + 1) / (12 * positives * negatives)):
        return f"their order has AUROC {area:.3f} alone"
    return ""
