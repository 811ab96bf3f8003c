"""All pairs of a batch, some rows at a time."""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from surrogate_bench.losses.base import Scores

Rows = Float[Tensor, "*problems rows"]
# Pairs that may be in memory at once.
BLOCK_PAIRS = 1 << 22


def by_rows(block: Callable[[Scores, slice], tuple[Tensor, ...]], logits: Scores) -> Iterator[Tensor]:
    """What block(logits, rows) gives for its rows of pairs, [..., rows] each, for all rows: [..., N] each.

    Where that takes more than one block, each is computed again for the gradient, so that memory is linear in N.
    """
    n = logits.shape[-1]
    rows = max(1, BLOCK_PAIRS // max(1, logits.numel()))
    if rows >= n:
        return iter(block(logits, slice(None)))
    parts = []
    for start in range(0, n, rows):
        at = slice(start, start + rows)
        again = logits.requires_grad and torch.is_grad_enabled()
        parts.append(
            checkpoint(block, logits, at, use_reentrant=False, preserve_rng_state=False) if again else block(logits, at)
        )
    return (torch.cat(pieces, -1) for pieces in zip(*parts, strict=True))
