"""Sorting by score, which is most of the cost of whatever is about ranks: by integers, and in few passes."""

import contextlib
import sys

import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor

# From here on torch has a radix sort on the CPU for integers in one dimension, ascending; it is about 7 times faster.
RADIX_FROM = 1 << 15
# Below so many scores of all problems together torch sorts as fast as NumPy, which is 2 to 6 times faster for more.
NUMPY_FROM = 256
# Scores of all problems together: a temporary of fp64 is then a megabyte.
BLOCK = 1 << 17
# Halves of an integer of 64 bits.
HIGH, LOW = (1, 0) if sys.byteorder == "little" else (0, 1)


def descending(scores: Float[Tensor, "*problems n"]) -> Int64[Tensor, "*problems n"]:
    """The order [..., N] of descending scores, on a CPU by what sorts fastest there: an integer key, or NumPy."""
    if _sorts_by_key(scores):
        return _by_key(scores)[1]
    if scores.device.type == "cpu" and scores.numel() >= NUMPY_FROM and not torch.compiler.is_compiling():
        with contextlib.suppress(RuntimeError):  # under a transform of torch.func, which NumPy cannot see through
            return torch.from_numpy((-scores.detach()).numpy().argsort(-1))
    return scores.argsort(-1, descending=True)


def ordered(scores: Float[Tensor, "*problems n"]) -> tuple[Float[Tensor, "*problems n"], Int64[Tensor, "*problems n"]]:
    """Descending scores [..., N], and their order."""
    if scores.numel() < NUMPY_FROM:
        values, order = scores.sort(-1, descending=True)
        return values, order
    order = descending(scores)
    return taken(scores, order), order


def taken(values: Shaped[Tensor, "*problems n"], order: Int64[Tensor, "*problems n"]) -> Shaped[Tensor, "*problems n"]:
    """`values.gather(-1, order)`, which takes several times as long for many on the CPU."""
    if values.device.type != "cpu" or order.shape[-1] < RADIX_FROM:
        return values.gather(-1, order)
    rows = zip(values.reshape(-1, values.shape[-1]), order.reshape(-1, order.shape[-1]), strict=True)
    found = [row.index_select(0, at) for row, at in rows]
    return torch.stack(found).view(order.shape) if len(found) != 1 else found[0].view(order.shape)


def sorted_together(scores: Float[Tensor, "k n"], targets: Shaped[Tensor, "k n"]) -> tuple[Tensor, Tensor]:
    """Finite scores [K, N], descending, and the targets in that order."""
    finite = torch.finfo(scores.dtype)
    if _sorts_by_key(scores):
        keys, order = _by_key(scores)
        values = _folded(keys).view(torch.float32).neg_()
    elif scores.dtype == torch.float32 and scores.device.type == "cpu":
        # One integer of 64 bits for both, of which the score is the upper half: NumPy sorts few of those fastest.
        pairs = torch.empty((*scores.shape, 2), dtype=torch.int32)
        pairs[..., HIGH] = _folded(scores.clamp(finite.min, finite.max).neg_().view(torch.int32))
        pairs[..., LOW] = targets
        pairs.view(torch.int64).numpy()[..., 0].sort(-1)
        return _folded(pairs[..., HIGH].clone()).view(torch.float32).neg_(), pairs[..., LOW].to(torch.uint8)
    else:
        values, order = scores.sort(-1, descending=True)
    # As bytes all of the targets are in the cache while they are picked here and there.
    return values.clamp_(finite.min, finite.max), taken(targets.to(torch.uint8), order)


def _sorts_by_key(scores: Tensor) -> bool:
    return scores.dtype == torch.float32 and scores.device.type == "cpu" and scores.shape[-1] >= RADIX_FROM


def _by_key(scores: Float[Tensor, "*problems n"]) -> list[Shaped[Tensor, "*problems n"]]:
    """Integers with the order of descending scores, sorted, and that order."""
    keys = _folded((-scores).view(torch.int32))
    rows = [row.sort() for row in keys.reshape(-1, keys.shape[-1])]
    found = zip(*rows, strict=True)
    return [(torch.stack(own) if len(own) != 1 else own[0]).view(keys.shape) for own in found]


def _folded(bits: Tensor) -> Tensor:
    """A float's bits as an integer of the same order, in place, and back again."""
    for some in bits.split(BLOCK, -1):
        some.bitwise_xor_((some >> 31).bitwise_and_(0x7FFFFFFF))
    return bits
