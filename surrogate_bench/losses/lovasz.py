"""Structured: the Lovász extension of the Jaccard loss."""

import torch
from torch import Tensor

from surrogate_bench.losses.base import Loss, Scores, Targets, Value
from surrogate_bench.losses.given import constant, with_gradient
from surrogate_bench.losses.ties import negatives_first, shared
from surrogate_bench.metrics.sorting import taken
from surrogate_bench.registry import register


@register(
    "loss",
    "lovasz_hinge",
    family="structured",
    cost="N log N",
    reference="Berman, Triki, Blaschko, The Lovász-Softmax loss, CVPR 2018, https://arxiv.org/abs/1705.08790",
)
class LovaszHinge(Loss):
    """Σ_i max(0, m_(i))·g_i over hinge errors m = 1 − s·z in descending order, g the steps of the Jaccard loss.

    g_i = J(the i largest errors) − J(the i − 1 largest), J(E) = |E| / |positives ∪ E|: the convex closure of the
    Jaccard loss of the hard decisions. A batch without positives pushes down its highest score alone.
    """

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        sign, gaps = torch.rsub(targets, 1, alpha=2), targets.shape[-1] - 1
        errors = 1 + sign * logits.detach()
        # Of equal errors the negatives come first: where all are equal, all get the same share.
        _, order, ties = negatives_first(errors, targets)
        positive = taken(targets, order)
        wrong = torch.arange(1, targets.shape[-1] + 1, device=targets.device, dtype=targets.dtype)
        jaccard = wrong / (targets.sum(-1, keepdim=True) + wrong - positive.cumsum(-1))
        steps = jaccard.clone()
        steps.narrow(-1, 1, gaps).sub_(jaccard.narrow(-1, 0, gaps))
        if ties is not None:
            steps = shared(steps, ties)
        # By example again, each with the step that its error's rank takes.
        own = steps.scatter(-1, order, steps) * (errors > 0)
        return with_gradient(logits, (errors * own).sum(-1), sign * own, constant)
