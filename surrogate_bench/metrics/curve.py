"""One sort of the scores, from which every metric is read off, in blocks that stay in the processor's cache."""

import functools
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor

# From here on torch has a radix sort on the CPU for integers in one dimension, ascending; it is about 7 times faster.
RADIX_FROM = 1 << 15
# Scores of all problems together: a temporary of fp64 is then half a megabyte.
BLOCK = 1 << 16
# Halves of an integer of 64 bits.
HIGH, LOW = (1, 0) if sys.byteorder == "little" else (0, 1)


@dataclass(frozen=True)
class Curve:
    """Cumulative counts over descending scores, or a stretch of them: cut i predicts all scores down to i positive.

    scores, targets: sorted, [K, N]; tp, predicted: true positives [K, N] and number predicted [N] at each cut;
    next_score: what comes after these scores, [K, 1], and at the very end something below them; positives, examples:
    of the whole curve; before: true positives and number predicted at the last end of a tie before this stretch,
    2 x [K].
    """

    scores: Float[Tensor, "k n"]
    targets: Float[Tensor, "k n"]
    tp: Float[Tensor, "k n"]
    predicted: Float[Tensor, " n"]
    next_score: Float[Tensor, "k 1"]
    positives: Float[Tensor, " k"]
    examples: int
    before: tuple[Float[Tensor, " k"], Float[Tensor, " k"]]

    @cached_property
    def ends(self) -> Float[Tensor, "k n"] | None:
        """1 at the cuts between different scores, 0 within a tie, which no threshold can cut; None where all are 1."""
        # Arithmetic is faster than comparisons and choices.
        ends = (self.scores - torch.cat((self.scores[:, 1:], self.next_score), 1)).sign_().to(self.tp.dtype)
        return None if bool(ends.amin() == 1) else ends

    @cached_property
    def at_previous(self) -> tuple[Float[Tensor, "k n"], Float[Tensor, "k n"]]:
        """True positives and number predicted at the last cut before each one that ends a tie."""
        tp, predicted = (ends[:, :-1] for ends in self._last_ends)
        return tp, predicted

    def over_ends(self, values: Float[Tensor, "k n"]) -> Float[Tensor, "k 1"]:
        """The sum over the cuts that a threshold can make."""
        kept = values if self.ends is None else values * self.ends
        return kept.sum(-1, keepdim=True, dtype=torch.float64)

    @cached_property
    def after(self) -> tuple[Float[Tensor, " k"], Float[Tensor, " k"]]:
        """`before` of the stretch that follows."""
        tp, predicted = (ends[:, -1] for ends in self._last_ends)
        return tp, predicted

    @cached_property
    def _last_ends(self) -> tuple[Tensor, Tensor]:
        """True positives and number predicted at the last end of a tie before each cut and after all, [K, N + 1]."""
        found = []
        for cumulative, old in zip((self.tp, self.predicted.expand_as(self.tp)), self.before, strict=True):
            if self.ends is None:
                found.append(torch.cat((old[:, None], cumulative), 1))
            else:
                found.append(torch.cat((old[:, None], cumulative * self.ends), 1).cummax(-1).values)
        return found[0], found[1]


def curve(logits: Float[Tensor, "k n"], targets: Shaped[Tensor, "k n"]) -> Iterator[Curve]:
    """Sorts once, and yields the curve in stretches, from the highest score to the lowest."""
    problems, n = logits.shape
    # fp32 counts exactly up to 2^24, and is four times faster than fp64.
    exact = torch.float32 if n < 1 << 24 else torch.float64
    size = max(1, BLOCK // problems) if logits.device.type == "cpu" else n
    positives = targets.sum(-1, dtype=exact)
    tp = torch.zeros_like(positives)
    before = (tp, tp)
    stretches = _sorted_together(logits, targets, size)
    ahead = next(stretches)
    for start in range(0, n, size):
        scores, labels = ahead
        if start + size < n:
            ahead = next(stretches)
            below = ahead[0][:, :1]
        else:
            last = scores[:, -1:]
            below = torch.nextafter(last, torch.full_like(last, -torch.inf))
        labels = labels.to(exact)
        counts = labels.cumsum(-1).add_(tp[:, None])
        predicted = _counting(labels.shape[1], exact, labels.device) + start
        yield (stretch := Curve(scores, labels, counts, predicted, below, positives, n, before))
        tp, before = counts[:, -1], stretch.after


def descending(scores: Float[Tensor, "*problems n"]) -> Int64[Tensor, "*problems n"]:
    """The order [..., N] of descending scores, by an integer key with the same order where that sorts faster."""
    if scores.dtype != torch.float32 or scores.device.type != "cpu" or scores.shape[-1] < RADIX_FROM:
        return scores.argsort(-1, descending=True)
    key = _folded((-scores).view(torch.int32))
    rows = [row.sort().indices for row in key.view(math.prod(key.shape[:-1]), key.shape[-1])]
    return torch.stack(rows).view(key.shape) if len(rows) != 1 else rows[0].view(key.shape)


def _sorted_together(scores: Tensor, targets: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Finite scores [K, N], descending, and the targets in that order, `size` at a time."""
    finite = torch.finfo(scores.dtype)
    if scores.dtype != torch.float32 or scores.device.type != "cpu":
        values, order = scores.clamp(finite.min, finite.max).sort(-1, descending=True)
        yield from zip(values.split(size, 1), targets.gather(-1, order).split(size, 1), strict=True)
        return
    # One integer of 64 bits for both, of which the score is the upper half: NumPy sorts those fastest, and no order
    # has to be followed through memory.
    pairs = torch.empty((*scores.shape, 2), dtype=torch.int32)
    stretches = pairs.split(size, 1)
    for pair, some, labels in zip(stretches, scores.split(size, 1), targets.split(size, 1), strict=True):
        pair[..., HIGH] = _folded(some.clamp(finite.min, finite.max).neg_().view(torch.int32))
        pair[..., LOW] = labels
    pairs.view(torch.int64).numpy()[..., 0].sort(-1)
    for pair in stretches:
        yield _folded(pair[..., HIGH].clone()).view(torch.float32).neg_(), pair[..., LOW]


def _folded(bits: Tensor) -> Tensor:
    """A float's bits as an integer of the same order, in place, and back again."""
    return bits.bitwise_xor_((bits >> 31).bitwise_and_(0x7FFFFFFF))


@functools.lru_cache(maxsize=4)
def _counting(size: int, dtype: torch.dtype, device: torch.device) -> Float[Tensor, " n"]:
    return torch.arange(1, size + 1, dtype=dtype, device=device)
