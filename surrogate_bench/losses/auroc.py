"""AUROC: all pairs of a positive and a negative, without ever forming them where that is possible."""

import torch
from torch import Tensor

from surrogate_bench.losses.base import Loss, Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.losses.given import with_gradient
from surrogate_bench.losses.pairs import Rows, block_rows, centred, mean_hinge, members, slices, total
from surrogate_bench.registry import register
from surrogate_bench.system.rounding import VECTORS, sigmoid, softplus


class Pairwise(Loss):
    """A mean over all pairs of a positive and a negative of ℓ(z₊ − z₋), wanted to be at least `margin`."""

    def __init__(self, *, margin: float = 1.0) -> None:
        super().__init__()
        self.margin = within("margin", margin, 0, float("inf"))

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        positives = targets.sum(-1)
        return self.mean(logits, targets, (positives * (targets.shape[-1] - positives)).clamp_min(1))

    def mean(self, logits: Scores, targets: Targets, pairs: Value) -> Value:
        """The sum over all pairs by their number, or by 1 where there are none."""
        raise NotImplementedError


@register(
    "loss",
    "auroc_square",
    family="AUROC",
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Gao et al., One-Pass AUC Optimization, ICML 2013, https://arxiv.org/abs/1305.1363",
)
class AUROCSquare(Pairwise):
    """Mean over pairs of (m − (z₊ − z₋))², in O(N): three moments of each class say it all.

    It punishes pairs that are further apart than the margin as well. A one-class batch has loss 0 and gradient 0.
    """

    def mean(self, logits: Scores, targets: Targets, pairs: Value) -> Value:
        scores = logits - logits.detach().mean(-1, keepdim=True)
        below = self.margin - scores
        positive, negative = targets, 1 - targets
        count, other = positive.sum(-1), negative.sum(-1)
        first, second = (positive * below).sum(-1), (positive * below.square()).sum(-1)
        own, square = (negative * scores).sum(-1), (negative * scores.square()).sum(-1)
        return (other * second + 2 * first * own + count * square) / pairs


@register(
    "loss",
    "auroc_squared_hinge",
    family="AUROC",
    cost="N log N",
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Rust, Hocking, A Log-linear Gradient Descent Algorithm for Unbalanced Binary Classification "
    "using the All Pairs Squared Hinge Loss, 2023, https://arxiv.org/abs/2302.11062",
)
class AUROCSquaredHinge(Pairwise):
    """Mean over pairs of max(0, m − (z₊ − z₋))², exact in O(N log N) by a sort and running sums.

    A one-class batch has loss 0 and gradient 0.
    """

    def mean(self, logits: Scores, targets: Targets, pairs: Value) -> Value:
        return mean_hinge(logits, targets, pairs, margin=self.margin, power=2)


@register(
    "loss",
    "auroc_hinge",
    family="AUROC",
    cost="N log N",
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Joachims, A Support Vector Method for Multivariate Performance Measures, ICML 2005, "
    "https://www.cs.cornell.edu/people/tj/publications/joachims_05a.pdf",
)
class AUROCHinge(Pairwise):
    """Mean over pairs of max(0, m − (z₊ − z₋)), exact in O(N log N) by a sort and running sums.

    A one-class batch has loss 0 and gradient 0.
    """

    def mean(self, logits: Scores, targets: Targets, pairs: Value) -> Value:
        return mean_hinge(logits, targets, pairs, margin=self.margin, power=1)


@register(
    "loss",
    "auroc_logistic",
    family="AUROC",
    cost="N²",
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Burges et al., Learning to Rank using Gradient Descent (RankNet), ICML 2005, "
    "https://doi.org/10.1145/1102351.1102363",
)
class AUROCLogistic(Pairwise):
    """Mean over pairs of log(1 + exp(−(z₊ − z₋)/m)), exact, some pairs at a time so that memory stays bounded.

    `margin` is the scale of a difference. A one-class batch has loss 0 and gradient 0.
    """

    def mean(self, logits: Scores, targets: Targets, pairs: Value) -> Value:
        z = centred(logits) / self.margin
        (up, positive), (down, negative) = members(targets), members(1 - targets, multiple=VECTORS)
        high, low = z.gather(-1, up), z.gather(-1, down)
        costs, falls, rises = torch.zeros_like(high), torch.zeros_like(high), torch.zeros_like(low)
        # A compiler cannot count the pieces.
        whole = torch.compiler.is_compiling()
        for at in (slice(None),) if whole else slices(up, block_rows(z)):
            gaps = low[..., None, :] - high[..., at, None]
            weight = positive[..., at, None] * negative[..., None, :]
            costs[..., at] = (weight * softplus(gaps, dims=2)).sum(-1)
            slopes = weight * sigmoid(gaps, dims=2)
            falls[..., at] = slopes.sum(-1)
            rises += slopes.sum(-2)
        gradient = torch.zeros_like(z).scatter_add(-1, up, -falls).scatter_add(-1, down, rises) / self.margin
        return with_gradient(logits, total(costs), gradient, self.slope, up, positive, down, negative) / pairs

    def slope(self, scores: Scores, up: Tensor, positive: Rows, down: Tensor, negative: Tensor) -> Scores:
        """The same gradient by all pairs at once, with a derivative."""
        gaps = (scores.gather(-1, down)[..., None, :] - scores.gather(-1, up)[..., None]) / self.margin
        slopes = positive[..., None] * negative[..., None, :] * sigmoid(gaps, dims=2) / self.margin
        nothing = torch.zeros_like(scores)
        return nothing.scatter_add(-1, up, -slopes.sum(-1)).scatter_add(-1, down, slopes.sum(-2))
