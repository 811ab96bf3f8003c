"""Metrics of an operating point: the best cut of the curve that keeps a promise.

Each returns the best numerator of a block of the curve [K, 1], and the denominator [K].
"""

import torch
from jaxtyping import Float
from torch import Tensor

from surrogate_bench.metrics.curve import Curve
from surrogate_bench.registry import register

Parts = tuple[Float[Tensor, "k 1"], Float[Tensor, " k"]]
LEAST_PRECISION, LEAST_RECALL, MOST_FPR = 0.9, 0.9, 0.05


@register(
    "metric",
    "recall_at_precision",
    group="operating_point",
    formula="max recall over thresholds with precision ≥ 0.9",
    reference="Eban et al., Scalable Learning of Non-Decomposable Objectives, AISTATS 2017, "
    "https://arxiv.org/abs/1608.04802",
)
def recall_at_precision(block: Curve) -> Parts:
    """The highest recall at a precision of at least 0.9; 0 where no threshold has it."""
    return _best(block.tp, block.tp - LEAST_PRECISION * block.predicted, block), block.positives.double()


@register(
    "metric",
    "precision_at_recall",
    group="operating_point",
    formula="max precision over thresholds with recall ≥ 0.9",
    reference="Eban et al., Scalable Learning of Non-Decomposable Objectives, AISTATS 2017, "
    "https://arxiv.org/abs/1608.04802",
)
def precision_at_recall(block: Curve) -> Parts:
    """The highest precision at a recall of at least 0.9; 0 without positives."""
    enough = LEAST_RECALL * block.positives[:, None]
    return _best(block.precision, block.tp - enough, block), (block.positives > 0).double()


@register(
    "metric",
    "tpr_at_fpr",
    group="operating_point",
    formula="max TPR over thresholds with FPR ≤ 0.05",
    reference="Neyman, Pearson, On the Problem of the Most Efficient Tests, Phil. Trans. R. Soc. A 231, 1933, "
    "https://doi.org/10.1098/rsta.1933.0009",
)
def tpr_at_fpr(block: Curve) -> Parts:
    """The highest true positive rate at a false positive rate of at most 0.05; 0 where one class is missing."""
    negatives = block.examples - block.positives
    limit = torch.where(negatives > 0, MOST_FPR * negatives, -1)
    return (
        _best(block.tp, limit[:, None] - block.fp, block),
        block.positives.double() * (negatives > 0),
    )


def _best(values: Float[Tensor, "k n"], margin: Float[Tensor, "k n"], block: Curve) -> Float[Tensor, "k 1"]:
    """The highest value among the cuts that a threshold can make and that keep the promise, margin >= 0; else 0."""
    return margin.ge_(0).mul_(values).mul_(block.ends).amax(-1, keepdim=True).double()
