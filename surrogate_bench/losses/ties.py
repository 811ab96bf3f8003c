"""Equal scores: their order must not decide what gradient they get."""

import contextlib

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from surrogate_bench.losses.base import Scores, Targets
from surrogate_bench.metrics.sorting import ordered

# Places among all, and for each the number of its key and class: or such a number for every place [..., N].
Ties = tuple[Tensor, Tensor] | Tensor
# From so many on, those that are equal alone are sorted again.
MANY = 4096


def negatives_first(keys: Scores, targets: Targets) -> tuple[Scores, Tensor, Ties | None]:
    """Descending keys [..., N] and their order, negatives before positives among equal ones, and which are equal.

    None are, for sure, where the last is None.
    """
    values, order = ordered(keys)
    # Where a look would wait for a GPU, break a graph or not be possible, what is needed for ties is done anyway.
    if values.is_cpu and not torch.compiler.is_compiling():
        with contextlib.suppress(RuntimeError):  # under torch.vmap
            found = values.numpy()
            before = np.flatnonzero(found[..., 1:] == found[..., :-1])
            if not len(before):
                return values, order, None
            if values.numel() >= MANY:
                return values, *_rearranged(order, torch.from_numpy(before), targets)
    first = targets.argsort(dim=-1, stable=True)
    order = first.gather(-1, keys.gather(-1, first).argsort(dim=-1, descending=True, stable=True))
    own, positive = keys.gather(-1, order), targets.gather(-1, order)
    differs = (own[..., 1:] != own[..., :-1]) | (positive[..., 1:] != positive[..., :-1])
    return own, order, pad(differs, (1, 0)).cumsum(-1)


def _rearranged(order: Tensor, before: Tensor, targets: Targets) -> tuple[Tensor, Ties]:
    """The order with negatives first, for which those alone are moved that are equal to a neighbour.

    `before` numbers, over all problems, the pairs of equal neighbours.
    """
    n, order = targets.shape[-1], order.reshape(-1)
    before = before + before // (n - 1)  # a row of n has a pair less
    breaks = pad(before.diff() != 1, (1, 1), value=True)
    # A run of pairs is of one more than they are.
    times = 1 + breaks[1:].long()
    at, group = (each.repeat_interleave(times) for each in (before, breaks[:-1].cumsum(0)))
    at[1:] += at[1:] == at[:-1]
    own = order[at]
    number = 2 * group + (targets.reshape(-1)[at - at % n + own] > 0.5)
    number, places = number.sort(stable=True)
    return order.index_copy(0, at, own[places]).view(targets.shape), (at, number)


def shared(values: Scores, ties: Ties) -> Scores:
    """Values [..., N] in that order, each the mean over all with its key and its class."""
    if isinstance(ties, Tensor):
        return group_means(values, ties)
    at, number = ties
    flat = values.reshape(-1)
    return flat.index_copy(0, at, group_means(flat[at], number.unique_consecutive(return_inverse=True)[1])).view(
        values.shape
    )


def group_means(values: Scores, group: Tensor) -> Scores:
    """Values [..., N], each the mean over all of its group, 0 ... N − 1."""
    nothing = torch.zeros_like(values)
    sizes = nothing.scatter_add(-1, group, torch.ones_like(values))
    return (nothing.scatter_add(-1, group, values) / sizes.clamp_min(1)).gather(-1, group)
