"""What every loss honours: shapes, precision, and how it hears of its training set."""

from typing import Any

import torch
from jaxtyping import Float, Int64, Num
from torch import Tensor, nn
from torch._C._functorch import is_batchedtensor

Scores = Float[Tensor, "*problems n"]
Targets = Float[Tensor, "*problems n"]
Value = Float[Tensor, "*problems"]


class Loss(nn.Module):
    """Logits [..., N] and targets [..., N] in {0, 1} to one value a problem, [...].

    The last dimension holds the examples; every index of the dimensions before it is an independent problem, so that
    the sum of the values gives each problem its own gradient. A subclass writes `compute`, and `fit` where it keeps
    something of the data set, and sets `graded` where targets may be any numbers. Sums are in fp32 also under autocast.
    """

    graded = False

    def __init__(self) -> None:
        super().__init__()

    def fit(self, targets: Num[Tensor, "*problems n"]) -> None:
        """Tells the loss the training set's targets [..., N], once, before the first step. Most do not need them."""

    def seed(self, seeds: Int64[Tensor, "*problems"]) -> None:
        """Gives every problem its own source of random numbers [...], once, before the first step. Few draw any."""

    def forward(
        self,
        logits: Num[Tensor, "*problems n"],
        targets: Num[Tensor, "*problems n"],
        index: Int64[Tensor, "*problems n"] | None = None,
    ) -> Value:
        """The loss [...]; `index` [..., N] are the examples' positions in the training set, for losses that ask.

        Raises ValueError where the shapes differ, and on a CPU for a target that is neither 0 nor 1: a GPU would have
        to be waited for.
        """
        if logits.shape != targets.shape:
            raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} must have one shape")
        looks = targets.device.type == "cpu" and not (self.graded or is_batchedtensor(targets))
        if looks and not torch.equal(targets.sign().abs_(), targets):
            raise ValueError("targets must be 0 or 1")
        scores = logits if logits.dtype == torch.float64 else logits.float()
        return self.compute(scores, targets.to(scores.dtype), index)

    def compute(self, logits: Scores, targets: Targets, index: Int64[Tensor, "*problems n"] | None) -> Value:
        """What a loss is: the values [...] of scores in fp32 or fp64 and targets of their kind, both [..., N]."""
        raise NotImplementedError

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        # State has the shape of the data set that `fit` has seen, and a fresh loss has seen none.
        for name, buffer in self.named_buffers(recurse=False):
            stored = state_dict.get(prefix + name)
            if stored is not None and stored.shape != buffer.shape:
                setattr(self, name, buffer.new_empty(stored.shape))
        super()._load_from_state_dict(state_dict, prefix, *rest)
