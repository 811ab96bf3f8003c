"""A metric at an operating point: one error minimised while the other keeps a promise, by Lagrange multipliers.

Errors are bounded by ℓ, binary cross-entropy in bits. Multipliers λ ≥ 0 ascend by themselves, and class priors come
from the training set, so that an ordinary optimizer trains the net and nobody has to reverse a gradient.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor

from surrogate_bench.losses.base import Labels, Loss, Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.registry import register
from surrogate_bench.rounding import sigmoid, softplus


class Constrained(Loss):
    """objective + λ · constraint over A operating points, λ [..., A] going up by `rate` · constraint in training."""

    keeps: ClassVar = {"multipliers": 1, "share": 0}
    multipliers: Tensor
    share: Tensor

    def __init__(self, *, points: int = 1, rate: float) -> None:
        super().__init__()
        self.points, self.rate = points, within("rate", rate, 0, math.inf)
        self.register_buffer("multipliers", torch.empty(0))
        self.register_buffer("share", torch.tensor(math.nan))

    def fit(self, targets: Labels) -> None:
        self.share = targets.float().mean(-1)
        self.multipliers = torch.ones((*targets.shape[:-1], self.points), device=targets.device)

    def lagrangian(self, objective: Tensor, constraint: Tensor) -> Tensor:
        """objective + λ · constraint, both [..., A]; the next call finds λ moved."""
        now = self.multipliers if self.multipliers.numel() else torch.ones_like(objective)
        if self.learns(constraint):
            self.multipliers = (now + self.rate * constraint.detach()).clamp_min(0).to(torch.float32)
        return objective + now.to(objective.dtype) * constraint

    def prior(self, targets: Targets) -> Value:
        """The share of positives in the training set, or, before `fit`, in the batch."""
        return torch.where(self.share.isnan(), targets.mean(-1), self.share.to(targets.dtype))


def bits(logits: Scores, targets: Targets) -> tuple[Value, Value]:
    """ℓ's sums over positives and over negatives by N, [...]: upper bounds of the shares of FN and of FP."""
    n = targets.shape[-1] * math.log(2)
    own = softplus((1 - 2 * targets) * logits)
    positives = (targets * own).sum(-1)
    return positives / n, (own.sum(-1) - positives) / n


@register(
    "loss",
    "recall_at_precision",
    family="operating points",
    state="duals",
    min_positives=1,
    reference="Eban et al., Scalable Learning of Non-Decomposable Objectives, AISTATS 2017, "
    "https://arxiv.org/abs/1608.04802",
)
class RecallAtPrecision(Constrained):
    """FN + λ·((1 − a)·(FN − π) + a·FP), FN and FP bounded in bits: the highest recall at a precision of at least a.

    a = `precision`, π the share of positives. A batch without positives pushes all scores down.
    """

    def __init__(self, *, precision: float = 0.9, rate: float = 0.1) -> None:
        super().__init__(rate=rate)
        self.precision = within("precision", precision, 0, 1)

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        fn, fp = bits(logits, targets)
        constraint = (1 - self.precision) * (fn - self.prior(targets)) + self.precision * fp
        return self.lagrangian(fn[..., None], constraint[..., None])[..., 0]


@register(
    "loss",
    "precision_at_recall",
    family="operating points",
    state="duals",
    min_positives=1,
    reference="Eban et al., Scalable Learning of Non-Decomposable Objectives, AISTATS 2017, "
    "https://arxiv.org/abs/1608.04802",
)
class PrecisionAtRecall(Constrained):
    """FP + λ·(FN − (1 − b)·π), FN and FP bounded in bits: the highest precision at a recall of at least b.

    b = `recall`, π the share of positives. A batch without positives pushes all scores down.
    """

    def __init__(self, *, recall: float = 0.9, rate: float = 0.1) -> None:
        super().__init__(rate=rate)
        self.recall = within("recall", recall, 0, 1)

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        fn, fp = bits(logits, targets)
        constraint = fn - (1 - self.recall) * self.prior(targets)
        return self.lagrangian(fp[..., None], constraint[..., None])[..., 0]


@register(
    "loss",
    "tpr_at_fpr",
    family="operating points",
    state="duals",
    min_positives=1,
    reference="Eban et al., Scalable Learning of Non-Decomposable Objectives, AISTATS 2017, "
    "https://arxiv.org/abs/1608.04802",
)
class TPRAtFPR(Constrained):
    """FN + λ·(FP − c·(1 − π)), FN and FP bounded in bits: the highest true positive rate at an FPR of at most c.

    c = `fpr`, π the share of positives. A batch without positives pushes all scores down.
    """

    def __init__(self, *, fpr: float = 0.05, rate: float = 0.1) -> None:
        super().__init__(rate=rate)
        self.fpr = within("fpr", fpr, 0, 1)

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        fn, fp = bits(logits, targets)
        constraint = fp - self.fpr * (1 - self.prior(targets))
        return self.lagrangian(fn[..., None], constraint[..., None])[..., 0]


@register(
    "loss",
    "pr_anchors",
    family="average precision",
    state="duals",
    cost="N · anchors",
    min_positives=1,
    min_negatives=1,
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
        biases = now.to(logits.dtype).expand_as(precision)
        errors = [bits(logits + bias[..., None], targets) for bias in biases.unbind(-1)]
        fn, fp = (torch.stack(error, -1) for error in zip(*errors, strict=True))
        constraint = (1 - precision) * (fn - prior) + precision * fp
        raw = self.multipliers.to(logits.dtype) if self.multipliers.numel() else torch.ones_like(precision)
        if self.learns(logits):
            p = sigmoid(logits.detach()[..., None, :] + biases[..., None])
            fn_slope = -((targets[..., None, :] * (1 - p)).mean(-1))
            fp_slope = ((1 - targets)[..., None, :] * p).mean(-1)
            slope = (1 + raw * (1 - precision)) * fn_slope + raw * precision * fp_slope
            self.biases = (biases - self.rate * slope / math.log(2)).to(torch.float32)
        return self.lagrangian(fn, constraint).mean(-1)
