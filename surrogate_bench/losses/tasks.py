"""Losses for what people have in their own loops: tensors as BCEWithLogitsLoss takes them, and one number back."""

from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from surrogate_bench.losses.base import Loss


class Binary(Loss):
    """A loss of one problem: logits [B] or [B, 1], boolean, whole or float targets [B] or [B, 1] -> a scalar.

    `fit`, `seed`, `index=`, `weight=` and the state are those of the loss inside. Examples whose target is
    `ignore_index` are left out before the loss sees them; a batch of nothing else has loss 0 and gradient 0.
    """

    def __init__(self, loss: Any, *, ignore_index: int | None = None, per_example: bool = False) -> None:
        super().__init__()
        self.loss, self.ignore_index, self.per_example = loss, ignore_index, per_example

    def fit(self, targets: Shaped[Tensor, "..."]) -> None:
        """Tells the loss the training set's targets [N] or [N, 1], once, before the first step."""
        own = _column("targets", targets)
        if self.ignore_index is not None:
            kept = own != self.ignore_index
            # Positions in the training set stay what they are where a value is kept at each.
            own = own * kept if self.per_example else own[kept]
        if hasattr(self.loss, "fit"):
            self.loss.fit(own)

    def plan(self, steps: int) -> None:
        """Tells the loss how many steps of training there will be, once, before the first."""
        if hasattr(self.loss, "plan"):
            self.loss.plan(steps)

    def seed(self, seeds: Tensor | int) -> None:
        """Seeds what the loss draws, by one whole number."""
        if hasattr(self.loss, "seed"):
            self.loss.seed(torch.as_tensor(seeds).reshape(()))

    def forward(
        self,
        logits: Shaped[Tensor, "..."],
        targets: Shaped[Tensor, "..."],
        index: Shaped[Tensor, "..."] | None = None,
        *,
        weight: Shaped[Tensor, "..."] | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of the batch, a scalar. Raises ValueError for other shapes, in a line that says what to write."""
        given = {"targets": targets, "index": index, "weight": weight}
        own = _column("logits", logits)
        others = {name: _column(name, value) for name, value in given.items() if value is not None}
        for name, value in others.items():
            if value.shape != own.shape:
                raise ValueError(f"{len(own)} logits and {len(value)} {name}: there must be as many")
        if self.ignore_index is not None:
            kept = others["targets"] != self.ignore_index
            own, others = own[kept], {name: value[kept] for name, value in others.items()}
        # A batch of one is a batch of one here.
        if isinstance(self.loss, Loss) and type(self.loss).forward is Loss.forward:
            self.loss.check_targets(others["targets"])
            return self.loss.values(own, **others)
        return self.loss(own, **others).reshape(())


def _column(name: str, values: Tensor) -> Tensor:
    """[B, 1] as [B], which it is as well, and the one value that `.squeeze()` leaves of a batch of one as [1]."""
    if values.ndim == 1:
        return values
    shape = tuple(values.shape)
    if len(shape) < 2 or (len(shape) == 2 and shape[1] == 1):
        return values.reshape(-1)
    if len(shape) == 2:
        hint = "columns as labels or classes are not there yet; of two logits for two classes write z[:, 1] - z[:, 0]"
    else:
        hint = "where every pixel is an example, write .flatten()"
    raise ValueError(f'task="binary" takes [B] or [B, 1], not {name} {shape}: {hint}')
