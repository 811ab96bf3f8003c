"""How often 95 % intervals of a difference between equal arms hold 0, for four kinds of values.

    python scripts/interval_coverage.py          # 4,000 repetitions each: about a minute
    python scripts/interval_coverage.py 500

Two losses that are equally good give values of one distribution. Over independent values, those of data sets or of
training seeds, the interval is the signed-rank test's. Over re-splits it is the corrected resampled t-test's, and the
values of a loss have a quarter of their variance in common, as re-splits into 60 % training and 20 % test rows do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import stats

from surrogate_bench.comparison.repetition import TRAINING_SEEDS, Repetition

TIMES = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
PAIRS = (6, 10, 20, 50)
SHARED = 0.25
# By the quantile that a value is at in its distribution.
KINDS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "normal": stats.norm(0.7, 0.05).ppf,
    "near 1: beta(18, 2)": stats.beta(18, 2).ppf,
    "discrete: recall of 42 positives": lambda q: stats.binom(42, 0.8).ppf(q) / 42,
    "15 % collapse to 0": lambda q: np.where(q < 0.15, 0.0, stats.norm(0.7, 0.05).ppf((q - 0.15).clip(0) / 0.85)),
}
MODES = {
    "independent values": (Repetition(TRAINING_SEEDS, None), 0.0),
    "re-splits": (Repetition("re-splits of this table", 1 / 3), SHARED),
}


def main() -> int:
    """Draws the pairs and prints the shares of intervals that hold 0."""
    generator = np.random.default_rng(0)
    table = Table("over", "values", *map(str, PAIRS), box=None)
    for mode, (how, shared) in MODES.items():
        for kind, value in KINDS.items():
            shares = []
            for n in PAIRS:
                common = generator.normal(size=(TIMES, 2, 1)) * shared**0.5
                drawn = common + generator.normal(size=(TIMES, 2, n)) * (1 - shared) ** 0.5
                first, second = value(stats.norm.cdf(drawn)).transpose(1, 0, 2)
                ends = [how.interval(own) for own in (first - second).tolist()]
                shares.append(np.mean([low <= 0 <= high for low, high in ends]))
            table.add_row(mode, kind, *(f"{share:.1%}" for share in shares))
    Console(width=100).print(table)
    print(f"shares of {TIMES} intervals from so many pairs that hold the true difference, 0; 95 % is what is said")
    return 0


if __name__ == "__main__":
    sys.exit(main())
