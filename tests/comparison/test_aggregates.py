"""Many seeds in one number, against the formulas of rliable written out, and against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from surrogate_bench.comparison.aggregates import (
    interquartile_mean,
    probability_of_improvement,
    profile,
    rank_biserial,
    share_better,
)


def drawn(seed: int, *sizes: int, digits: int = 9) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.normal(0.6 + 0.1 * i, 0.1, size).round(digits) for i, size in enumerate(sizes)]


def test_interquartile_mean_is_that_of_the_middle_half() -> None:
    values = [np.arange(8.0), np.arange(8.0) + 100]
    mean, low, high = interquartile_mean(values)
    assert mean == np.mean([4, 5, 6, 7, 100, 101, 102, 103])
    assert low < mean < high
    # Nothing varies within a data set, so a bootstrap within data sets has no width.
    assert interquartile_mean([np.full(5, 0.2), np.full(5, 0.8)]) == pytest.approx((0.5, 0.5, 0.5))
    # Of one seed a data set nothing is known about the spread.
    assert interquartile_mean([np.array([0.2]), np.array([0.8])]) == (0.5, None, None)


@pytest.mark.parametrize("digits", [9, 1])
def test_probability_of_improvement_is_that_of_mann_and_whitney(digits: int) -> None:
    first, second = drawn(0, 10, 7, 10, digits=digits), drawn(1, 9, 7, 10, digits=digits)
    u = [stats.mannwhitneyu(x, y).statistic / (len(x) * len(y)) for x, y in zip(first, second, strict=True)]
    value, low, high = probability_of_improvement(first, second)
    assert value == pytest.approx(np.mean(u))
    # rliable's bootstrap: both are drawn anew with replacement, within each data set.
    generator = np.random.default_rng(2)

    def again(values: list[np.ndarray]) -> list[np.ndarray]:
        return [generator.choice(own, len(own)) for own in values]

    def once() -> float:
        pairs = zip(again(first), again(second), strict=True)
        return float(np.mean([0.5 + 0.5 * np.sign(x[:, None] - y).mean() for x, y in pairs]))

    assert (low, high) == pytest.approx(np.quantile([once() for _ in range(2000)], [0.025, 0.975]), abs=0.03)


def test_a_profile_is_the_share_of_values_above_each_level() -> None:
    values = drawn(3, 12, 12, 12)
    levels = [0.5, 0.7, 5.0]
    found = profile(values, levels)
    for level, (share, low, high) in zip(levels, found, strict=True):
        assert share == pytest.approx(np.mean(np.concatenate(values) > level))
        assert low <= share <= high
    assert found[-1] == (0, 0, 0)


def test_effect_sizes() -> None:
    (differences,) = drawn(4, 15)
    differences -= 0.55
    tested = stats.wilcoxon(differences, alternative="greater")  # its statistic is W₊ then
    assert rank_biserial(differences) == pytest.approx(2 * tested.statistic / (15 * 16 / 2) - 1)
    assert rank_biserial([0.1, 0.2, 0.0]) == 1
    assert rank_biserial([-0.1, 0.1]) == 0
    assert rank_biserial([0.0, 0.0]) == 0
    assert share_better([np.array([1.0, 1.0, -1.0, 0.0]), np.array([1.0])]) == pytest.approx((0.625 + 1) / 2)
