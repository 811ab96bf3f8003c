"""Equal scores: their order must not decide what gradient they get."""

import torch
from torch import Tensor

from surrogate_bench.losses.base import Scores, Targets
from surrogate_bench.metrics.sorting import ordered


def negatives_first(keys: Scores, targets: Targets) -> tuple[Tensor, bool]:
    """The order [..., N] of descending keys, negatives before positives among equal ones, and whether any may be."""
    values, order = ordered(keys)
    if not _may_tie(values):
        return order, False
    first = targets.argsort(dim=-1, stable=True)
    return first.gather(-1, keys.gather(-1, first).argsort(dim=-1, descending=True, stable=True)), True


def shared(values: Scores, keys: Scores, targets: Targets) -> Scores:
    """Values [..., N] in that order, each the mean over all with its key and its class."""
    differs = (keys[..., 1:] != keys[..., :-1]) | (targets[..., 1:] != targets[..., :-1])
    group = torch.cat((torch.zeros_like(keys[..., :1], dtype=torch.bool), differs), -1).cumsum(-1)
    return group_means(values, group)


def group_means(values: Scores, group: Tensor) -> Scores:
    """Values [..., N], each the mean over all of its group, 0 ... N − 1."""
    nothing = torch.zeros_like(values)
    sizes = nothing.scatter_add(-1, group, torch.ones_like(values))
    return (nothing.scatter_add(-1, group, values) / sizes.clamp_min(1)).gather(-1, group)


def _may_tie(values: Scores) -> bool:
    # Where a look would wait for a GPU, break a graph or not be possible, what is needed for ties is done anyway.
    if not values.is_cpu or torch.compiler.is_compiling():
        return True
    try:
        gaps = values.shape[-1] - 1
        return bool((values.narrow(-1, 1, gaps) == values.narrow(-1, 0, gaps)).any())
    except RuntimeError:  # under torch.vmap
        return True
