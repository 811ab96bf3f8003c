"""Tests by the test examples themselves: DeLong's test for AUROC, a paired bootstrap for decisions and losses.

A run's test part is a sample. These take the runs as they are, and say how much of a difference is that sample's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from surrogate_bench.comparison.statistics import ALPHA
from surrogate_bench.counts import Counts
from surrogate_bench.metrics.names import base_name, names
from surrogate_bench.metrics.threshold import formula

RESAMPLES = 2_000
# So many drawn examples are held at once, and so many in all.
MOST_AT_ONCE, MOST_DRAWN = 4_000_000, 400_000_000


@dataclass(frozen=True)
class Scored:
    """One run's test part: logits and targets [N], and the cut of the score that its decisions are made at."""

    logits: np.ndarray
    targets: np.ndarray
    cut: float


def delong(
    rows: Sequence[Scored], base: Sequence[Scored]
) -> tuple[float, float, float, float] | tuple[float, None, None, None]:
    """Mean difference of AUROC over seeds of one test part, its 95 % interval, and DeLong's two-sided p.

    The structural components of m positives, V10, and of n negatives, V01, are averaged over the seeds; the variance of
    the difference d is S10/m + S01/n of their differences, and p that of d / √variance. One positive, or one negative,
    has no variance: interval and p are None. DeLong, DeLong, Clarke-Pearson, Comparing the Areas under Two or More
    Correlated Receiver Operating Characteristic Curves, Biometrics 44, 1988,
    https://doi.org/10.2307/2531595; by mid-ranks as in Sun, Xu, IEEE Signal Processing Letters 21, 2014,
    https://doi.org/10.1109/LSP.2014.2337313
    """
    from scipy.special import ndtr, ndtri

    pairs = [(_components(own), _components(other)) for own, other in zip(rows, base, strict=True)]
    positive, negative = (np.mean([own[i] - other[i] for own, other in pairs], 0) for i in (0, 1))
    difference = float(positive.mean())
    if min(len(positive), len(negative)) < 2:
        return difference, None, None, None
    error = float(np.sqrt(positive.var(ddof=1) / len(positive) + negative.var(ddof=1) / len(negative)))
    reach = float(ndtri(1 - ALPHA / 2)) * error
    p = 1.0 if difference == 0 else float(2 * ndtr(-abs(difference) / error)) if error else 0.0
    return difference, difference - reach, difference + reach, p


def _components(own: Scored) -> tuple[np.ndarray, np.ndarray]:
    """Of each positive the share of negatives below it, of each negative the share of positives above it."""
    from scipy.stats import rankdata

    is_positive = own.targets == 1
    ranks = rankdata(own.logits)
    within = np.empty_like(ranks)
    for part in (is_positive, ~is_positive):
        within[part] = rankdata(own.logits[part])
    m, n = int(is_positive.sum()), int((~is_positive).sum())
    return (ranks - within)[is_positive] / n, 1 - (ranks - within)[~is_positive] / m


def bootstrap(rows: Sequence[Scored], base: Sequence[Scored], metric: str) -> tuple[float, float, float]:
    """Mean difference of a metric over seeds of one test part, with the 95 % interval of a paired bootstrap.

    Its ends are percentiles. Each resample takes N examples with replacement, the same ones for both rows and all
    seeds. Efron, Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13 and 16.
    """
    n = len(rows[0].targets)
    columns = np.stack([_summed(run, metric) for run in (*rows, *base)])  # [2 seeds, N, sums]
    shape = columns.shape

    def difference(weights: np.ndarray) -> np.ndarray:
        sums = (weights @ columns.transpose(1, 0, 2).reshape(n, -1)).reshape(len(weights), shape[0], shape[2])
        values = _value(sums, metric)
        return values[:, : len(rows)].mean(1) - values[:, len(rows) :].mean(1)

    generator = np.random.default_rng(0)
    left = max(200, min(RESAMPLES, MOST_DRAWN // n))
    drawn = []
    while left > 0:
        count = min(left, max(1, MOST_AT_ONCE // n))
        drawn.append(difference(generator.multinomial(n, np.full(n, 1 / n), size=count).astype(float)))
        left -= count
    low, high = np.quantile(np.concatenate(drawn), [ALPHA / 2, 1 - ALPHA / 2])
    return float(difference(np.ones((1, n)))[0]), float(low), float(high)


def can_resample(metric: str) -> bool:
    """True if a metric is a value of sums over examples."""
    return base_name(metric) in (*names("threshold"), "log_loss", "brier") and not metric.endswith(("_soft", "_oracle"))


def _summed(run: Scored, metric: str) -> np.ndarray:
    """The terms of each example [N, sums] that a metric adds up."""
    y = run.targets
    if metric == "log_loss":
        return np.stack([np.logaddexp(0, run.logits) - y * run.logits, np.ones_like(y)], 1)
    if metric == "brier":
        return np.stack([(np.exp(-np.logaddexp(0, -run.logits)) - y) ** 2, np.ones_like(y)], 1)
    chosen = (run.logits > (run.cut if metric.endswith("_tuned") else 0.0)).astype(float)
    return np.stack([chosen * y, chosen, y, np.ones_like(y)], 1)


def _value(sums: np.ndarray, metric: str) -> np.ndarray:
    """The metric's value of each resample and run, from sums [resamples, runs, sums] that end with the examples."""
    if metric in ("log_loss", "brier"):
        return sums[..., 0] / sums[..., 1]
    margins: list[Any] = [sums[..., i] for i in range(4)]  # arrays in the place of tensors
    counts: Any = Counts.from_totals(*margins)
    numerator, denominator = formula(base_name(metric))(counts)
    return np.divide(numerator, denominator, out=np.zeros(sums.shape[:-1]), where=np.asarray(denominator) != 0)
