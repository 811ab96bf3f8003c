"""All pairs of a batch, some rows at a time."""

from collections.abc import Callable

import torch
from torch.utils.checkpoint import checkpoint

from surrogate_bench.losses.base import Scores, Targets, Value

# Pairs that may be in memory at once.
BLOCK_PAIRS = 1 << 22


def over_rows(block: Callable[[Scores, Targets, slice], Value], logits: Scores, targets: Targets) -> Value:
    """The sum [...] of block(logits, targets, rows) over all rows of pairs.

    Blocks of rows are computed again for the gradient, so that memory stays bounded.
    """
    n = logits.shape[-1]
    rows = max(1, BLOCK_PAIRS // max(1, n * logits[..., 0].numel()))
    if rows >= n:
        return block(logits, targets, slice(None))
    total = torch.zeros_like(logits[..., 0])
    for start in range(0, n, rows):
        at = slice(start, start + rows)
        total = total + (
            checkpoint(block, logits, targets, at, use_reentrant=False, preserve_rng_state=False)
            if logits.requires_grad
            else block(logits, targets, at)
        )
    return total
