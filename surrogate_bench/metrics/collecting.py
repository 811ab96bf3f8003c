"""Collects from a curve, stretch by stretch, the sums that the metrics need."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from surrogate_bench.counts import Counts
from surrogate_bench.metrics.curve import Curve
from surrogate_bench.metrics.threshold import formula, ratio
from surrogate_bench.metrics.tuning import BestThreshold
from surrogate_bench.system.rounding import sigmoid

Measured = dict[str, dict[str, Tensor]]


class AtThresholds:
    """Metrics of counts [K]: at a threshold on the probability, at the best one, at `tuned` on the score, and soft."""

    def __init__(
        self,
        metrics: Sequence[str],
        like: Float[Tensor, "k n"],
        threshold: float,
        tuned: Float[Tensor, " k"] | None,
        tune_for: str,
    ) -> None:
        at = torch.full((len(like),), _logit(threshold), dtype=torch.float64, device=like.device)
        self.metrics, self.threshold, self.oracle = metrics, threshold, tuned is not None
        self.thresholds = torch.stack([at] if tuned is None else [at, tuned], 1)
        self.cuts = _rounded_down(self.thresholds, like.dtype)
        self.best = BestThreshold(tune_for, at)
        self.tp = self.predicted = torch.zeros_like(self.thresholds)
        self.soft_tp = self.soft_predicted = self.tp[:, :1]
        self.positives: Tensor | None = None
        self.examples = 0

    def see(self, block: Curve) -> None:
        """Takes the next stretch."""
        p = block.probabilities
        self.soft_tp = self.soft_tp + torch.linalg.vecdot(p, block.labels)[:, None]
        self.soft_predicted = self.soft_predicted + p.sum(-1, keepdim=True)
        above = torch.searchsorted(-block.scores, -self.cuts)
        self.predicted = self.predicted + above
        self.tp = torch.where(above > 0, block.tp.gather(-1, (above - 1).clamp_min(0)).double(), self.tp)
        self.best.see(block)
        self.positives, self.examples = block.positives, block.examples

    def result(self) -> Measured:
        """The metrics by view, which are undefined, and the thresholds on score and probability."""
        assert self.positives is not None
        views = {"default": "hard", "tuned": "hard_tuned"} | ({"oracle": "hard_oracle"} if self.oracle else {})
        thresholds = torch.cat((self.thresholds, self.best.threshold()[:, None]), 1)
        counts = Counts.from_totals(
            torch.cat((self.tp, self.best.tp[:, None], self.soft_tp), 1).T,
            torch.cat((self.predicted, self.best.cut[:, None], self.soft_predicted), 1).T,
            self.positives.double(),
            self.examples,
        )
        fractions = {name: formula(name)(counts) for name in self.metrics}
        # All at once, for a few problems take as long as one.
        numerators, divisors = (torch.stack(parts) for parts in zip(*fractions.values(), strict=True))
        values = zip([*views.values(), "soft"], ratio((numerators, divisors)).unbind(1), strict=True)
        shown = sigmoid(thresholds)
        shown[:, 0] = self.threshold
        return {
            **{view: dict(zip(fractions, value, strict=True)) for view, value in values},
            "undefined": dict(zip(fractions, divisors[:, 0] == 0, strict=True)),
            "thresholds": dict(zip(views, shown.unbind(1), strict=True)),
            "score_thresholds": dict(zip(views, thresholds.unbind(1), strict=True)),
        }


class Shares:
    """Metrics that are no fractions of counts, by group: each the sum or the highest of parts, over a denominator."""

    def __init__(self, groups: Mapping[str, Mapping[str, Callable[..., Any]]], like: Float[Tensor, "k n"]) -> None:
        self.groups = groups
        nothing = torch.zeros((len(like), 1), dtype=torch.float64, device=like.device)
        self.sums = dict.fromkeys((name for own in groups.values() for name in own), nothing)
        self.denominators: dict[str, Tensor] = dict.fromkeys(groups["calibration"], nothing[:, 0] + like.shape[1])

    def see(self, block: Curve) -> None:
        """Takes the next stretch."""
        for name, compute in self.groups["ranking"].items():
            part, self.denominators[name] = compute(block)
            self.sums[name] = self.sums[name] + part
        for name, compute in self.groups["operating_point"].items():
            part, self.denominators[name] = compute(block)
            self.sums[name] = torch.maximum(self.sums[name], part)
        for name, compute in self.groups["calibration"].items():
            self.sums[name] = self.sums[name] + compute(block.probabilities, block.labels)

    def result(self) -> Measured:
        """The metrics by group, and which are undefined."""
        for name in self.groups["calibration"]:
            self.sums[name] = self.sums[name].abs().sum(-1, keepdim=True)
        totals = torch.cat([self.sums[name] for name in self.denominators], 1).T
        shares = torch.stack(list(self.denominators.values()))
        values = ratio((totals, shares))
        # Rounding lifts a perfect order above 1. Errors of calibration, which come first, may be more than that.
        values[len(self.groups["calibration"]) :].clamp_(max=1)
        value_of = dict(zip(self.denominators, values, strict=True))
        return {
            **{group: {name: value_of[name] for name in own} for group, own in self.groups.items() if own},
            "undefined": dict(zip(self.denominators, shares == 0, strict=True)),
        }


def _logit(threshold: float) -> float:
    """The score whose probability is the threshold; at 0 and below all scores are above it, at 1 and above none."""
    if 0 < threshold < 1:
        return math.log(threshold) - math.log1p(-threshold)
    return -math.inf if threshold <= 0 else math.inf


def _rounded_down(thresholds: Float[Tensor, "k t"], dtype: torch.dtype) -> Float[Tensor, "k t"]:
    """Thresholds that scores of a type are above exactly where they are above the given ones."""
    if dtype == torch.float64:
        return thresholds
    near = thresholds.to(dtype)
    return torch.where(near > thresholds, near.nextafter(torch.full_like(near, -torch.inf)), near)
