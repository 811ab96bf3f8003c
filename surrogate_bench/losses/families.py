"""The published families of relaxed counts, for any threshold metric."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from surrogate_bench.counts import Counts
from surrogate_bench.errors import unknown
from surrogate_bench.losses.base import Labels, Loss, Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.losses.histograms import soft_histograms
from surrogate_bench.losses.pointwise import masses
from surrogate_bench.losses.relaxed import RelaxedMetric, membership
from surrogate_bench.metrics.threshold import TINY, formula, ratio
from surrogate_bench.registry import register
from surrogate_bench.relaxations import piecewise_linear, probability, raised_cosine, threshold_cdf
from surrogate_bench.system.rounding import sigmoid

# All corners of the Heavisides at the thresholds 0.1, 0.2, ..., 0.9 are multiples of 1/20.
POINTS = 21
# The steps of a schedule where nobody says how many there will be.
UNPLANNED = 300


@register(
    "loss",
    "any_loss",
    family="relaxed counts",
    min_positives=1,
    reference="Han, Moniz, Chawla, AnyLoss: Transforming Classification Metrics into Loss Functions, KDD 2024, "
    "https://arxiv.org/abs/2405.14745",
)
def any_loss(*, metric: str = "f1", scale: float = 73.0) -> RelaxedMetric:
    """AnyLoss for any threshold metric: 1 − metric on σ(scale · (p − 0.5)), counts over the batch itself.

    A batch without positives has loss 1 and gradient 0, except under specificity, accuracy and kappa.
    """
    return RelaxedMetric(formula(metric), membership("sigmoid", scale=scale))


@register(
    "loss",
    "heaviside_mean",
    family="relaxed counts",
    min_positives=1,
    threshold=None,
    reference="Tsoi et al., Bridging the Gap: Unifying the Training and Evaluation of Neural Network Binary "
    "Classifiers, NeurIPS 2022, https://arxiv.org/abs/2009.01367",
)
class HeavisideMean(Loss):
    """1 − the metric's mean over the thresholds 0.1, 0.2, ..., 0.9 on the piecewise-linear Heaviside.

    A batch without positives has loss 1 and gradient 0, except under specificity, accuracy and kappa.
    """

    takes_weights = True
    memberships: Tensor

    def __init__(self, *, metric: str = "f1", delta: float = 0.2) -> None:
        super().__init__()
        self.metric, delta = formula(metric), within("delta", delta, 0, 0.5)
        grid = torch.linspace(0, 1, POINTS, dtype=torch.float64).logit()
        memberships = torch.stack([piecewise_linear(grid, threshold=i / 10, delta=delta) for i in range(1, 10)])
        self.register_buffer("memberships", memberships, persistent=False)

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None, weight: Targets | None = None) -> Value:  # noqa: ARG002
        histograms = soft_histograms(probability(logits) * (POINTS - 1), targets, POINTS, weight)
        memberships = self.memberships.to(histograms[0])
        tp, predicted = ((histogram[..., None, :] * memberships).sum(-1) for histogram in histograms)
        positives, negatives = masses(targets, weight)
        examples = (positives + negatives)[..., None]
        counts = Counts.from_totals(tp, predicted, positives[..., None], examples)
        return (1 - ratio(self.metric(counts)).mean(-1)).to(logits.dtype)


@register(
    "loss",
    "score_oriented",
    family="relaxed counts",
    state="data set",
    min_positives=1,
    reference="Marchetti et al., Score-Oriented Loss (SOL) functions, Pattern Recognition 132, 2022, "
    "https://doi.org/10.1016/j.patcog.2022.108913",
)
class ScoreOriented(Loss):
    """1 − any metric expected over a random threshold: `uniform`, raised `cosine` on [μ − δ, μ + δ], or `prior`.

    `prior` is the raised cosine around the training set's share of positives (the batch's own without `fit`). Outside
    of its interval a cosine gives no gradient. A batch without positives has loss 1 and gradient 0, except under
    specificity, accuracy and kappa.

    The authors' default of δ is 0.1, as `sol_f1` has it.
    """

    takes_weights = True
    keeps: ClassVar = {"share": 0}
    share: Tensor

    def __init__(
        self, *, metric: str = "f1", distribution: str = "uniform", mu: float = 0.5, delta: float = 0.3
    ) -> None:
        super().__init__()
        if distribution not in ("uniform", "cosine", "prior"):
            raise unknown("distribution", distribution, ("uniform", "cosine", "prior"))
        self.metric, self.distribution = formula(metric), distribution
        self.mu, self.delta = within("mu", mu, 0, 1), within("delta", delta, 0, math.inf)
        self.register_buffer("share", torch.tensor(math.nan))

    def fit(self, targets: Labels) -> None:
        self.share = targets.float().mean(-1)

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None, weight: Targets | None = None) -> Value:  # noqa: ARG002
        if self.distribution == "prior":
            positives, negatives = masses(targets, weight)
            own = positives / (positives + negatives).clamp_min(TINY)
            share = torch.where(self.share.isnan(), own, self.share)[..., None]
            # The same distribution, moved: the interval's middle comes to lie at the share.
            memberships = raised_cosine(probability(logits) - share, delta=self.delta)
        else:
            memberships = threshold_cdf(logits, distribution=self.distribution, mu=self.mu, delta=self.delta)
        return 1 - ratio(self.metric(Counts.of(memberships, targets, weight)))


@register(
    "loss",
    "annealed",
    family="relaxed counts",
    state="schedule",
    revision=2,
    min_positives=1,
    reference="continuation of the sigmoid relaxation, as in Allgower, Georg, Numerical Continuation Methods, "
    "1990, https://doi.org/10.1007/978-3-642-61257-2",
)
class Annealed(Loss):
    """1 − metric on σ(scale · (p − 0.5)) whose scale grows from `start` to `end` over the steps of the training.

    Soft counts at first, to which 4 is nearest, nearly hard ones at last: at the t-th call with a gradient the scale is
    start · (end / start)^min(t / T, 1). T is `steps`, or with `null` what `plan(T)` was told, as the runner does: in a
    loop of your own call `loss.plan(epochs * batches)` first, or T is 300. A batch without positives has loss 1 and
    gradient 0, except under specificity, accuracy and kappa.
    """

    takes_weights = True
    step: Tensor

    def __init__(self, *, metric: str = "f1", start: float = 4.0, end: float = 30.0, steps: int | None = None) -> None:
        super().__init__()
        self.metric = formula(metric)
        self.start, self.end = within("start", start, 0, math.inf), within("end", end, 0, math.inf)
        self.steps = None if steps is None else int(within("steps", steps, 0, math.inf))
        self.planned = UNPLANNED
        self.register_buffer("step", torch.tensor(0))

    def plan(self, steps: int) -> None:
        self.planned = int(within("steps", steps, 0, math.inf))

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None, weight: Targets | None = None) -> Value:  # noqa: ARG002
        step = self.step
        share = step.to(logits.device, torch.float64).div_(self.steps or self.planned).clamp_max_(1)
        scale = share.mul_(math.log(self.end / self.start)).exp_().mul_(self.start)
        if self.learns(logits):
            step.add_(1)
        memberships = sigmoid(scale * (sigmoid(logits) - 0.5))
        return 1 - ratio(self.metric(Counts.of(memberships, targets, weight)))
