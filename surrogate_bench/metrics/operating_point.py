"""Metrics of an operating point: the best cut of the curve that keeps a promise, its level.

Each returns the best numerator of a block of the curve [K, 1], and the denominator [K]. Beside each stands what its
threshold is chosen by: a value for a number of true positives and of all predicted positives, [...] each, above 1 where
the promise is kept, and growing with the true positives and falling with the false ones.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from surrogate_bench.metrics.curve import Curve
from surrogate_bench.metrics.names import split_level
from surrogate_bench.registry import register

Parts = tuple[Float[Tensor, "k 1"], Float[Tensor, " k"]]
Value = Callable[[Tensor, Tensor, Tensor, int], Tensor]
# Among cuts of equal value the one that keeps more than its promise is better: by less than two shares differ.
TIE = 1e-9
# 0.07 * 100 is above 7: a product of a level and a count is the whole number that it is so near to.
ROUNDING = 1e-12
# Of a share in fp32.
ROUGH = 1e-6


@register(
    "metric",
    "recall_at_precision",
    group="operating_point",
    formula="max recall over thresholds with precision ≥ L; L = 0.9, or as in recall_at_precision@0.95",
    reference="Eban et al., Scalable Learning of Non-Decomposable Objectives, AISTATS 2017, "
    "https://arxiv.org/abs/1608.04802",
)
def recall_at_precision(block: Curve, *, level: float = 0.9) -> Parts:
    """The highest recall at a precision of at least a level; 0 where no threshold has it."""
    denominator = block.positives.double()
    # Most stretches of a long curve are below: the exact look at them is not needed.
    if len(block.predicted) < block.examples and bool((block.precision.amax(-1) < level * (1 - ROUGH)).all()):
        return torch.zeros_like(denominator[:, None]), denominator
    return _best(block.tp, block.tp - _least(level, block.predicted).to(block.tp), block), denominator


def _by_recall(level: float) -> Value:
    """Recall where the precision is reached, then precision; without such a cut the highest precision there is."""

    def value(tp: Tensor, predicted: Tensor, positives: Tensor, _: int) -> Tensor:
        precision, recall = tp / predicted.clamp_min(1), tp / positives.clamp_min(1)
        kept = (tp >= _least(level, predicted)) & (tp > 0)
        return torch.where(kept, 1 + recall + TIE * precision, precision + TIE * recall)

    return value


@register(
    "metric",
    "precision_at_recall",
    group="operating_point",
    formula="max precision over thresholds with recall ≥ L; L = 0.9, or as in precision_at_recall@0.8",
    reference="Eban et al., Scalable Learning of Non-Decomposable Objectives, AISTATS 2017, "
    "https://arxiv.org/abs/1608.04802",
)
def precision_at_recall(block: Curve, *, level: float = 0.9) -> Parts:
    """The highest precision at a recall of at least a level; 0 without positives."""
    least = _least(level, block.positives).to(block.tp)[:, None]
    return _best(block.precision, block.tp - least, block), (block.positives > 0).double()


def _by_precision(level: float) -> Value:
    """Precision where the recall is reached, then recall."""

    def value(tp: Tensor, predicted: Tensor, positives: Tensor, _: int) -> Tensor:
        precision, recall = tp / predicted.clamp_min(1), tp / positives.clamp_min(1)
        kept = (tp >= _least(level, positives)) & (tp > 0)
        return torch.where(kept, 1 + precision + TIE * recall, 0)

    return value


@register(
    "metric",
    "tpr_at_fpr",
    group="operating_point",
    formula="max TPR over thresholds with FPR ≤ L; L = 0.05, or as in tpr_at_fpr@0.01",
    reference="Neyman, Pearson, On the Problem of the Most Efficient Tests, Phil. Trans. R. Soc. A 231, 1933, "
    "https://doi.org/10.1098/rsta.1933.0009",
)
def tpr_at_fpr(block: Curve, *, level: float = 0.05) -> Parts:
    """The highest true positive rate at a false positive rate of at most a level; 0 where one class is missing."""
    both = block.negatives > 0
    denominator = block.positives.double() * both
    limit = torch.where(both, _most(level, block.negatives), -1).to(block.tp)[:, None]
    if len(block.predicted) < block.examples and bool((block.fp[:, :1] > limit).all()):
        return torch.zeros_like(denominator[:, None]), denominator
    return _best(block.tp, limit - block.fp, block), denominator


def _by_tpr(level: float) -> Value:
    """True positive rate where the false positive rate is kept, then the lowest of that."""

    def value(tp: Tensor, predicted: Tensor, positives: Tensor, examples: int) -> Tensor:
        negatives, fp = examples - positives, predicted - tp
        tpr, fpr = tp / positives.clamp_min(1), fp / negatives.clamp_min(1)
        kept = (fp <= _most(level, negatives)) & (negatives > 0)
        return torch.where(kept, 1 + tpr - TIE * fpr, 0)

    return value


CHOSEN_BY = {"recall_at_precision": _by_recall, "precision_at_recall": _by_precision, "tpr_at_fpr": _by_tpr}


def chosen_by(metric: str) -> Value:
    """The values that choose an operating point's threshold, in fp64."""
    name, level = split_level(metric)
    assert level is not None
    value = CHOSEN_BY[name](level)
    return lambda tp, predicted, positives, n: value(tp.double(), predicted.double(), positives.double(), n)


def _least(level: float, total: Tensor) -> Tensor:
    """The smallest whole number that is at least this share of a total."""
    return (total.double() * (level * (1 - ROUNDING))).ceil_()


def _most(level: float, total: Tensor) -> Tensor:
    """The largest whole number that is at most this share of a total."""
    return (total.double() * (level * (1 + ROUNDING))).floor_()


def _best(values: Float[Tensor, "k n"], margin: Float[Tensor, "k n"], block: Curve) -> Float[Tensor, "k 1"]:
    """The highest value among the cuts that a threshold can make and that keep the promise, margin >= 0; else 0."""
    return margin.ge_(0).mul_(values).mul_(block.ends).amax(-1, keepdim=True).double()
