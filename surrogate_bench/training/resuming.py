"""Keeps the state of an unfinished training, all that the next epoch depends on, so that it can go on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from surrogate_bench.training.optimizers import Optimizer
    from surrogate_bench.training.trained import Observer, Trained

# Of the time that training takes, keeping its state may take so much; the first time it is taken to need SAVE_SECONDS.
SHARE = 0.03
SAVE_SECONDS = 0.01
State = dict[str, Any]


class Keeper:
    """Restores the `stored` state of a training, and hands `save` a new one after an epoch, as often as SHARE allows.

    On a CPU what follows is bit for bit what would have followed without the interruption.
    """

    def __init__(self, stored: State | None, save: Callable[[State], None]) -> None:
        self.stored, self.save, self.resumed = stored, save, stored is not None
        self.saved, self.cost = time.perf_counter(), SAVE_SECONDS

    def restore(self, trained: Trained, optimizer: Optimizer, alive: Tensor, observe: Observer | None) -> int:
        """Sets the training back to the stored state and tells `observe` its epochs again; returns the next epoch.

        Raises ValueError for a state that another training, or another version of this one, has left.
        """
        state, self.stored = self.stored, None
        if state is None:
            return 1
        if not (_fits(state, _state(1, trained, optimizer, alive)) and _has_its_epochs(state)):
            raise ValueError("it is no state of this run")
        best = trained.best
        trained.population.restore(state["population"])
        for name, value in state["optimizer"].items():
            setattr(optimizer, name, _to(value, alive.device))
        trained.objective.load_state_dict(state["objective"])
        for own, kept in zip(trained.objective.own, state.get("own", []), strict=True):
            for name, value in kept.items():
                setattr(own.optimizer, name, _to(value, alive.device))
        for generator, own in zip(trained.data.orders, state["orders"], strict=True):
            generator.set_state(own)
        trained.data.without_positives = state["without_positives"]
        torch.set_rng_state(state["global"])
        for name, value in state["best"].items():
            setattr(best, name, _to(value, alive.device))
        alive.copy_(state["alive"])
        trained.history, trained.diverged = state["history"], state["diverged"]
        trained.seconds = state["seconds"]
        for epoch, *records in zip(range(1, state["epoch"] + 1), *trained.history, strict=False):
            if observe:
                observe(epoch, records)
        return state["epoch"] + 1

    def keep(self, epoch: int, trained: Trained, optimizer: Optimizer, alive: Tensor) -> None:
        """Saves the state after an epoch, unless the last time was too short ago."""
        began = time.perf_counter()
        if (began - self.saved) * SHARE < self.cost or not alive.any():
            return
        self.save(_state(epoch, trained, optimizer, alive))
        self.saved = time.perf_counter()
        self.cost = self.saved - began


def _state(epoch: int, trained: Trained, optimizer: Optimizer, alive: Tensor) -> State:
    own = [own.optimizer.state() for own in trained.objective.own]
    return ({"own": own} if own else {}) | {
        "epoch": epoch,
        "population": trained.population.snapshot(),
        "optimizer": optimizer.state(),
        "objective": trained.objective.state_dict(),
        "orders": [generator.get_state() for generator in trained.data.orders],
        "without_positives": trained.data.without_positives,
        "global": torch.get_rng_state(),
        "best": vars(trained.best),
        "alive": alive,
        "history": trained.history,
        "diverged": trained.diverged,
        "seconds": trained.seconds,
    }


def _has_its_epochs(state: State) -> bool:
    epoch = state["epoch"]
    return epoch > 0 and all(len(each) == epoch for each in (*state["history"], state["without_positives"]))


def _fits(stored: Any, own: Any) -> bool:
    """True if a value has the keys, types and shapes of a training's own; what that has not yet may be anything."""
    if isinstance(own, dict):
        return isinstance(stored, dict) and stored.keys() == own.keys() and all(_fits(stored[k], own[k]) for k in own)
    if isinstance(own, list):
        return isinstance(stored, list) and (not own or (len(stored) == len(own) and all(map(_fits, stored, own))))
    if isinstance(own, Tensor):
        return isinstance(stored, Tensor) and (stored.shape, stored.dtype) == (own.shape, own.dtype)
    return own is None or isinstance(stored, type(own))


def _to(value: Any, device: torch.device) -> Any:
    """The value with all its tensors on a device."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {key: _to(item, device) for key, item in value.items()}
    return [_to(item, device) for item in value] if isinstance(value, list) else value
