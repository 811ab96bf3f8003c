"""Loss values against an independent reading of the formulas: plain Python in double precision."""

import math
import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import scipy.stats
import torch
from readings import MORE
from torch.nn.functional import binary_cross_entropy_with_logits

from surrogate_bench.losses import create_loss, list_losses, loss_info
from surrogate_bench.registry import entries

Reals = list[float]


def p_of(z: float) -> float:
    return 1 / (1 + math.exp(-z))


RELAXATIONS: dict[str, Callable[[float], float]] = {
    "step": lambda z: float(p_of(z) > 0.5),
    "straight_through": lambda z: float(p_of(z) > 0.5),
    "probability": p_of,
    "sigmoid": lambda z: p_of(10 * (p_of(z) - 0.5)),
    "piecewise_linear": lambda z: float(np.interp(p_of(z), [0, 0.25, 0.75, 1], [0, 0.2, 0.8, 1])),
    "threshold_cdf": p_of,
}


class C(NamedTuple):
    tp: float = 0.0
    fp: float = 0.0
    fn: float = 0.0
    tn: float = 0.0


def f_measure(c: C, beta: float) -> float:
    p, r = c.tp / (c.tp + c.fp), c.tp / (c.tp + c.fn)
    return (1 + beta**2) * p * r / (beta**2 * p + r)


def chance_corrected(c: C) -> float:
    agreed = (c.tp + c.tn) / sum(c)
    expected = ((c.tp + c.fp) * (c.tp + c.fn) + (c.fn + c.tn) * (c.fp + c.tn)) / sum(c) ** 2
    return (agreed - expected) / (1 - expected)


METRICS: dict[str, Callable[[C], float]] = {
    "precision": lambda c: c.tp / (c.tp + c.fp),
    "recall": lambda c: c.tp / (c.tp + c.fn),
    "specificity": lambda c: c.tn / (c.tn + c.fp),
    "f0.5": lambda c: f_measure(c, 0.5),
    "f1": lambda c: f_measure(c, 1),
    "f2": lambda c: f_measure(c, 2),
    "jaccard": lambda c: c.tp / (c.tp + c.fp + c.fn),
    "accuracy": lambda c: (c.tp + c.tn) / sum(c),
    "balanced_accuracy": lambda c: (c.tp / (c.tp + c.fn) + c.tn / (c.tn + c.fp)) / 2,
    "g_mean": lambda c: math.sqrt(c.tp / (c.tp + c.fn) * c.tn / (c.tn + c.fp)),
    "mcc": lambda c: (
        (c.tp * c.tn - c.fp * c.fn) / math.sqrt((c.tp + c.fp) * (c.tp + c.fn) * (c.tn + c.fp) * (c.tn + c.fn))
    ),
    "kappa": chance_corrected,
}


def one_minus(metric: str, membership: Callable[[float], float]) -> Callable[[Reals, Reals], float]:
    def loss(logits: Reals, targets: Reals) -> float:
        c = C()
        for z, y in zip(logits, targets, strict=True):
            m = membership(z)
            c = C(c.tp + m * y, c.fp + m * (1 - y), c.fn + (1 - m) * y, c.tn + (1 - m) * (1 - y))
        return 1 - METRICS[metric](c)

    return loss


def mean_of(term: Callable[[float, float], float]) -> Callable[[Reals, Reals], float]:
    return lambda logits, targets: sum(term(p_of(z), y) for z, y in zip(logits, targets, strict=True)) / len(logits)


def focal(p: float, y: float) -> float:
    return -0.25 * (1 - p) ** 2 * math.log(p) if y else -0.75 * p**2 * math.log(1 - p)


def raised_cosine(z: float) -> float:
    return float(scipy.stats.cosine.cdf(math.pi * (p_of(z) - 0.5) / 0.1))


