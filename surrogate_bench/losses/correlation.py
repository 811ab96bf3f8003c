"""Correlation of scores with targets: of the values, and of ranks that have a gradient."""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from surrogate_bench.losses.base import Loss, Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.metrics.curve import descending
from surrogate_bench.registry import register

LEAST_SPREAD = 1e-4


@register(
    "loss",
    "plcc",
    family="correlation",
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Pearson, Notes on Regression and Inheritance in the Case of Two Parents, Proc. R. Soc. London 58, 1895",
)
class PLCC(Loss):
    """(1 − r) / 2, r Pearson's linear correlation of p with the targets, which may be graded.

    Spreads are taken to be no smaller than 1e-4, which bounds the gradient where all p are equal. A one-class batch has
    loss 0.5 and gradient 0.
    """

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        return _dissimilarity(logits.sigmoid(), targets)


@register(
    "loss",
    "soft_spearman",
    family="correlation",
    cost="N log N",
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Blondel et al., Fast Differentiable Sorting and Ranking, ICML 2020, https://arxiv.org/abs/2002.08871",
)
class SoftSpearman(Loss):
    """(1 − ρ) / 2, ρ the correlation of soft ranks of the logits with the ranks of the targets, which may be graded.

    Soft ranks are the projection of z / ε on all orders of 1 … N, ε = `strength`: near the ranks where scores lie
    further apart than ε, near linear in z where they are close. A one-class batch has loss 0.5 and gradient 0.
    """

    def __init__(self, *, strength: float = 1.0) -> None:
        super().__init__()
        self.strength = within("strength", strength, 0, float("inf"))

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        return _dissimilarity(soft_ranks(logits / self.strength), middle_ranks(targets))


def middle_ranks(values: Scores) -> Scores:
    """Ranks 1 … N [..., N] of ascending values; equal ones share the middle of their places."""
    ascending = values.sort(-1).values
    below, through = (torch.searchsorted(ascending, values.contiguous(), right=right) for right in (False, True))
    return (below + through + 1).to(values.dtype) / 2


def soft_ranks(values: Scores) -> Scores:
    """The point nearest to the values [..., N] whose entries are an average of orders of 1 … N, in O(N log N)."""
    order = descending(values.detach())
    ordered = values.gather(-1, order)
    wanted = torch.arange(values.shape[-1], 0, -1, dtype=values.dtype, device=values.device)
    projected = ordered - _Isotonic.apply(ordered - wanted)
    return torch.empty_like(projected).scatter(-1, order, projected)


class _Isotonic(torch.autograd.Function):
    """The non-increasing sequence [..., N] nearest to the values: means of blocks of neighbours, found by SciPy."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, values: Scores) -> Scores:
        from scipy.optimize import isotonic_regression

        rows = values.detach().double().cpu().reshape(-1, values.shape[-1])
        fits = [isotonic_regression(row, increasing=False) for row in rows.numpy()]
        block = torch.zeros(rows.shape, dtype=torch.long)
        for own, fit in zip(block, fits, strict=True):
            own[torch.as_tensor(fit.blocks[1:-1])] = 1
        block = block.cumsum(-1).reshape(values.shape).to(values.device)
        ctx.save_for_backward(block)
        return _means(values, block)

    @staticmethod
    @once_differentiable
    def backward(ctx: torch.autograd.function.FunctionCtx, upstream: Scores) -> Scores:
        (block,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return _means(upstream, block)


def _means(values: Tensor, block: Tensor) -> Tensor:
    """Each value's mean over its block."""
    sums = torch.zeros_like(values, dtype=torch.float64).scatter_add(-1, block, values.double())
    sizes = torch.zeros_like(sums).scatter_add(-1, block, torch.ones_like(sums))
    return (sums / sizes.clamp_min(1)).gather(-1, block).to(values.dtype)


def _dissimilarity(scores: Scores, targets: Targets) -> Value:
    """(1 − Pearson's correlation) / 2 over the last dimension, ½ where either has no spread."""
    a, b = (values - values.mean(-1, keepdim=True) for values in (scores, targets))
    spread_a, spread_b = ((values.square().mean(-1) + LEAST_SPREAD**2).sqrt() for values in (a, b))
    return (1 - (a * b).mean(-1) / (spread_a * spread_b)) / 2
