"""Statistics over seeds: mean and spread, and the signed-rank test of paired differences with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
# Beyond so many pairs the normal approximation of the signed-rank statistic is as good as its distribution.
EXACT_UP_TO = 50
# Differences are equal, or zero, when they agree to so many digits: the rest is noise of floating point.
DIGITS = 12


def mean_and_std(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Mean and sample standard deviation (ddof 1) of n values; None where n is too small for it."""
    mean = float(np.mean(values)) if len(values) else None
    return mean, float(np.std(values, ddof=1)) if len(values) > 1 else None


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
    positive = ranks[kept > 0].sum()
    tail = min(positive, ranks.sum() - positive)
    return min(1.0, 2 * float(_ways(ranks)[: tail + 1].sum()) / math.ldexp(1.0, len(kept)))


def pseudo_median(values: Sequence[float]) -> float:
    """The centre of n values by their signed ranks: the median of all Walsh averages (xᵢ + xⱼ) / 2, i ≤ j.

    A few far values move it less than the mean. Hodges, Lehmann, Estimates of Location Based on Rank Tests, Annals of
    Mathematical Statistics 34, 1963, https://doi.org/10.1214/aoms/1177704172
    """
    return float(np.median(_walsh(values)))


def signed_rank_interval(values: Sequence[float]) -> tuple[float, float] | tuple[None, None]:
    """The 95 % interval of the pseudo-median of n values: all centres that the signed-rank test does not reject.

    Its ends are Walsh averages (xᵢ + xⱼ) / 2; without ties it leaves out 0 just where p is at most .05. None below six
    values, of which no centre can be rejected. Hollander, Wolfe, Chicken, Nonparametric Statistical Methods, 2014, 3.3.
    """
    n = len(values)
    if n <= EXACT_UP_TO:
        below = 2 * _ways(np.arange(1, n + 1)).cumsum() / math.ldexp(1.0, n)
        dropped = int((below <= 1 - CONFIDENCE).sum())
    else:
        from scipy.special import ndtri

        middle, deviation = n * (n + 1) / 4, math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        dropped = math.floor(middle - float(ndtri((1 + CONFIDENCE) / 2)) * deviation) + 1
    if not dropped:
        return None, None
    walsh = np.sort(_walsh(values))
    return float(walsh[dropped - 1]), float(walsh[-dropped])


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


def too_few(pairs: int, family: int, on: str) -> str:
    """A sentence that no corrected p can reach 5 %; empty where one can.

    The least p of the exact signed-rank test on n pairs is 2^(1−n), and Holm's method multiplies it by the k
    comparisons of the family. `on` names the pairs with their number, such as "6 data sets".
    """
    least = min(1.0, family * math.ldexp(1.0, 1 - pairs))
    if not pairs or least < ALPHA:
        return ""
    count = f"{family} comparisons" if family > 1 else "one comparison"
    return f"With {count} on {on} no corrected p is below {least:.2g}, so no difference can be found."


def _walsh(values: Sequence[float]) -> np.ndarray:
    own = np.asarray(values, dtype=float)
    first, second = np.triu_indices(len(own))
    return (own[first] + own[second]) / 2


def _ways(ranks: np.ndarray) -> np.ndarray:
    """How many of the 2ⁿ choices of signs make the positive ranks add up to each sum."""
    ways = np.zeros(int(ranks.sum()) + 1)
    ways[0] = 1
    for rank in ranks:
        ways[rank:] += ways[:-rank].copy()
    return ways
