"""What every loss must honour, run over the registry: a new loss is tested by being there."""

import inspect
import itertools
import random
import re
import typing

import numpy as np
import pytest
import torch
from torch import Tensor

from surrogate_bench.errors import UserError
from surrogate_bench.losses import create_loss, list_losses, loss_info
from surrogate_bench.registry import entries

# `custom` is the user's own code, which nothing here can speak for.
LOSSES = [name for name in list_losses() if name != "custom"]
# Both classes, each of them missing, and one example alone.
TARGETS = [[1, 0, 0, 1, 0, 0, 1, 0], [0] * 8, [1] * 8, [1], [0]]
every_loss = pytest.mark.parametrize("name", LOSSES)


def draw(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Logits and targets of which every problem has both classes."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape, generator=generator, dtype=dtype) / 2
    targets = (torch.rand(shape, generator=generator) < 0.4).to(dtype)
    targets[..., 0], targets[..., 1] = 1, 0
    return logits.requires_grad_(), targets


def call(name: str, logits: Tensor, targets: Tensor, order: Tensor | None = None) -> Tensor:
    """A fresh loss, fitted on these targets and called on them in this order, with their positions where it asks."""
    loss = create_loss(name)
    loss.fit(targets)
    order = torch.arange(targets.shape[-1]) if order is None else order
    index = (order.expand(targets.shape),) if loss_info(name).needs_index else ()
    return loss(logits[..., order], targets[..., order], *index)


def both(name: str, logits: Tensor, targets: Tensor, order: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The value and, of its sum over problems, the gradient."""
    value = call(name, logits, targets, order)
    return value.detach(), torch.autograd.grad(value.sum(), logits)[0]


@every_loss
@pytest.mark.parametrize("shape", [(9,), (3, 9), (3, 2, 9)])
def test_reduces_the_last_dimension(name: str, shape: tuple[int, ...]) -> None:
    assert call(name, *draw(*shape)).shape == shape[:-1]


@every_loss
def test_problems_are_independent(name: str) -> None:
    logits, targets = draw(2, 3, 11)
    value, gradient = both(name, logits, targets)
    for k, label in np.ndindex(2, 3):
        alone = both(name, logits.detach()[k, label].requires_grad_(), targets[k, label])
        torch.testing.assert_close((value[k, label], gradient[k, label]), alone, rtol=1e-6, atol=1e-8)


@every_loss
def test_honours_the_incoming_gradient(name: str) -> None:
    logits, targets = draw(2, 9)
    _, gradient = both(name, logits, targets)
    weights = torch.tensor([3.0, -0.5], dtype=torch.float64)
    (scaled,) = torch.autograd.grad((call(name, logits, targets) * weights).sum(), logits)
    torch.testing.assert_close(scaled, weights[:, None] * gradient)
    assert gradient.abs().max() > 1e-6


@every_loss
def test_does_not_depend_on_the_order_of_examples(name: str) -> None:
    logits, targets = draw(2, 40)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(both(name, logits, targets, order), both(name, logits, targets), rtol=1e-6, atol=1e-8)


@every_loss
def test_does_not_depend_on_memory_layout(name: str) -> None:
    logits, targets = draw(5, 301, dtype=torch.float32)
    for y in (targets, torch.ones_like(targets), torch.zeros_like(targets)):
        strided = logits.detach().T.contiguous().T.requires_grad_()
        torch.testing.assert_close(both(name, strided, y), both(name, logits, y), rtol=1e-4, atol=1e-6)


@every_loss
def test_pieces_of_all_pairs_are_as_good_as_all_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    logits, targets = draw(2, 40)
    whole = both(name, logits, targets)
    monkeypatch.setattr("surrogate_bench.losses.pairs.BLOCK_PAIRS", 300)
    torch.testing.assert_close(both(name, logits, targets), whole, rtol=1e-9, atol=1e-12)


@every_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("autocast", [False, True])
def test_is_finite(name: str, dtype: torch.dtype, autocast: bool) -> None:
    signs = torch.tensor([[1, -1, 1, 1, -1, -1, -1, 1], [1] * 8, [-1] * 8, [0] * 8])
    for values, scale in itertools.product(TARGETS, (1.0, 30.0, 1e4)):
        targets = torch.tensor(values, dtype=torch.float32).expand(4, -1)
        logits = (scale * signs[:, : len(values)]).to(dtype).requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            value = call(name, logits, targets)
        assert value.dtype == torch.float32
        assert value.isfinite().all(), (values, scale)
        assert torch.autograd.grad(value.sum(), logits)[0].isfinite().all(), (values, scale)


@every_loss
def test_sums_in_fp32_under_autocast(name: str) -> None:
    # In bf16 a sum of 4096 memberships would stand still at a few hundred.
    logits, targets = draw(2, 4096, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under = both(name, logits, targets)
    torch.testing.assert_close(under, both(name, logits, targets), rtol=1e-5, atol=1e-8)
    half = logits.detach().bfloat16().requires_grad_()
    as_float = half.detach().float().requires_grad_()
    torch.testing.assert_close(both(name, half, targets)[0], both(name, as_float, targets)[0])


@every_loss
@pytest.mark.parametrize("grad", [True, False])
def test_leaves_the_world_alone(name: str, grad: bool) -> None:
    logits, targets = draw(2, 9)
    before = logits.detach().clone(), targets.clone()
    state = torch.get_rng_state(), str(np.random.get_state()), random.getstate()
    with torch.set_grad_enabled(grad):
        value = call(name, logits, targets)
        assert torch.is_grad_enabled() is grad
        assert value.requires_grad is grad
    if grad:
        value.sum().backward()
    assert torch.equal(torch.get_rng_state(), state[0])
    assert (str(np.random.get_state()), random.getstate()) == state[1:]
    assert torch.equal(logits.detach(), before[0])
    assert torch.equal(targets, before[1])


@every_loss
def test_state_is_in_the_state_dict(name: str) -> None:
    logits, targets = draw(2, 9)
    index = (torch.arange(9).expand(2, 9),) if loss_info(name).needs_index else ()
    used, fresh = create_loss(name), create_loss(name)
    used.fit(targets)
    used(logits, targets, *index)
    fresh.fit(1 - targets)
    fresh.load_state_dict(used.state_dict())
    torch.testing.assert_close(fresh(logits, targets, *index), used(logits, targets, *index), rtol=0, atol=0)


@every_loss
def test_gradient_is_the_derivative(name: str) -> None:
    if not loss_info(name).exact_gradient:
        pytest.skip("its gradient is by definition that of another function than its value")
    # Pieces of a loss meet in points that a random draw does not hit.
    logits, targets = draw(2, 7, seed=3)
    assert torch.autograd.gradcheck(lambda z: call(name, z, targets), logits)


@every_loss
def test_has_a_gradient_on_the_smallest_batch_that_it_claims(name: str) -> None:
    info = loss_info(name)
    n = max(info.min_positives + info.min_negatives, 2)
    # One class fills up what the other one's least leaves.
    for positives in {info.min_positives, n - info.min_negatives}:
        targets = (torch.arange(n) < positives).double()
        logits = torch.linspace(-0.3, 0.2, n, dtype=torch.float64).requires_grad_()
        assert both(name, logits, targets)[1].abs().max() > 1e-8, f"{positives} positives of {n}"


@every_loss
def test_says_what_it_is(name: str) -> None:
    info, entry = loss_info(name), entries("loss")[name]
    assert all((info.family, info.reference, info.summary))
    assert info.state in ("none", "data set", "schedule", "examples", "duals", "generator")
    assert isinstance(info.needs_index, bool)
    assert min(info.min_positives, info.min_negatives) >= 0
    assert info.cost.startswith("N")
    assert info.threshold is None or 0 < info.threshold < 1
    assert re.search(r"without positives|one-class", " ".join((inspect.getdoc(entry.load()) or "").split()))


@every_loss
def test_hyperparameters_are_checked_keywords(name: str) -> None:
    entry = entries("loss")[name]
    assert all(p.kind is p.KEYWORD_ONLY for p in inspect.signature(entry.load()).parameters.values())
    wrong: list[dict[str, object]] = [{"no_such_word": 1}]
    for parameter in entry.parameters:
        kinds = typing.get_args(parameter.type) or (parameter.type,)
        wrong += [{parameter.name: value} for value in ("no_such_word", float("nan")) if type(value) in kinds]
    for hyperparameters in wrong:
        with pytest.raises(ValueError, match=r"^[^\n]+\Z") as caught:
            create_loss(name, **hyperparameters)
        assert isinstance(caught.value, UserError) or "no_such_word" not in hyperparameters
