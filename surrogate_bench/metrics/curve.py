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
# Scores of all problems together: a temporary of fp64 is then a megabyte.
BLOCK = 1 << 17
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
    def ends(self) -> Float[Tensor, "k n"]:
        """1 at the cuts between different scores, 0 within a tie, which no threshold can cut."""
        # Here and below arithmetic in place of comparisons and choices, which are slower.
        return (self.scores - torch.cat((self.scores[:, 1:], self.next_score), 1)).sign_().to(self.tp.dtype)

    @cached_property
    def fp(self) -> Float[Tensor, "k n"]:
        """False positives at each cut."""
        return self.predicted - self.tp

    @cached_property
    def precision(self) -> Float[Tensor, "k n"]:
        """True positives of those predicted at each cut."""
        return self.tp / self.predicted

    @cached_property
    def at_previous(self) -> tuple[Float[Tensor, "k n"], Float[Tensor, "k n"]]:
        """True positives and number predicted at the last cut before each one that ends a tie."""
        tp, predicted = (ends[:, :-1] for ends in self._last_ends)
        return tp, predicted

    @cached_property
    def steps(self) -> tuple[Float[Tensor, "k n"], Float[Tensor, "k n"]]:
        """True and false positives that come with each cut that ends a tie, and 0 at the others."""
        tp, predicted = self.at_previous
        rise = self.tp - tp
        return rise * self.ends, (self.predicted - predicted).sub_(rise).mul_(self.ends)

    @cached_property
    def areas(self) -> Float[Tensor, "k 1"]:
        """Twice the area under this stretch of the ROC curve, in pairs of a positive and a negative."""
        return (self.steps[1] * (self.tp + self.at_previous[0])).sum(-1, keepdim=True, dtype=torch.float64)

    @cached_property
    def after(self) -> tuple[Float[Tensor, " k"], Float[Tensor, " k"]]:
        """`before` of the stretch that follows."""
        tp, predicted = (ends[:, -1] for ends in self._last_ends)
        return tp, predicted

    @cached_property
    def _last_ends(self) -> list[Float[Tensor, "k m"]]:
        """True positives and number predicted at the last end of a tie before each cut and after all."""
        return [
            torch.cat((old[:, None], cumulative * self.ends), 1).cummax(-1).values
            for cumulative, old in zip((self.tp, self.predicted), self.before, strict=True)
        ]


def curve(logits: Float[Tensor, "k n"], targets: Shaped[Tensor, "k n"]) -> Iterator[Curve]:
    """Sorts once, and yields the curve in stretches, from the highest score to the lowest."""
    problems, n = logits.shape
    # fp32 counts exactly up to 2^24, and is four times faster than fp64.
    exact = torch.float32 if n < 1 << 24 else torch.float64
    size = max(1, BLOCK // problems) if logits.device.type == "cpu" else n
    scores, labels = _sorted_together(logits, targets)
    lowest = torch.nextafter(scores[:, -1:], torch.full_like(scores[:, -1:], -torch.inf))
    positives = labels.sum(-1, dtype=exact)
    tp = torch.zeros_like(positives)
    before = (tp, tp)
    for start in range(0, n, size):
        end = min(start + size, n)
        some = labels[:, start:end]
        counts = some.cumsum(-1, dtype=torch.int32).to(exact).add_(tp[:, None])
        predicted = _counting(end - start, exact, labels.device) + start
        below = scores[:, end : end + 1] if end < n else lowest
        stretch = Curve(scores[:, start:end], some.to(exact), counts, predicted, below, positives, n, before)
        yield stretch
        tp, before = counts[:, -1], stretch.after


def descending(scores: Float[Tensor, "*problems n"]) -> Int64[Tensor, "*problems n"]:
    """The order [..., N] of descending scores, by an integer key with the same order where that sorts faster."""
    if scores.dtype != torch.float32 or scores.device.type != "cpu" or scores.shape[-1] < RADIX_FROM:
        return scores.argsort(-1, descending=True)
    key = _folded((-scores).view(torch.int32))
    rows = [row.sort().indices for row in key.view(math.prod(key.shape[:-1]), key.shape[-1])]
    return torch.stack(rows).view(key.shape) if len(rows) != 1 else rows[0].view(key.shape)


def taken(values: Shaped[Tensor, "*problems n"], order: Int64[Tensor, "*problems n"]) -> Shaped[Tensor, "*problems n"]:
    """`values.gather(-1, order)`, which takes several times as long for many on the CPU."""
    if values.device.type != "cpu" or order.shape[-1] < RADIX_FROM:
        return values.gather(-1, order)
    rows = zip(values.reshape(-1, values.shape[-1]), order.reshape(-1, order.shape[-1]), strict=True)
    found = [row.index_select(0, at) for row, at in rows]
    return torch.stack(found).view(order.shape) if len(found) != 1 else found[0].view(order.shape)


def _sorted_together(scores: Float[Tensor, "k n"], targets: Shaped[Tensor, "k n"]) -> tuple[Tensor, Tensor]:
    """Finite scores [K, N], descending, and the targets in that order."""
    finite = torch.finfo(scores.dtype)
    scores = scores.clamp(finite.min, finite.max)
    if scores.dtype == torch.float32 and scores.device.type == "cpu" and scores.shape[-1] < RADIX_FROM:
        # One integer of 64 bits for both, of which the score is the upper half: NumPy sorts few of those fastest.
        pairs = torch.empty((*scores.shape, 2), dtype=torch.int32)
        pairs[..., HIGH] = _folded(scores.neg_().view(torch.int32))
        pairs[..., LOW] = targets
        pairs.view(torch.int64).numpy()[..., 0].sort(-1)
        return _folded(pairs[..., HIGH].clone()).view(torch.float32).neg_(), pairs[..., LOW]
    order = descending(scores)
    return taken(scores, order), taken(targets, order)


def _folded(bits: Tensor) -> Tensor:
    """A float's bits as an integer of the same order, in place, and back again."""
    return bits.bitwise_xor_((bits >> 31).bitwise_and_(0x7FFFFFFF))


@functools.lru_cache(maxsize=4)
def _counting(size: int, dtype: torch.dtype, device: torch.device) -> Float[Tensor, " n"]:
    return torch.arange(1, size + 1, dtype=dtype, device=device)
