"""Sorting by score, which is most of the cost of whatever is about ranks: by NumPy and, of many, as integers."""

import contextlib
import sys

import numpy as np
import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor

# From so many scores of all problems together NumPy sorts faster than torch, from so many in a row integers faster.
NUMPY_FROM, PAIRS_FROM = 256, 4096
# From here on torch picks faster by rows than by gathering.
ROWS_FROM = 1 << 15
# Halves of an integer of 64 bits.
HIGH, LOW = (1, 0) if sys.byteorder == "little" else (0, 1)


def descending(scores: Float[Tensor, "*problems n"]) -> Int64[Tensor, "*problems n"]:
    """The order [..., N] of descending scores, on a CPU by what sorts fastest there."""
    return ordered(scores)[1]


def ordered(scores: Float[Tensor, "*problems n"]) -> tuple[Float[Tensor, "*problems n"], Int64[Tensor, "*problems n"]]:
    """Descending scores [..., N], without a gradient, and their order."""
    scores = scores.detach()
    if scores.is_cpu and scores.numel() >= NUMPY_FROM and not torch.compiler.is_compiling():
        with contextlib.suppress(RuntimeError):  # under a transform of torch.func, which NumPy cannot see through
            if scores.dtype == torch.float32 and scores.shape[-1] >= PAIRS_FROM:
                values, places = _sorted_pairs(scores, np.arange(scores.shape[-1], dtype=np.int32))
                return values, torch.from_numpy(places.astype(np.int64))
            order = torch.from_numpy((-scores).numpy().argsort(-1))
            return scores.gather(-1, order), order
    values, order = scores.sort(-1, descending=True)
    return values, order


def taken(values: Shaped[Tensor, "*problems n"], order: Int64[Tensor, "*problems n"]) -> Shaped[Tensor, "*problems n"]:
    """`values.gather(-1, order)`, which takes several times as long for many on the CPU."""
    if values.device.type != "cpu" or order.shape[-1] < ROWS_FROM:
        return values.gather(-1, order)
    rows = zip(values.reshape(-1, values.shape[-1]), order.reshape(-1, order.shape[-1]), strict=True)
    found = [row.index_select(0, at) for row, at in rows]
    return torch.stack(found).view(order.shape) if len(found) != 1 else found[0].view(order.shape)


def sorted_together(scores: Float[Tensor, "k n"], targets: Shaped[Tensor, "k n"]) -> tuple[Tensor, Tensor]:
    """Finite scores [K, N], descending, and the targets in that order."""
    finite = torch.finfo(scores.dtype)
    scores = scores.clamp(finite.min, finite.max)
    if scores.dtype == torch.float32 and scores.device.type == "cpu":
        values, labels = _sorted_pairs(scores, targets.to(torch.uint8).numpy())
        return values, torch.from_numpy(labels.astype(np.uint8))
    values, order = scores.sort(-1, descending=True)
    # As bytes all of the targets are in the cache while they are picked here and there.
    return values, taken(targets.to(torch.uint8), order)


def _sorted_pairs(scores: Tensor, beside: np.ndarray) -> tuple[Tensor, np.ndarray]:
    """Descending scores [..., N] of 32 bits, and what stands beside them [..., N] in that order.

    Both are one integer of 64 bits, of which the score is the upper half: NumPy sorts those by vector instructions.
    """
    pairs = np.empty((*scores.shape, 2), np.int32)
    pairs[..., HIGH] = _folded((-scores).numpy().view(np.int32))
    pairs[..., LOW] = beside
    pairs.view(np.int64)[..., 0].sort(-1)
    return torch.from_numpy(_folded(pairs[..., HIGH]).view(np.float32)).neg_(), pairs[..., LOW]


def _folded(bits: np.ndarray) -> np.ndarray:
    """A float's bits as an integer of the same order, and back again."""
    signs = bits >> 31
    signs &= 0x7FFFFFFF
    signs ^= bits
    return signs
