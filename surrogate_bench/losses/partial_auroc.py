"""Parts of the ROC curve: low false positive rates, both rates, and the area under the smaller of the two errors."""

import torch
from torch import Tensor

from surrogate_bench.losses.base import Loss, Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.registry import register


@register(
    "loss",
    "partial_auroc",
    family="AUROC",
    cost="N²",
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Narasimhan, Agarwal, SVM_pAUC^tight: A New Support Vector Method for Optimizing Partial AUC, KDD 2013",
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
        gaps = (self.margin - (logits[..., :, None] - logits[..., None, :])).relu().square()
        weights = positive[..., :, None] * negative[..., None, :]
        return (weights * gaps).sum((-1, -2)) / weights.sum((-1, -2)).clamp_min(1)


def _hardest(scores: Scores, members: Targets, share: float) -> Targets:
    """The weights in [0, 1] of the ⌈share · count⌉ highest scores among the members, ties at the border shared."""
    wanted = torch.ceil(share * members.sum(-1, keepdim=True) - 1e-6)
    # How many members lie above, and how many at the same height, of each.
    order = torch.where(members > 0.5, scores, -torch.inf).sort(-1, descending=True).values
    ascending = order.flip(-1).contiguous()
    n = scores.shape[-1]
    above = n - torch.searchsorted(ascending, scores.contiguous(), right=True)
    level = n - torch.searchsorted(ascending, scores.contiguous(), right=False) - above
    return members * ((wanted - above) / level.clamp_min(1)).clamp(0, 1)


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
        scores, order = logits.sort(-1)
        positive = targets.gather(-1, order)
        positives = positive.sum(-1, keepdim=True)
        negatives = targets.shape[-1] - positives
        # Between the i-th and the next: positives so far are missed, negatives still to come are false alarms.
        fnr = positive.cumsum(-1) / positives.clamp_min(1)
        fpr = 1 - (1 - positive).cumsum(-1) / negatives.clamp_min(1)
        both = (positives > 0) & (negatives > 0)
        least = torch.minimum(fnr, fpr) * both
        return (scores.diff(dim=-1) * least[..., :-1]).sum(-1)
