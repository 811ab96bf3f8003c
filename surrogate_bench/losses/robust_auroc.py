"""Partial AUROC by distributionally robust weights, with a value for every positive of the training set."""

import math

import torch
from torch import Tensor

from surrogate_bench.losses.base import Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.losses.stateful import PerExample
from surrogate_bench.registry import register


@register(
    "loss",
    "pauc_kl",
    family="AUROC",
    state="examples",
    needs_index=True,
    cost="N²",
    exact_gradient=False,
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Zhu et al., When AUC meets DRO: Optimizing Partial AUC for Deep Learning with Non-Convex Convergence "
    "Guarantee, ICML 2022, https://arxiv.org/abs/2203.00176",
)
class PartialAUCKL(PerExample):
    """One-way partial AUROC by KL: mean over positives of λ·log u_i, u_i a moving average of mean_j exp(ℓ_ij / λ).

    ℓ_ij = max(0, m − (z_i − z_j))² over negatives j; a small `temperature` λ looks at the highest negatives alone.
    It is computed in logarithms, so that nothing overflows. A one-class batch has loss 0 and gradient 0.
    """

    def __init__(self, *, margin: float = 1.0, temperature: float = 1.0, rate: float = 0.9) -> None:
        super().__init__(start=math.nan)
        self.margin, self.temperature = (
            within("margin", margin, 0, math.inf),
            within("temperature", temperature, 0, math.inf),
        )
        self.rate = within("rate", rate, 0, 1.0000001)

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:
        costs = (self.margin - (logits[..., :, None] - logits[..., None, :])).relu().square() / self.temperature
        negatives = targets.shape[-1] - targets.sum(-1)
        both = (negatives > 0) & (targets.sum(-1) > 0)
        among = torch.where(targets[..., None, :] > 0.5, -torch.inf, costs)
        among = torch.where(both[..., None, None], among, 0.0)
        now = among.logsumexp(-1) - negatives.clamp_min(1).log()[..., None]
        before, where = self.recalled(logits, index)
        rate = min(self.rate, 1 - 1e-7)
        mixed = torch.logaddexp(before + math.log1p(-rate), now.detach() + math.log(rate))
        average = torch.where(before.isnan(), now.detach(), mixed)
        self.remember(where, average, targets * both[..., None])
        count = targets.sum(-1).clamp_min(1)
        value = (targets * average).sum(-1)
        # d log u = exp(now − average) · d now, of which the batch's part of the average is the share that it has.
        carrier = (targets * (now.detach() - average).exp() * now).sum(-1)
        total = (value + carrier - carrier.detach()) * self.temperature / count
        return torch.where(both, total, 0.0)


@register(
    "loss",
    "pauc_cvar",
    family="AUROC",
    state="examples",
    needs_index=True,
    cost="N²",
    exact_gradient=False,
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Zhu et al., When AUC meets DRO: Optimizing Partial AUC for Deep Learning with Non-Convex Convergence "
    "Guarantee, ICML 2022, https://arxiv.org/abs/2203.00176",
)
class PartialAUCCVaR(PerExample):
    """One-way partial AUROC up to FPR β by CVaR: mean over positives of s_i + mean_j max(0, ℓ_ij − s_i) / β.

    ℓ_ij = max(0, m − (z_i − z_j))² over negatives j; s_i, one a positive, goes down its own gradient by `rate`. A
    one-class batch has loss 0 and gradient 0.
    """

    def __init__(self, *, margin: float = 1.0, beta: float = 0.2, rate: float = 0.1) -> None:
        super().__init__(start=0.0)
        self.margin, self.beta = within("margin", margin, 0, math.inf), within("beta", beta, 0, 1.0000001)
        self.rate = within("rate", rate, 0, math.inf)

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:
        costs = (self.margin - (logits[..., :, None] - logits[..., None, :])).relu().square()
        negative = (1 - targets)[..., None, :]
        negatives, positives = negative.sum(-1).clamp_min(1), targets.sum(-1)
        both = ((positives > 0) & (positives < targets.shape[-1]))[..., None]
        s, where = self.recalled(logits, index)
        over = costs - s[..., None]
        beyond = (negative * (over > 0)).sum(-1) / negatives
        value = s + (negative * over.relu()).sum(-1) / negatives / self.beta
        self.remember(where, s - self.rate * (1 - beyond / self.beta), targets * both)
        return (targets * both * value).sum(-1) / positives.clamp_min(1)
