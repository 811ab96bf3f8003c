"""Statistics across data sets: ranks, Friedman's test with Nemenyi's distance, Bayesian signed ranks.

Demšar, Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 7, 2006,
https://jmlr.org/papers/v7/demsar06a.html; Benavoli et al., Time for a Change: a Tutorial for Comparing Multiple
Classifiers Through Bayesian Analysis, JMLR 18, 2017, https://jmlr.org/papers/v18/16-305.html
"""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np

from surrogate_bench.comparison.statistics import ALPHA, DIGITS

SAMPLES = 5_000
# So many orders of ranks are counted one by one at a time, which takes a part of a second.
MOST_ORDERS = 50_000


def average_ranks(scores: np.ndarray) -> np.ndarray:
    """Average ranks [k] of scores [n, k], the highest first; equal scores share the mean of their ranks."""
    from scipy.stats import rankdata

    return rankdata(-np.round(scores, DIGITS), axis=1).mean(0)


def friedman(scores: np.ndarray) -> float | None:
    """Friedman's p-value of scores [n, k], ties included; None for k < 3, and 1 where all are equal.

    It is exact where few enough orders of the ranks are to be counted. Elsewhere it is that of
    F = (n − 1) χ² / (n (k − 1) − χ²) with k − 1 and (k − 1)(n − 1) degrees of freedom, and never below k!^(1−n), that
    of complete agreement. Iman, Davenport, Approximations of the Critical Region of the Friedman Statistic,
    Communications in Statistics 9, 1980, https://doi.org/10.1080/03610928008827904
    """
    from scipy.special import fdtrc
    from scipy.stats import friedmanchisquare, rankdata

    rounded = np.round(scores, DIGITS)
    n, k = scores.shape
    if k < 3:
        return None
    if (rounded == rounded[:, :1]).all():
        return 1.0
    exact = _exact_friedman((2 * rankdata(rounded, axis=1)).astype(np.int64))
    if exact is not None:
        return exact
    chi = float(friedmanchisquare(*rounded.T).statistic)
    rest = n * (k - 1) - chi
    p = float(fdtrc(k - 1, (k - 1) * (n - 1), (n - 1) * chi / rest)) if rest > 0 else 0.0
    return max(p, math.exp((1 - n) * math.lgamma(k + 1)))  # k! itself is no float beyond 170 rows


def _exact_friedman(ranks: np.ndarray) -> float | None:
    """The share of all orders within rows whose column sums lie at least as far apart; None where they are too many."""
    k = ranks.shape[1]
    if math.factorial(k) > MOST_ORDERS:
        return None
    orders = np.array(list(permutations(range(k))))
    # Columns may stand in any order, as the next row's ranks do: sums are counted sorted.
    sums, shares = np.sort(ranks[:1]), np.array([1.0])
    for row in ranks[1:]:
        if len(sums) * len(orders) > MOST_ORDERS:
            return None
        every = np.sort((sums[:, None] + row[orders]).reshape(-1, k))
        sums, place = np.unique(every, axis=0, return_inverse=True)
        shares = np.bincount(place.ravel(), np.repeat(shares / len(orders), len(orders)))
    spread = (sums**2).sum(1)
    return float(min(1.0, shares[spread >= (ranks.sum(0) ** 2).sum()].sum()))


def nemenyi_distance(k: int, n: int, alpha: float = ALPHA) -> float:
    """The critical distance q·√(k(k+1) / (12 n)) between average ranks of k rows on n data sets.

    q is the quantile of the studentised range of k values with infinitely many degrees of freedom.
    """
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(1 - alpha, k, np.inf) * np.sqrt(k * (k + 1) / (12 * n)))


def nemenyi_p(difference: float, k: int, n: int) -> float:
    """The p-value of a difference between average ranks of k rows on n data sets."""
    from scipy.stats import studentized_range

    return float(studentized_range.sf(abs(difference) / np.sqrt(k * (k + 1) / (12 * n)), k, np.inf))


def bayesian_signed_rank(scores: np.ndarray, base: np.ndarray, rope: float) -> tuple[float, float, float]:
    """Posterior probabilities that scores [n] are better than the base's, practically equal, and worse."""
    from baycomp import SignedRankTest

    better, equal, worse = SignedRankTest(scores, base, rope=rope, nsamples=SAMPLES, random_state=0).probs()
    return float(better), float(equal), float(worse)
