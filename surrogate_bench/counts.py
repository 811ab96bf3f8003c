"""The four counts of a confusion matrix, hard or soft: sums of memberships."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Counts:
    """tp, fp, fn, tn: tensors [...], one value a problem.

    They are whole numbers for hard decisions and real ones for soft memberships m in [0, 1]:
    tp = Σ m·y, fp = Σ m·(1 − y), fn = Σ (1 − m)·y, tn = Σ (1 − m)·(1 − y).
    """

    tp: Tensor
    fp: Tensor
    fn: Tensor
    tn: Tensor

    @classmethod
    def of(cls, memberships: Tensor, targets: Tensor, weight: Tensor | None = None) -> Counts:
        """Counts [...] of memberships [..., N] against targets [..., N] in {0, 1}; two reductions give all four.

        An example counts as many times as `weight` [..., N] says.
        """
        return cls.from_totals(*totals(memberships, targets, weight))

    @classmethod
    def from_totals(cls, tp: Tensor, predicted: Tensor, positives: Tensor, examples: int | Tensor) -> Counts:
        """Counts from the true positives, the (soft) number predicted positive, and the margins of the targets."""
        fp = predicted - tp
        return cls(tp, fp, positives - tp, examples - positives - fp)


def totals(
    memberships: Tensor, targets: Tensor, weight: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor, int | Tensor]:
    """True positives, predicted positives, positives and examples, [...] each, as `Counts.of` takes them."""
    if weight is not None:
        counted = weight * memberships
        return (counted * targets).sum(-1), counted.sum(-1), (weight * targets).sum(-1), weight.sum(-1)
    return (memberships * targets).sum(-1), memberships.sum(-1), targets.sum(-1), targets.shape[-1]
