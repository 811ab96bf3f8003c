"""The twelve threshold metrics: each a fraction of counts, written once for hard and soft alike.

A formula returns (numerator, denominator), each [...]. Where the denominator is 0 the metric is 0, by `ratio`.
This module knows no torch: the counts may be tensors, arrays or numbers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from surrogate_bench.counts import Counts
from surrogate_bench.registry import lookup, register

if TYPE_CHECKING:
    from torch import Tensor

Fraction = tuple[Any, Any]
Formula = Callable[[Counts], Fraction]

# Below every count that fp32 can tell from 0 in a sum, and large enough that its inverse is finite.
TINY = 1e-30


def ratio(fraction: tuple[Tensor, Tensor]) -> Tensor:
    """numerator / denominator, and 0 with a finite gradient where the denominator is 0."""
    numerator, denominator = fraction
    return numerator / denominator.clamp_min(TINY)


@functools.cache
def formula(name: str) -> Formula:
    """The fraction of the threshold metric `name`; an unknown name is answered with the nearest one."""
    entry = lookup("metric", name)
    if entry.info["group"] != "threshold":
        raise ValueError(f"{name} is no threshold metric: it has no formula on counts")
    return entry.load()


@register(
    "metric",
    "precision",
    group="threshold",
    formula="TP / (TP + FP)",
    reference="van Rijsbergen, Information Retrieval, 1979, http://www.dcs.gla.ac.uk/Keith/Preface.html",
)
def precision(c: Counts) -> Fraction:
    """How many of those predicted positive are positive."""
    return c.tp, c.tp + c.fp


@register(
    "metric",
    "recall",
    group="threshold",
    formula="TP / (TP + FN)",
    reference="van Rijsbergen, Information Retrieval, 1979, http://www.dcs.gla.ac.uk/Keith/Preface.html",
)
def recall(c: Counts) -> Fraction:
    """How many of the positives are found; also sensitivity, true positive rate."""
    return c.tp, c.tp + c.fn


@register(
    "metric",
    "specificity",
    group="threshold",
    formula="TN / (TN + FP)",
    reference="Yerushalmy, Public Health Reports 62, 1947, https://doi.org/10.2307/4586294",
)
def specificity(c: Counts) -> Fraction:
    """How many of the negatives are let be; also true negative rate."""
    return c.tn, c.tn + c.fp


def f_beta(c: Counts, *, beta: float) -> Fraction:
    """(1 + β²)·TP / ((1 + β²)·TP + β²·FN + FP): recall counts β times as much as precision."""
    weighted = (1 + beta**2) * c.tp
    return weighted, weighted + (c.fn if beta == 1 else beta**2 * c.fn) + c.fp


@register(
    "metric",
    "f0.5",
    group="threshold",
    formula="1.25 TP / (1.25 TP + 0.25 FN + FP)",
    reference="van Rijsbergen, Information Retrieval, 1979, http://www.dcs.gla.ac.uk/Keith/Preface.html",
)
def f05(c: Counts) -> Fraction:
    """F-beta that counts precision twice as much as recall."""
    return f_beta(c, beta=0.5)


@register(
    "metric",
    "f1",
    group="threshold",
    formula="2 TP / (2 TP + FN + FP)",
    reference="van Rijsbergen, Information Retrieval, 1979, http://www.dcs.gla.ac.uk/Keith/Preface.html; Dice, "
    "Ecology 26, 1945, https://doi.org/10.2307/1932409",
)
def f1(c: Counts) -> Fraction:
    """The harmonic mean of precision and recall."""
    return f_beta(c, beta=1.0)


@register(
    "metric",
    "f2",
    group="threshold",
    formula="5 TP / (5 TP + 4 FN + FP)",
    reference="van Rijsbergen, Information Retrieval, 1979, http://www.dcs.gla.ac.uk/Keith/Preface.html",
)
def f2(c: Counts) -> Fraction:
    """F-beta that counts recall twice as much as precision."""
    return f_beta(c, beta=2.0)


@register(
    "metric",
    "jaccard",
    group="threshold",
    formula="TP / (TP + FP + FN)",
    reference="Jaccard, Bull. Soc. Vaudoise Sci. Nat. 37, 1901, https://doi.org/10.5169/seals-266450",
)
def jaccard(c: Counts) -> Fraction:
    """Intersection over union; also critical success index, threat score."""
    return c.tp, c.tp + c.fp + c.fn


@register("metric", "accuracy", group="threshold", formula="(TP + TN) / N", reference="folklore")
def accuracy(c: Counts) -> Fraction:
    """How many of all predictions are right."""
    return c.tp + c.tn, c.tp + c.fp + c.fn + c.tn


@register(
    "metric",
    "balanced_accuracy",
    group="threshold",
    formula="(recall + specificity) / 2",
    reference="Brodersen et al., The Balanced Accuracy and Its Posterior Distribution, ICPR 2010, "
    "https://doi.org/10.1109/ICPR.2010.764",
)
def balanced_accuracy(c: Counts) -> Fraction:
    """The mean of recall and specificity; 0 where one class is missing."""
    positives, negatives = c.tp + c.fn, c.tn + c.fp
    return c.tp * negatives + c.tn * positives, 2 * positives * negatives


@register(
    "metric",
    "g_mean",
    group="threshold",
    formula="√(recall · specificity)",
    reference="Kubat, Matwin, Addressing the Curse of Imbalanced Training Sets, ICML 1997, "
    "https://sci2s.ugr.es/keel/pdf/algorithm/congreso/kubat97addressing.pdf",
)
def g_mean(c: Counts) -> Fraction:
    """The geometric mean of recall and specificity."""
    return _root(c.tp * c.tn), _root((c.tp + c.fn) * (c.tn + c.fp))


@register(
    "metric",
    "mcc",
    group="threshold",
    formula="(TP·TN − FP·FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN))",
    reference="Matthews, Biochim. Biophys. Acta 405, 1975, https://doi.org/10.1016/0005-2795(75)90109-9",
)
def mcc(c: Counts) -> Fraction:
    """Matthews' correlation of prediction and truth, in [−1, 1]; also phi."""
    predicted, actual = (c.tp + c.fp) * (c.tn + c.fn), (c.tp + c.fn) * (c.tn + c.fp)
    return c.tp * c.tn - c.fp * c.fn, _root(predicted) * _root(actual)


@register(
    "metric",
    "kappa",
    group="threshold",
    formula="2 (TP·TN − FP·FN) / ((TP+FP)(FP+TN) + (TP+FN)(FN+TN))",
    reference="Cohen, A Coefficient of Agreement for Nominal Scales, Educ. Psychol. Meas. 20, 1960, "
    "https://doi.org/10.1177/001316446002000104",
)
def kappa(c: Counts) -> Fraction:
    """Cohen's agreement beyond chance."""
    by_chance = (c.tp + c.fp) * (c.fp + c.tn) + (c.tp + c.fn) * (c.fn + c.tn)
    return 2 * (c.tp * c.tn - c.fp * c.fn), by_chance


def _root(count: Any) -> Any:
    # The root's derivative is infinite at 0, where the metric has no direction to give anyway: 0 with gradient 0.
    return count.clip(min=TINY) ** 0.5 * (count > 0)
