"""Losses that remember: moving averages of each problem, or a value for every training example."""

import math
from typing import ClassVar

import torch
from jaxtyping import Int64
from torch import Tensor

from surrogate_bench.losses.base import Labels, Loss, Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.losses.given import once
from surrogate_bench.losses.pairs import Rows, by_rows, members, total
from surrogate_bench.registry import register
from surrogate_bench.system.rounding import sigmoid

Index = Int64[Tensor, "*problems rows"]


class PerExample(Loss):
    """A loss with `memory` [..., training examples]: every step of training updates it at `index`."""

    keeps: ClassVar = {"memory": 1}
    memory: Tensor

    def __init__(self, *, start: float) -> None:
        super().__init__()
        self.start = start
        self.register_buffer("memory", torch.empty(0))

    def fit(self, targets: Labels) -> None:
        self.memory = torch.full(targets.shape, self.start, dtype=torch.float32, device=targets.device)

    def places(self, picked: Index, index: Tensor | None, logits: Scores) -> Index | None:
        """The positions in the training set of the batch's examples at `picked` [..., rows].

        None where the examples have none, as in a validation: no value is kept of them. Raises ValueError where a step
        of training lacks them, or the memory.
        """
        learns = self.learns(logits)
        if learns and index is None:
            raise ValueError("this loss keeps a value per training example: give index=, their positions in training")
        if learns and not self.memory.numel():
            raise ValueError("this loss keeps a value per training example: call fit(targets of all of them) first")
        if index is None or not self.memory.numel():
            return None
        return index.expand(*picked.shape[:-1], -1).gather(-1, picked)

    def recalled(self, memory: Tensor, where: Index | None, like: Rows) -> Rows:
        """The kept values [..., rows] at these places, or a fresh loss's where none is kept."""
        return torch.full_like(like, self.start) if where is None else memory.gather(-1, where).to(like.dtype)

    def remember(self, memory: Tensor, where: Index | None, values: Rows, which: Rows, logits: Scores) -> None:
        """Stores values [..., rows] at these places where `which` is above 0, after a step of training."""
        if where is not None and self.learns(logits):
            kept = memory.gather(-1, where)
            memory.scatter_(-1, where, torch.where(which > 0, values.detach().to(kept.dtype), kept))


@register(
    "loss",
    "aucm",
    family="AUROC",
    state="duals",
    exact_gradient=False,
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Yuan et al., Large-scale Robust Deep AUC Maximization, ICCV 2021, https://arxiv.org/abs/2012.03173",
)
class AUCM(Loss):
    """AUC margin loss: mean₊(p − a)² + mean₋(p − b)² + 2α·(m + mean₋p − mean₊p) − α², its own ascent built in.

    a and b follow the class means of p and α ≥ 0 its maximiser m + b − a, each by moving averages of rate `rate`, so
    that an ordinary optimizer trains the net and nobody has to reverse a gradient. A one-class batch has loss 0 and
    gradient 0, and moves nothing.

    It is LibAUC's later form, without class priors, and not the paper's formula.
    """

    keeps: ClassVar = {"means": 1}
    means: Tensor

    def __init__(self, *, margin: float = 1.0, rate: float = 0.1) -> None:
        super().__init__()
        self.margin, self.rate = within("margin", margin, 0, math.inf), within("rate", rate, 0, 1.0000001)
        self.register_buffer("means", torch.empty(0))

    def fit(self, targets: Labels) -> None:
        self.means = torch.full((*targets.shape[:-1], 2), math.nan, device=targets.device)

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        p, positives = sigmoid(logits), targets.sum(-1)
        negatives = targets.shape[-1] - positives
        both = (positives > 0) & (negatives > 0)
        positive, negative = (
            targets / positives.clamp_min(1)[..., None],
            (1 - targets) / negatives.clamp_min(1)[..., None],
        )
        high, low = (positive * p).sum(-1), (negative * p).sum(-1)
        a, b = self._moved(torch.stack((high, low), -1).detach(), both[..., None], logits).unbind(-1)
        alpha = (self.margin + b - a).clamp_min(0)
        own = torch.where(targets > 0.5, a[..., None], b[..., None])
        spread = ((positive + negative) * (p - own).square()).sum(-1)
        value = torch.where(both, spread + 2 * alpha * (self.margin + low - high) - alpha.square(), 0.0)
        return once(value, logits)

    def _moved(self, now: Tensor, both: Tensor, logits: Scores) -> Tensor:
        """a and b, [..., 2], after this batch's class means `now`; a problem with one class keeps its own."""
        before = self.means.to(now.dtype) if self.means.numel() else torch.full_like(now, math.nan)
        moved = torch.where(before.isnan(), now, before + self.rate * (now - before))
        moved = torch.where(both, moved, before.nan_to_num())
        if self.learns(logits):
            self.keep("means", torch.where(both, moved, before))
        return moved


@register(
    "loss",
    "soap",
    family="average precision",
    state="examples",
    needs_index=True,
    cost="N²",
    exact_gradient=False,
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Qi et al., Stochastic Optimization of Areas Under Precision-Recall Curves with Provable Convergence, "
    "NeurIPS 2021, https://arxiv.org/abs/2104.08736",
)
class SOAP(PerExample):
    """1 − mean over positives i of u⁺_i / u_i: average precision with squared hinges ℓ_ij = max(0, m − (z_i − z_j))².

    u_i and u⁺_i are moving averages of ℓ_ij's mean over all examples j and over positive ones; the gradient is that of
    the ratio of the averages, as if the batch's part of them were all. A batch without positives has loss 0 and
    gradient 0.

    LibAUC's has probabilities in place of logits and a rate of 0.9.
    """

    positive: Tensor

    def __init__(self, *, margin: float = 1.0, rate: float = 0.5) -> None:
        super().__init__(start=math.nan)
        self.margin, self.rate = within("margin", margin, 0, math.inf), within("rate", rate, 0, 1.0000001)
        self.register_buffer("positive", torch.empty(0))

    def fit(self, targets: Labels) -> None:
        super().fit(targets)
        self.positive = self.memory.clone()

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:
        picked, weight = members(targets)

        def means(own: Rows, logits: Scores, at: slice) -> tuple[Rows, Rows]:  # noqa: ARG001
            costs = (self.margin - (own[..., None] - logits[..., None, :])).relu().square()
            return costs.mean(-1), (costs * targets[..., None, :]).mean(-1)

        everything, own = by_rows(means, logits, picked)
        where = self.places(picked, index, logits)
        averages = []
        for memory, now in ((self.memory, everything.detach()), (self.positive, own.detach())):
            old = self.recalled(memory, where, now)
            averages.append(torch.where(old.isnan(), now, old + self.rate * (now - old)))
            self.remember(memory, where, averages[-1], weight, logits)
        u, u_own = averages
        count = targets.sum(-1).clamp_min(1)
        value = total(weight * (1 - u_own / u)) / count
        carrier = total(weight * (u_own * everything - u * own) / u.square()) / count
        return once(value, logits, carrier)
