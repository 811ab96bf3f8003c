"""Surrogate losses, each usable alone in anybody's training loop.

from surrogate_bench.losses import create_loss, list_losses, loss_info
loss = create_loss("soft_f1", beta=1.0)
value = loss(logits, targets)      # logits [..., N], targets [..., N] in {0, 1} -> [...]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from surrogate_bench.errors import unknown
from surrogate_bench.registry import entries, lookup

if TYPE_CHECKING:
    from surrogate_bench.losses.base import Loss

__all__ = ["LossInfo", "create_loss", "list_losses", "loss_info"]


@dataclass(frozen=True)
class LossInfo:
    """What a loss says of itself, as data.

    state: `none`, `data set` (e.g. class priors), `schedule` (how often it was called), `examples` (a value per
    training example), `duals` (multipliers, and averages that others move against) or `generator` (its random numbers).
    needs_index: whether it takes `index=`, the examples' positions in the training set.
    min_positives, min_negatives: fewest a batch must hold for a gradient. cost: in N, the examples of a batch.
    exact_gradient: whether the gradient is the value's derivative, and not an estimate put in its place.
    threshold: the one on the probability that it was trained for; None where it trains an order or probabilities.
    """

    name: str
    summary: str
    family: str
    reference: str
    state: str = "none"
    needs_index: bool = False
    min_positives: int = 0
    min_negatives: int = 0
    cost: str = "N"
    exact_gradient: bool = True
    threshold: float | None = 0.5


def create_loss(name: str, **hyperparameters: Any) -> Loss:
    """The loss `name` as an nn.Module; its hyperparameters are keyword-only.

    Raises UserError, a ValueError in kind, for a name or a hyperparameter that does not exist: it names the nearest.
    """
    entry = lookup("loss", name)
    known = [parameter.name for parameter in entry.parameters]
    for word in hyperparameters:
        if word not in known:
            raise unknown(f"hyperparameter of {name}", word, known)
    return entry.load()(**hyperparameters)


def list_losses() -> list[str]:
    """The names of all losses, sorted."""
    return sorted(entries("loss"))


def loss_info(name: str) -> LossInfo:
    """What the loss `name` says of itself; this does not import torch."""
    entry = lookup("loss", name)
    return LossInfo(name=name, summary=entry.summary, **entry.info)
