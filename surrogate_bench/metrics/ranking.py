"""Metrics of the order of the scores; ties count half (AUROC) or as one step (average precision).

Each returns what a block of the curve adds to the numerator [K, 1], and the denominator [K].
"""

from jaxtyping import Float
from torch import Tensor

from surrogate_bench.metrics.curve import Curve
from surrogate_bench.registry import register

Parts = tuple[Float[Tensor, "k 1"], Float[Tensor, " k"]]


@register(
    "metric",
    "auroc",
    group="ranking",
    formula="P(score of a positive > score of a negative) + P(equal) / 2",
    reference="Hanley, McNeil, The Meaning and Use of the Area under a ROC Curve, Radiology 143, 1982",
)
def auroc(block: Curve) -> Parts:
    """Area under the ROC curve, ties exact; 0 where one class is missing."""
    tp_before, predicted_before = block.at_previous
    negatives = (block.predicted - predicted_before) - (block.tp - tp_before)
    positives = block.positives.double()
    return block.over_ends(negatives * (block.tp + tp_before)), 2 * positives * (block.examples - positives)


@register(
    "metric",
    "average_precision",
    group="ranking",
    formula="Σ (recall_i − recall_{i−1}) · precision_i over distinct scores",
    reference="Boyd, Eng, Page, Area under the Precision-Recall Curve: "
    "Point Estimates and Confidence Intervals, ECML 2013",
)
def average_precision(block: Curve) -> Parts:
    """Area under the precision-recall curve as a step function, ties as one step; 0 without positives."""
    tp_before, _ = block.at_previous
    return block.over_ends((block.tp - tp_before) * (block.tp / block.predicted)), block.positives.double()
