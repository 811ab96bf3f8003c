"""Repeated runs of one data set, tested as what they are: re-splits of the same rows, or training seeds.

Seeds that split a table anew share most of their rows, so their differences are not independent: a plain test finds
more and more with every seed. The corrected test widens the variance by what the rows have in common.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surrogate_bench.comparison.run import Run
from surrogate_bench.comparison.statistics import CONFIDENCE, signed_rank_interval, signed_rank_p

TRAINING_SEEDS = "training seeds"
# Fewer values say too little about their spread.
FEWEST = 6


@dataclass(frozen=True)
class Repetition:
    """How runs of one data set repeat: what they are over, in words, and n_test / n_train where each splits anew.

    `share` is None where all have the same test part.
    """

    over: str
    share: float | None

    def p(self, differences: Sequence[float]) -> float | None:
        """The two-sided p-value of n paired differences; None below six, which say too little about their spread.

        Over re-splits it is the corrected resampled t-test's: t = d̄ / √(s² (1/n + n_test/n_train)), n − 1 degrees of
        freedom. Nadeau, Bengio, Inference for the Generalization Error, Machine Learning 52, 2003,
        https://doi.org/10.1023/A:1024068626366. Over training seeds, and where all differences are one number, it is
        the exact signed-rank test's.
        """
        if len(differences) < FEWEST:
            return None
        mean, error = self._error(differences)
        if self.share is None or math.isclose(error, 0, abs_tol=1e-12):
            return signed_rank_p(differences)
        from scipy.special import stdtr

        return float(2 * stdtr(len(differences) - 1, -abs(mean) / error))

    def interval(self, values: Sequence[float]) -> tuple[float, float] | tuple[None, None]:
        """The 95 % interval of their mean that leaves out just what the test rejects; None below six values.

        Over training seeds it is of the pseudo-median, by Walsh averages.
        """
        if len(values) < FEWEST:
            return None, None
        if self.share is None:
            return signed_rank_interval(values)
        from scipy.special import stdtrit

        mean, error = self._error(values)
        reach = float(stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2)) * error
        return mean - reach, mean + reach

    def _error(self, values: Sequence[float]) -> tuple[float, float]:
        own = np.asarray(values, dtype=float)
        return float(own.mean()), math.sqrt(float(own.var(ddof=1)) * (1 / len(own) + (self.share or 0)))


def repetition(runs: Sequence[Run]) -> Repetition:
    """How these runs of one data set repeat: folds, re-splits, or the same test part again and again.

    Runs that do not record their test part, those of earlier versions, have the same one where the configuration gives
    it, and split anew with each seed elsewhere.
    """
    tested = {run.tested or run.config.get("dataset.test") for run in runs}
    if len(runs) > 1 and len(tested) == 1 and None not in tested:
        return Repetition(TRAINING_SEEDS, None)
    folds = any(run.config.get("dataset.fold") is not None for run in runs)
    shares = [own["test"]["total"] / own["train"]["total"] for run in runs if _is_counted(own := run.examples)]
    return Repetition("folds of this table" if folds else "re-splits of this table", max(shares, default=1 / 3))


def _is_counted(examples: dict[str, dict[str, float]]) -> bool:
    return bool(examples.get("test", {}).get("total") and examples.get("train", {}).get("total"))
