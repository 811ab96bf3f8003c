"""True if probabilities mean what they say. Lower is better in all of these.

Each takes probabilities in descending order and returns what these examples add to its sums [K, B], whose absolute
values together, over N, are the metric.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from surrogate_bench.registry import register

Probabilities = Float[Tensor, "k n"]
Targets = Float[Tensor, "k n"]
Sums = Float[Tensor, "k b"]
BINS = 15


@register(
    "metric",
    "log_loss",
    group="calibration",
    lower_is_better=True,
    formula="−mean(y·log p + (1 − y)·log(1 − p))",
    reference="Good, Rational Decisions, J. R. Stat. Soc. B 14, 1952, "
    "https://doi.org/10.1111/j.2517-6161.1952.tb00104.x",
)
def log_loss(p: Probabilities, targets: Targets) -> Sums:
    """Mean negative log-likelihood in nats; p is kept within fp64's epsilon of 0 and 1, as scikit-learn does."""
    epsilon = torch.finfo(torch.float64).eps
    likelihood = (targets - 1).add_(p).abs_().clamp_(epsilon, 1 - epsilon)
    # A product of sixteen is far from underflow, and needs one logarithm instead of sixteen.
    rows = p.shape[-1] // 16
    products = likelihood[..., : 16 * rows].unflatten(-1, (16, rows)).prod(-2)
    logarithms = torch.cat((products, likelihood[..., 16 * rows :]), -1).log_()
    return -logarithms.sum(-1, keepdim=True)


@register(
    "metric",
    "brier",
    group="calibration",
    lower_is_better=True,
    formula="mean((p − y)²)",
    reference="Brier, Verification of Forecasts Expressed in Terms of Probability, Mon. Weather Rev. 78, 1950, "
    "https://doi.org/10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2",
)
def brier(p: Probabilities, targets: Targets) -> Sums:
    """Mean squared error of the probabilities."""
    return (p - targets).square_().sum(-1, keepdim=True)


@register(
    "metric",
    "ece",
    group="calibration",
    lower_is_better=True,
    formula="Σ_b |Σ_{i in bin b} (p_i − y_i)| / N over 15 equal bins of p",
    reference="Naeini, Cooper, Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI "
    "2015, https://doi.org/10.1609/aaai.v29i1.9602",
)
def ece(p: Probabilities, targets: Targets) -> Sums:
    """Expected calibration error of the probability of the positive class."""
    # In descending order a bin is a stretch of examples: its sum is the difference of two running sums.
    gaps = (p - targets).cumsum_(-1)
    edges = torch.arange(BINS - 1, 0, -1, dtype=p.dtype, device=p.device)
    ends = torch.searchsorted(p * -BINS, -edges.expand(len(p), -1).contiguous(), right=True)
    ends = torch.nn.functional.pad(ends, (0, 1), value=p.shape[-1])
    at_ends = torch.where(ends > 0, gaps.gather(-1, (ends - 1).clamp_min(0)), 0)
    return torch.nn.functional.pad(at_ends, (1, 0)).diff(dim=-1)
