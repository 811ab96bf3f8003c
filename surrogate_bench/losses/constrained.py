"""Constraints within a loss: Lagrange multipliers λ ≥ 0 that ascend by themselves, and errors bounded in bits.

An ordinary optimizer trains the net, and nobody has to reverse a gradient. Class priors come from the training set.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor

from surrogate_bench.losses.base import Labels, Loss, Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.losses.pointwise import cross_entropy


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
        kept = self.multipliers
        if not kept.numel():
            return like.new_full((*like.shape, self.points), self.start)
        return kept.to(like.dtype, copy=True)

    def lagrangian(self, objective: Tensor, constraint: Tensor) -> Tensor:
        """objective + λ · constraint, both [..., A]; the next call finds λ moved."""
        now = self.kept(objective[..., 0])
        if self.learns(constraint):
            self.keep("multipliers", (now + self.rate * constraint.detach()).clamp_min(0))
        return objective + now * constraint

    def prior(self, targets: Targets) -> Value:
        """The share of positives in the training set, or, before `fit`, in the batch."""
        share = self.share.to(targets.dtype)
        return torch.where(share.isnan(), targets.mean(-1), share)


def bits(logits: Scores, targets: Targets) -> tuple[Value, Value]:
    """Cross-entropy in bits of positives and of negatives, by N: upper bounds [...] of the shares of FN and FP."""
    n = targets.shape[-1] * math.log(2)
    own = cross_entropy(logits, targets)
    positives = (targets * own).sum(-1)
    return positives / n, (own.sum(-1) - positives) / n
