"""Correlation of scores with targets: of the values, and of ranks that have a gradient."""

import contextlib
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from surrogate_bench.losses.base import Loss, Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.losses.given import bound_fast
from surrogate_bench.losses.pairs import BLOCK_PAIRS
from surrogate_bench.losses.ties import group_means
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

    A spread is √(variance + 1e-8), which bounds the gradient where all p are equal. A one-class batch has
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

    On a GPU more than 1,024 examples are pooled on the CPU, for which it has to be waited.
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
    begins = pad(torch.ne(ascending[..., 1:], ascending[..., :-1]), (1, 0), value=True)
    return ascending.scatter(-1, order, _middles(begins).to(values.dtype))


def _middles(begins: Tensor) -> Tensor:
    """The middle of the places 1 … N of a stretch, for each of its members [..., N]; `begins` is true at its first."""
    with contextlib.suppress(_Unseen):
        starts, sizes = _stretches(begins)
        return torch.from_numpy((starts % begins.shape[-1] + (sizes + 1) / 2).repeat(sizes)).view(begins.shape)
    group = begins.cumsum(-1) - 1
    one = torch.ones_like(group, dtype=torch.float32)
    members = torch.zeros_like(one).scatter_add(-1, group, one)
    return (members.cumsum(-1) - (members - 1) / 2).gather(-1, group)


def _means(values: Tensor, blocks: Tensor) -> Tensor:
    """Values [..., N], each the mean over its block of neighbours."""
    with contextlib.suppress(_Unseen):
        starts, sizes = _stretches(pad(blocks[..., 1:] != blocks[..., :-1], (1, 0), value=True), values)
        sums = np.add.reduceat(values.reshape(-1).numpy(), starts)
        return torch.from_numpy((sums / sizes).repeat(sizes)).view(values.shape)
    return group_means(values, blocks)


class _Unseen(Exception):
    """NumPy cannot look at a tensor: a GPU would have to be waited for, or torch transforms what is computed."""


def _stretches(begins: Tensor, *others: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The stretches of all problems as one row, in half the time: where they begin, and how many are in each.

    Raises _Unseen where NumPy cannot look at these tensors.
    """
    if not begins.is_cpu or torch.compiler.is_compiling():
        raise _Unseen
    try:
        for other in others:
            other.numpy()
        starts = np.flatnonzero(begins.numpy())
    except RuntimeError as error:  # under a transform of torch.func, or where a derivative is recorded
        raise _Unseen from error
    return starts, np.diff(starts, append=begins.numel())


def soft_ranks(values: Scores) -> Scores:
    """The point nearest to the values [..., N] whose entries are an average of orders of 1 … N, in O(N log N)."""
    order = descending(values.detach())
    ordered = taken(values, order)
    wanted = torch.arange(values.shape[-1], 0, -1, dtype=values.dtype, device=values.device)
    projected = ordered - _Isotonic.apply(ordered - wanted)[0]
    return projected.scatter(-1, order, projected)


def _fitted(values: Tensor) -> tuple[Tensor, Tensor]:
    """What `_Isotonic` gives, by pooling neighbours one after the other on a CPU."""
    from scipy.optimize import isotonic_regression

    rows = values.detach().double().cpu().reshape(-1, values.shape[-1]).nan_to_num().numpy()
    nearest, blocks = np.empty_like(rows), np.empty(rows.shape, np.int64)
    for row, own, block in zip(rows, nearest, blocks, strict=True):
        fit = isotonic_regression(row, increasing=False)
        own[:] = fit.x
        block[:] = np.repeat(np.arange(len(fit.blocks) - 1), np.diff(fit.blocks))
    return torch.from_numpy(nearest).to(values).view(values.shape), torch.from_numpy(blocks).to(values.device).view(
        values.shape
    )


def _by_means(values: Tensor) -> tuple[Tensor, Tensor]:
    """The same by the means of all stretches, in O(N²), for which a GPU has not to be waited for.

    At i it is the least over starts k ≤ i of the greatest mean from k to any j ≥ i.
    """
    n, exact = values.shape[-1], torch.float32 if values.device.type == "mps" else torch.float64
    sums, places = pad(values.to(exact).cumsum(-1), (1, 0)), torch.arange(n, device=values.device)
    length = places - places[:, None] + 1
    means = (sums[..., None, 1:] - sums[..., :-1, None]) / length.clamp_min(1)
    greatest = means.masked_fill(length < 1, -torch.inf).flip(-1).cummax(-1).values.flip(-1)
    nearest = greatest.masked_fill(length < 1, torch.inf).amin(-2)
    blocks = pad(nearest[..., 1:] != nearest[..., :-1], (1, 0)).cumsum(-1)
    return nearest.to(values.dtype), blocks


# An operator of its own, into which a compiler does not look.
@torch.library.custom_op("surrogate_bench::isotonic", mutates_args=())
def _nearest(values: Tensor) -> tuple[Tensor, Tensor]:
    return _fitted(values)


@_nearest.register_fake
def _(values: Tensor) -> tuple[Tensor, Tensor]:
    return torch.empty(values.shape, dtype=values.dtype, device=values.device), torch.empty(
        values.shape, dtype=torch.int64, device=values.device
    )


class _Isotonic(torch.autograd.Function):
    """The non-increasing sequence [..., N] nearest to the values: means of blocks of neighbours.

    Beside it the blocks' numbers [..., N]. SciPy finds them on a CPU; on a GPU it does where the means of all stretches
    would be more than one block of pairs.
    """

    @staticmethod
    @bound_fast
    def forward(values: Scores) -> tuple[Scores, Tensor]:
        if not values.is_cpu and values.shape[-1] ** 2 <= BLOCK_PAIRS:
            return _by_means(values)
        nearest: tuple[Scores, Tensor] = (_nearest if torch.compiler.is_compiling() else _fitted)(values)
        return nearest

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(output[1])

    @staticmethod
    def backward(ctx: Any, upstream: Scores, *_: Any) -> Scores:
        exact = torch.float32 if upstream.device.type == "mps" else torch.float64
        return _means(upstream.to(exact), ctx.saved_tensors[0]).to(upstream.dtype)

    @staticmethod
    def vmap(info: Any, in_dims: Any, values: Scores) -> tuple[tuple[Scores, Tensor], tuple[int, int]]:  # noqa: ARG004
        return _Isotonic.apply(values.movedim(in_dims[0], 0)), (0, 0)


def _dissimilarity(scores: Scores, targets: Targets) -> Value:
    """(1 − Pearson's correlation) / 2 over the last dimension, ½ where either has no spread."""
    a, b = (values - values.mean(-1, keepdim=True) for values in (scores, targets))
    spread_a, spread_b = ((values.square().mean(-1) + LEAST_SPREAD**2).sqrt() for values in (a, b))
    return (1 - (a * b).mean(-1) / (spread_a * spread_b)) / 2
