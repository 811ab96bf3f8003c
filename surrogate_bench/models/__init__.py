"""Nets from features to one logit an example, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surrogate_bench.registry import lookup

if TYPE_CHECKING:
    from torch import nn

__all__ = ["create_model"]


def create_model(name: str, shape: tuple[int, ...], *, seed: int, **hyperparameters: Any) -> nn.Module:
    """The net `name` for examples of `shape`, its weights drawn from `seed` without touching the global generator.

    It maps [N, *shape] to logits [N]. Raises ValueError for a shape or hyperparameter that the net cannot take.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed sees to GPUs too, which takes longer than a net
        return lookup("model", name).load()(shape, **hyperparameters)
