"""The best threshold for a metric, found while the curve goes by."""

import torch
from jaxtyping import Float
from torch import Tensor

from surrogate_bench.counts import Counts
from surrogate_bench.metrics.curve import Curve
from surrogate_bench.metrics.threshold import Formula, ratio
from surrogate_bench.rounding import probability


class BestThreshold:
    """The threshold [K] on the probability with the best value of a metric; between two scores the middle."""

    def __init__(self, metric: Formula, like: Float[Tensor, " k"]) -> None:
        self.metric = metric
        # To predict nothing positive is a choice as well; its value is 0 / 0, or that of the negatives alone.
        self.value: Tensor | None = None
        self.cut = self.tp = torch.zeros_like(like)
        self.above = self.under = torch.ones_like(like)

    def see(self, block: Curve, p: Float[Tensor, "k n"]) -> None:
        """Takes the best cut of a stretch; only one between two different probabilities can be made."""
        positives, first = block.positives.to(block.tp.dtype), block.predicted[0] - 1
        if self.value is None:
            nothing = torch.zeros_like(positives)
            self.value = self._value(nothing, nothing, positives, block.examples)
            self.above = self.under = p[:, 0]
        # A metric grows with the true positives and falls with the false ones: no cut here is better than the last
        # one's true positives and none of the stretch's false ones.
        start = block.tp[:, 0] - block.targets[:, 0]
        bound = self._value(block.tp[:, -1], first + block.tp[:, -1] - start, positives, block.examples)
        if not (bound > self.value).any():
            return
        value = self._value(block.tp, block.predicted, positives[:, None], block.examples)
        if not (value.amax(-1) > self.value).any():
            return
        below = torch.cat((p[:, 1:], probability(block.next_score.double())), 1)
        if block.predicted[-1] == block.examples:
            below[:, -1] = 0
        value, at = torch.where(p > below, value, -torch.inf).max(-1)
        better = value > self.value
        self.value = torch.where(better, value, self.value)
        cut = at[:, None]
        found = (
            block.predicted[at],
            block.tp.gather(-1, cut)[:, 0],
            p.gather(-1, cut)[:, 0],
            below.gather(-1, cut)[:, 0],
        )
        kept = (self.cut, self.tp, self.above, self.under)
        self.cut, self.tp, self.above, self.under = (
            torch.where(better, new.double(), old) for new, old in zip(found, kept, strict=True)
        )

    def threshold(self) -> Float[Tensor, " k"]:
        """What lies between the best cut's last score and the next."""
        middle = (self.above + self.under) / 2
        return torch.where(middle < self.above, middle, self.under)

    def _value(self, tp: Tensor, predicted: Tensor, positives: Tensor, examples: int) -> Tensor:
        return ratio(self.metric(Counts.from_totals(tp, predicted, positives, examples)))
