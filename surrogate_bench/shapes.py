"""The shapes that a loss and a metric take: examples are the last dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def check_shapes(logits: Tensor, targets: Tensor, also: str = "") -> None:
    """Looks whether logits and targets have one shape [..., N] in which N are examples.

    A column [B, 1] is refused: it would be B problems of one example each, and is meant as B examples by nearly
    everybody who has one. `also` is another way out, for the message. Raises ValueError.
    """
    if logits.ndim and logits.shape == targets.shape and logits.shape[-1] != 1:
        return
    shape = tuple(logits.shape)
    if not shape:
        raise ValueError("logits have no dimension of examples: write logits.reshape(1), targets.reshape(1)")
    if logits.shape != targets.shape:
        column = shape[-1] == 1 and tuple(targets.shape) == shape[:-1]
        flat = tuple(targets.shape) == (*shape, 1)
        hint = ": write logits.squeeze(-1)" if column else ": write targets.squeeze(-1)" if flat else ""
        raise ValueError(f"logits {shape} and targets {tuple(targets.shape)} must have one shape{hint}")
    if shape[-1] == 1 and any(size != 1 for size in shape[:-1]):
        meant = "the last dimension holds the examples, and here it is 1"
        raise ValueError(f"logits {shape}: {meant}; write logits.squeeze(-1), targets.squeeze(-1){also}")
