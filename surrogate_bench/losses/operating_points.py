"""A metric at an operating point: one error minimised while the other keeps a promise, in bits or in hard rates."""

import torch
from torch import Tensor

from surrogate_bench.errors import unknown
from surrogate_bench.losses.base import Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.losses.constrained import Constrained, bits
from surrogate_bench.registry import register
from surrogate_bench.system.rounding import softplus

CONSTRAINTS = ("bits", "rates")
# The two sides of a promise are compared on the scale of what they were lately, by an average of this rate. A share of
# SLACK is given away, so that a net that predicts nothing is told to predict something.
SCALE_RATE, SLACK = 0.05, 1e-3
# The logarithm of the ratio of the two costs stays within these bounds.
MOST_RATIO = 10.0


class OperatingPoint(Constrained):
    """A promise at one operating point, as published or of the hard rates.

    `constraint=bits`, the published one, bounds both errors by cross-entropy: where it holds, the promise does, but it
    seldom can hold, λ then grows on, and the loss ends well inside of the promise: tune the threshold. With
    `constraint=rates` the batches' hard rates at p = 0.5 just keep the promise on average: it comes near to what the
    net's order allows, and guarantees nothing beyond the training examples.

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
        """The pulls towards a higher and a lower threshold, [...], of the shares of true and false positives.

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
            self.keep("multipliers", torch.stack((moved, scale), -1))
        return (cost * softplus((1 - 2 * targets) * logits)).mean(-1)


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

    `constraint` is `bits`, as published, or `rates` (see `OperatingPoint`). A batch without positives pushes all scores
    down.
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

    `constraint` is `bits`, as published, or `rates` (see `OperatingPoint`). A batch without positives pushes all scores
    down.
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

    `constraint` is `bits`, as published, or `rates` (see `OperatingPoint`). A batch without positives pushes all scores
    down.
    """

    def __init__(self, *, fpr: float = 0.05, rate: float = 0.1, constraint: str = "bits") -> None:
        super().__init__(rate=rate, constraint=constraint)
        self.fpr = within("fpr", fpr, 0, 1)

    def bounded(self, fn: Value, fp: Value, prior: Value) -> tuple[Value, Value]:
        return fn, fp - self.fpr * (1 - prior)

    def sides(self, tp: Value, fp: Value, prior: Value) -> tuple[Value, Value]:
        return fp / (1 - prior).clamp_min(1e-30), torch.full_like(tp, self.fpr)