# The reading, and its value on `GOLDEN`.
READINGS: dict[str, tuple[Callable[[Reals, Reals], float], float]] = {
    "bce": (mean_of(lambda p, y: -math.log(p) if y else -math.log(1 - p)), 0.576635666),
    "focal": (mean_of(focal), 0.094903469),
    "soft_precision": (one_minus("precision", p_of), 0.395207863),
    "soft_recall": (one_minus("recall", p_of), 0.358982697),
    "soft_f1": (one_minus("f1", p_of), 0.377621951),
    "soft_fbeta": (one_minus("f2", p_of), 0.366570785),
    "soft_jaccard": (one_minus("jaccard", p_of), 0.548222900),
    "soft_mcc": (one_minus("mcc", p_of), 0.777462730),
    "soft_balanced_accuracy": (one_minus("balanced_accuracy", p_of), 0.388931140),
    "soft_g_mean": (one_minus("g_mean", p_of), 0.389665467),
    "any_f1": (one_minus("f1", lambda z: p_of(73 * (p_of(z) - 0.5))), 0.278114045),
    "heaviside_f1": (one_minus("f1", RELAXATIONS["piecewise_linear"]), 0.375875335),
    "sol_f1": (one_minus("f1", raised_cosine), 0.308450254),
    "straight_through_f1": (one_minus("f1", RELAXATIONS["step"]), 0.250000000),
}
READINGS |= MORE
GOLDEN = ([-2.0, -1.0, -0.3, 0.1, 0.7, 1.5, 3.0, -0.15], [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0])


def draws(count: int = 4, n: int = 25) -> list[tuple[Reals, Reals]]:
    random = np.random.default_rng(0)
    return [
        (random.normal(0, 1, n).tolist(), [1.0, 0.0, *map(float, random.random(n - 2) < 0.3)]) for _ in range(count)
    ]


def called(name: str, logits: torch.Tensor, targets: torch.Tensor, **hyperparameters: object) -> torch.Tensor:
    """A fresh loss on these examples; one that remembers examples has seen no others."""
    loss = create_loss(name, **hyperparameters)
    if not loss_info(name).needs_index:
        return loss(logits, targets)
    loss.fit(targets)
    return loss(logits, targets, index=torch.arange(len(targets)))


def value(name: str, data: tuple[Reals, Reals], **hyperparameters: object) -> float:
    logits, targets = (torch.tensor(values, dtype=torch.float64) for values in data)
    return called(name, logits, targets, **hyperparameters).item()


def test_every_loss_has_a_reading() -> None:
    assert set(list_losses()) == {*READINGS, "relaxed", "custom"}


@pytest.mark.parametrize("name", READINGS)
def test_equals_the_reading(name: str) -> None:
    reading, golden = READINGS[name]
    for data in draws():
        assert value(name, data) == pytest.approx(reading(*data), abs=1e-6)
    assert value(name, GOLDEN) == pytest.approx(golden, abs=1e-8)


@pytest.mark.parametrize("relaxation", entries("relaxation"))
@pytest.mark.parametrize("metric", METRICS)
def test_relaxed_reaches_every_pair(metric: str, relaxation: str) -> None:
    for data in draws(2):
        expected = one_minus(metric, RELAXATIONS[relaxation])(*data)
        assert value("relaxed", data, metric=metric, relaxation=relaxation) == pytest.approx(expected, abs=1e-6)


def test_relaxed_is_what_the_presets_are() -> None:
    same: dict[str, dict[str, object]] = {
        "soft_mcc": {"metric": "mcc"},
        "soft_fbeta": {"metric": "f2"},
        "any_f1": {"relaxation": "sigmoid", "scale": 73.0},
        "heaviside_f1": {"relaxation": "piecewise_linear", "threshold": 0.5, "delta": 0.2},
        "sol_f1": {"relaxation": "threshold_cdf", "distribution": "cosine", "mu": 0.5, "delta": 0.1},
        "straight_through_f1": {"relaxation": "straight_through"},
    }
    for name, hyperparameters in same.items():
        assert value(name, GOLDEN) == value("relaxed", GOLDEN, **hyperparameters)


@pytest.mark.parametrize("name", READINGS)
def test_a_batch_without_positives_does_what_the_docstring_says(name: str) -> None:
    said = entries("loss")[name].load().__doc__
    for targets in (torch.zeros(6), *([torch.ones(6)] if "one-class" in said else [])):
        logits = torch.tensor([-3.0, -0.1, 0.0, 0.1, 2.0, 9.0]).requires_grad_()
        loss = called(name, logits, targets)
        (gradient,) = torch.autograd.grad(loss, logits)
        if stated := re.search(r"loss\s+([01](?:\.5)?)( and\s+gradient 0)?", said):
            assert loss.item() == float(stated[1])
            assert not (stated[2] and gradient.any())
        else:
            assert re.search(r"push|keeps\s+a\s+gradient", said)
            assert (gradient > 0).any()
            assert gradient.sum() > 0


