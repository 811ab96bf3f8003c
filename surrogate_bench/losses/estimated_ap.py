"""Average precision itself as the value, and in place of its gradient, which is 0, one that improves it."""

import torch
from torch import Tensor

from surrogate_bench.losses.base import Loss, Scores, Targets, Value, or_nan
from surrogate_bench.losses.checks import at_least, within
from surrogate_bench.losses.correlation import middle_ranks
from surrogate_bench.losses.given import with_gradient
from surrogate_bench.losses.pairs import Rows, by_rows, members, total
from surrogate_bench.registry import register


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

    The authors' code takes the interpolated precision, which is not done here.
    """

    def __init__(self, *, delta: float = 1.0) -> None:
        super().__init__()
        self.delta = within("delta", delta, 0, float("inf"))

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        borne = torch.zeros_like(targets)
        where, weight = members(targets)

        def blamed(own: Rows, z: Scores, at: slice) -> tuple[Rows]:
            above = ((z[..., None, :] - own[..., None]) / (2 * self.delta) + 0.5).clamp(0, 1)
            # An example is not above itself, where it has a half.
            share = weight[..., at, None] / (0.5 + above.sum(-1, keepdim=True))
            blame = share * (1 - targets[..., None, :]) * above
            borne.add_(blame.sum(-2))
            return (blame.sum(-1),)

        (blame,) = by_rows(blamed, logits.detach(), where)
        positives = targets.sum(-1).clamp_min(1)
        update = borne.scatter_add(-1, where, -blame) / positives[..., None]
        return with_gradient(logits, total(blame) / positives, update)


@register(
    "loss",
    "blackbox_ap",
    family="average precision",
    exact_gradient=False,
    cost="N log N",
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Rolínek et al., Optimizing Rank-Based Metrics with Blackbox Differentiation, CVPR 2020, "
    "https://arxiv.org/abs/1912.03500",
)
class BlackboxAP(Loss):
    """1 − AP of true ranks as value; as gradient the slope of the ranks between the scores and moved ones.

    AP = mean over positives of k / r_k, r_k the k-th best positive's rank: its slope by a rank is −k / r_k². The scores
    of positives move up by λ times that, λ = `strength`, and the gradient is (ranks after − ranks before) / λ / P.
    Before all this positives go down and negatives up by half of `margin`. Equal scores share their ranks. A
    one-class batch has loss 0 and gradient 0.
    """

    def __init__(self, *, strength: float = 10.0, margin: float = 0.1) -> None:
        super().__init__()
        self.strength = within("strength", strength, 0, float("inf"))
        self.margin = at_least("margin", margin, 0)

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        count = targets.sum(-1).clamp_min(1)
        both = (targets.amax(-1) > targets.amin(-1)).to(targets.dtype)
        scores = logits.detach() - self.margin * (targets - 0.5)

        rank = middle_ranks(-scores)
        own = middle_ranks(torch.where(targets > 0.5, -scores, torch.inf))
        value = 1 - (targets * own / rank).sum(-1) / count
        moved = middle_ranks(-(scores + self.strength * targets * own / rank.square())) - rank
        return with_gradient(logits, or_nan(both * value, logits), (both / self.strength / count)[..., None] * moved)
