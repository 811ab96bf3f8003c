"""A metric at an operating point: one error minimised while the other keeps a promise, by multipliers of their own.

As published, errors are bounded by ℓ, binary cross-entropy in bits, and Lagrange multipliers λ ≥ 0 ascend by
themselves. With `constraint="rates"` the promise is that of the hard rates. Class priors come from the training set. An
ordinary optimizer trains the net, and nobody has to reverse a gradient.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor

from surrogate_bench.errors import unknown
from surrogate_bench.losses.base import Labels, Loss, Scores, Targets, Value, stored
from surrogate_bench.losses.checks import within
from surrogate_bench.registry import register
from surrogate_bench.rounding import sigmoid, softplus

CONSTRAINTS = ("bits", "rates")
# The two sides of a promise are compared on the scale of what they were lately, by an average of this rate. A share of
# SLACK is given away, so that a net that predicts nothing is told to predict something.
SCALE_RATE, SLACK = 0.05, 1e-3
# The logarithm of the ratio of the two costs stays within these bounds.
MOST_RATIO = 10.0


class Constrained(Loss):
    """objective + λ · constraint over A operating points, λ [..., A] going up by `rate` · constraint in training."""

    keeps: ClassVar = {"multipliers": 1, "share": 0}
    multipliers: Tensor
    share: Tensor

    def __init__(self, *, points: int = 1, rate: float, start: float = 1.0) -> None:
        super().__init__()
        self.points, self.rate, self.start = points, within("rate", rate, 0, math.inf), start
        self.register_buffer("multipliers", torch.empty(0))
        self.register_buffer("share", torch.tensor(math.nan))

    def fit(self, targets: Labels) -> None:
        self.share = targets.float().mean(-1)
        self.multipliers = torch.full((*targets.shape[:-1], self.points), self.start, device=targets.device)

    def kept(self, like: Tensor) -> Tensor:
        """The multipliers [..., A] as they are now, in a copy of the type of `like` [...]."""
        if not self.multipliers.numel():
            return like.new_full((*like.shape, self.points), self.start)
        return self.multipliers.to(like.dtype, copy=True)

    def lagrangian(self, objective: Tensor, constraint: Tensor) -> Tensor:
        """objective + λ · constraint, both [..., A]; the next call finds λ moved."""
        now = self.kept(objective[..., 0])
        if self.learns(constraint):
            self.multipliers = stored(self.multipliers, (now + self.rate * constraint.detach()).clamp_min(0))
        return objective + now * constraint

    def prior(self, targets: Targets) -> Value:
        """The share of positives in the training set, or, before `fit`, in the batch."""
        return torch.where(self.share.isnan(), targets.mean(-1), self.share.to(targets.dtype))


class OperatingPoint(Constrained):
    """A promise at one operating point, as published or of the hard rates.

    The latter is cross-entropy with costs (1 − w)·2 of positives and w·2 of negatives, w = σ(u): u is a threshold,
    since the net's scores move by −u. In training u moves by `rate` times the gap between the promise and the batch's
    hard rates, at most by `rate`, and more slowly while the net has yet to follow, which shows by positives and
    negatives not pulling it alike.
    """

    def __init__(self, *, rate: float, constraint: str) -> None:
        if constraint not in CONSTRAINTS:
            raise unknown("constraint", constraint, CONSTRAINTS)
        self.in_rates = constraint == "rates"
        super().__init__(rate=rate, points=2 if self.in_rates else 1, start=0.0 if self.in_rates else 1.0)

    def bounded(self, fn: Value, fp: Value, prior: Value) -> tuple[Value, Value]:
        """Objective and constraint [...] of the shares of false negatives and false positives."""
        raise NotImplementedError

    def sides(self, tp: Value, fp: Value, prior: Value) -> tuple[Value, Value]:
        """What asks for a higher threshold and what for a lower one, [...], of the shares of true and false positives.

        Where they are equal the promise is just kept.
        """
        raise NotImplementedError

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        prior = self.prior(targets)
        if self.in_rates:
            return self.steered(logits, targets, prior)
        objective, constraint = self.bounded(*bits(logits, targets), prior)
        return self.lagrangian(objective[..., None], constraint[..., None])[..., 0]

    def steered(self, logits: Scores, targets: Targets, prior: Value) -> Value:
        """The loss of hard rates; the next call finds u and the scale moved."""
        ratio, scale = self.kept(prior).unbind(-1)
        dear = ratio.sigmoid()[..., None]
        cost = 2 * torch.where(targets > 0.5, 1 - dear, dear)
        if self.learns(logits):
            z = logits.detach()
            push = cost * (z.sigmoid() - targets).abs()
            up = (targets * push).sum(-1)
            apart = (push.sum(-1) - 2 * up).abs() / push.sum(-1).clamp_min(1e-30)
            found = (z > 0).to(z.dtype)
            tp, fp = (targets * found).mean(-1), ((1 - targets) * found).mean(-1)
            higher, lower = self.sides(tp, fp, prior)
            scale = scale + SCALE_RATE * (higher + lower - scale)
            gap = (higher - lower) / torch.maximum(scale, higher + lower)
            moved = (ratio + self.rate * (1 - apart).square() * gap).clamp(-MOST_RATIO, MOST_RATIO)
            self.multipliers = stored(self.multipliers, torch.stack((moved, scale), -1))
        return (cost * softplus((1 - 2 * targets) * logits)).mean(-1)


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
    reference="Eban et al., Scalable Learning of Non-Decomposable Objectives, AISTATS 2017, "
    "https://arxiv.org/abs/1608.04802",
)
class RecallAtPrecision(OperatingPoint):
    """FN + λ·((1 − a)·(FN − π) + a·FP), FN and FP in bits: recall at a precision of at least a.

    a = `precision`, π the share of positives.

    `constraint=bits`, the published one, bounds both errors by cross-entropy: where it holds, the promise does, but it
    seldom can hold, λ then grows on, and the loss ends well inside of the promise: tune the threshold. With
    `constraint=rates` the costs of cross-entropy are steered until the batches' hard rates at p = 0.5 just keep the
    promise on average: it comes near to what the net's order allows, and guarantees nothing beyond the training
    examples. A batch without positives pushes all scores down.
    """

    def __init__(self, *, precision: float = 0.9, rate: float = 0.1, constraint: str = "bits") -> None:
        super().__init__(rate=rate, constraint=constraint)
        self.precision = within("precision", precision, 0, 1)

    def bounded(self, fn: Value, fp: Value, prior: Value) -> tuple[Value, Value]:
        return fn, (1 - self.precision) * (fn - prior) + self.precision * fp

    def sides(self, tp: Value, fp: Value, prior: Value) -> tuple[Value, Value]:
        # Divided by the positives' share.
        share = prior.clamp_min(1e-30)
        return self.precision * fp / share, (1 - self.precision) * (tp / share + SLACK)


@register(
    "loss",
    "precision_at_recall",
    family="operating points",
    state="duals",
    reference="Eban et al., Scalable Learning of Non-Decomposable Objectives, AISTATS 2017, "
    "https://arxiv.org/abs/1608.04802",
)
class PrecisionAtRecall(OperatingPoint):
    """FP + λ·(FN − (1 − b)·π), FN and FP in bits: precision at a recall of at least b.

    b = `recall`, π the share of positives.

    `constraint=bits`, the published one, bounds both errors by cross-entropy: where it holds, the promise does, but it
    seldom can hold, λ then grows on, and the loss ends well inside of the promise: tune the threshold. With
    `constraint=rates` the costs of cross-entropy are steered until the batches' hard rates at p = 0.5 just keep the
    promise on average: it comes near to what the net's order allows, and guarantees nothing beyond the training
    examples. A batch without positives pushes all scores down.
    """

    def __init__(self, *, recall: float = 0.9, rate: float = 0.1, constraint: str = "bits") -> None:
        super().__init__(rate=rate, constraint=constraint)
        self.recall = within("recall", recall, 0, 1)

    def bounded(self, fn: Value, fp: Value, prior: Value) -> tuple[Value, Value]:
        return fp, fn - (1 - self.recall) * prior

    def sides(self, tp: Value, fp: Value, prior: Value) -> tuple[Value, Value]:
        return tp / prior.clamp_min(1e-30), torch.full_like(fp, self.recall)


@register(
    "loss",
    "tpr_at_fpr",
    family="operating points",
    state="duals",
    reference="Eban et al., Scalable Learning of Non-Decomposable Objectives, AISTATS 2017, "
    "https://arxiv.org/abs/1608.04802",
)
class TPRAtFPR(OperatingPoint):
    """FN + λ·(FP − c·(1 − π)), FN and FP in bits: the true positive rate at an FPR of at most c.

    c = `fpr`, π the share of positives.

    `constraint=bits`, the published one, bounds both errors by cross-entropy: where it holds, the promise does, but it
    seldom can hold, λ then grows on, and the loss ends well inside of the promise: tune the threshold. With
    `constraint=rates` the costs of cross-entropy are steered until the batches' hard rates at p = 0.5 just keep the
    promise on average: it comes near to what the net's order allows, and guarantees nothing beyond the training
    examples. A batch without positives pushes all scores down.
    """

    def __init__(self, *, fpr: float = 0.05, rate: float = 0.1, constraint: str = "bits") -> None:
        super().__init__(rate=rate, constraint=constraint)
        self.fpr = within("fpr", fpr, 0, 1)

    def bounded(self, fn: Value, fp: Value, prior: Value) -> tuple[Value, Value]:
        return fn, fp - self.fpr * (1 - prior)

    def sides(self, tp: Value, fp: Value, prior: Value) -> tuple[Value, Value]:
        return fp / (1 - prior).clamp_min(1e-30), torch.full_like(tp, self.fpr)


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
            p = sigmoid(logits.detach()[..., None, :] + biases[..., None])
            fn_slope = -((targets[..., None, :] * (1 - p)).mean(-1))
            fp_slope = ((1 - targets)[..., None, :] * p).mean(-1)
            slope = (1 + raw * (1 - precision)) * fn_slope + raw * precision * fp_slope
            self.biases = stored(self.biases, biases - self.rate * slope / math.log(2))
        return self.lagrangian(fn, constraint).mean(-1)
