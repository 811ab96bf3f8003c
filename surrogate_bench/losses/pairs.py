"""All pairs of a batch, some rows at a time."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from surrogate_bench.losses.base import Scores

Rows = Float[Tensor, "*problems rows"]
Block = Callable[[Tensor, slice], tuple[Tensor, ...]]
# Pairs that may be in memory at once.
BLOCK_PAIRS = 1 << 22


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
