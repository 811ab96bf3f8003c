"""Counts against NumPy, and the relaxations against formulas of other make."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch

from surrogate_bench import relaxations
from surrogate_bench.counts import Counts
from surrogate_bench.registry import entries

Array = np.ndarray[Any, np.dtype[np.float64]]
LOGITS = np.concatenate([np.linspace(-8, 8, 801), [-1e4, -100.0, 100.0, 1e4]])


def heaviside(p: Array, threshold: float, delta: float) -> Array:
    width = min(threshold, 1 - threshold)
    return np.interp(p, [0, threshold - width / 2, threshold + width / 2, 1], [0, delta, 1 - delta, 1])


def raised_cosine(p: Array, mu: float, delta: float) -> Array:
    return scipy.stats.cosine.cdf(np.pi * (p - mu) / delta)


EXPECTED: list[tuple[str, dict[str, Any], Callable[[Array], Array]]] = [
    ("probability", {}, lambda p: p),
    ("step", {}, lambda p: np.where(p > 0.5, 1.0, 0.0)),
    ("step", {"threshold": 0.3}, lambda p: np.where(p > 0.3, 1.0, 0.0)),
    ("straight_through", {"threshold": 0.7}, lambda p: np.where(p > 0.7, 1.0, 0.0)),
    ("sigmoid", {}, lambda p: scipy.special.expit(10 * (p - 0.5))),
    ("sigmoid", {"scale": 73.0, "threshold": 0.2}, lambda p: scipy.special.expit(73 * (p - 0.2))),
    ("piecewise_linear", {}, lambda p: heaviside(p, 0.5, 0.2)),
    ("piecewise_linear", {"threshold": 0.3, "delta": 0.1}, lambda p: heaviside(p, 0.3, 0.1)),
    ("piecewise_linear", {"threshold": 0.9, "delta": 0.05}, lambda p: heaviside(p, 0.9, 0.05)),
    ("threshold_cdf", {}, lambda p: p),
    ("threshold_cdf", {"distribution": "cosine"}, lambda p: raised_cosine(p, 0.5, 0.1)),
    ("threshold_cdf", {"distribution": "cosine", "mu": 0.4, "delta": 0.3}, lambda p: raised_cosine(p, 0.4, 0.3)),
]
every_relaxation = pytest.mark.parametrize("name", entries("relaxation"))


@pytest.mark.parametrize(("name", "hyperparameters", "expected"), EXPECTED)
def test_membership_is_the_formula(
    name: str, hyperparameters: dict[str, Any], expected: Callable[[Array], Array]
) -> None:
    membership = entries("relaxation")[name].load()(torch.tensor(LOGITS), **hyperparameters)
    np.testing.assert_allclose(membership.numpy(), expected(scipy.special.expit(LOGITS)), atol=1e-12)


def test_every_relaxation_has_a_formula() -> None:
    assert {name for name, _, _ in EXPECTED} == set(entries("relaxation"))


@every_relaxation
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_membership_rises_from_0_to_1(name: str, dtype: torch.dtype) -> None:
    ordered = torch.tensor(np.sort(LOGITS), dtype=dtype).requires_grad_()
    membership = entries("relaxation")[name].load()(ordered)
    assert membership.dtype == dtype
    assert membership.min() >= 0
    assert membership.max() <= 1
    assert (membership.diff() >= -torch.finfo(dtype).eps).all()
    assert membership[-1] - membership[0] > 0.98
    (gradient,) = torch.autograd.grad(membership.sum(), ordered)
    assert gradient.isfinite().all()
    assert (gradient >= 0).all()
    assert gradient.any() != (name == "step")


@pytest.mark.parametrize("name", ["step", "straight_through"])
@pytest.mark.parametrize("threshold", [0.5, 0.2, 0.9])
def test_exactly_at_the_threshold_is_negative(name: str, threshold: float) -> None:
    at = math.log(threshold / (1 - threshold))
    logits = torch.tensor([at, math.nextafter(at, math.inf), math.nextafter(at, -math.inf)], dtype=torch.float64)
    assert getattr(relaxations, name)(logits, threshold=threshold).tolist() == [0, 1, 0]
    assert getattr(relaxations, name)(torch.tensor([0.0, -0.0])).tolist() == [0, 0]


def test_straight_through_is_step_forward_and_sigmoid_backward() -> None:
    logits = torch.tensor(LOGITS, dtype=torch.float32).requires_grad_()
    through = relaxations.straight_through(logits, scale=4.0, threshold=0.4)
    assert torch.equal(through, relaxations.step(logits, threshold=0.4))
    soft = relaxations.sigmoid(logits, scale=4.0, threshold=0.4)
    gradients = [torch.autograd.grad(membership.sum(), logits)[0] for membership in (through, soft)]
    torch.testing.assert_close(*gradients)


def test_an_unknown_distribution_is_named() -> None:
    with pytest.raises(ValueError, match="gauss"):
        relaxations.threshold_cdf(torch.zeros(2), distribution="gauss")


@pytest.mark.parametrize("shape", [(7,), (3, 7), (2, 3, 7)])
@pytest.mark.parametrize("hard", [True, False])
def test_counts_are_numpy_s(shape: tuple[int, ...], hard: bool) -> None:
    random = np.random.default_rng(0)
    m, y = random.random(shape), (random.random(shape) < 0.4).astype(float)
    m = np.round(m) if hard else m
    counts = Counts.of(torch.tensor(m), torch.tensor(y))
    expected = {"tp": m * y, "fp": m * (1 - y), "fn": (1 - m) * y, "tn": (1 - m) * (1 - y)}
    for name, value in expected.items():
        assert getattr(counts, name).shape == shape[:-1]
        np.testing.assert_allclose(getattr(counts, name), value.sum(-1), atol=1e-12)
    totals = Counts.from_totals(counts.tp, torch.tensor(m.sum(-1)), torch.tensor(y.sum(-1)), 7)
    for name in expected:
        np.testing.assert_allclose(getattr(totals, name), getattr(counts, name), atol=1e-12)
