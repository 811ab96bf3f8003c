"""Relaxations: what stands for "predicted positive" when counts are to have a gradient.

A relaxation turns logits [..., N] into memberships [..., N] in [0, 1] of the predicted positives. Counts are sums of
memberships, so any threshold metric can be taken on any relaxation (`counts.py`, `metrics/threshold.py`).
p = σ(logit) throughout; thresholds are on p.
"""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import hardtanh

from surrogate_bench.registry import register
from surrogate_bench.system import rounding

Scores = Float[Tensor, "*problems n"]


@register("relaxation", "step", reference="the hard metric itself", gradient="zero almost everywhere")
def step(logits: Scores, *, threshold: float = 0.5) -> Scores:
    """1[p > t]: the decision that the hard metric counts; its gradient is 0 almost everywhere."""
    # The sign has a derivative (zero) where a comparison has none at all, so the hard metric can be differentiated.
    return (logits - _logit(threshold)).sign().clamp_min(0)


@register(
    "relaxation",
    "probability",
    reference="folklore; e.g. Pastor-Pellicer et al., F-Measure as the Error Function to Train Neural Networks, "
    "IWANN 2013, https://doi.org/10.1007/978-3-642-38679-4_37",
)
def probability(logits: Scores) -> Scores:
    """p: the plain soft metric, in which soft TP = Σ p·y and soft FP = Σ p·(1 − y)."""
    return rounding.sigmoid(logits)


@register(
    "relaxation",
    "sigmoid",
    reference="Han, Moniz, Chawla, AnyLoss: Transforming Classification Metrics into Loss Functions, KDD 2024, "
    "https://arxiv.org/abs/2405.14745",
)
def sigmoid(logits: Scores, *, scale: float = 10.0, threshold: float = 0.5) -> Scores:
    """σ(scale · (p − t)): a steeper curve around the threshold; AnyLoss takes scale 73."""
    return rounding.sigmoid((rounding.sigmoid(logits) - threshold).mul_(scale))


@register(
    "relaxation",
    "piecewise_linear",
    reference="Tsoi et al., Bridging the Gap: Unifying the Training and Evaluation of "
    "Neural Network Binary Classifiers, NeurIPS 2022, https://arxiv.org/abs/2009.01367",
)
def piecewise_linear(logits: Scores, *, threshold: float = 0.5, delta: float = 0.2) -> Scores:
    """The linear Heaviside: slope δ/(t − w/2) up to t − w/2, (1 − 2δ)/w around t, and δ/(1 − t − w/2) above.

    w = min(t, 1 − t); at t − w/2 it has reached δ, at t one half, at t + w/2 1 − δ.
    """
    p = rounding.sigmoid(logits)
    width = min(threshold, 1 - threshold)
    low, high = threshold - width / 2, threshold + width / 2
    below, around, above = delta / low, (1 - 2 * delta) / width, delta / (1 - high)
    # A sum of hinges, at each of which the slope changes, takes a third of the time of a choice among pieces.
    from_low = torch.add(below * p, (p - low).relu(), alpha=around - below)
    return torch.add(from_low, (p - high).relu(), alpha=above - around)


@register(
    "relaxation",
    "threshold_cdf",
    reference="Marchetti et al., Score-Oriented Loss (SOL) functions, Pattern Recognition 132, 2022, "
    "https://doi.org/10.1016/j.patcog.2022.108913",
)
def threshold_cdf(logits: Scores, *, distribution: str = "uniform", mu: float = 0.5, delta: float = 0.1) -> Scores:
    """P(threshold < p) for a random threshold: `uniform` on [0, 1], or the raised `cosine` on [μ − δ, μ + δ].

    The uniform one ignores μ and δ and equals `probability`.
    """
    p = rounding.sigmoid(logits)
    if distribution == "uniform":
        return p
    if distribution != "cosine":
        raise ValueError(f"unknown distribution {distribution!r}; there is uniform, cosine")
    return raised_cosine(p - mu, delta=delta)


def raised_cosine(distances: Scores, *, delta: float) -> Scores:
    """The raised cosine's distribution function (v + sin v)/2π + ½ at distances d from its middle.

    v = πd/δ, and no further than ±π.
    """
    # As a clamp, whose gradient, made of comparisons, takes three times as long.
    v = hardtanh(distances * (math.pi / delta), -math.pi, math.pi)
    return (v + torch.sin(v)) / (2 * math.pi) + 0.5


@register(
    "relaxation",
    "straight_through",
    reference="Bengio, Léonard, Courville, Estimating or Propagating Gradients Through Stochastic Neurons, 2013, "
    "https://arxiv.org/abs/1308.3432",
)
def straight_through(logits: Scores, *, scale: float = 10.0, threshold: float = 0.5) -> Scores:
    """Forward 1[p > t], backward the gradient of σ(scale · (p − t)): the hard value with a usable gradient."""
    soft = sigmoid(logits, scale=scale, threshold=threshold)
    # By its sign a decision takes a third of the time of a comparison, which makes bytes of it.
    decided = (logits.detach() - _logit(threshold)).sign_().clamp_min_(0)
    return (soft - soft.detach()).add_(decided)


def _logit(p: Any) -> float:
    return math.log(p / (1 - p))
