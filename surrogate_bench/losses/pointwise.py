"""Losses that are a mean over examples, and the baselines among them."""

from typing import ClassVar

import torch
from torch import Tensor

from surrogate_bench.losses.base import Labels, Loss, Scores, Targets, Value
from surrogate_bench.registry import register
from surrogate_bench.system.rounding import softplus


class Pointwise(Loss):
    """A mean over examples of `terms`, by their weights where there are any: Σ w·ℓ / Σ w."""

    takes_weights = True

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None, weight: Targets | None = None) -> Value:  # noqa: ARG002
        terms = self.terms(logits, targets, weight)
        if weight is None:
            return terms.mean(-1)
        total = weight.sum(-1)
        return (weight * terms).sum(-1) / torch.where(total > 0, total, 1)

    def terms(self, logits: Scores, targets: Targets, weight: Targets | None) -> Scores:
        """Each example's loss [..., N]; `weight` is for what is taken from the batch as a whole."""
        raise NotImplementedError


@register(
    "loss",
    "bce",
    family="pointwise",
    reference="Good, Rational Decisions, J. R. Stat. Soc. B 14, 1952, "
    "https://doi.org/10.1111/j.2517-6161.1952.tb00104.x; weighted: King, Zeng, Logistic Regression in Rare Events "
    "Data, Political Analysis 9, 2001, https://doi.org/10.1093/oxfordjournals.pan.a004868",
    state="data set",
    threshold=None,
)
class BCE(Pointwise):
    """Binary cross-entropy, the usual choice; with `pos_weight` positives count that many times.

    mean(−w·y·log p − (1 − y)·log(1 − p)), w = `pos_weight`, or the training set's negatives per positive for
    `balanced` (the batch's own where `fit` was not called). A batch without positives pushes all scores down.
    """

    keeps: ClassVar = {"pos_weight": 0}
    pos_weight: Tensor

    def __init__(self, *, pos_weight: int | float | str | None = None) -> None:
        super().__init__()
        if isinstance(pos_weight, str) and pos_weight != "balanced":
            raise ValueError(f"pos_weight must be a number, null or 'balanced', not {pos_weight!r}")
        if isinstance(pos_weight, int | float) and not 0 < pos_weight < float("inf"):
            raise ValueError(f"pos_weight must be positive, not {pos_weight}")
        self.balanced = pos_weight == "balanced"
        self.weighted = pos_weight is not None
        # NaN until `fit` has seen the training set.
        number = float("nan") if self.balanced or pos_weight is None else float(pos_weight)
        self.register_buffer("pos_weight", torch.tensor(number))

    def fit(self, targets: Labels) -> None:
        if self.balanced:
            self.pos_weight = negatives_per_positive(targets.float())

    def terms(self, logits: Scores, targets: Targets, weight: Targets | None) -> Scores:
        terms = cross_entropy(logits, targets)
        if not self.weighted:
            return terms
        factor = self.pos_weight.to(logits.dtype)
        if self.balanced:
            factor = torch.where(factor.isnan(), negatives_per_positive(targets, weight), factor)
        return torch.where(targets > 0.5, factor[..., None] * terms, terms)


@register(
    "loss",
    "focal",
    family="pointwise",
    reference="Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, https://arxiv.org/abs/1708.02002",
    threshold=None,
)
class Focal(Pointwise):
    """Cross-entropy that turns away from examples already right: mean(α_y · (1 − p_y)^γ · (−log p_y)).

    p_y is the probability of the true class, α_y = `alpha` for positives and 1 − `alpha` for negatives
    (`alpha=None`: no weighting). A batch without positives pushes the higher scores down.
    """

    def __init__(self, *, alpha: float | None = 0.25, gamma: float = 2.0) -> None:
        super().__init__()
        if alpha is not None and not 0 <= alpha <= 1:
            raise ValueError(f"alpha must lie in [0, 1], not {alpha}")
        if not 0 <= gamma < float("inf"):
            raise ValueError(f"gamma must be 0 or more and finite, not {gamma}")
        self.alpha, self.gamma = alpha, gamma

    def terms(self, logits: Scores, targets: Targets, weight: Targets | None) -> Scores:  # noqa: ARG002
        wrong = torch.rsub(targets, 1, alpha=2) * logits
        entropy = softplus(wrong)
        # exp(γ·log(1 − p)) has a finite gradient where (1 − p)^γ with γ < 1 has none; log(1 − p) = log p + (−s·z).
        terms = entropy * (self.gamma * (wrong - entropy)).exp()
        if self.alpha is None:
            return terms
        return terms * (targets * (2 * self.alpha - 1)).add_(1 - self.alpha)


def cross_entropy(logits: Scores, targets: Targets) -> Scores:
    """−log of the true class's probability [..., N]: softplus(z) − y·z would lose the small ones' digits."""
    return softplus(torch.rsub(targets, 1, alpha=2) * logits)


def masses(targets: Targets, weight: Targets | None) -> tuple[Value, Value]:
    """The number, or the weight, of positives and of negatives of each problem, [...]."""
    if weight is None:
        positives = targets.sum(-1)
        return positives, targets.shape[-1] - positives
    return (weight * targets).sum(-1), (weight * (1 - targets)).sum(-1)


def negatives_per_positive(targets: Targets, weight: Targets | None = None) -> Value:
    """M / P of each problem [...]; 1 where a class is missing, since no weight could balance that."""
    positives, negatives = masses(targets, weight)
    both = (positives > 0) & (negatives > 0)
    return torch.where(both, negatives / torch.where(both, positives, 1), 1.0)
