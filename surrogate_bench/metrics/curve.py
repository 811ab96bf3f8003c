"""One sort of the scores, from which every metric is read off, in blocks that stay in the processor's cache."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

# From here on torch has a radix sort on the CPU for integers in one dimension, ascending; it is about 7 times faster.
RADIX_FROM = 1 << 15
# Scores of all problems together: a temporary of fp64 is then half a megabyte.
BLOCK = 1 << 16


@dataclass(frozen=True)
class Curve:
    """Cumulative counts over descending scores: cut i predicts the i + 1 highest scores positive.

    scores, targets: sorted, [K, N]; tp, predicted: true positives [K, N] and number predicted [N] at each cut; end:
    whether the cut falls between different scores, [K, N] (no threshold can cut a tie). A block of a curve is a curve:
    `start` cuts come before it, and `before` holds tp and predicted at the last of them that ends a tie, 2 x [K].
    """

    scores: Float[Tensor, "k n"]
    targets: Float[Tensor, "k n"]
    tp: Float[Tensor, "k n"]
    predicted: Float[Tensor, " n"]
    end: Bool[Tensor, "k n"]
    positives: Float[Tensor, " k"]
    examples: int
    start: int
    before: tuple[Float[Tensor, " k"], Float[Tensor, " k"]]

    @cached_property
    def ends(self) -> Float[Tensor, "k n"] | None:
        """`end` as a factor, which is faster than a choice; None where no two scores are equal."""
        return None if bool(self.end.all()) else self.end.to(self.tp.dtype)

    @cached_property
    def at_previous(self) -> tuple[Float[Tensor, "k n"], Float[Tensor, "k n"]]:
        """True positives and number predicted at the last cut before each one that ends a tie."""
        shifted = (
            torch.cat((old[:, None], own[:, :-1]), 1) for old, own in zip(self.before, self._last_ends, strict=True)
        )
        tp, predicted = shifted
        return tp, predicted

    def over_ends(self, values: Float[Tensor, "k n"]) -> Float[Tensor, "k 1"]:
        """The sum over the cuts that a threshold can make."""
        kept = values if self.ends is None else values * self.ends
        return kept.sum(-1, keepdim=True, dtype=torch.float64)

    def blocks(self) -> Iterator["Curve"]:
        """The curve in pieces."""
        size = max(1, BLOCK // len(self.tp)) if self.tp.device.type == "cpu" else self.examples
        if size >= self.examples:
            yield self
            return
        before, first = self.before, self.predicted[:size]
        for start in range(0, self.examples, size):
            scores, targets, tp, end = (
                whole[:, start : start + size] for whole in (self.scores, self.targets, self.tp, self.end)
            )
            predicted = first[: tp.shape[1]] + start
            yield (block := Curve(scores, targets, tp, predicted, end, self.positives, self.examples, start, before))
            before = (block._last_ends[0][:, -1], block._last_ends[1][:, -1])

    @cached_property
    def _last_ends(self) -> tuple[Float[Tensor, "k n"], Float[Tensor, "k n"]]:
        """True positives and number predicted at the last end of a tie up to each cut."""
        predicted = self.predicted.expand_as(self.tp)
        if self.ends is None:
            return self.tp, predicted
        tp, number = ((cumulative * self.ends).cummax(-1).values for cumulative in (self.tp, predicted))
        return tp.maximum(self.before[0][:, None]), number.maximum(self.before[1][:, None])


def curve(logits: Float[Tensor, "k n"], targets: Float[Tensor, "k n"]) -> Curve:
    """Sorts once, scores descending, and counts the true positives at every cut."""
    order = descending(logits)
    scores, sorted_targets = logits.gather(-1, order), targets.gather(-1, order)
    # fp32 counts exactly up to 2^24, and is four times faster than fp64.
    exact = torch.float32 if logits.shape[-1] < 1 << 24 else torch.float64
    tp = sorted_targets.cumsum(-1, dtype=exact)
    end = torch.ones_like(scores, dtype=torch.bool)
    torch.ne(scores[:, 1:], scores[:, :-1], out=end[:, :-1])
    zero = torch.zeros_like(tp[:, 0])
    predicted = torch.arange(1, tp.shape[-1] + 1, dtype=exact, device=tp.device)
    return Curve(scores, sorted_targets, tp, predicted, end, tp[:, -1], logits.shape[-1], 0, (zero, zero))


def descending(scores: Float[Tensor, "*problems n"]) -> Int64[Tensor, "*problems n"]:
    """The order [..., N] of descending scores, by an integer key with the same order where that sorts faster."""
    if scores.dtype != torch.float32 or scores.device.type != "cpu" or scores.shape[-1] < RADIX_FROM:
        return scores.argsort(-1, descending=True)
    key = (-scores).view(torch.int32)
    key.bitwise_xor_((key >> 31).bitwise_and_(0x7FFFFFFF))
    rows = [row.sort().indices for row in key.view(math.prod(key.shape[:-1]), key.shape[-1])]
    return torch.stack(rows).view(key.shape) if len(rows) != 1 else rows[0].view(key.shape)
