"""Correlation of scores with targets: of the values, and of ranks that have a gradient."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from surrogate_bench.losses.base import Loss, Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.metrics.sorting import descending, taken
from surrogate_bench.registry import register
from surrogate_bench.rounding import sigmoid

LEAST_SPREAD = 1e-4


@register(
    "loss",
    "plcc",
    family="correlation",
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Pearson, Notes on Regression and Inheritance in the Case of Two Parents, Proc. R. Soc. London "
    "58, 1895, https://doi.org/10.1098/rspl.1895.0041",
)
class PLCC(Loss):
    """(1 − r) / 2, r Pearson's linear correlation of p with the targets, which may be graded.

    Spreads are taken to be no smaller than 1e-4, which bounds the gradient where all p are equal. A one-class batch has
    loss 0.5 and gradient 0.
    """

    graded = True

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        return _dissimilarity(sigmoid(logits), targets)


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

    graded = True

    def __init__(self, *, strength: float = 1.0) -> None:
        super().__init__()
        self.strength = within("strength", strength, 0, float("inf"))

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        return _dissimilarity(soft_ranks(logits / self.strength), middle_ranks(targets))


def middle_ranks(values: Scores) -> Scores:
    """Ranks 1 … N [..., N] of ascending values; equal ones share the middle of their places."""
    order = descending(-values.detach())
    ascending = taken(values.detach(), order)
    differs = torch.ones_like(ascending, dtype=torch.bool)
    torch.ne(ascending[..., 1:], ascending[..., :-1], out=differs[..., 1:])
    # Ties as stretches of one long row, in which every problem begins anew.
    starts = differs.view(-1).nonzero()[:, 0]
    sizes = torch.diff(starts, append=starts.new_tensor([values.numel()]))
    middle = (starts % values.shape[-1] + 1).to(values.dtype) + (sizes - 1) / 2
    ranks = middle.to(values.dtype).repeat_interleave(sizes, output_size=values.numel()).view_as(ascending)
    return torch.empty_like(ascending).scatter_(-1, order, ranks)


def soft_ranks(values: Scores) -> Scores:
    """The point nearest to the values [..., N] whose entries are an average of orders of 1 … N, in O(N log N)."""
    order = descending(values.detach())
    ordered = taken(values, order)
    wanted = torch.arange(values.shape[-1], 0, -1, dtype=values.dtype, device=values.device)
    projected = ordered - _Isotonic.apply(ordered - wanted)
    return torch.empty_like(projected).scatter(-1, order, projected)


class _Isotonic(torch.autograd.Function):
    """The non-increasing sequence [..., N] nearest to the values: means of blocks of neighbours, found by SciPy."""

    @staticmethod
    def forward(ctx: Any, values: Scores) -> Scores:
        from scipy.optimize import isotonic_regression

        rows = values.detach().double().cpu().reshape(-1, values.shape[-1])
        fits = [isotonic_regression(row, increasing=False) for row in rows.numpy()]
        ctx.blocks = [fit.blocks for fit in fits]
        return torch.as_tensor(np.stack([fit.x for fit in fits])).to(values).view_as(values)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Scores) -> Scores:
        rows = upstream.double().cpu().reshape(-1, upstream.shape[-1]).numpy()
        means = []
        for row, block in zip(rows, ctx.blocks, strict=True):
            sizes = np.diff(block)
            means.append(np.repeat(np.add.reduceat(row, block[:-1]) / sizes, sizes))
        return torch.as_tensor(np.stack(means)).to(upstream).view_as(upstream)


def _dissimilarity(scores: Scores, targets: Targets) -> Value:
    """(1 − Pearson's correlation) / 2 over the last dimension, ½ where either has no spread."""
    a, b = (values - values.mean(-1, keepdim=True) for values in (scores, targets))
    spread_a, spread_b = ((values.square().mean(-1) + LEAST_SPREAD**2).sqrt() for values in (a, b))
    return (1 - (a * b).mean(-1) / (spread_a * spread_b)) / 2
