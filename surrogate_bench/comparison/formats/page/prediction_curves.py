"""Precision-recall, ROC and metric-against-threshold curves of a row's stored predictions, as means over seeds."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from surrogate_bench.comparison.predictions import PREDICTIONS, read_predictions
from surrogate_bench.comparison.run import Run
from surrogate_bench.comparison.select import Row
from surrogate_bench.counts import Counts
from surrogate_bench.metrics.threshold import formula

# A chart is 300 pixels wide, so that neighbours are three pixels apart. Every point is exact: the curve is evaluated
# there, not smoothed or sampled from its corners.
POINTS = 101
GRID = np.linspace(0, 1, POINTS)
# The logit of a threshold t: p > t exactly where z > log(t / (1 - t)), also where p rounds to 1.
with np.errstate(divide="ignore"):
    CUTS = np.log(GRID) - np.log1p(-GRID)


@dataclasses.dataclass(frozen=True)
class Seed:
    """One run's test part, sorted: scores that descend, the positives down to each, and the two curves on the grid."""

    scores: np.ndarray
    hits: np.ndarray
    pr: np.ndarray
    roc: np.ndarray

    def at(self, cuts: np.ndarray, metric: str) -> np.ndarray:
        """A threshold metric at cuts of the score."""
        above = len(self.scores) - np.searchsorted(self.scores[::-1], cuts, side="right")
        true: Any = np.append(0, self.hits)[above]
        chosen: Any = above.astype(float)
        counts = Counts.from_totals(true, chosen, self.hits[-1], len(self.scores))
        numerator, denominator = formula(metric)(counts)
        return np.divide(numerator, denominator, out=np.zeros(len(cuts)), where=np.asarray(denominator) != 0)

    @property
    def blind(self) -> bool:
        """True if no threshold of the grid lies between the middle of the positives and that of the negatives."""
        positive = np.diff(self.hits, prepend=0) > 0
        middles = [float(np.median(self.scores[own])) for own in (positive, ~positive)]
        return len(set(np.searchsorted(CUTS, middles).tolist())) == 1


def prediction_curves(row: Row, metrics: Sequence[str], damaged: set[Path]) -> dict[str, Any]:
    """`pr` (precision at recall), `roc` (TPR at FPR), `threshold` (each metric at a threshold on the probability).

    All on the test part and on one grid of 0, 0.01, ..., 1, where seeds are averaged; a run whose predictions are gone
    is left out, one whose file cannot be read too, which joins the `damaged` ones, and a name without any run. Where
    that grid does not tell the scores of most seeds apart, thresholds are as many on the score, from the first to the
    last of `scores`.
    """
    seeds = [curves for run in row.picked.values() for curves in _curves(run, damaged)]
    if not seeds:
        return {}
    found: dict[str, Any] = {name: averaged([getattr(own, name) for own in seeds]) for name in ("pr", "roc")}
    cuts = CUTS
    if 2 * sum(own.blind for own in seeds) > len(seeds):
        scores = np.concatenate([own.scores for own in seeds])
        low, high = (float(f"{score:.6g}") for score in np.quantile(scores, (0.005, 0.995)))
        if low < high:
            cuts, found["scores"] = np.linspace(low, high, POINTS), [low, high]
    return found | {"threshold": {name: averaged([own.at(cuts, name) for own in seeds]) for name in metrics}}


def averaged(curves: Sequence[np.ndarray]) -> dict[str, Any]:
    """Mean and standard deviation over seeds in thousandths, a tenth of a pixel; None where no seed has a value."""
    values = np.stack(curves)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a point that no seed has is NaN, as it should be
        mean = np.nanmean(values, 0)
        spread = np.nanstd(values, 0, ddof=1) if len(values) > 1 else None
    return {"n": len(values), "mean": thousandths(mean)} | ({} if spread is None else {"std": thousandths(spread)})


def thousandths(values: np.ndarray) -> list[int | None]:
    """Whole numbers, which JSON holds in a third of the space."""
    return [round(value * 1000) if np.isfinite(value) else None for value in values.tolist()]


def _curves(run: Run, damaged: set[Path]) -> Iterator[Seed]:
    """One run's curves on the grid, if it has kept what they need."""
    try:
        stored = read_predictions(run)
        logits, targets = (np.asarray(stored[f"test_{name}"], dtype=float) for name in ("logits", "targets"))
        if logits.shape != targets.shape:
            raise ValueError("logits and targets must have one shape")
    except FileNotFoundError:
        return
    except Exception:  # whatever a damaged file makes the readers raise
        damaged.add(run.folder / PREDICTIONS)
        return
    positives = targets.sum()
    # Curves of decisions are for two classes in one dimension, and for both of them.
    if logits.ndim != 1 or not np.isfinite(logits).all():
        return
    if not np.isin(targets, (0, 1)).all() or not 0 < positives < len(targets):
        return
    order = np.argsort(-logits, kind="stable")
    scores, hits = logits[order], np.cumsum(targets[order])
    ends = np.flatnonzero(np.append(np.diff(scores) != 0, True))
    tp, predicted = hits[ends], ends + 1.0
    recall, precision = tp / positives, tp / predicted
    fpr = (predicted - tp) / (len(targets) - positives)
    yield Seed(scores, hits, precision[np.searchsorted(recall, GRID - 1e-12)], _at(GRID, fpr, recall))


def _at(grid: np.ndarray, fpr: np.ndarray, tpr: np.ndarray) -> np.ndarray:
    """The ROC curve at given FPRs: straight between its corners, and the upper end of an upright piece."""
    x, y = np.append(0, fpr), np.append(0, tpr)
    last = np.append(np.diff(x) != 0, True)
    first = np.append(True, np.diff(x) != 0)
    right = np.searchsorted(x[last], grid, side="left").clip(max=last.sum() - 1)
    exact = np.isclose(x[last][right], grid, rtol=0, atol=1e-12)
    left = (right - 1).clip(min=0)
    x0, y0, x1, y1 = x[last][left], y[last][left], x[first][right], y[first][right]
    between = y0 + (y1 - y0) * np.divide(grid - x0, x1 - x0, out=np.ones_like(grid), where=x1 > x0)
    return np.where(exact, y[last][right], between)
