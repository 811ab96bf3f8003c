"""Naive readings of the losses' formulas in plain Python: loops over examples and over pairs, no tensors."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np

Reals = list[float]
Reading = Callable[[Reals, Reals], float]


def p_of(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def mean(term: Callable[[float, float], float]) -> Reading:
    return lambda z, y: sum(map(term, z, y)) / len(z)


def split(z: Reals, y: Reals) -> tuple[Reals, Reals]:
    return [a for a, b in zip(z, y, strict=True) if b], [a for a, b in zip(z, y, strict=True) if not b]


def pairs(cost: Callable[[float], float]) -> Reading:
    """The mean over all pairs of the cost of z₊ − z₋."""

    def loss(z: Reals, y: Reals) -> float:
        positive, negative = split(z, y)
        return sum(cost(a - b) for a in positive for b in negative) / (len(positive) * len(negative))

    return loss


def soft_counts(memberships: Reals, y: Reals) -> tuple[float, float, float]:
    tp = sum(m for m, b in zip(memberships, y, strict=True) if b)
    return tp, sum(memberships) - tp, sum(y) - tp


def f1_of(memberships: Reals, y: Reals) -> float:
    tp, fp, fn = soft_counts(memberships, y)
    return 2 * tp / (2 * tp + fp + fn)


def asymmetric(z: float, y: float) -> float:
    p = p_of(z)
    if y:
        return -(1 - p) * math.log(p)
    q = max(p - 0.05, 0)
    return -(q**4) * math.log(1 - q)


def with_prior(z: Reals, y: Reals) -> float:
    shift = math.log(sum(y) / (len(y) - sum(y)))
    return mean(lambda a, b: -math.log(p_of(a + shift) if b else 1 - p_of(a + shift)))(z, y)


def smoothed(z: float, y: float) -> float:
    target = 0.95 if y else 0.05
    return -target * math.log(p_of(z)) - (1 - target) * math.log(1 - p_of(z))


def decomposable(z: Reals, y: Reals) -> float:
    odds = sum(y) / (len(y) - sum(y))
    return mean(lambda a, b: -math.log(p_of(a)) if b else math.log(odds + p_of(a)))(z, y)


def heaviside_mean(z: Reals, y: Reals) -> float:
    values = []
    for t in np.arange(1, 10) / 10:
        width = min(t, 1 - t)
        corners = [0, t - width / 2, t + width / 2, 1]
        values.append(f1_of([float(np.interp(p_of(a), corners, [0, 0.2, 0.8, 1])) for a in z], y))
    return 1 - sum(values) / len(values)


def dice(z: Reals, y: Reals) -> float:
    tp, fp, fn = soft_counts([p_of(a) for a in z], y)
    return 1 - (2 * tp + 1) / (2 * tp + fp + fn + 1)


def tversky(z: Reals, y: Reals) -> float:
    tp, fp, fn = soft_counts([p_of(a) for a in z], y)
    return 1 - (tp + 1) / (tp + 0.3 * fp + 0.7 * fn + 1)


def lovasz(z: Reals, y: Reals) -> float:
    ranked = sorted(((1 - a if b else 1 + a), b) for a, b in zip(z, y, strict=True))[::-1]

    def jaccard_loss(count: int) -> float:
        wrong = [b for _, b in ranked[:count]]
        return len(wrong) / (sum(y) + sum(1 - b for b in wrong)) if wrong else 0.0

    return sum(max(0.0, error) * (jaccard_loss(i + 1) - jaccard_loss(i)) for i, (error, _) in enumerate(ranked))


def partial(z: Reals, y: Reals) -> float:
    positive, negative = split(z, y)
    hardest = sorted(negative)[::-1][: math.ceil(0.3 * len(negative) - 1e-6)]
    return sum(max(0, 1 - a + b) ** 2 for a in positive for b in hardest) / (len(positive) * len(hardest))


def area_under_minimum(z: Reals, y: Reals) -> float:
    positive, negative = split(z, y)
    points = sorted(z)
    area = 0.0
    for low, high in itertools.pairwise(points):
        middle = (low + high) / 2
        fnr = sum(a < middle for a in positive) / len(positive)
        fpr = sum(b > middle for b in negative) / len(negative)
        area += (high - low) * min(fnr, fpr)
    return area


def smooth_ap(z: Reals, y: Reals) -> float:
    total = 0.0
    for i, (a, own) in enumerate(zip(z, y, strict=True)):
        if own:
            above = [p_of((b - a) / 0.1) if j != i else 0.0 for j, b in enumerate(z)]
            total += (1 + sum(m for m, b in zip(above, y, strict=True) if b)) / (1 + sum(above))
    return 1 - total / sum(y)


def histogram_ap(z: Reals, y: Reals) -> float:
    positive, everything = [0.0] * 20, [0.0] * 20
    for a, b in zip(z, y, strict=True):
        for k in range(20):
            share = max(0.0, 1 - abs((1 - p_of(a)) * 19 - k))
            positive[k] += share * b
            everything[k] += share
    total, above, count = 0.0, 0.0, 0.0
    for own, size in zip(positive, everything, strict=True):
        above, count = above + own, count + size
        total += own * above / count if count else 0.0
    return 1 - total / sum(y)


def error_driven_ap(z: Reals, y: Reals) -> float:
    total = 0.0
    for i, (a, own) in enumerate(zip(z, y, strict=True)):
        if own:
            above = [min(max((b - a) / 2 + 0.5, 0), 1) if j != i else 0.0 for j, b in enumerate(z)]
            total += sum(x for x, b in zip(above, y, strict=True) if not b) / (1 + sum(above))
    return total / sum(y)


def soap(z: Reals, y: Reals) -> float:
    total = 0.0
    for a, own in zip(z, y, strict=True):
        if own:
            costs = [max(0.0, 1 - (a - b)) ** 2 for b in z]
            total += 1 - sum(c for c, b in zip(costs, y, strict=True) if b) / sum(costs)
    return total / sum(y)


def kl(z: Reals, y: Reals) -> float:
    positive, negative = split(z, y)
    means = [sum(math.exp(max(0, 1 - a + b) ** 2) for b in negative) / len(negative) for a in positive]
    return sum(map(math.log, means)) / len(positive)


def auc_margin(z: Reals, y: Reals) -> float:
    positive, negative = ([p_of(a) for a in part] for part in split(z, y))
    a, b = sum(positive) / len(positive), sum(negative) / len(negative)
    alpha = max(0, 1 + b - a)
    spread = sum((p - a) ** 2 for p in positive) / len(positive) + sum((p - b) ** 2 for p in negative) / len(negative)
    return spread + 2 * alpha * (1 + b - a) - alpha**2


MORE: dict[str, tuple[Reading, float]] = {
    "squared_error": (mean(lambda z, y: (p_of(z) - y) ** 2), 0.206421782),
    "hinge": (mean(lambda z, y: max(0, 1 - (z if y else -z))), 0.768750000),
    "squared_hinge": (mean(lambda z, y: max(0, 1 - (z if y else -z)) ** 2), 1.114062500),
    "asymmetric": (mean(asymmetric), 0.183827177),
    "logit_adjusted": (with_prior, 0.576635666),
    "label_smoothed_bce": (mean(smoothed), 0.610073166),
    "decomposable_fbeta": (decomposable, 0.445846478),
    "sigmoid_f1": (lambda z, y: 1 - f1_of([p_of(a) for a in z], y), 0.377621951),
    "any_loss": (lambda z, y: 1 - f1_of([p_of(73 * (p_of(a) - 0.5)) for a in z], y), 0.278114045),
    "heaviside_mean": (heaviside_mean, 0.396806421),
    "score_oriented": (lambda z, y: 1 - f1_of([p_of(a) for a in z], y), 0.377621951),
    "annealed": (lambda z, y: 1 - f1_of([p_of(p_of(a) - 0.5) for a in z], y), 0.469211054),
    "dice": (dice, 0.336751950),
    "tversky": (tversky, 0.297287823),
    "focal_tversky": (lambda z, y: tversky(z, y) ** 0.75, 0.402608408),
    "lovasz_hinge": (lovasz, 1.025000000),
    "auroc_square": (pairs(lambda gap: (1 - gap) ** 2), 3.328125000),
    "auroc_squared_hinge": (pairs(lambda gap: max(0, 1 - gap) ** 2), 1.070312500),
    "auroc_hinge": (pairs(lambda gap: max(0, 1 - gap)), 0.587500000),
    "auroc_logistic": (pairs(lambda gap: math.log(1 + math.exp(-gap))), 0.477625223),
    "partial_auroc": (partial, 1.734375000),
    "aum": (area_under_minimum, 0.425000000),
    "smooth_ap": (smooth_ap, 0.173850353),
    "histogram_ap": (histogram_ap, 0.172601475),
    "soap": (soap, 0.096019740),
    "pauc_kl": (kl, 1.850341077),
    "pauc_cvar": (pairs(lambda gap: max(0, 1 - gap) ** 2 / 0.2), 5.351562500),
    "aucm": (auc_margin, 0.713584609),
    "ap_loss": (error_driven_ap, 0.196705521),
}
