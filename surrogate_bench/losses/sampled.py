"""The hard metric itself, its gradient estimated from random decisions."""

from typing import ClassVar

import torch
from jaxtyping import Int64
from torch import Tensor

from surrogate_bench.counts import Counts
from surrogate_bench.losses.base import Loss, Scores, Targets, Value, or_nan
from surrogate_bench.losses.checks import within
from surrogate_bench.losses.given import with_gradient
from surrogate_bench.metrics.threshold import formula, ratio
from surrogate_bench.registry import register
from surrogate_bench.system.rounding import sigmoid

# Odd constants of splitmix64 as signed integers, and the increment that tells the words of a key apart.
MIX = ((30, -0x40A7B892E31B1A47), (27, -0x6B2FB644ECCEEE15))
LAST = 31
GOLDEN = -0x61C8864680B583EB


class Sampled(Loss):
    """1 − mean of a metric over `samples` random decisions a_s, and as gradient the score function's estimate.

    ∇ = −mean_s (R_s − mean of the other rewards) · ∇ log π(a_s). Uniform numbers are a hash of the problem's seed, the
    number of calls, the sample and the example's position in the training set: no global generator is touched, the
    order of examples does not matter, and the state is two integers. Without `index` the positions are those in the
    batch.
    """

    keeps: ClassVar = {"seeds": 0, "step": 0}
    seeds: Tensor
    step: Tensor

    def __init__(self, *, metric: str, samples: int) -> None:
        super().__init__()
        self.metric, self.samples = formula(metric), int(within("samples", samples, 1, 1 << 20))
        self.register_buffer("seeds", torch.tensor(0))
        self.register_buffer("step", torch.tensor(0))

    def seed(self, seeds: Int64[Tensor, "*problems"]) -> None:
        self.seeds, self.step = seeds.clone(), torch.zeros_like(seeds)

    def decide(self, logits: Scores, uniform: Tensor) -> tuple[Tensor, Tensor]:
        """Decisions in {0, 1} and the gradient of log π(decisions) by the logits, both [..., samples, N]."""
        raise NotImplementedError

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:
        where = torch.arange(logits.shape[-1], device=logits.device) if index is None else index
        seeds, step = self.seeds.to(logits.device), self.step.to(logits.device)
        uniform = _uniform(seeds, step, self.samples, where.expand(logits.shape))
        if self.learns(logits):
            step.add_(1)
            if step is not self.step:
                self.step = step
        decisions, slopes = self.decide(logits.detach(), uniform)
        rewards = ratio(self.metric(Counts.of(decisions.to(logits.dtype), targets[..., None, :])))
        advantage = (rewards - rewards.mean(-1, keepdim=True)) / (self.samples - 1)
        gradient = -(advantage[..., None] * slopes).sum(-2).to(logits.dtype)
        return with_gradient(logits, or_nan(1 - rewards.mean(-1), logits), gradient)


@register(
    "loss",
    "reinforce",
    family="hard metric",
    state="generator",
    needs_index=True,
    cost="N · samples",
    exact_gradient=False,
    min_positives=1,
    reference="Williams, Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning, "
    "Machine Learning 8, 1992, https://doi.org/10.1007/BF00992696",
)
class Reinforce(Sampled):
    """1 − mean hard metric of decisions drawn as 1 with probability p, by REINFORCE with the others as baseline.

    ∇ log π(a) = a − p. A batch without positives has loss 1 and gradient 0, except under specificity, accuracy and
    kappa.
    """

    def __init__(self, *, metric: str = "f1", samples: int = 32) -> None:
        super().__init__(metric=metric, samples=samples)

    def decide(self, logits: Scores, uniform: Tensor) -> tuple[Tensor, Tensor]:
        p = sigmoid(logits.double())[..., None, :]
        decisions = (uniform < p).double()
        return decisions, decisions - p


@register(
    "loss",
    "perturbed",
    family="hard metric",
    state="generator",
    needs_index=True,
    cost="N · samples",
    exact_gradient=False,
    min_positives=1,
    reference="Berthet et al., Learning with Differentiable Perturbed Optimizers, NeurIPS 2020, "
    "https://arxiv.org/abs/2002.08676",
)
class Perturbed(Sampled):
    """1 − mean hard metric of the decisions z + σ·ε > 0, ε standard normal: the metric smoothed by noise on scores.

    ∇ log π = ε / σ, σ = `sigma`. A batch without positives has loss 1 and gradient 0, except under specificity,
    accuracy and kappa.
    """

    def __init__(self, *, metric: str = "f1", samples: int = 32, sigma: float = 1.0) -> None:
        super().__init__(metric=metric, samples=samples)
        self.sigma = within("sigma", sigma, 0, float("inf"))

    def decide(self, logits: Scores, uniform: Tensor) -> tuple[Tensor, Tensor]:
        noise = torch.special.ndtri(uniform)
        return (logits[..., None, :] + self.sigma * noise > 0).double(), noise / self.sigma


def _uniform(seeds: Tensor, step: Tensor, samples: int, where: Tensor) -> Tensor:
    """Numbers in (0, 1), [..., samples, N], in fp64, a hash of the four."""
    key = _mixed(_mixed(seeds * GOLDEN) + step * GOLDEN)
    sample = torch.arange(samples, device=where.device)
    key = _mixed(key[..., None] + sample * GOLDEN)[..., None]
    words = _shifted(_mixed(key + ((where + 1) * GOLDEN)[..., None, :]), 11)
    return words.double().add_(0.5).mul_(2.0**-53)


def _mixed(key: Tensor) -> Tensor:
    """Steele, Lea, Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014: splitmix64's finaliser."""
    # In place: of a million examples and 32 samples a copy is a quarter of a gigabyte.
    for bits, factor in MIX:
        key = _shifted(key, bits).bitwise_xor_(key).mul_(factor)
    return _shifted(key, LAST).bitwise_xor_(key)


def _shifted(key: Tensor, bits: int) -> Tensor:
    """A shift to the right of 64 bits without a sign."""
    return (key >> bits).bitwise_and_((1 << (64 - bits)) - 1)
