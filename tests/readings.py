"""Naive readings of the losses' formulas in plain Python: loops over examples and over pairs, no tensors."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from statistics import NormalDist

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


def two_way_kl(z: Reals, y: Reals) -> float:
    positive, negative = split(z, y)
    means = [sum(math.exp(max(0, 1 - a + b) ** 2) for b in negative) / len(negative) for a in positive]
    return math.log(sum(means) / len(positive))


def correlation(a: Reals, b: Reals) -> float:
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    together = sum((s - mean_a) * (t - mean_b) for s, t in zip(a, b, strict=True))
    spreads = (sum((s - middle) ** 2 for s in v) / len(v) + 1e-8 for v, middle in ((a, mean_a), (b, mean_b)))
    return together / len(a) / math.sqrt(math.prod(spreads))


def pearson(z: Reals, y: Reals) -> float:
    return (1 - correlation([p_of(a) for a in z], y)) / 2


def on_permutahedron(z: Reals) -> Reals:
    """The nearest point to z in the hull of all orders of 1 … n: its KKT conditions by pooling neighbours."""
    n = len(z)
    order = sorted(range(n), key=lambda i: -z[i])
    # Blocks of neighbours in descending order, each as [excess of z over its places, length].
    pooled: list[list[float]] = []
    for place, i in enumerate(order):
        pooled.append([z[i] - (n - place), 1])
        while len(pooled) > 1 and pooled[-2][0] / pooled[-2][1] < pooled[-1][0] / pooled[-1][1]:
            excess, length = pooled.pop()
            pooled[-1][0] += excess
            pooled[-1][1] += length
    means = [excess / length for excess, length in pooled for _ in range(int(length))]
    ranks = [0.0] * n
    for mean_of_block, i in zip(means, order, strict=True):
        ranks[i] = z[i] - mean_of_block
    return ranks


def middle(values: Reals) -> Reals:
    return [sum(b < a for b in values) + (1 + sum(b == a for b in values)) / 2 for a in values]


def soft_rank_correlation(z: Reals, y: Reals) -> float:
    return (1 - correlation(on_permutahedron(z), middle(y))) / 2


def gain_of(ranks: Reals, y: Reals) -> float:
    return sum((2**b - 1) / math.log2(1 + rank) for rank, b in zip(ranks, y, strict=True))


def ideal_gain(y: Reals) -> float:
    return gain_of([float(i + 1) for i in range(len(y))], sorted(y)[::-1])


def approximate_ndcg(z: Reals, y: Reals) -> float:
    ranks = [1 + sum(p_of((b - a) / 0.1) for j, b in enumerate(z) if j != i) for i, a in enumerate(z)]
    return 1 - gain_of(ranks, y) / ideal_gain(y)


def ndcg_loss_2(z: Reals, y: Reals) -> float:
    ranks, total = [len(z) + 1 - rank for rank in middle(z)], 0.0
    for i, j in itertools.product(range(len(z)), repeat=2):
        if y[i] > y[j]:
            distance = max(1.0, abs(ranks[i] - ranks[j]))
            weight = 1 / math.log2(1 + distance) - 1 / math.log2(2 + distance)
            total += (2 ** y[i] - 2 ** y[j]) * weight * math.log2(1 + math.exp(z[j] - z[i]))
    return total / ideal_gain(y)


def blackbox(z: Reals, y: Reals) -> float:
    shifted = [a - 0.05 if b else a + 0.05 for a, b in zip(z, y, strict=True)]
    positive = [s for s, b in zip(shifted, y, strict=True) if b]

    def rank(a: float, among: Reals) -> float:
        return sum(b > a for b in among) + (1 + sum(b == a for b in among)) / 2

    return 1 - sum(rank(a, positive) / rank(a, shifted) for a in positive) / len(positive)


def errors_in_bits(z: Reals, y: Reals) -> tuple[float, float, float]:
    n = len(z)
    fn = sum(math.log2(1 + math.exp(-a)) for a, b in zip(z, y, strict=True) if b) / n
    fp = sum(math.log2(1 + math.exp(a)) for a, b in zip(z, y, strict=True) if not b) / n
    return fn, fp, sum(y) / n


def recall_given_precision(z: Reals, y: Reals, precision: float = 0.9) -> float:
    fn, fp, prior = errors_in_bits(z, y)
    return (1 + 1 - precision) * fn + precision * fp - (1 - precision) * prior


def precision_given_recall(z: Reals, y: Reals) -> float:
    fn, fp, prior = errors_in_bits(z, y)
    return fp + fn - 0.1 * prior


def tpr_given_fpr(z: Reals, y: Reals) -> float:
    fn, fp, prior = errors_in_bits(z, y)
    return fn + fp - 0.05 * (1 - prior)


def area_by_anchors(z: Reals, y: Reals) -> float:
    prior = sum(y) / len(y)
    return sum(recall_given_precision(z, y, prior + (1 - prior) * k / 21) for k in range(1, 21)) / 20


def game(z: Reals, y: Reals) -> float:
    n = len(z)
    missed = sum(max(0, 1 - a) for a, b in zip(z, y, strict=True) if b) / n
    alarms = sum(max(0, 1 + a) for a, b in zip(z, y, strict=True) if not b) / n
    return 0.5 * missed + 0.5 * (0.9 * alarms - 0.1 * (sum(y) / n - missed))


def splitmix(key: int) -> int:
    key = ((key ^ (key >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    key = ((key ^ (key >> 27)) * 0x94D049BB133111EB) % 2**64
    return key ^ (key >> 31)


def noise(sample: int, example: int, seed: int = 0, step: int = 0) -> float:
    golden = 0x9E3779B97F4A7C15
    key = seed * golden
    for word in (step, sample, example + 1):
        key = (splitmix(key % 2**64) + word * golden) % 2**64
    return ((splitmix(key) >> 11) + 0.5) / 2**53


def sampled(decide: Callable[[float, float], bool]) -> Reading:
    """The mean of 1 − F1 over 32 random decisions."""

    def loss(z: Reals, y: Reals) -> float:
        values = [f1_of([float(decide(a, noise(s, i))) for i, a in enumerate(z)], y) for s in range(32)]
        return 1 - sum(values) / 32

    return loss


MORE: dict[str, tuple[Reading, float]] = {
    "squared_error": (mean(lambda z, y: (p_of(z) - y) ** 2), 0.206421782),
    "hinge": (mean(lambda z, y: max(0, 1 - (z if y else -z))), 0.768750000),
    "squared_hinge": (mean(lambda z, y: max(0, 1 - (z if y else -z)) ** 2), 1.114062500),
    "asymmetric": (mean(asymmetric), 0.183827177),
    "logit_adjusted": (with_prior, 0.576635666),
    "label_smoothed_bce": (mean(smoothed), 0.610073166),
    "decomposable_fbeta": (decomposable, 0.445846478),
    "sigmoid_f1": (lambda z, y: 1 - f1_of([p_of(10 * (a + 1)) for a in z], y), 0.333267567),
    "any_loss": (lambda z, y: 1 - f1_of([p_of(73 * (p_of(a) - 0.5)) for a in z], y), 0.278114045),
    "heaviside_mean": (heaviside_mean, 0.396806421),
    "score_oriented": (lambda z, y: 1 - f1_of([p_of(a) for a in z], y), 0.377621951),
    "annealed": (lambda z, y: 1 - f1_of([p_of(4 * (p_of(a) - 0.5)) for a in z], y), 0.401096492),
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
    "tpauc_kl": (two_way_kl, 4.567192420),
    "plcc": (pearson, 0.284798350),
    "soft_spearman": (soft_rank_correlation, 0.266708956),
    "approx_ndcg": (approximate_ndcg, 0.066951075),
    "lambda_loss": (ndcg_loss_2, 0.902419330),
    "blackbox_ap": (blackbox, 0.169642857),
    "recall_at_precision": (recall_given_precision, 0.778342941),
    "precision_at_recall": (precision_given_recall, 0.781909416),
    "tpr_at_fpr": (tpr_given_fpr, 0.806909416),
    "pr_anchors": (area_by_anchors, 0.697993228),
    "proxy_lagrangian": (game, 0.357187500),
    "reinforce": (sampled(lambda a, u: u < p_of(a)), 0.416186418),
    "perturbed": (sampled(lambda a, u: a + NormalDist().inv_cdf(u) > 0), 0.350843254),
}
