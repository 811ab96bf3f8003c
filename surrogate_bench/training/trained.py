"""What training leaves: nets, curves, and each member's best epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from surrogate_bench.training.data import PopulationData
from surrogate_bench.training.objective import Objective
from surrogate_bench.training.population import Population

Record = dict[str, float]
Observer = Callable[[int, list[Record]], None]


@dataclass
class Best:
    """Each member's best epoch so far by the monitored validation metric: everything [K, ...]."""

    score: Tensor
    epoch: Tensor
    state: dict[str, Tensor]
    val_logits: Tensor
    losses: list[dict[str, Tensor]]

    def keep(self, better: Tensor, score: Tensor, epoch: int, state: dict[str, Tensor], val_logits: Tensor) -> None:
        """Takes over the members that got `better` [K]."""
        self.score = torch.where(better, score, self.score)
        self.epoch = torch.where(better, epoch, self.epoch)
        self.val_logits = torch.where(better[:, None], val_logits, self.val_logits)
        for name, value in state.items():
            mask = better.view(-1, *[1] * (value.ndim - 1))
            self.state[name] = torch.where(mask, value, self.state[name])


@dataclass
class Trained:
    """What training leaves of K members."""

    population: Population
    objective: Objective
    data: PopulationData
    best: Best
    diverged: list[int | None]
    threads: int
    history: list[list[Record]] = field(default_factory=list)
    seconds: float = 0.0
    steps: int = 0
    logits: dict[str, Tensor] = field(default_factory=dict)
