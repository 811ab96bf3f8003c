"""Metrics of the order of the scores; ties count half (AUROC) or as one step (average precision)."""

import torch
from jaxtyping import Float
from torch import Tensor

from surrogate_bench.metrics.curve import Curve
from surrogate_bench.metrics.threshold import ratio
from surrogate_bench.registry import register

Values = Float[Tensor, " k"]


@register(
    "metric",
    "auroc",
    group="ranking",
    formula="P(score of a positive > score of a negative) + P(equal) / 2",
    reference="Hanley, McNeil, The Meaning and Use of the Area under a ROC Curve, Radiology 143, 1982",
)
def auroc(curve: Curve) -> Values:
    """Area under the ROC curve [K], ties exact; 0 where one class is missing."""
    tp_before = curve.previous(curve.tp)
    fp = curve.predicted - curve.tp
    area = torch.where(curve.end, (fp - curve.previous(fp)) * (curve.tp + tp_before), 0).sum(-1, dtype=torch.float64)
    positives = curve.positives.double()
    return ratio((area, 2 * positives * (curve.tp.shape[-1] - positives)))


@register(
    "metric",
    "average_precision",
    group="ranking",
    formula="Σ (recall_i − recall_{i−1}) · precision_i over distinct scores",
    reference="Boyd, Eng, Page, Area under the Precision-Recall Curve: "
    "Point Estimates and Confidence Intervals, ECML 2013",
)
def average_precision(curve: Curve) -> Values:
    """Area [K] under the precision-recall curve as a step function, ties as one step; 0 without positives."""
    steps = torch.where(curve.end, (curve.tp - curve.previous(curve.tp)) * (curve.tp / curve.predicted), 0)
    return ratio((steps.sum(-1, dtype=torch.float64), curve.positives.double()))
