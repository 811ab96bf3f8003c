"""Structured: the Lovász extension of the Jaccard loss."""

import torch
from torch import Tensor

from surrogate_bench.losses.base import Loss, Scores, Targets, Value
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
        errors, order = (1 - (2 * targets - 1) * logits).sort(-1, descending=True)
        positive = targets.gather(-1, order)
        wrong = torch.arange(1, targets.shape[-1] + 1, device=targets.device, dtype=targets.dtype)
        negatives = (1 - positive).cumsum(-1)
        jaccard = wrong / (targets.sum(-1, keepdim=True) + negatives)
        steps = jaccard.diff(dim=-1, prepend=torch.zeros_like(jaccard[..., :1]))
        return (errors.relu() * steps).sum(-1)
