"""Cross-entropy adjusted for imbalance: by focus, by the class prior, by softer labels."""

import math
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from surrogate_bench.losses.base import Labels, Scores, Targets, Value
from surrogate_bench.losses.checks import at_least, within
from surrogate_bench.losses.pointwise import Pointwise, cross_entropy, masses
from surrogate_bench.registry import register
from surrogate_bench.system.rounding import powers, sigmoid, softplus


@register(
    "loss",
    "asymmetric",
    family="pointwise",
    reference="Ridnik et al., Asymmetric Loss For Multi-Label Classification, ICCV 2021, "
    "https://arxiv.org/abs/2009.14119",
    threshold=None,
)
class Asymmetric(Pointwise):
    """ASL: mean(−y·(1 − p)^γ₊·log p − (1 − y)·q^γ₋·log(1 − q)), q = max(p − `clip`, 0).

    Negatives are focused harder than positives, and those with p below `clip` are let be. The mean stands in place of
    the authors' sum, so that a learning rate fits any batch. A batch without positives pushes the higher scores down.

    γ₊ = 1 is the default of the authors' code.
    """

    def __init__(self, *, gamma_negative: float = 4.0, gamma_positive: float = 1.0, clip: float = 0.05) -> None:
        super().__init__()
        self.gamma_negative = at_least("gamma_negative", gamma_negative, 0)
        self.gamma_positive = at_least("gamma_positive", gamma_positive, 0)
        self.clip = within("clip", clip, 0, 1, low_included=True)

    def terms(self, logits: Scores, targets: Targets, weight: Targets | None) -> Scores:  # noqa: ARG002
        log_p = logsigmoid(logits)
        log_not_p = log_p - logits
        positive = -log_p * torch.exp(self.gamma_positive * log_not_p)
        if self.clip:
            # At q = 0, where the power's gradient may be infinite, that of the rectifier is 0 whatever it is given.
            q = (log_p.exp() - self.clip).relu()
            negative = -powers(q, self.gamma_negative) * torch.log1p(-q)
        else:
            # From log p − z the small ones would have lost their digits.
            negative = -logsigmoid(-logits) * torch.exp(self.gamma_negative * log_p)
        return targets * positive + (1 - targets) * negative


@register(
    "loss",
    "logit_adjusted",
    family="pointwise",
    reference="Menon et al., Long-Tail Learning via Logit Adjustment, ICLR 2021, https://arxiv.org/abs/2007.07314",
    state="data set",
)
class LogitAdjusted(Pointwise):
    """Cross-entropy of z + τ·log(π / (1 − π)), π being the training set's share of positives.

    The score z itself then ranks by balanced error: threshold 0.5 on it is the balanced threshold. Without `fit` the
    batch's own share is taken, and ½ where it has one class alone. A batch without positives pushes all scores down.
    """

    keeps: ClassVar = {"log_odds": 0}
    log_odds: Tensor

    def __init__(self, *, tau: float = 1.0) -> None:
        super().__init__()
        self.tau = at_least("tau", tau, 0)
        self.register_buffer("log_odds", torch.tensor(math.nan))

    def fit(self, targets: Labels) -> None:
        self.log_odds = _log_odds(targets.float())

    def terms(self, logits: Scores, targets: Targets, weight: Targets | None) -> Scores:
        log_odds = torch.where(self.log_odds.isnan(), _log_odds(targets, weight), self.log_odds)
        return cross_entropy(logits + self.tau * log_odds[..., None], targets)


@register(
    "loss",
    "label_smoothed_bce",
    family="pointwise",
    reference="Szegedy et al., Rethinking the Inception Architecture, CVPR 2016, https://arxiv.org/abs/1512.00567",
    threshold=None,
)
class LabelSmoothedBCE(Pointwise):
    """Cross-entropy with targets y·(1 − ε) + ε/2, ε = `smoothing`. A batch without positives pushes scores down."""

    def __init__(self, *, smoothing: float = 0.1) -> None:
        super().__init__()
        self.smoothing = within("smoothing", smoothing, 0, 1, low_included=True)

    def terms(self, logits: Scores, targets: Targets, weight: Targets | None) -> Scores:  # noqa: ARG002
        own = torch.rsub(targets, 1, alpha=2) * logits
        # A difference would have a second step of its gradient.
        return torch.add(softplus(own), own, alpha=-self.smoothing / 2)


@register(
    "loss",
    "decomposable_fbeta",
    family="pointwise",
    reference="Lee, Yang, Yoo, A surrogate loss function for optimization of Fβ score in binary classification "
    "with imbalanced data, 2021, https://arxiv.org/abs/2104.01459",
    state="data set",
)
class DecomposableFBeta(Pointwise):
    """mean((1 − y)·log(β²·π + p) − y·log p), π the training set's positives per negative: F-beta as a mean.

    The formula is that of a third party's reading of the paper. Without `fit` the batch's own π is taken, and 1
    where it has one class alone. A batch without positives pushes all scores down.
    """

    keeps: ClassVar = {"odds": 0}
    odds: Tensor

    def __init__(self, *, beta: float = 1.0) -> None:
        super().__init__()
        self.beta = within("beta", beta, 0, math.inf)
        self.register_buffer("odds", torch.tensor(math.nan))

    def fit(self, targets: Labels) -> None:
        self.odds = _log_odds(targets.float()).exp()

    def terms(self, logits: Scores, targets: Targets, weight: Targets | None) -> Scores:
        odds = torch.where(self.odds.isnan(), _log_odds(targets, weight).exp(), self.odds)[..., None]
        negative = torch.log(self.beta**2 * odds + sigmoid(logits))
        return (1 - targets) * negative - targets * logsigmoid(logits)


def _log_odds(targets: Targets, weight: Targets | None = None) -> Value:
    """log(P / M) of each problem [...]; 0 where a class is missing, since no prior could be told from that."""
    positives, negatives = masses(targets, weight)
    both = (positives > 0) & (negatives > 0)
    return torch.where(both, positives, 1).log() - torch.where(both, negatives, 1).log()
