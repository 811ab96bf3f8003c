"""Average precision by relaxed ranks."""

import torch
from torch import Tensor

from surrogate_bench.losses.base import Loss, Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.losses.histograms import soft_histograms
from surrogate_bench.losses.pairs import Rows, above, by_rows, members, total
from surrogate_bench.registry import register
from surrogate_bench.system.rounding import sigmoid


@register(
    "loss",
    "smooth_ap",
    family="average precision",
    cost="N²",
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Brown et al., Smooth-AP: Smoothing the Path Towards Large-Scale Image Retrieval, ECCV 2020, "
    "https://arxiv.org/abs/2007.12163",
)
class SmoothAP(Loss):
    """1 − mean over positives of rank among positives / rank among all, ranks by σ((z_j − z_i)/τ), τ = `temperature`.

    A batch without positives has loss 1 and gradient 0.

    The authors' temperature is 0.01, for cosine similarities.
    """

    def __init__(self, *, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = within("temperature", temperature, 0, float("inf"))

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        def ranks(own: Rows, logits: Scores, at: slice) -> tuple[Rows, Rows]:  # noqa: ARG001
            higher = above(own, logits, self.temperature)
            return 0.5 + (higher * targets[..., None, :]).sum(-1), 0.5 + higher.sum(-1)

        where, weight = members(targets)
        among_positives, rank = by_rows(ranks, logits, where)
        return 1 - total(weight * among_positives / rank) / targets.sum(-1).clamp_min(1)


@register(
    "loss",
    "histogram_ap",
    family="average precision",
    cost="N · bins",
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Cakir et al., Deep Metric Learning to Rank (FastAP), CVPR 2019, https://doi.org/10.1109/CVPR.2019.00196",
)
class HistogramAP(Loss):
    """1 − Σ_b h⁺_b · H⁺_b / H_b / P over soft histograms of p: h⁺ positives in a bin, H cumulative from the top.

    Each example is shared linearly between its two nearest of `bins` bins. A batch without positives has loss 1 and
    gradient 0.

    The authors' number of bins is 10.
    """

    def __init__(self, *, bins: int = 20) -> None:
        super().__init__()
        self.bins = int(within("bins", bins, 1, 10_000))

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        places = (1 - sigmoid(logits)).mul_(self.bins - 1)
        positive, everything = soft_histograms(places, targets, self.bins)
        above, count = positive.cumsum(-1), everything.cumsum(-1)
        # Not `count > 0`, in which a count that is NaN would be lost.
        precision = above / torch.where(count == 0, 1, count)
        return (1 - (positive * precision).sum(-1) / targets.sum(-1).clamp_min(1)).to(logits.dtype)
