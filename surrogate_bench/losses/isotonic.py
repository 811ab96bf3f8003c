"""Isotonic regression: the sequence that never rises nearest to some values, by pooling neighbours that do."""

import contextlib
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from surrogate_bench.losses.base import Scores
from surrogate_bench.losses.given import bound_fast
from surrogate_bench.losses.pairs import BLOCK_PAIRS
from surrogate_bench.losses.ties import group_means


def pooled(values: Scores) -> tuple[Scores, Tensor]:
    """The non-increasing sequence [..., N] nearest to the values: means of blocks of neighbours.

    Beside it the blocks' numbers [..., N]. Neither has a gradient. SciPy finds them on a CPU; on a GPU it does where
    the means of all stretches would be more than one block of pairs.
    """
    values = values.detach()
    if values.is_cpu and not torch.compiler.is_compiling():
        with contextlib.suppress(RuntimeError):  # under a transform of torch.func
            return _fitted(values)
    found: tuple[Scores, Tensor] = _Pooled.apply(values)
    return found


def block_means(values: Tensor, blocks: Tensor) -> Tensor:
    """Values [..., N], each the mean over its block of neighbours."""
    exact = values.to(torch.float32 if values.device.type == "mps" else torch.float64)
    with contextlib.suppress(Unseen):
        starts, sizes = stretches(blocks, exact)
        sums = np.add.reduceat(exact.reshape(-1).numpy(), starts)
        return torch.from_numpy((sums / sizes).repeat(sizes)).view(values.shape).to(values.dtype)
    return group_means(exact, blocks).to(values.dtype)


class Unseen(Exception):
    """NumPy cannot look at a tensor: a GPU would have to be waited for, or torch transforms what is computed."""


def begins(values: Tensor) -> Tensor:
    """True where a value [..., N] is another than the one before it, as the first always is."""
    return pad(values[..., 1:] != values[..., :-1], (1, 0), value=True)


def stretches(values: Tensor, *others: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The starts of stretches of equal neighbours, all problems being one row, and their number: in half the time.

    Raises Unseen where NumPy cannot look at these tensors.
    """
    if not values.is_cpu or torch.compiler.is_compiling():
        raise Unseen
    try:
        for other in others:
            other.numpy()
        found = values.numpy()
    except RuntimeError as error:  # under a transform of torch.func, or where a derivative is recorded
        raise Unseen from error
    new = np.ones(found.shape, bool)
    np.not_equal(found[..., 1:], found[..., :-1], out=new[..., 1:])
    starts = np.flatnonzero(new)
    return starts, np.diff(starts, append=new.size)


def _fitted(values: Tensor) -> tuple[Tensor, Tensor]:
    """The same as `pooled`, by pooling neighbours one after the other on a CPU."""
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
    blocks = begins(nearest).cumsum(-1) - 1
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


class _Pooled(torch.autograd.Function):
    """`pooled` where torch transforms or compiles it, or on a GPU."""

    @staticmethod
    @bound_fast
    def forward(values: Scores) -> tuple[Scores, Tensor]:
        if not values.is_cpu and values.shape[-1] ** 2 <= BLOCK_PAIRS:
            return _by_means(values)
        nearest: tuple[Scores, Tensor] = (_nearest if torch.compiler.is_compiling() else _fitted)(values)
        return nearest

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004
        ctx.mark_non_differentiable(*output)

    @staticmethod
    def vmap(info: Any, in_dims: Any, values: Scores) -> tuple[tuple[Scores, Tensor], tuple[int, int]]:  # noqa: ARG004
        return _Pooled.apply(values.movedim(in_dims[0], 0)), (0, 0)
