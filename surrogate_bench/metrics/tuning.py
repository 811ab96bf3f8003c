"""The best threshold for a metric, found while the curve goes by."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid

from surrogate_bench.counts import Counts
from surrogate_bench.metrics.curve import Curve
from surrogate_bench.metrics.names import names, split_level
from surrogate_bench.metrics.operating_point import Value, chosen_by
from surrogate_bench.metrics.threshold import formula, ratio
from surrogate_bench.system.rounding import logaddexp


class BestThreshold:
    """The threshold [K] on the score with the best value of a metric, one on counts or an operating point.

    It is between two scores, where the middle of their probabilities is: exact also where both round to 1.
    """

    def __init__(self, metric: str, like: Float[Tensor, " k"]) -> None:
        self._value = chosen_by(metric) if split_level(metric)[0] in names("operating_point") else _on_counts(metric)
        # To predict nothing positive is a choice as well; its value is 0 / 0, or that of the negatives alone.
        self.value: Tensor | None = None
        self.cut = self.tp = self.above = self.under = torch.zeros_like(like)

    def see(self, block: Curve) -> None:
        """Takes the best cut of a stretch; only one between two different scores can be made."""
        positives, first = block.positives.to(block.tp.dtype), block.predicted[0] - 1
        if self.value is None:
            nothing = torch.zeros_like(positives)
            self.value = self._value(nothing, nothing, positives, block.examples)
            self.above = self.under = block.scores[:, 0].double()
        # A metric grows with the true positives and falls with the false ones: no cut here is better than the last
        # one's true positives and none of the stretch's false ones.
        start = block.tp[:, 0] - block.targets[:, 0]
        # A GPU would have to be waited for; there the whole curve is one stretch.
        looks = block.tp.device.type == "cpu"
        bound = self._value(block.tp[:, -1], first + block.tp[:, -1] - start, positives, block.examples)
        if looks and not (bound > self.value).any():
            return
        value = self._value(block.tp, block.predicted, positives[:, None], block.examples)
        if looks and not (value.amax(-1) > self.value).any():
            return
        below = torch.cat((block.scores[:, 1:], block.next_score), 1)
        value, at = torch.where(block.scores > below, value, -torch.inf).max(-1)
        better = value > self.value
        self.value = torch.where(better, value, self.value)
        cut = at[:, None]
        predicted = block.predicted[at]
        found = (
            predicted,
            block.tp.gather(-1, cut)[:, 0],
            block.scores.gather(-1, cut)[:, 0],
            torch.where(predicted == block.examples, -torch.inf, below.gather(-1, cut)[:, 0]),
        )
        kept = (self.cut, self.tp, self.above, self.under)
        self.cut, self.tp, self.above, self.under = (
            torch.where(better, new.double(), old) for new, old in zip(found, kept, strict=True)
        )

    def threshold(self) -> Float[Tensor, " k"]:
        """A threshold between the best cut's last score and the next; a score above it is predicted positive."""
        scores = torch.stack((self.above, self.under))
        positive, negative = (logsigmoid(sign * scores) for sign in (1, -1))
        middle = logaddexp(*positive) - logaddexp(*negative)
        # Two neighbours have nothing between them that rounding could not miss.
        lower = torch.maximum(self.under, self.above.nextafter(torch.full_like(self.above, -torch.inf)))
        return torch.where((self.under <= middle) & (middle < self.above), middle, lower)


def _on_counts(metric: str) -> Value:
    fraction = formula(metric)
    return lambda tp, predicted, positives, examples: ratio(
        fraction(Counts.from_totals(tp, predicted, positives, examples))
    )
