"""Parts of the ROC curve: low false positive rates, both rates, and the area under the smaller of the two errors."""

import torch
from torch import Tensor

from surrogate_bench.losses.base import Loss, Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.losses.given import constant, with_gradient
from surrogate_bench.losses.pairs import mean_hinge
from surrogate_bench.losses.ties import negatives_first, shared
from surrogate_bench.metrics.sorting import descending, taken
from surrogate_bench.registry import register


@register(
    "loss",
    "partial_auroc",
    family="AUROC",
    cost="N log N",
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Narasimhan, Agarwal, SVM_pAUC^tight: A New Support Vector Method for Optimizing Partial AUC, KDD "
    "2013, https://doi.org/10.1145/2487575.2487674",
)
class PartialAUROC(Loss):
    """Mean squared hinge over pairs of the hardest positives and the hardest negatives of the batch: exact pAUROC.

    One-way (`max_fpr`): the ⌈max_fpr · M⌉ highest negatives against all positives. Two-way: the ⌈(1 − min_tpr) · P⌉
    lowest positives only. Ties at the border share its place by weight, so that order does not matter.
    A one-class batch has loss 0 and gradient 0.
    """

    def __init__(self, *, max_fpr: float = 0.3, min_tpr: float = 0.0, margin: float = 1.0) -> None:
        super().__init__()
        self.max_fpr = 1.0 if max_fpr == 1 else within("max_fpr", max_fpr, 0, 1)
        self.min_tpr = within("min_tpr", min_tpr, 0, 1, low_included=True)
        self.margin = within("margin", margin, 0, float("inf"))

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        negative = _hardest(logits.detach(), 1 - targets, self.max_fpr)
        positive = _hardest(-logits.detach(), targets, 1 - self.min_tpr)
        pairs = (positive.sum(-1) * negative.sum(-1)).clamp_min(1)
        return mean_hinge(logits, targets, pairs, margin=self.margin, power=2, weights=positive + negative)


def _hardest(scores: Scores, members: Targets, share: float) -> Targets:
    """The weights in [0, 1] of the ⌈share · count⌉ highest scores among the members, ties at the border shared."""
    if share == 1:
        return members
    # In fp32 a share of 0.3 is a little more than that, and 200 times as much more than 60.
    exact = torch.float32 if scores.device.type == "mps" else torch.float64
    wanted = torch.ceil(share * members.sum(-1, keepdim=True).to(exact) - 1e-9).to(members.dtype)
    theirs = torch.where(members > 0.5, scores, -torch.inf)
    last = descending(theirs).gather(-1, (wanted.long() - 1).clamp_min(0))
    border = theirs.gather(-1, last)
    above, level = (theirs > border).to(members.dtype), (theirs == border) * members
    left = wanted - above.sum(-1, keepdim=True)
    return above + level * left / level.sum(-1, keepdim=True).clamp_min(1)


@register(
    "loss",
    "aum",
    family="AUROC",
    cost="N log N",
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Hillman, Hocking, Optimizing ROC Curves with a Sort-Based Surrogate Loss for Binary Classification "
    "and Changepoint Detection, JMLR 24, 2023, https://jmlr.org/papers/v24/21-0751.html",
)
class AUM(Loss):
    """∫ min(FPR, FNR) over all thresholds on the logit: 0 where a threshold separates the classes.

    Σ over neighbouring scores of their distance times min(FPR, FNR) between them. A one-class batch has loss 0 and
    gradient 0.
    """

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        z = logits.detach()
        # Of equal scores the positives count as the lower ones: that is the side of the kink from which there is
        # something to learn where all are equal.
        keys, order, ties = negatives_first(-z, 1 - targets)
        positive = taken(targets, order)
        positives = positive.sum(-1, keepdim=True)
        negatives = targets.shape[-1] - positives
        # Between the i-th and the next: positives so far are missed, negatives still to come are false alarms.
        fnr = positive.cumsum(-1) / positives.clamp_min(1)
        fpr = 1 - (1 - positive).cumsum(-1) / negatives.clamp_min(1)
        gaps = targets.shape[-1] - 1
        # Without positives the minimum is 0.
        least = (torch.minimum(fnr, fpr) * (negatives > 0)).narrow(-1, 0, gaps)
        # A score is the upper end of the interval before it and the lower end of the one after.
        slope = torch.zeros_like(keys)
        slope.narrow(-1, 1, gaps).add_(least)
        slope.narrow(-1, 0, gaps).sub_(least)
        if ties is not None:
            slope = shared(slope, ties)
        value = -(keys.diff(dim=-1) * least).sum(-1)
        return with_gradient(logits, value, slope.scatter(-1, order, slope), constant)
