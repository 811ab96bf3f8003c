"""Seeds of many data sets in one number: interquartile means, probabilities of improvement, performance profiles.

Each resamples seeds within data sets, as rliable does. Agarwal et al., Deep Reinforcement Learning at the Edge of the
Statistical Precipice, NeurIPS 2021, https://arxiv.org/abs/2108.13264
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from surrogate_bench.comparison.statistics import ALPHA, DIGITS

RESAMPLES = 2_000


class Estimate(NamedTuple):
    """A value with the 95 % interval of its bootstrap; None where a data set has one seed alone, as nothing varies."""

    value: float
    low: float | None
    high: float | None


def interquartile_mean(values: Sequence[np.ndarray]) -> Estimate:
    """Mean of the middle half of all values, an array of seeds a data set."""
    from scipy.stats import trim_mean

    generator = np.random.default_rng(0)
    drawn = [own[generator.integers(0, len(own), (RESAMPLES, len(own)))] for own in values]
    value = float(trim_mean(np.concatenate(values), 0.25))
    return _estimate(value, trim_mean(np.concatenate(drawn, 1), 0.25, axis=1), values)


def probability_of_improvement(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> Estimate:
    """How often a seed of the first is above any seed of the second, ties a half: the mean over data sets.

    It is Mann and Whitney's U / (n m) of each data set; both are resampled for themselves.
    """
    generator = np.random.default_rng(0)
    value, drawn = 0.0, np.zeros(RESAMPLES)
    for x, y in zip(first, second, strict=True):
        above = 0.5 + 0.5 * np.sign(np.round(x[:, None] - y, DIGITS))
        n, m = above.shape
        # How often each seed is drawn, which is all that a mean over pairs needs.
        times = [generator.multinomial(size, np.full(size, 1 / size), RESAMPLES) / size for size in (n, m)]
        value += above.mean() / len(first)
        drawn += ((times[0] @ above) * times[1]).sum(1) / len(first)
    return _estimate(float(value), drawn, [*first, *second])


def profile(values: Sequence[np.ndarray], levels: Sequence[float]) -> list[Estimate]:
    """The share of all values above each level: a performance profile, which shows the whole distribution."""
    above = [np.round(own[:, None] - np.array(levels), DIGITS) > 0 for own in values]
    generator = np.random.default_rng(0)
    drawn, total = np.zeros((RESAMPLES, len(levels))), sum(map(len, values))
    for own in above:
        times = generator.multinomial(len(own), np.full(len(own), 1 / len(own)), RESAMPLES)
        drawn += times @ own / total
    shares = np.concatenate(above).mean(0)
    return [_estimate(float(share), drawn[:, i], values) for i, share in enumerate(shares)]


def rank_biserial(differences: Sequence[float]) -> float:
    """The matched-pairs rank-biserial correlation (W₊ − W₋) / (W₊ + W₋) of n differences, from −1 to 1.

    Zeros are dropped as in the signed-rank test, whose effect size it is; all zero gives 0. Kerby, The Simple
    Difference Formula, Comprehensive Psychology 3, 2014, https://doi.org/10.2466/11.IT.3.1
    """
    from scipy.stats import rankdata

    rounded = np.round(np.asarray(differences, dtype=float), DIGITS)
    kept = rounded[rounded != 0]
    ranks = rankdata(np.abs(kept))
    return float((np.sign(kept) * ranks).sum() / ranks.sum()) if len(kept) else 0.0


def share_better(differences: Sequence[np.ndarray]) -> float:
    """P(A > B): the share of paired seeds with a difference above 0, ties a half: the mean over data sets.

    Bouthillier et al. call A better where it is .75 or more. Accounting for Variance in Machine Learning Benchmarks,
    MLSys 2021, https://arxiv.org/abs/2103.03098
    """
    return float(np.mean([(0.5 + 0.5 * np.sign(np.round(own, DIGITS))).mean() for own in differences]))


def _estimate(value: float, drawn: np.ndarray, values: Sequence[np.ndarray]) -> Estimate:
    if min(map(len, values)) < 2:
        return Estimate(value, None, None)
    low, high = np.quantile(drawn, [ALPHA / 2, 1 - ALPHA / 2])
    return Estimate(value, float(low), float(high))
