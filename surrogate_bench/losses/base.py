"""The base class of all losses: shapes, precision, state, and the training set's targets."""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor, nn
from torch._C._functorch import is_functorch_wrapped_tensor

from surrogate_bench.shapes import check_shapes

Scores = Float[Tensor, "*problems n"]
Targets = Float[Tensor, "*problems n"]
Value = Float[Tensor, "*problems"]
Labels = Shaped[Tensor, "*problems n"]
# From so many targets on they are looked at so many at a time.
CHUNK = 1 << 16


class Loss(nn.Module):
    """Logits [..., N] and targets [..., N] in {0, 1} to one value a problem, [...].

    The last dimension holds the examples; every index of the dimensions before it is an independent problem, so that
    the sum of the values gives each problem its own gradient. A subclass writes `compute`, and `fit` where it keeps
    something of the data set, and sets `graded` where targets may be any numbers, `takes_weights` where its `compute`
    takes weights, and `keeps`. Sums are in fp32 also under autocast. Nothing that a loss keeps moves without a
    gradient: a validation under `torch.no_grad()` leaves it as it was.
    """

    # The name that `create_loss` knows it by.
    name = "NAME"
    graded = False
    takes_weights = False
    # Buffers with a value a problem, each with the number of its own dimensions after the problems'.
    keeps: ClassVar[dict[str, int]] = {}

    def __init__(self) -> None:
        super().__init__()

    def fit(self, targets: Labels) -> None:
        """Tells the loss the training set's targets [..., N], once, before the first step. Most do not need them."""

    def plan(self, steps: int) -> None:
        """Tells the loss how many steps of training there will be, once, before the first. Few have a schedule."""

    def seed(self, seeds: Int64[Tensor, "*problems"]) -> None:
        """Gives every problem its own source of random numbers [...], once, before the first step. Few draw any."""

    def forward(
        self,
        logits: Shaped[Tensor, "..."],
        targets: Shaped[Tensor, "..."],
        index: Int64[Tensor, "..."] | None = None,
        *,
        weight: Shaped[Tensor, "..."] | None = None,
    ) -> Value:
        """The loss [...] of logits [..., N] and targets [..., N], which may be boolean, whole numbers or floats.

        `index` [..., N] are the examples' positions in the training set, for losses that ask. An example of `weight`
        [..., N] w counts as w examples; means over examples and metrics of counts take it. A batch without examples,
        or without weight, has loss 0 and gradient 0.

        Raises ValueError where the shapes differ or the last dimension is 1 beside others, for a weight that means
        nothing here, and on a CPU for a target that is neither 0 nor 1: a GPU would have to be waited for. Compiled or
        under `torch.vmap` no target is looked at.
        """
        check_shapes(logits, targets, f' or create_loss("{self.name}", task="binary")')
        self.check_targets(targets)
        return self.values(logits, targets, index, weight=weight)

    def check_targets(self, targets: Shaped[Tensor, "..."]) -> None:
        """Raises ValueError for targets that are neither 0 nor 1, where looking at them costs no wait and no graph."""
        if self.graded or targets.dtype == torch.bool or not _looks(targets):
            return
        if not _holds(lambda: _zero_or_one(targets)):
            raise ValueError("targets must be 0 or 1")

    def values(
        self,
        logits: Labels,
        targets: Labels,
        index: Int64[Tensor, "*problems n"] | None = None,
        *,
        weight: Shaped[Tensor, "..."] | None = None,
    ) -> Value:
        """The same for who knows that targets are 0 or 1 and that the last dimension, also of 1, holds the examples."""
        scores = logits if logits.dtype == torch.float64 else logits.float()
        problems = logits.shape[:-1]
        for buffer, own in self.keeps.items():
            # As an attribute it takes as long as an operation.
            kept: Tensor = self._buffers[buffer]  # type: ignore[assignment]
            if kept.shape[: kept.ndim - own] != problems:
                self._check_problems(kept, own, problems)
        if not logits.numel():
            return scores.sum(-1)
        if targets.dtype != scores.dtype:
            targets = targets.to(scores.dtype)
        if weight is None:
            return self.compute(scores, targets, index)
        self._check_weight(weight, logits)
        weight = weight.to(scores.dtype)
        value = self.compute(scores, targets, index, weight)  # type: ignore[call-arg]
        return torch.where(weight.sum(-1) > 0, value, 0.0)

    def compute(self, logits: Scores, targets: Targets, index: Int64[Tensor, "*problems n"] | None) -> Value:
        """The loss's formula: the values [...] of scores in fp32 or fp64 and targets of their kind, both [..., N]."""
        raise NotImplementedError

    def learns(self, logits: Scores) -> bool:
        """True if this call is a step of training, after which what the loss keeps has moved."""
        return self.training and logits.requires_grad and torch.is_grad_enabled()

    def keep(self, buffer: str, now: Tensor) -> None:
        """Writes what a step of training leaves in a buffer, in its own memory: a CUDA graph writes there again."""
        kept = getattr(self, buffer)
        if kept.shape == now.shape and kept.device == now.device:
            kept.copy_(now.detach())
        elif is_functorch_wrapped_tensor(now):
            raise RuntimeError(f"{self.name} keeps values from step to step, which under torch.func cannot be stored")
        else:  # it has no shape yet
            setattr(self, buffer, now.detach().to(torch.float32, copy=True))

    def _check_problems(self, kept: Tensor, own: int, problems: torch.Size) -> None:
        before = kept.shape[: kept.ndim - own]
        if kept.numel() and (own or before):
            told = f"it keeps values for problems {tuple(before)}, and these logits are of {tuple(problems)}"
            raise ValueError(f"{self.name}: {told}; call fit anew, or make a loss for each")

    def _check_weight(self, weight: Tensor, logits: Tensor) -> None:
        if not self.takes_weights:
            told = "it has a meaning for means over examples and metrics of counts"
            raise ValueError(f"{self.name} takes no weight=: {told}")
        if weight.shape != logits.shape:
            raise ValueError(f"weight {tuple(weight.shape)} and logits {tuple(logits.shape)} must have one shape")
        if _looks(weight) and not _holds(lambda: bool(((weight >= 0) & (weight < torch.inf)).all())):
            raise ValueError("weight must be finite and not negative")

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        # State has the shape of the data set that `fit` has seen, and a fresh loss has seen none.
        for name, buffer in self.named_buffers(recurse=False):
            stored = state_dict.get(prefix + name)
            if stored is not None and stored.shape != buffer.shape:
                setattr(self, name, buffer.new_empty(stored.shape))
        super()._load_from_state_dict(state_dict, prefix, *rest)


def or_nan(value: Value, logits: Scores) -> Value:
    """The value [...], and NaN where a score is: decisions and ranks are numbers whatever they were made of."""
    return torch.where(logits.isnan().any(-1), torch.nan, value)


def _zero_or_one(targets: Tensor) -> bool:
    if targets.dtype not in (torch.float32, torch.float64) or targets.numel() < CHUNK:
        return torch.equal(targets.sign().abs_(), targets)
    # Some at a time they stay in the cache, and NumPy writes what it compares as bytes.
    numbers = targets.detach().reshape(-1).numpy()
    pieces = (numbers[start : start + CHUNK] for start in range(0, len(numbers), CHUNK))
    return all(((some == 0) | (some == 1)).all() for some in pieces)


def _looks(values: Tensor) -> bool:
    """True if values can be looked at: a GPU would be waited for, and compiled it would break the graph."""
    return values.is_cpu and not torch.compiler.is_compiling()


def _holds(test: Callable[[], bool]) -> bool:
    """True if a test of values holds; True where torch has none to look at, as under `torch.vmap`."""
    try:
        return test()
    except RuntimeError:
        return True
