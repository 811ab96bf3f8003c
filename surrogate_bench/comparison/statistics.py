"""What seeds say: mean, spread, bootstrap interval, the paired difference to a baseline and its p-value."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np

RESAMPLES = 9_999
CONFIDENCE = 0.95
# Beyond so many pairs the normal approximation of the signed-rank statistic is as good as its distribution.
EXACT_UP_TO = 50
# Differences are equal, or zero, when they agree to so many digits: the rest is noise of floating point.
DIGITS = 12


def mean_and_std(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Mean and sample standard deviation (ddof 1) of n values; None where n is too small for it."""
    mean = float(np.mean(values)) if len(values) else None
    return mean, float(np.std(values, ddof=1)) if len(values) > 1 else None


def bootstrap_interval(values: Sequence[float]) -> tuple[float, float] | tuple[None, None]:
    """Percentile bootstrap interval of the mean of n values, always from the same resamples; None below two values.

    Efron, Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    if len(values) < 2:
        return None, None
    means = np.asarray(values, dtype=float)[_resamples(len(values))].mean(1)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def signed_rank_p(differences: Sequence[float]) -> float | None:
    """Two-sided p-value of Wilcoxon's signed-rank test on n paired differences; None below two pairs.

    Zeros are dropped, and all zero gives 1. Up to 50 pairs the distribution is exact, ties included, where SciPy
    approximates or, below 14 pairs, takes a second for each test. Wilcoxon, Individual Comparisons by Ranking Methods,
    Biometrics Bulletin 1, 1945, https://doi.org/10.2307/3001968
    """
    if len(differences) < 2:
        return None
    rounded = np.round(np.asarray(differences, dtype=float), DIGITS)
    kept = rounded[rounded != 0]
    if not len(kept):
        return 1.0
    if len(kept) > EXACT_UP_TO:
        from scipy.stats import wilcoxon

        return float(wilcoxon(kept, method="asymptotic").pvalue)
    _, inverse, counts = np.unique(np.abs(kept), return_inverse=True, return_counts=True)
    # Twice the mid-ranks, which are whole numbers.
    ranks = (2 * np.cumsum(counts) - counts + 1)[inverse]
    # ways[s]: how many of the 2^n choices of signs make the positive ranks add up to s.
    ways = np.zeros(ranks.sum() + 1)
    ways[0] = 1
    for rank in ranks:
        ways[rank:] += ways[:-rank].copy()
    positive = ranks[kept > 0].sum()
    tail = min(positive, ranks.sum() - positive)
    return min(1.0, 2 * float(ways[: tail + 1].sum()) / math.ldexp(1.0, len(kept)))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's adjusted p-values of one family, which None is no member of.

    Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6, 1979,
    https://www.jstor.org/stable/4615733
    """
    adjusted: list[float | None] = [None] * len(p_values)
    members = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    largest = 0.0
    for rank, (p, i) in enumerate(members):
        largest = max(largest, min(1.0, (len(members) - rank) * p))
        adjusted[i] = largest
    return adjusted


@functools.lru_cache(maxsize=4)
def _resamples(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, n, (RESAMPLES, n))
