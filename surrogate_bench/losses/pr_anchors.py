"""Area under the precision-recall curve as a mean over operating points, each with a threshold of its own."""

import math

import torch
from torch import Tensor

from surrogate_bench.losses.base import Labels, Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.losses.constrained import Constrained, bits
from surrogate_bench.registry import register
from surrogate_bench.system.rounding import sigmoid


@register(
    "loss",
    "pr_anchors",
    family="average precision",
    state="duals",
    cost="N · anchors",
    threshold=None,
    reference="Eban et al., Scalable Learning of Non-Decomposable Objectives, AISTATS 2017, "
    "https://arxiv.org/abs/1608.04802",
)
class PRAnchors(Constrained):
    """Area over the precision-recall curve, a Riemann sum: mean over `anchors` precisions of the recall lost at each.

    Precisions lie between the share of positives π and 1, and their recalls at thresholds of their own: each is
    `recall_at_precision` of z + b with a bias b that descends by itself at `rate`. A batch without positives pushes
    all scores down.
    """

    biases: Tensor

    def __init__(self, *, anchors: int = 20, rate: float = 0.1) -> None:
        super().__init__(points=int(within("anchors", anchors, 0, 10_000)), rate=rate)
        self.register_buffer("biases", torch.empty(0))

    def fit(self, targets: Labels) -> None:
        super().fit(targets)
        self.biases = torch.zeros_like(self.multipliers)

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        prior = self.prior(targets)[..., None]
        steps = torch.arange(1, self.points + 1, dtype=logits.dtype, device=logits.device) / (self.points + 1)
        precision = prior + (1 - prior) * steps
        now = self.biases if self.biases.numel() else torch.zeros_like(precision)
        biases = now.to(logits.dtype, copy=True).expand_as(precision)
        errors = [bits(logits + bias[..., None], targets) for bias in biases.unbind(-1)]
        fn, fp = (torch.stack(error, -1) for error in zip(*errors, strict=True))
        constraint = (1 - precision) * (fn - prior) + precision * fp
        raw = self.kept(prior[..., 0])
        if self.learns(logits):
            p = sigmoid(logits.detach()[..., None, :] + biases[..., None], dims=2)
            fn_slope = -((targets[..., None, :] * (1 - p)).mean(-1))
            fp_slope = ((1 - targets)[..., None, :] * p).mean(-1)
            slope = (1 + raw * (1 - precision)) * fn_slope + raw * precision * fp_slope
            self.keep("biases", biases - self.rate * slope / math.log(2))
        return self.lagrangian(fn, constraint).mean(-1)
