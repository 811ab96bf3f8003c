"""One sort of the scores, from which every metric is read off, in blocks that stay in the processor's cache."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from surrogate_bench.metrics.sorting import sorted_together
from surrogate_bench.system.rounding import probability

# Cuts of all problems together that are looked at at a time: a temporary of fp64 is then a megabyte.
BLOCK = 1 << 17


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
    def negatives(self) -> Float[Tensor, " k"]:
        """Of the whole curve, in fp64."""
        return torch.rsub(self.positives, self.examples).double()

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
    def probabilities(self) -> Float[Tensor, "k n"]:
        """σ(scores), in fp64."""
        return probability(self.scores.double())

    @cached_property
    def labels(self) -> Float[Tensor, "k n"]:
        """The targets in fp64."""
        return self.targets.double()

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
        cumulative = [self.tp, self.predicted.expand_as(self.tp)]
        # A GPU would have to be waited for.
        if tied := self.tp.device.type != "cpu" or bool(self.ends.amin() == 0):
            cumulative = [counts * self.ends for counts in cumulative]
        since = [torch.cat((old[:, None], counts), 1) for old, counts in zip(self.before, cumulative, strict=True)]
        return [counts.cummax(-1).values for counts in since] if tied else since


def curve(logits: Float[Tensor, "k n"], targets: Shaped[Tensor, "k n"]) -> Iterator[Curve]:
    """Sorts once, and yields the curve in stretches, from the highest score to the lowest."""
    n = logits.shape[-1]
    # fp32 counts exactly up to 2^24, and is four times faster than fp64.
    exact = torch.float32 if n < 1 << 24 else torch.float64
    size = BLOCK if logits.device.type == "cpu" else n
    scores, labels = sorted_together(logits, targets)
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


@functools.lru_cache(maxsize=4)
def _counting(size: int, dtype: torch.dtype, device: torch.device) -> Float[Tensor, " n"]:
    return torch.arange(1, size + 1, dtype=dtype, device=device)