@pytest.mark.parametrize("name", ["heaviside_mean", "histogram_ap"])
def test_histograms_of_many_examples_lose_nothing_in_fp32(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    targets = (torch.rand(1 << 20, generator=generator) < 0.2).float()
    scores = 2 * torch.randn(1 << 20, generator=generator) + targets
    found = []
    for dtype in (torch.float32, torch.float64):
        logits = scores.to(dtype).requires_grad_()
        loss = called(name, logits, targets.to(dtype))
        found.append((loss.double(), torch.autograd.grad(loss, logits)[0].double().norm()))
    torch.testing.assert_close(found[0], found[1], rtol=1e-7, atol=0)


@pytest.mark.parametrize("weight", [None, 0.3, 1, 7.5, "balanced"])
def test_bce_is_torch_s(weight: float | str | None) -> None:
    for data in draws():
        logits, targets = (torch.tensor(values) for values in data)
        loss = create_loss("bce", pos_weight=weight)
        balanced = (1 - targets).sum() / targets.sum()
        for ratio in (balanced, torch.tensor(4.0)):
            factor = ratio if weight == "balanced" else None if weight is None else torch.tensor(float(weight))
            expected = binary_cross_entropy_with_logits(logits, targets, pos_weight=factor)
            torch.testing.assert_close(loss(logits, targets), expected)
            loss.fit(torch.tensor([1, 0, 0, 0, 0]))


def test_balanced_bce_keeps_its_weight_in_the_state_dict() -> None:
    fitted, fresh = create_loss("bce", pos_weight="balanced"), create_loss("bce", pos_weight="balanced")
    fitted.fit(torch.tensor([1, 0, 0, 0, 0]))
    fresh.load_state_dict(fitted.state_dict())
    logits, targets = torch.tensor([0.5, -0.5]), torch.tensor([1, 0])
    torch.testing.assert_close(fresh(logits, targets), fitted(logits, targets))


@pytest.mark.parametrize("name", ["approx_ndcg", "lambda_loss", "soft_spearman", "plcc"])
def test_targets_may_be_graded(name: str) -> None:
    random = np.random.default_rng(1)
    for _ in range(4):
        data = (random.normal(0, 1, 20).tolist(), random.integers(0, 4, 20).astype(float).tolist())
        assert value(name, data) == pytest.approx(READINGS[name][0](*data), abs=1e-6)


def test_soft_ranks_become_ranks_and_are_an_average_of_orders() -> None:
    from surrogate_bench.losses.correlation import soft_ranks

    scores = torch.tensor(np.random.default_rng(0).normal(0, 1, (3, 50)))
    ranks = torch.tensor(scipy.stats.rankdata(scores, axis=1))
    hard, order, _ = soft_ranks(1e6 * scores)
    torch.testing.assert_close(hard, ranks.gather(1, order))
    soft, order, _ = soft_ranks(scores / 0.1)
    torch.testing.assert_close(soft.sum(1), ranks.sum(1))
    assert (soft.diff() < 0).all()
    assert torch.equal(order, ranks.argsort(1, descending=True))
    torch.testing.assert_close(soft_ranks(torch.zeros(5))[0], torch.full((5,), 3.0))


def test_partial_auroc_takes_the_exact_number_of_negatives() -> None:
    from fractions import Fraction

    from surrogate_bench.losses.partial_auroc import _hardest

    sizes = torch.arange(1, 2001)
    members = (torch.arange(2000) < sizes[:, None]).float()
    for share in ("0.01", "0.05", "0.1", "0.3", "0.7", "0.95"):
        exact = [math.ceil(Fraction(share) * int(size)) for size in sizes]
        assert _hardest(torch.zeros_like(members), members, float(share)).sum(-1).round().tolist() == exact
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(300, generator=generator)
    targets = (torch.arange(300) >= 200).float()
    found = [
        called("partial_auroc", scores.to(kind), targets.to(kind)).double() for kind in (torch.float32, torch.double)
    ]
    torch.testing.assert_close(found[0], found[1], rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("name", "hyperparameters"), [("bce", {}), ("logit_adjusted", {}), ("asymmetric", {"clip": 0.0})]
)
def test_small_losses_keep_their_digits(name: str, hyperparameters: dict[str, float]) -> None:
    targets = torch.tensor([1.0, 0.0])
    for size in (5.0, 12.0, 15.0, 20.0, 40.0):
        logits = torch.tensor([size, -size])
        exact = called(name, logits.double(), targets.double(), **hyperparameters)
        torch.testing.assert_close(
            called(name, logits, targets, **hyperparameters).double(), exact, rtol=1e-6, atol=1e-30
        )
