"""Correlation of scores with targets: of the values, and of ranks that have a gradient."""

import contextlib
from functools import partial

import torch
from torch import Tensor

from surrogate_bench.losses.base import Loss, Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.losses.given import with_gradient
from surrogate_bench.losses.isotonic import Unseen, begins, block_means, pooled, stretches
from surrogate_bench.metrics.sorting import descending, ordered, taken
from surrogate_bench.registry import register
from surrogate_bench.system.rounding import sigmoid

LEAST_SPREAD = 1e-4


@register(
    "loss",
    "plcc",
    family="correlation",
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Pearson, Notes on Regression and Inheritance in the Case of Two Parents, Proc. R. Soc. London "
    "58, 1895, https://doi.org/10.1098/rspl.1895.0041",
)
class PLCC(Loss):
    """(1 − r) / 2, r Pearson's linear correlation of p with the targets, which may be graded.

    A spread is √(variance + 1e-8), which bounds the gradient where all p are equal. A one-class batch has
    loss 0.5 and gradient 0.
    """

    graded = True

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        return _dissimilarity(sigmoid(logits), targets)


@register(
    "loss",
    "soft_spearman",
    family="correlation",
    cost="N log N",
    min_positives=1,
    min_negatives=1,
    threshold=None,
    reference="Blondel et al., Fast Differentiable Sorting and Ranking, ICML 2020, https://arxiv.org/abs/2002.08871",
)
class SoftSpearman(Loss):
    """(1 − ρ) / 2, ρ the correlation of soft ranks of the logits with the ranks of the targets, which may be graded.

    Soft ranks are the projection of z / ε on all orders of 1 … N, ε = `strength`: near the ranks where scores lie
    further apart than ε, near linear in z where they are close. A one-class batch has loss 0.5 and gradient 0.

    On a GPU more than 1,024 examples are pooled on the CPU, for which it has to be waited.
    """

    graded = True

    def __init__(self, *, strength: float = 1.0) -> None:
        super().__init__()
        self.strength = within("strength", strength, 0, float("inf"))

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        ranks, order, blocks = soft_ranks(logits / self.strength)
        hard = taken(middle_ranks(targets), order)
        value, slope = _compared(ranks, hard)
        gradient = _by_example(slope, order, blocks, self.strength)
        return with_gradient(logits, value, gradient, partial(_slope, strength=self.strength), order, blocks, hard)


def middle_ranks(values: Scores) -> Scores:
    """Ranks 1 … N [..., N] of ascending values; equal ones share the middle of their places."""
    order = descending(-values.detach())
    ascending = taken(values.detach(), order)
    return ascending.scatter(-1, order, _middles(ascending).to(values.dtype))


def _middles(ordered: Scores) -> Tensor:
    """The middle of the places 1 … N of each stretch of equal values, for each of its members [..., N]."""
    n = ordered.shape[-1]
    with contextlib.suppress(Unseen):
        starts, sizes = stretches(ordered)
        return torch.from_numpy((starts % n + (sizes + 1) / 2).repeat(sizes)).view(ordered.shape)
    group = begins(ordered).cumsum(-1) - 1
    one = torch.ones_like(group, dtype=torch.float32)
    members = torch.zeros_like(one).scatter_add(-1, group, one)
    return (members.cumsum(-1) - (members - 1) / 2).gather(-1, group)


def soft_ranks(values: Scores) -> tuple[Scores, Tensor, Tensor]:
    """The point nearest to the values [..., N] whose entries are an average of orders of 1 … N, in O(N log N).

    Its entries descend, without a gradient. Beside them are the order [..., N] and the numbers of the blocks that move
    as one.
    """
    scores, order = ordered(values)
    nearest, blocks = pooled(scores - _descent(scores))
    return scores - nearest, order, blocks


def _descent(like: Scores) -> Tensor:
    """N … 1 [N], the ranks of descending scores [..., N]."""
    return torch.arange(like.shape[-1], 0, -1, dtype=like.dtype, device=like.device)


def _compared(scores: Scores, targets: Targets) -> tuple[Value, Scores]:
    """The dissimilarity of scores and targets [..., N], and its derivative by the scores."""
    a, b = (values - values.mean(-1, keepdim=True) for values in (scores, targets))
    variance, other = (v.square().mean(-1, keepdim=True).add_(LEAST_SPREAD**2) for v in (a, b))
    spread = (variance * other).sqrt()
    r = (a * b).mean(-1, keepdim=True) / spread
    return (1 - r[..., 0]) / 2, (a * (r / variance) - b / spread) / (2 * a.shape[-1])


def _by_example(slope: Scores, order: Tensor, blocks: Tensor, strength: float) -> Scores:
    """The derivative by the logits [..., N] for one by the soft ranks in this order: a block moves all as one."""
    slope = (slope - block_means(slope, blocks)) / strength
    return slope.scatter(-1, order, slope)


def _slope(logits: Scores, order: Tensor, blocks: Tensor, targets: Targets, *, strength: float) -> Scores:
    scores = taken(logits / strength, order)
    ranks = scores - block_means(scores - _descent(scores), blocks)
    return _by_example(_compared(ranks, targets)[1], order, blocks, strength)


def _dissimilarity(scores: Scores, targets: Targets) -> Value:
    """(1 − Pearson's correlation) / 2 over the last dimension, ½ where either has no spread."""
    a, b = (values - values.mean(-1, keepdim=True) for values in (scores, targets))
    spread_a, spread_b = ((values.square().mean(-1) + LEAST_SPREAD**2).sqrt() for values in (a, b))
    return (1 - (a * b).mean(-1) / (spread_a * spread_b)) / 2
