"""Ten scores and labels, a metric on them under each relaxation, and what autograd makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from surrogate_bench.counts import Counts
from surrogate_bench.metrics.threshold import formula, ratio
from surrogate_bench.registry import entries

# A good model with two mistakes at threshold 0.5; the example that moves is a positive, already right.
PROBABILITIES = (0.95, 0.85, 0.8, 0.6, 0.55, 0.4, 0.3, 0.2, 0.1, 0.05)
TARGETS = (1, 1, 0, 1, 0, 1, 0, 0, 0, 0)
MOVED, TO = 3, 0.7
DEAD = 1e-8
# The distribution that a bare name means is the uniform one, which is `probability` once more.
SHOWN: dict[str, dict[str, Any]] = {"threshold_cdf": {"distribution": "cosine", "delta": 0.3}}


@dataclass(frozen=True)
class Effect:
    """A metric under one relaxation: before and after the move, and its gradient by the logits [N]."""

    name: str
    summary: str
    membership: Callable[[Tensor], Tensor]
    before: float
    after: float
    gradient: Tensor

    @property
    def norm(self) -> float:
        return float(self.gradient.norm())

    @property
    def at_moved(self) -> float:
        """The gradient by the logit of the example that moves."""
        return float(self.gradient[MOVED])

    @property
    def dead(self) -> int:
        """How many examples get no gradient."""
        return int((self.gradient.abs() < DEAD).sum())


@dataclass(frozen=True)
class Explanation:
    """A metric, its formula in words, and its effects: `hard` under the step, `relaxed` under all the others."""

    metric: str
    formula: str
    hard: Effect
    relaxed: list[Effect]


def explain(metric: str) -> Explanation:
    """Computes everything that is shown of the threshold metric `metric`."""
    effects = {name: _effect(metric, name) for name in entries("relaxation")}
    return Explanation(metric, entries("metric")[metric].info["formula"], effects.pop("step"), list(effects.values()))


def _effect(metric: str, name: str) -> Effect:
    entry, chosen = entries("relaxation")[name], SHOWN.get(name, {})
    words = ", ".join(f"{value}" if key == "distribution" else f"{key} {value}" for key, value in chosen.items())
    membership = partial(entry.load(), **chosen)
    targets = torch.tensor(TARGETS, dtype=torch.float64)

    def value(logits: Tensor) -> Tensor:
        return ratio(formula(metric)(Counts.of(membership(logits), targets)))

    logits = torch.tensor(PROBABILITIES, dtype=torch.float64).logit().requires_grad_()
    before = value(logits)
    (gradient,) = torch.autograd.grad(before, logits)
    moved = logits.detach().clone()
    moved[MOVED] = torch.tensor(TO, dtype=torch.float64).logit()
    shown = f"{name} ({words})" if words else name
    return Effect(shown, entry.summary, membership, before.item(), value(moved).item(), gradient)
