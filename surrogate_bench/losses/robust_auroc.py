"""Partial AUROC by distributionally robust weights, with a value for every positive of the training set."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from surrogate_bench.losses.base import Labels, Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.losses.given import once
from surrogate_bench.losses.pairs import Rows, by_rows, members, total
from surrogate_bench.losses.stateful import PerExample
from surrogate_bench.registry import register
from surrogate_bench.system.rounding import logaddexp


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

    LibAUC's SOPAs has probabilities in place of logits.
    """

    def __init__(self, *, margin: float = 1.0, temperature: float = 1.0, rate: float = 0.9) -> None:
        super().__init__(start=math.nan)
        self.margin, self.temperature = (
            within("margin", margin, 0, math.inf),
            within("temperature", temperature, 0, math.inf),
        )
        self.rate = within("rate", rate, 0, 1.0000001)

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:
        negatives = targets.shape[-1] - targets.sum(-1)
        both = (negatives > 0) & (targets.sum(-1) > 0)

        picked, weight = members(targets)
        hidden = torch.where((targets > 0.5) & both[..., None], -torch.inf, 0.0)

        def costs(own: Rows, logits: Scores) -> tuple[Tensor, Tensor]:
            short = torch.sub(logits[..., None, :], own[..., None]).add_(self.margin).relu_()
            return short, (short * short).div_(self.temperature).add_(hidden[..., None, :])

        def among_negatives(own: Rows, logits: Scores, at: slice) -> tuple[Rows]:  # noqa: ARG001
            return (costs(own, logits)[1].logsumexp(-1),)

        def pull(own: Rows, logits: Scores, sums: Rows, upstream: Rows) -> tuple[Rows, Scores]:
            short, shares = costs(own, logits)
            slopes = shares.sub_(sums[..., None]).exp_().mul_(short).mul_((2 / self.temperature * upstream)[..., None])
            return -slopes.sum(-1), slopes.sum(-2)

        (sums,) = by_rows(among_negatives, logits, picked, pull)
        now = sums - negatives.clamp_min(1).log()[..., None]
        where = self.places(picked, index, logits)
        average = mixed(self.recalled(self.memory, where, now.detach()), now.detach(), self.rate)
        weight = weight * both[..., None]
        self.remember(self.memory, where, average, weight, logits)
        # d log u = exp(now − average) · d now, of which the batch's part of the average is the share that it has.
        carrier = (now.detach() - average).exp() * now
        value, slope = self.over_positives(average, carrier, weight, both, logits)
        return once(torch.where(both, value, 0.0), logits, torch.where(both, slope, 0.0))

    def over_positives(
        self,
        average: Rows,
        carrier: Rows,
        weight: Rows,
        both: Tensor,  # noqa: ARG002
        logits: Scores,  # noqa: ARG002
    ) -> tuple[Value, Value]:
        """The value of the positives' averages log u, and what has the gradient that `carrier` gives it."""
        share = self.temperature * weight / weight.sum(-1, keepdim=True).clamp_min(1)
        return total(share * average), total(share * carrier)


def mixed(before: Tensor, now: Tensor, rate: float) -> Tensor:
    """log((1 − rate) · exp(before) + rate · exp(now)), and `now` where there is nothing before."""
    rate = min(rate, 1 - 1e-7)
    average = logaddexp(before + math.log1p(-rate), now + math.log(rate))
    return torch.where(before.isnan(), now, average)


@register(
    "loss",
    "pauc_cvar",
    family="AUROC",
    state="examples",
    needs_index=True,
    cost="N²",
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

    LibAUC's SOPA has probabilities in place of logits.
    """

    def __init__(self, *, margin: float = 1.0, beta: float = 0.2, rate: float = 0.1) -> None:
        super().__init__(start=0.0)
        self.margin, self.beta = within("margin", margin, 0, math.inf), within("beta", beta, 0, 1.0000001)
        self.rate = within("rate", rate, 0, math.inf)

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:
        negative = (1 - targets)[..., None, :]
        negatives, positives = negative.sum(-1).clamp_min(1), targets.sum(-1)
        both = ((positives > 0) & (positives < targets.shape[-1]))[..., None]
        picked, weight = members(targets)
        where = self.places(picked, index, logits)
        s = self.recalled(self.memory, where, weight)

        def beyond(own: Rows, logits: Scores, at: slice) -> tuple[Rows, Rows]:
            costs = (self.margin - (own[..., None] - logits[..., None, :])).relu().square()
            over = costs - s[..., at, None]
            return (negative * (over > 0)).sum(-1) / negatives, (negative * over.relu()).sum(-1) / negatives

        share, excess = by_rows(beyond, logits, picked)
        value = s + excess / self.beta
        self.remember(self.memory, where, s - self.rate * (1 - share / self.beta), weight * both, logits)
        return total(weight * both * value) / positives.clamp_min(1)


@register(
    "loss",
    "tpauc_kl",
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
class TwoWayPartialAUCKL(PartialAUCKL):
    """Two-way partial AUROC by KL: κ·log v, v a moving average of the mean over positives of u_i^(λ/κ).

    u_i is as in `pauc_kl`; a small λ = `temperature` looks at the highest negatives alone, a small κ =
    `positive_temperature` at the lowest positives. It is computed in logarithms, so that nothing overflows. A one-class
    batch has loss 0 and gradient 0.

    LibAUC's SOTAs has probabilities in place of logits.
    """

    keeps: ClassVar = {"memory": 1, "outer": 0}
    outer: Tensor

    def __init__(
        self, *, margin: float = 1.0, temperature: float = 1.0, positive_temperature: float = 1.0, rate: float = 0.9
    ) -> None:
        super().__init__(margin=margin, temperature=temperature, rate=rate)
        self.positive_temperature = within("positive_temperature", positive_temperature, 0, math.inf)
        self.register_buffer("outer", torch.tensor(math.nan))

    def fit(self, targets: Labels) -> None:
        super().fit(targets)
        self.outer = torch.full(targets.shape[:-1], math.nan, device=targets.device)

    def over_positives(
        self, average: Rows, carrier: Rows, weight: Rows, both: Tensor, logits: Scores
    ) -> tuple[Value, Value]:
        power = self.temperature / self.positive_temperature
        among = torch.where(weight > 0, power * average, -torch.inf)
        among = torch.where(both[..., None], among, 0.0)
        count = weight.sum(-1).clamp_min(1)
        peak = among.amax(-1, keepdim=True)
        now = peak[..., 0] + total((among - peak).exp()).log() - count.log()
        v = mixed(self.outer.to(now.dtype), now, self.rate)
        if self.learns(logits):
            self.keep("outer", torch.where(both, v, self.outer))
        slope = total((among - v[..., None]).exp() * carrier) * power / count
        return self.positive_temperature * v, self.positive_temperature * slope
