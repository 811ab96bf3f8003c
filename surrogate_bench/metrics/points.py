"""Operating points as decisions: the threshold that reaches a level on validation, and what it gives there and on test.

`value` is the metric's own and `level` what is really reached of the other one: for `precision_at_recall@0.8` precision
and recall. Where validation cannot reach a level (only precision can be out of reach) the threshold is that of the
highest precision there is, and of those the one of the highest recall. Where validation lacks a class that a level is
about, nothing is predicted positive.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from surrogate_bench.metrics.curve import curve
from surrogate_bench.metrics.evaluation import computed
from surrogate_bench.metrics.names import AT, names, point_words, split_level
from surrogate_bench.metrics.threshold import ratio
from surrogate_bench.metrics.tuning import BestThreshold
from surrogate_bench.system.rounding import sigmoid

Scores = Float[Tensor, "k n"]
Targets = Shaped[Tensor, "k n"]
# Parts of K problems have as many examples as they have.
Part = tuple[Float[Tensor, "k _"], Shaped[Tensor, "k _"]]
COUNTS = ("tp", "fp", "fn", "tn")


def run_points(tuned_for: str) -> list[str]:
    """The operating points that a run decides: those of the usual levels, and the one that it monitors."""
    usual = names("operating_point")
    return list(dict.fromkeys([*usual, *([tuned_for] if split_level(tuned_for)[0] in usual else [])]))


def decide(metrics: Iterable[str], **parts: Part) -> list[dict[str, dict[str, Any]]]:
    """For each of K problems and each operating point the threshold of `val`, and what it gives on every part.

    `parts` are logits and targets [K, N] by name, `val` among them. The keys are `threshold` (on the probability),
    `score_threshold` (on the logit), `reached` (whether some threshold has the level on `val`) and the parts.
    """
    logits, targets = parts["val"]
    best = {metric: BestThreshold(metric, logits.new_zeros(len(logits), dtype=torch.float64)) for metric in metrics}
    for block in curve(logits, targets):
        for own in best.values():
            own.see(block)
    decided: list[dict[str, dict[str, Any]]] = [{} for _ in logits]
    for metric, own in best.items():
        cut = own.threshold()
        found = {part: _at(metric, cut, *examples) for part, examples in parts.items()}
        assert own.value is not None
        shown = sigmoid(cut[:, None])[:, 0]
        for k, (z, p, value) in enumerate(zip(cut.tolist(), shown.tolist(), own.value.tolist(), strict=True)):
            decided[k][metric] = {"threshold": p, "score_threshold": z, "reached": value >= 1}
            decided[k][metric] |= {part: rates[k] for part, rates in found.items()}
    return decided


def at_levels(logits: Scores, targets: Targets, metrics: Iterable[str]) -> dict[str, Float[Tensor, " k"]]:
    """Metrics of ranking and of operating points as `measure` has them, without all the others."""
    wanted = tuple(metrics)
    known = computed(tuple(metric for metric in wanted if AT in metric))
    sums: dict[str, Tensor] = {}
    denominators: dict[str, Tensor] = {}
    for block in curve(logits, targets):
        for metric in wanted:
            ranks = metric in known["ranking"]
            part, denominators[metric] = known["ranking" if ranks else "operating_point"][metric](block)
            before = sums.get(metric, torch.zeros_like(part))
            sums[metric] = before + part if ranks else torch.maximum(before, part)
    return {metric: ratio((total[:, 0], denominators[metric])) for metric, total in sums.items()}


def _at(metric: str, cut: Float[Tensor, " k"], logits: Scores, targets: Targets) -> list[dict[str, float]]:
    above, positive = logits > cut[:, None], targets.bool()
    predicted, actual, tp = above.sum(1), positive.sum(1), (above & positive).sum(1)
    counts = torch.stack((tp, predicted - tp, actual - tp, logits.shape[1] - predicted - actual + tp), 1)
    value, level = point_words(metric)
    found = []
    for own in counts.tolist():
        tp_, fp, fn, tn = own
        rates = {"precision": _share(tp_, fp), "recall": _share(tp_, fn), "fpr": _share(fp, tn)}
        named = rates | {"tpr": rates["recall"]}
        found.append({"value": named[value], "level": named[level]} | rates | dict(zip(COUNTS, own, strict=True)))
    return found


def _share(part: int, rest: int) -> float:
    return part / (part + rest) if part + rest else 0.0
