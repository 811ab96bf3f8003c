"""Losses that are a mean over examples: the baselines."""

import torch
from jaxtyping import Num
from torch import Tensor
from torch.nn.functional import logsigmoid

from surrogate_bench.losses.base import Loss, Scores, Targets, Value
from surrogate_bench.registry import register
from surrogate_bench.rounding import softplus


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
class BCE(Loss):
    """Binary cross-entropy, the usual choice; with `pos_weight` positives count that many times.

    mean(−w·y·log p − (1 − y)·log(1 − p)), w = `pos_weight`, or the training set's negatives per positive for
    `balanced` (the batch's own where `fit` was not called). A batch without positives pushes all scores down.
    """

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

    def fit(self, targets: Num[Tensor, "*problems n"]) -> None:
        if self.balanced:
            self.pos_weight = negatives_per_positive(targets.float())

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        if not self.weighted:
            return (softplus(logits) - targets * logits).mean(-1)
        weight = self.pos_weight
        if self.balanced:
            weight = torch.where(weight.isnan(), negatives_per_positive(targets), weight)
        return (weight[..., None] * targets * softplus(-logits) + (1 - targets) * softplus(logits)).mean(-1)


@register(
    "loss",
    "focal",
    family="pointwise",
    reference="Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, https://arxiv.org/abs/1708.02002",
    threshold=None,
)
class Focal(Loss):
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

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        own = (2 * targets - 1) * logits
        log_p = logsigmoid(own)
        # exp(γ·log(1 − p)) has a finite gradient where (1 − p)^γ with γ < 1 has none; log(1 − p) = log p − z.
        loss = -log_p * torch.exp(self.gamma * (log_p - own))
        if self.alpha is not None:
            loss = loss * (self.alpha * targets + (1 - self.alpha) * (1 - targets))
        return loss.mean(-1)


def negatives_per_positive(targets: Targets) -> Value:
    """M / P of each problem [...]; 1 where a class is missing, since no weight could balance that."""
    positives = targets.sum(-1)
    negatives = targets.shape[-1] - positives
    return torch.where((positives > 0) & (negatives > 0), negatives / positives.clamp_min(1), 1.0)
