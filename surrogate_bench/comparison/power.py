"""Computes how many repetitions or data sets would find a difference that is there, by the spread measured here.

Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988; for the corrected resampled t-test the variance of
the mean has a part that no number of re-splits takes away.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from surrogate_bench.comparison.columns import column_of
from surrogate_bench.comparison.differences import paired_seeds
from surrogate_bench.comparison.ranking import Ranking
from surrogate_bench.comparison.repetition import FEWEST, repetition
from surrogate_bench.comparison.select import Block
from surrogate_bench.comparison.statistics import ALPHA
from surrogate_bench.comparison.wording import listed, spoken_column

POWER = 0.8
EFFECTS = (0.02, 0.01)
# More than so many are no plan.
MOST = 10_000
# The signed-rank test needs so many more normal values than the t-test. Hodges, Lehmann, The Efficiency of Some
# Nonparametric Competitors of the t-Test, Annals of Mathematical Statistics 27, 1956.
EFFICIENCY = 3 / math.pi


def needed(spread: float, effect: float, family: int = 1, share: float | None = None) -> int | None:
    """The least n with which a mean difference of `effect` is found at 80 % power; None where none up to 10,000 is.

    `spread` is the standard deviation of the differences, and 5 % is shared by the `family` comparisons, as for the
    first of Holm's. With a `share`, n_test/n_train, they are re-splits: t = d̄ / (s √(1/n + share)), whose denominator
    never gets below s √share. Without one it is the signed-rank test, for differences that are about normal.
    """
    alpha = ALPHA / family
    first = FEWEST
    while share is None and math.ldexp(1.0, 1 - first) >= alpha:
        first += 1

    def reaches(n: int) -> bool:
        return _power(spread, effect, n, alpha, share) >= POWER

    if not reaches(MOST):
        return None
    low, high = first - 1, MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high


def least_effect(spread: float, share: float, family: int = 1) -> float:
    """The least mean difference that any number of re-splits finds at 80 % power: s √share (z₁₋α/₂ + z_power)."""
    from scipy.special import ndtri

    return spread * math.sqrt(share) * float(ndtri(1 - ALPHA / family / 2) + ndtri(POWER))


def _power(spread: float, effect: float, n: int, alpha: float, share: float | None) -> float:
    from scipy.special import nctdtr, stdtrit

    error = spread * math.sqrt(1 / (EFFICIENCY * n) if share is None else 1 / n + share)
    # Beyond 30 errors it is 1, where nctdtr is not to be relied on.
    away = min(effect / error, 30.0) if error else 30.0
    return float(1 - nctdtr(n - 1, away, stdtrit(n - 1, 1 - alpha / 2)))


def within(block: Block, metric: str, baseline: str) -> str:
    """The seeds that it takes on one data set, and the words that add them; empty where the spread is not known.

    Every row has its own spread; the median of them is what the sentence goes by.
    """
    spreads, shares, over, seeds = [], [], set(), set()
    for row in block.rows:
        other = block.baseline_of(row, baseline)
        if other is None or other is row or len(own := paired_seeds(row, other, metric)) < FEWEST:
            continue
        how = repetition([row.picked[seed] for seed in own])
        base, values = other.values(metric), row.values(metric)
        spreads.append(float(np.std([values[seed] - base[seed] for seed in own], ddof=1)))
        shares.append(how.share)
        over.add(how.over)
        seeds |= {run.config["seed"] for run in row.picked.values()}
    if not spreads or len(over) > 1:
        return ""
    what, share, start = over.pop(), shares[0], max(seeds) + 1
    spread, noun = float(np.median(spreads)), what.removesuffix(" of this table")
    counts = {effect: needed(spread, effect, len(spreads), share) for effect in EFFECTS}
    beyond = f"more than {MOST:,} {noun}"
    if share is not None:
        least = least_effect(spread, share, len(spreads))
        beyond = (
            f"more than any number of {noun}, which never find less than {least:.3f} here; a larger table or more data "
            "sets do"
        )

    def adds(n: int) -> str:
        missing = 0 if what.startswith("folds") else n - len(seeds)
        return f" ('seed=range({start},{start + missing})' in the same command adds them)" if missing > 0 else ""

    return _said(counts, noun, spread, metric, beyond, adds)


def across(ranking: Ranking) -> str:
    """The data sets that it takes, and how to add them; empty below six, of which the spread is hardly known."""
    spreads = [float(np.std(row.differences, ddof=1)) for row in ranking.rows if len(row.differences) >= FEWEST]
    if not spreads:
        return ""
    spread = float(np.median(spreads))
    counts = {effect: needed(spread, effect, len(spreads)) for effect in EFFECTS}

    def adds(n: int) -> str:
        missing = n - len(ranking.sources)
        return f" ({missing:,} more)" if missing > 0 else ""

    noun = "independent data sets"
    said = _said(counts, noun, spread, ranking.metric, f"more than {MOST:,} {noun}", adds)
    if any(n is None or n > len(ranking.sources) for n in counts.values()):
        said += " More names in dataset= in the same command add them (surrogate-bench list datasets)."
    return said


def _said(
    counts: dict[float, int | None],
    noun: str,
    spread: float,
    metric: str,
    beyond: str,
    adds: Callable[[int], str],
) -> str:
    each = [f"{effect:g} takes {n:,} {noun}{adds(n)}" for effect, n in counts.items() if n]
    never = [f"{effect:g}" for effect, n in counts.items() if not n]
    each += [f"{listed(never)} {'takes' if len(never) == 1 else 'take'} {beyond}"] if never else []
    about = spoken_column(column_of(metric))
    return f"To find a difference in {about} at 80 % power, by a spread of {spread:.3f}: {'; '.join(each)}."
