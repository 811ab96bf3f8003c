"""Pointwise losses that are no likelihood: squared error and hinges."""

from surrogate_bench.losses.base import Scores, Targets
from surrogate_bench.losses.pointwise import Pointwise
from surrogate_bench.registry import register
from surrogate_bench.system.rounding import sigmoid


@register(
    "loss",
    "squared_error",
    family="pointwise",
    reference="Brier, Verification of Forecasts Expressed in Terms of Probability, Mon. Weather Rev. 78, 1950, "
    "https://doi.org/10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2",
    threshold=None,
)
class SquaredError(Pointwise):
    """mean((p − y)²), the Brier score. A batch without positives pushes all scores down."""

    def terms(self, logits: Scores, targets: Targets, weight: Targets | None) -> Scores:  # noqa: ARG002
        return (sigmoid(logits) - targets).square()


@register(
    "loss",
    "hinge",
    family="pointwise",
    reference="Cortes, Vapnik, Support-Vector Networks, Machine Learning 20, 1995, https://doi.org/10.1007/BF00994018",
)
class Hinge(Pointwise):
    """mean(max(0, 1 − s·z)), s = ±1: the support vector machine's. A batch without positives pushes all scores down."""

    def terms(self, logits: Scores, targets: Targets, weight: Targets | None) -> Scores:  # noqa: ARG002
        return (1 - (2 * targets - 1) * logits).relu()


@register(
    "loss",
    "squared_hinge",
    family="pointwise",
    reference="Lee, Mangasarian, SSVM: A Smooth Support Vector Machine for Classification, Computational "
    "Optimization and Applications 20, 2001, https://doi.org/10.1023/A:1011215321374",
)
class SquaredHinge(Pointwise):
    """mean(max(0, 1 − s·z)²), s = ±1. A batch without positives pushes all scores down."""

    def terms(self, logits: Scores, targets: Targets, weight: Targets | None) -> Scores:  # noqa: ARG002
        return (1 - (2 * targets - 1) * logits).relu().square()
