"""Metrics of the order of the scores; ties count half (areas), as one step (average precision), or share (NDCG).

Each returns what a block of the curve adds to the numerator [K, 1], and the denominator [K].
"""

import functools

import torch
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
    reference="Hanley, McNeil, The Meaning and Use of the Area under a ROC Curve, Radiology 143, 1982, "
    "https://doi.org/10.1148/radiology.143.1.7063747",
)
def auroc(block: Curve) -> Parts:
    """Area under the ROC curve, ties exact; 0 where one class is missing."""
    return block.areas, 2 * block.positives.double() * block.negatives


@register(
    "metric",
    "average_precision",
    group="ranking",
    formula="Σ (recall_i − recall_{i−1}) · precision_i over distinct scores",
    reference="Boyd, Eng, Page, Area under the Precision-Recall Curve: Point Estimates and Confidence "
    "Intervals, ECML 2013, https://doi.org/10.1007/978-3-642-40994-3_29",
)
def average_precision(block: Curve) -> Parts:
    """Area under the precision-recall curve as a step function, ties as one step; 0 without positives."""
    rise, _ = block.steps
    return (rise * block.precision).sum(-1, keepdim=True, dtype=torch.float64), block.positives.double()


@register(
    "metric",
    "partial_auroc",
    group="ranking",
    formula="(1 + (A − c²/2) / (c − c²/2)) / 2, A = area under the ROC curve up to FPR c; c = 0.3, or as in "
    "partial_auroc@0.1",
    reference="McClish, Analyzing a Portion of the ROC Curve, Medical Decision Making 9, 1989, "
    "https://doi.org/10.1177/0272989X8900900307",
)
def partial_auroc(block: Curve, *, level: float = 0.3) -> Parts:
    """Area under the ROC curve up to a false positive rate, so scaled that chance is 0.5 and perfect is 1."""
    tp_before, predicted_before = block.at_previous
    positives = block.positives.double()
    limit, before = (level * block.negatives)[:, None], predicted_before - tp_before
    denominator = level * (2 - level) * positives * block.negatives
    # With A's least subtracted and its range divided by, each piece of the axis counts (1 - c) positives more.
    extra = (1 - level) * positives[:, None]
    # On a GPU, which would have to be waited for, the whole curve is one stretch, and is cut.
    looks = limit.device.type == "cpu"
    if looks and bool((before[:, :1] >= limit).all()):
        return torch.zeros_like(limit), denominator
    rise, run = block.steps
    whole = block.fp[:, -1:] <= limit
    if looks and bool(whole.all()):
        return block.areas / 2 + extra * run.sum(-1, keepdim=True, dtype=torch.float64), denominator
    width = torch.minimum(run, (limit - before).clamp_min(0))
    middle = tp_before + rise * (width / run.clamp_min(1)) / 2
    cut = (width * (middle + extra)).sum(-1, keepdim=True)
    # Both are the same where a stretch is not cut, but for rounding, which must not depend on the others beside.
    all_of_it = block.areas / 2 + extra * run.sum(-1, keepdim=True, dtype=torch.float64)
    return torch.where(whole, all_of_it, cut), denominator


@register(
    "metric",
    "ndcg",
    group="ranking",
    formula="Σ y / log₂(1 + rank) over the same sum of the ideal order",
    reference="Järvelin, Kekäläinen, Cumulated Gain-Based Evaluation of IR Techniques, ACM TOIS 20, 2002, "
    "https://doi.org/10.1145/582415.582418",
)
def ndcg(block: Curve) -> Parts:
    """Normalised discounted cumulative gain of all examples; tied ones share their places. 0 without positives."""
    discount, total = _discounts(block.examples, block.tp.device)
    rise, run = block.steps
    # The first of the stretch, which on a GPU is the whole curve.
    first = int(block.predicted[0]) if discount.device.type == "cpu" else 1
    own = discount[first : first + len(block.predicted)]
    gain, ideal = (rise * own).sum(-1, keepdim=True, dtype=torch.float64), total[block.positives.long()]
    size = rise + run
    if size.device.type != "cpu":
        last = first + torch.arange(len(own), device=size.device)
        shared = (total[last] - total[last - size.long()]) / size.clamp_min(1) - own
        tied = torch.where(size > 1, rise * shared, 0)
        return gain + tied.sum(-1, keepdim=True, dtype=torch.float64), ideal
    if bool(size.amax() <= 1):
        return gain, ideal
    problem, at = ((size - 1) * rise).bool().nonzero(as_tuple=True)
    size, rise = size[problem, at], rise[problem, at]
    last = first + at
    shared = (total[last] - total[last - size.long()]) / size - own[at]
    return gain.index_add(0, problem, (rise * shared)[:, None]), ideal


@functools.lru_cache(maxsize=4)
def _discounts(examples: int, device: torch.device) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """1 / log₂(1 + rank) at ranks 0 (where it is 0), 1, ..., and their running sums."""
    ranks = torch.arange(1, examples + 1, dtype=torch.float64, device=device)
    discount = torch.cat((ranks.new_zeros(1), 1 / (1 + ranks).log2()))
    return discount, discount.cumsum(0)
