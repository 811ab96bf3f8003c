"""One minus a threshold metric on relaxed counts: every pair of the two, in one module."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor

from surrogate_bench.counts import Counts
from surrogate_bench.errors import UserError, did_you_mean
from surrogate_bench.losses.base import Loss, Scores, Targets, Value
from surrogate_bench.losses.given import once
from surrogate_bench.metrics.threshold import Formula, formula, ratio
from surrogate_bench.registry import lookup, register
from surrogate_bench.relaxations import straight_through


class RelaxedMetric(Loss):
    """1 − metric(counts of memberships): the form of every loss on relaxed counts.

    `metric` is a fraction of counts (`metrics.threshold`), `membership` turns logits [..., N] into memberships
    [..., N] (`relaxations`). Where the metric's denominator is 0 the loss is 1 with gradient 0: a batch without
    positives teaches nothing under recall, F-beta, Jaccard, balanced accuracy, G-mean and MCC.
    """

    takes_weights = True

    def __init__(self, metric: Formula, membership: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.metric, self.membership = metric, membership
        self.estimates = getattr(membership, "func", None) is straight_through

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None, weight: Targets | None = None) -> Value:  # noqa: ARG002
        value = 1 - ratio(self.metric(Counts.of(self.membership(logits), targets, weight)))
        return once(value, logits) if self.estimates else value


@register(
    "loss",
    "relaxed",
    family="relaxed counts",
    min_positives=1,
    reference="the metric's and the relaxation's own",
)
def relaxed(
    *,
    metric: str = "f1",
    relaxation: str = "probability",
    threshold: float | None = None,
    scale: float | None = None,
    delta: float | None = None,
    distribution: str | None = None,
    mu: float | None = None,
) -> RelaxedMetric:
    """1 − any threshold metric on any relaxation of the counts; `null` leaves a hyperparameter to the relaxation.

    A batch without positives has loss 1 and gradient 0, except under specificity, accuracy and kappa.
    Raises UserError for an unknown metric or relaxation, a hyperparameter that the relaxation does not have, and a
    value out of its range.
    """
    given = {"threshold": threshold, "scale": scale, "delta": delta, "distribution": distribution, "mu": mu}
    return RelaxedMetric(formula(metric), membership(relaxation, **{k: v for k, v in given.items() if v is not None}))


def membership(relaxation: str, **hyperparameters: Any) -> Callable[[Tensor], Tensor]:
    """The relaxation of that name with its hyperparameters checked and set."""
    entry = lookup("relaxation", relaxation)
    known = [parameter.name for parameter in entry.parameters]
    for word, value in hyperparameters.items():
        if word not in known:
            raise UserError(f"the relaxation {relaxation!r} has no {word!r}{did_you_mean(word, known)}")
        if word in _RANGES and not _RANGES[word][0] < value < _RANGES[word][1]:
            raise UserError(f"{word} must lie between {_RANGES[word][0]} and {_RANGES[word][1]}, not {value}")
        if word == "distribution" and value not in _DISTRIBUTIONS:
            raise UserError(f"unknown distribution {value!r}{did_you_mean(value, _DISTRIBUTIONS)}")
    return partial(entry.load(), **hyperparameters)


_DISTRIBUTIONS = ("uniform", "cosine")
_RANGES = {"threshold": (0, 1), "scale": (0, float("inf")), "delta": (0, 0.5), "mu": (0, 1)}
