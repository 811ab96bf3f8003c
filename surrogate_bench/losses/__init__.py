"""Surrogate losses, each usable alone in anybody's training loop.

from surrogate_bench.losses import create_loss, list_losses, loss_info
loss = create_loss("soft_f1", task="binary", beta=1.0)
value = loss(logits, targets)      # logits [B] or [B, 1], targets of 0 and 1 or booleans -> a scalar
loss = create_loss("soft_f1", beta=1.0)
value = loss(logits, targets)      # logits [..., N], targets [..., N]: many problems at once -> [...]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from surrogate_bench.errors import UserError, unknown
from surrogate_bench.registry import entries, lookup

if TYPE_CHECKING:
    from surrogate_bench.losses.base import Loss

__all__ = ["LossInfo", "create_loss", "list_losses", "loss_info"]

TASKS = ("binary", "multilabel", "multiclass", "segmentation")


@dataclass(frozen=True)
class LossInfo:
    """The facts about a loss, as data.

    state: `none`, `data set` (e.g. class priors), `schedule` (how often it was called), `examples` (a value per
    training example), `duals` (multipliers, and averages that others move against) or `generator` (its random numbers).
    needs_index: whether it takes `index=`, the examples' positions in the training set.
    min_positives, min_negatives: fewest a batch must hold for a gradient. cost: in N, the examples of a batch.
    exact_gradient: whether the gradient is the value's derivative at what the loss keeps (multipliers, thresholds), and
    not an estimate put in its place.
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


def create_loss(name: str, *, task: str | None = None, ignore_index: int | None = None, **hyperparameters: Any) -> Loss:
    """The loss `name` as an nn.Module; its hyperparameters are keyword-only.

    With `task="binary"` it takes logits [B] or [B, 1] and targets [B] or [B, 1], boolean, whole numbers or floats, and
    returns a scalar, as BCEWithLogitsLoss does; examples whose target is `ignore_index` are left out. Without a task
    the last dimension holds the examples and every index before it is a problem of its own: logits and targets
    [..., N] give [...]. There [B, L] are B problems of L examples (for a value a label write `loss(z.T, y.T)`), masks
    [B, 1, H, W] one problem a row of pixels (for one an image write `.flatten(1)`, for one a batch `.flatten()`), and
    [B, 1] is refused.

    `weight=` [..., N] in the call lets an example count that many times; losses of the families pointwise, relaxed
    counts and straight-through take it. A weighted mean is over the sum of the weights. Boolean masks are weights too.

    All but pointwise losses are of a batch as a whole. Gradient accumulation and DDP average the losses of its parts,
    which is another loss: the mean gradient of 8 parts of 128 examples has a cosine with that of all of 1.00 for bce,
    0.96 for soft_f1, 0.87 for auroc_square and 0.55 for smooth_ap (README). Use larger batches, or gather the logits
    before the loss.

    Raises UserError, a ValueError in kind, for a name or a hyperparameter that does not exist: it names the nearest.
    """
    entry = lookup("loss", name)
    _check_task(task, ignore_index)
    known = [parameter.name for parameter in entry.parameters]
    for word in hyperparameters:
        if word not in known:
            raise unknown(f"hyperparameter of {name}", word, known)
    loss = entry.load()(**hyperparameters)
    if name != "custom":
        loss.name = name
    if task is None:
        return loss
    from surrogate_bench.losses.tasks import Binary

    return Binary(loss, ignore_index=ignore_index, per_example=entry.info.get("state") == "examples")


def _check_task(task: str | None, ignore_index: int | None) -> None:
    """Raises UserError for a task that there is not, or not yet."""
    if task not in (None, *TASKS):
        raise unknown("task", str(task), TASKS)
    if task not in (None, "binary"):
        raise UserError(f'there is no task="{task}" yet: there is task="binary", and none for problems [..., N]')
    if ignore_index is not None and task is None:
        raise UserError('ignore_index= needs task="binary": problems side by side would keep different numbers')


def list_losses() -> list[str]:
    """The names of all losses, sorted."""
    return sorted(entries("loss"))


def loss_info(name: str) -> LossInfo:
    """The facts about the loss `name`; this does not import torch."""
    entry = lookup("loss", name)
    return LossInfo(name=name, summary=entry.summary, **entry.info)
