"""How often 95 % intervals of a difference between equal arms hold 0, for four kinds of values.

    python scripts/interval_coverage.py          # 4,000 repetitions each: about a minute
    python scripts/interval_coverage.py 500

Two losses that are equally good give values of one distribution. Over independent values, those of data sets or of
training seeds, the interval is the signed-rank test's. Over re-splits it is the corrected resampled t-test's, and the
values of a loss have a quarter of their variance in common, as re-splits into 60 % training and 20 % test rows do. In
the last row runs collapse independently of one another, so that less is in common than the test takes for granted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import optimize, stats

from surrogate_bench.comparison.repetition import TRAINING_SEEDS, Repetition

TIMES = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
PAIRS = (6, 10, 20, 50)
SHARED = 0.25
COLLAPSE = "15 % collapse to 0"
# By the quantile that a value is at in its distribution.
KINDS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "normal": stats.norm(0.7, 0.05).ppf,
    "near 1: beta(18, 2)": stats.beta(18, 2).ppf,
    "discrete: recall of 42 positives": lambda q: stats.binom(42, 0.8).ppf(q) / 42,
    COLLAPSE: lambda q: np.where(q < 0.15, 0.0, stats.norm(0.7, 0.05).ppf((q - 0.15).clip(0) / 0.85)),
}
OVER_SEEDS, OVER_SPLITS = Repetition(TRAINING_SEEDS, None), Repetition("re-splits of this table", 1 / 3)
# What they stand for, the interval, the kinds of values, and the share of a value's variance that is in common.
MODES: tuple[tuple[str, Repetition, tuple[str, ...], float], ...] = (
    ("independent values", OVER_SEEDS, tuple(KINDS), 0.0),
    ("re-splits", OVER_SPLITS, tuple(KINDS), SHARED),
    ("re-splits, independent collapse", OVER_SPLITS, (COLLAPSE,), 0.0),
)


def latent_share(value: Callable[[np.ndarray], np.ndarray], shared: float) -> float:
    """The share of a normal score's variance that must be in common for `shared` of the value's variance to be.

    A value is a curved function of its score, a collapse even a step of it, and keeps less in common than the score.
    """
    middles = (np.arange(400) + 0.5) / 400
    common, own = stats.norm.ppf(middles)[:, None], stats.norm.ppf(middles)[None]

    def excess(share: float) -> float:
        values = value(stats.norm.cdf(common * share**0.5 + own * (1 - share) ** 0.5))
        return float(values.mean(1).var() / values.var()) - shared

    return optimize.brentq(excess, 0, 0.999) if shared else 0.0


def main() -> int:
    """Draws the pairs and prints the shares of intervals that hold 0."""
    generator = np.random.default_rng(0)
    table = Table("over", "values", *map(str, PAIRS), box=None)
    for mode, how, kinds, shared in MODES:
        for kind in kinds:
            value, shares = KINDS[kind], []
            latent = latent_share(value, shared)
            for n in PAIRS:
                common = generator.normal(size=(TIMES, 2, 1)) * latent**0.5
                drawn = common + generator.normal(size=(TIMES, 2, n)) * (1 - latent) ** 0.5
                first, second = value(stats.norm.cdf(drawn)).transpose(1, 0, 2)
                ends = [how.interval(own) for own in (first - second).tolist()]
                shares.append(np.mean([low <= 0 <= high for low, high in ends]))
            table.add_row(mode, kind, *(f"{share:.1%}" for share in shares))
    Console(width=100).print(table)
    print(f"shares of {TIMES} intervals from so many pairs that hold the true difference, 0; 95 % is what is said")
    return 0


if __name__ == "__main__":
    sys.exit(main())
