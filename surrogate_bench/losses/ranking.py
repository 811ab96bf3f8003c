"""Average precision by relaxed ranks."""

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from surrogate_bench.losses.base import Loss, Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.registry import register

# Pairs that may be in memory at once.
BLOCK_PAIRS = 1 << 22


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

    Rows of pairs go in blocks that are computed again for the gradient, so that memory stays bounded. A batch without
    positives has loss 1 and gradient 0.
    """

    def __init__(self, *, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = within("temperature", temperature, 0, float("inf"))

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        n = logits.shape[-1]
        rows = max(1, BLOCK_PAIRS // max(1, n * logits[..., 0].numel()))
        total = torch.zeros_like(targets[..., 0])
        for start in range(0, n, rows):
            at = slice(start, start + rows)
            if rows >= n or not logits.requires_grad:
                total = total + self._block(logits, targets, at)
            else:
                total = total + checkpoint(
                    self._block, logits, targets, at, use_reentrant=False, preserve_rng_state=False
                )
        return 1 - total / targets.sum(-1).clamp_min(1)

    def _block(self, logits: Scores, targets: Targets, at: slice) -> Value:
        above = torch.sigmoid((logits[..., None, :] - logits[..., at, None]) / self.temperature)
        # An example is not above itself, where the sigmoid has it by a half.
        rank = 0.5 + above.sum(-1)
        among_positives = 0.5 + (above * targets[..., None, :]).sum(-1)
        return (targets[..., at] * among_positives / rank).sum(-1)


@register(
    "loss",
    "histogram_ap",
    family="average precision",
    cost="N · bins",
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Cakir et al., Deep Metric Learning to Rank (FastAP), CVPR 2019",
)
class HistogramAP(Loss):
    """1 − Σ_b h⁺_b · H⁺_b / H_b / P over soft histograms of p: h⁺ positives in a bin, H cumulative from the top.

    Each example is shared linearly between its two nearest of `bins` bins. A batch without positives has loss 1 and
    gradient 0.
    """

    def __init__(self, *, bins: int = 20) -> None:
        super().__init__()
        self.bins = int(within("bins", bins, 1, 10_000))

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        place = (1 - logits.sigmoid()) * (self.bins - 1)
        lower = place.detach().floor().clamp(0, self.bins - 2)
        share = place - lower
        histograms = []
        for weight in (targets, torch.ones_like(targets)):
            empty = weight.new_zeros((*weight.shape[:-1], self.bins))
            filled = empty.scatter_add(-1, lower.long(), weight * (1 - share))
            histograms.append(filled.scatter_add(-1, lower.long() + 1, weight * share))
        positive, everything = histograms
        above, count = positive.cumsum(-1), everything.cumsum(-1)
        precision = above / torch.where(count > 0, count, 1)
        return 1 - (positive * precision).sum(-1) / targets.sum(-1).clamp_min(1)


@register(
    "loss",
    "ap_loss",
    family="average precision",
    exact_gradient=False,
    cost="N²",
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Chen et al., Towards Accurate One-Stage Object Detection with AP-Loss, CVPR 2019, "
    "https://arxiv.org/abs/1904.06373",
)
class APLoss(Loss):
    """Error-driven: 1 − AP with steps x_ij = clamp((z_j − z_i)/2δ + ½, 0, 1) as value, and its update as gradient.

    For a positive i and a negative j, L_ij = x_ij / (1 + Σ_k x_ik) is the blame that j bears for i's precision: it is
    added to j's gradient and taken from i's, over P. Not the value's own derivative, by design. A one-class batch has
    loss 0 and gradient 0.
    """

    def __init__(self, *, delta: float = 1.0) -> None:
        super().__init__()
        self.delta = within("delta", delta, 0, float("inf"))

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        z = logits.detach()
        above = ((z[..., None, :] - z[..., :, None]) / (2 * self.delta) + 0.5).clamp(0, 1)
        itself = torch.eye(z.shape[-1], dtype=torch.bool, device=z.device)
        rank = 1 + above.masked_fill(itself, 0).sum(-1, keepdim=True)
        blame = targets[..., :, None] * (1 - targets[..., None, :]) * above / rank
        positives = targets.sum(-1).clamp_min(1)
        update = (blame.sum(-2) - blame.sum(-1)) / positives[..., None]
        value = blame.sum((-1, -2)) / positives
        carrier = (update * logits).sum(-1)
        return value + carrier - carrier.detach()
