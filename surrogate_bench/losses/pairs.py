"""All pairs of a batch: by sorting where a hinge allows it, else some rows at a time."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from surrogate_bench.losses.base import Scores, Targets
from surrogate_bench.losses.given import with_gradient
from surrogate_bench.metrics.curve import descending

Rows = Float[Tensor, "*problems rows"]
Block = Callable[[Tensor, slice], tuple[Tensor, ...]]
# Pairs that may be in memory at once.
BLOCK_PAIRS = 1 << 22


def hinges(
    scores: Scores, targets: Targets, *, margin: float, power: int, weights: Targets | None = None
) -> Float[Tensor, "*problems"]:
    """Σ over pairs of a positive and a negative of max(0, m − (z₊ − z₋))^power, power 1 or 2, in O(N log N).

    Each pair counts the product of its `weights` [..., N] times, by default once.
    """
    z = scores.detach()
    # Each negative comes after exactly the positives that it is too near to.
    order = descending(margin * targets - z)
    own, positive = z.gather(-1, order), targets.gather(-1, order)
    negative = 1 - positive
    if weights is not None:
        weight = weights.gather(-1, order)
        positive, negative = positive * weight, negative * weight
    near, far = positive.cumsum(-1), _after(negative)
    if power == 2:
        # The derivative by an example is the sum of 2u over its pairs, u = (m − z₊) + z₋.
        near = 2 * (near * own + (positive * (margin - own)).cumsum(-1))
        far = 2 * (far * (margin - own) + _after(negative * own))
    slopes = negative * near - positive * far
    gradient = torch.empty_like(slopes).scatter_(-1, order, slopes)
    # The sum is homogeneous in u, so that its derivatives give its value (Euler).
    return with_gradient(scores, (gradient * (z - margin * targets)).sum(-1) / power, gradient)


def _after(values: Tensor) -> Tensor:
    """Sums of all values that come later."""
    sums = values.cumsum(-1)
    return sums[..., -1:] - sums


def by_rows(block: Block, logits: Scores) -> Iterator[Tensor]:
    """What block(logits, rows) gives for its rows of pairs, [..., rows] each, for all rows: [..., N] each.

    Where that takes more than one block, each is computed again for the gradient, so that memory is linear in N.
    """
    rows = max(1, BLOCK_PAIRS // max(1, logits.numel()))
    return iter(block(logits, slice(None)) if rows >= logits.shape[-1] else _ByRows.apply(logits, block, rows))


class _ByRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, block: Block, rows: int) -> tuple[Tensor, ...]:
        ctx.save_for_backward(logits)
        ctx.block, ctx.rows = block, rows
        filled: tuple[Tensor, ...] = ()
        for at in _slices(logits, rows):
            parts = block(logits, at)
            # Pieces kept among temporaries would leave holes in memory where no other block fits.
            filled = filled or tuple(torch.empty_like(logits) for _ in parts)
            for whole, part in zip(filled, parts, strict=True):
                whole[..., at] = part
        return filled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, None]:
        (logits,) = ctx.saved_tensors
        gradient = torch.zeros_like(logits)
        for at in _slices(logits, ctx.rows):
            again = logits.detach().requires_grad_()
            with torch.enable_grad():
                parts = ctx.block(again, at)
            # A count of pairs, say, has no derivative.
            smooth = [(part, value[..., at]) for part, value in zip(parts, upstream, strict=True) if part.requires_grad]
            gradient += torch.autograd.grad([part for part, _ in smooth], again, [value for _, value in smooth])[0]
        return gradient, None, None


def _slices(logits: Tensor, rows: int) -> Iterator[slice]:
    return (slice(start, start + rows) for start in range(0, logits.shape[-1], rows))
