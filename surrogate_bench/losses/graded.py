"""Normalised discounted cumulative gain of graded relevance, of which 0 and 1 are the simplest grades."""

import math

import torch
from torch import Tensor

from surrogate_bench.losses.base import Loss, Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.losses.correlation import middle_ranks
from surrogate_bench.losses.pairs import Rows, above, by_rows, members, total
from surrogate_bench.registry import register
from surrogate_bench.system.rounding import exp2, softplus


@register(
    "loss",
    "approx_ndcg",
    family="ranking",
    cost="N²",
    min_positives=1,
    threshold=None,
    reference="Qin et al., A General Approximation Framework for Direct Optimization of Information Retrieval "
    "Measures, Information Retrieval 13, 2010, https://doi.org/10.1007/s10791-009-9124-x",
)
class ApproxNDCG(Loss):
    """1 − NDCG with gains 2^y − 1 and ranks 1 + Σ_j σ((z_j − z_i)/τ), τ = `temperature`; y may be graded.

    A batch without positives has loss 1 and gradient 0.
    """

    graded = True

    def __init__(self, *, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = within("temperature", temperature, 0, float("inf"))

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        gain = exp2(targets) - 1

        def rank(own: Rows, logits: Scores, at: slice) -> tuple[Rows]:  # noqa: ARG001
            return (0.5 + above(own, logits, self.temperature).sum(-1),)

        where, _ = members(gain)
        (ranks,) = by_rows(rank, logits, where)
        ideal = _ideal(gain)
        return 1 - total(gain.gather(-1, where) / (1 + ranks).log2()) / torch.where(ideal > 0, ideal, 1)


@register(
    "loss",
    "lambda_loss",
    family="ranking",
    cost="N²",
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Wang et al., The LambdaLoss Framework for Ranking Metric Optimization, CIKM 2018, "
    "https://doi.org/10.1145/3269206.3271784",
)
class LambdaLoss(Loss):
    """NDCG-Loss2: Σ over pairs with y_i > y_j of (G_i − G_j) · δ_ij · log₂(1 + exp(−(z_i − z_j)/m)), m = `margin`.

    G = (2^y − 1) / ideal DCG; δ_ij = 1/log₂(1 + d) − 1/log₂(2 + d) for a distance d of the two ranks, which are those
    of now and have no gradient; ties share their places and are 1 apart. y may be graded. A one-class batch has loss 0
    and gradient 0.
    """

    graded = True

    def __init__(self, *, margin: float = 1.0) -> None:
        super().__init__()
        self.margin = within("margin", margin, 0, float("inf"))

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        gain = exp2(targets) - 1
        ideal = _ideal(gain)
        gain = gain / torch.where(ideal > 0, ideal, 1)[..., None]
        ranks = middle_ranks(logits.detach())

        where, _ = members(gain)
        rank, gains = ranks.gather(-1, where), gain.gather(-1, where)

        def cost(own: Rows, logits: Scores, at: slice) -> tuple[Rows]:
            distance = (rank[..., at, None] - ranks[..., None, :]).abs().clamp_min(1)
            weight = 1 / (1 + distance).log2() - 1 / (2 + distance).log2()
            better = (gains[..., at, None] - gain[..., None, :]).relu()
            gap = (own[..., None] - logits[..., None, :]) / self.margin
            return ((better * weight * softplus(-gap, dims=2)).sum(-1),)

        (costs,) = by_rows(cost, logits, where)
        return total(costs) / math.log(2)


def _ideal(gain: Targets) -> Value:
    """Σ gain / log₂(1 + rank) in the order of descending gains."""
    ranks = torch.arange(1, gain.shape[-1] + 1, dtype=gain.dtype, device=gain.device)
    return (gain.sort(-1, descending=True).values / (1 + ranks).log2()).sum(-1)
