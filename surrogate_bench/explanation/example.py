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

# A fair model with three mistakes at threshold 0.5, and a positive and a negative that share the score to be moved.
PROBABILITIES = (0.95, 0.85, 0.8, 0.6, 0.6, 0.4, 0.3, 0.2, 0.1, 0.05)
TARGETS = (1, 1, 0, 1, 0, 1, 0, 0, 0, 0)
POSITIVE, NEGATIVE, TO = 3, 4, 0.7
DEAD = 1e-8
# The distribution that a bare name means is the uniform one, which is `probability` once more.
SHOWN: dict[str, dict[str, Any]] = {"threshold_cdf": {"distribution": "cosine", "delta": 0.3}}


@dataclass(frozen=True)
class Effect:
    """A metric under one relaxation: before and after a score is moved, and its gradient by the logits [N]."""

    name: str
    label: str
    summary: str
    membership: Callable[[Tensor], Tensor]
    moved: int
    memberships: Tensor
    before: float
    after: float
    gradient: Tensor

    @property
    def norm(self) -> float:
        """The length of the gradient by all logits."""
        return float(self.gradient.norm())

    @property
    def at_moved(self) -> float:
        """The gradient by the logit of the example that moves."""
        return float(self.gradient[self.moved])

    @property
    def member(self) -> float:
        """How much the example that moves counts as predicted positive, before it moves."""
        return float(self.memberships[self.moved])

    @property
    def dead(self) -> int:
        """How many examples get no gradient."""
        return int((self.gradient.abs() < DEAD).sum())


@dataclass(frozen=True)
class Explanation:
    """A metric, its formula in words, which example moves, and its effects: `hard` is that of the step."""

    metric: str
    formula: str
    moved: int
    hard: Effect
    relaxed: list[Effect]

    @property
    def effects(self) -> list[Effect]:
        """All of them, the hard metric's first."""
        return [self.hard, *self.relaxed]


def explain(metric: str) -> Explanation:
    """Computes everything that is shown of the threshold metric `metric`."""
    # Specificity does not look at positives: there it is the negative that moves.
    moved = POSITIVE if _effect(metric, "probability", POSITIVE).at_moved else NEGATIVE
    effects = {name: _effect(metric, name, moved) for name in entries("relaxation")}
    about = entries("metric")[metric].info["formula"]
    return Explanation(metric, about, moved, effects.pop("step"), list(effects.values()))


def _effect(metric: str, name: str, moved: int) -> Effect:
    entry, chosen = entries("relaxation")[name], SHOWN.get(name, {})
    words = ", ".join(f"{value}" if key == "distribution" else f"{key} {value}" for key, value in chosen.items())
    membership = partial(entry.load(), **chosen)
    targets = torch.tensor(TARGETS, dtype=torch.float64)

    def value(logits: Tensor) -> Tensor:
        return ratio(formula(metric)(Counts.of(membership(logits), targets)))

    logits = torch.tensor(PROBABILITIES, dtype=torch.float64).logit().requires_grad_()
    before = value(logits)
    (gradient,) = torch.autograd.grad(before, logits)
    there = logits.detach().clone()
    there[moved] = torch.tensor(TO, dtype=torch.float64).logit()
    return Effect(
        name=name,
        label=f"{name} ({words})" if words else name,
        summary=entry.summary,
        membership=membership,
        moved=moved,
        memberships=membership(logits.detach()),
        before=before.item(),
        after=value(there).item(),
        gradient=gradient,
    )
