"""The outcome of training: nets, curves, and each member's best epoch."""

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
    """Each member's best epoch so far by the monitored validation metric: everything [K, ...].

    Epochs of equal `score` are told apart by the validation part's log loss, as a metric at a threshold takes few
    values where there are few positives, and says nothing of an epoch where it is 0 in all of them.
    """

    score: Tensor
    log_loss: Tensor
    epoch: Tensor
    state: dict[str, Tensor]
    val_logits: Tensor
    losses: list[dict[str, Tensor]]

    @classmethod
    def of_none(cls, state: dict[str, Tensor], val_logits: Tensor, losses: list[dict[str, Tensor]]) -> Best:
        """The state before the first epoch, which every score beats."""
        least = torch.full_like(val_logits[:, 0], -torch.inf, dtype=torch.float64)
        return cls(least, -least, torch.zeros_like(least, dtype=torch.int64), state, val_logits, losses)

    def is_beaten_by(self, score: Tensor, log_loss: Tensor) -> Tensor:
        """The members [K] that a higher score, or an equal one at a lower log loss, is better for."""
        return (score > self.score) | ((score == self.score) & (log_loss < self.log_loss))

    def keep(
        self,
        better: Tensor,
        score: Tensor,
        log_loss: Tensor,
        epoch: int,
        state: dict[str, Tensor],
        val_logits: Tensor,
    ) -> None:
        """Takes over the members that got `better` [K]."""
        self.score = torch.where(better, score, self.score)
        self.log_loss = torch.where(better, log_loss, self.log_loss)
        self.epoch = torch.where(better, epoch, self.epoch)
        self.val_logits = torch.where(better[:, None], val_logits, self.val_logits)
        for name, value in state.items():
            mask = better.view(-1, *[1] * (value.ndim - 1))
            self.state[name] = torch.where(mask, value, self.state[name])


@dataclass
class Trained:
    """The outcome of training K members."""

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
