"""What every loss must honour, run over the registry: a new loss is tested by being there."""

import copy
import inspect
import itertools
import math
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
    return loss.values(logits[..., order], targets[..., order], *index)


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
    # The checks of shapes draw from `random` where a hint has any length, as tuple[Tensor, ...]: losses have none such.
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


def with_index(name: str, logits: Tensor) -> tuple[Tensor, ...]:
    """The positions in the training set, for a loss that asks."""
    return (torch.arange(logits.shape[-1]).expand(logits.shape),) if loss_info(name).needs_index else ()


@every_loss
def test_a_column_is_refused_with_what_to_write(name: str) -> None:
    logits, targets = torch.linspace(-1, 1, 6)[:, None].requires_grad_(), (torch.arange(6.0) % 2)[:, None]
    for shapes in ((logits, targets), (logits[:0], targets[:0]), (logits[None], targets[None])):
        with pytest.raises(ValueError, match=rf'squeeze\(-1\).*create_loss\("{name}", task="binary"\)\Z'):
            create_loss(name)(*shapes)
    for other in ((logits, targets[:, 0]), (logits[:, 0], targets)):
        with pytest.raises(ValueError, match=r"one shape: write \w+\.squeeze\(-1\)\Z"):
            create_loss(name)(*other)
    assert create_loss(name).values(logits.detach(), targets).shape == (6,)
    for one in (logits[0], logits[:1]):
        assert create_loss(name)(one.detach(), torch.ones_like(one)).isfinite().all()


@every_loss
@pytest.mark.parametrize("kind", [torch.bool, torch.uint8, torch.int64, torch.float32])
def test_takes_targets_of_any_kind(name: str, kind: torch.dtype) -> None:
    logits, targets = draw(2, 9)
    expected = both(name, logits, targets)
    loss = create_loss(name)
    loss.fit(targets.to(kind))
    value = loss(logits, targets.to(kind), *with_index(name, logits))
    torch.testing.assert_close((value.detach(), torch.autograd.grad(value.sum(), logits)[0]), expected)


@every_loss
def test_a_batch_of_nothing_has_loss_0_and_gradient_0(name: str) -> None:
    loss = create_loss(name)
    for shape in ((0,), (3, 0), (0, 5), (2, 0, 4)):
        logits = torch.zeros(shape, requires_grad=True)
        value = loss(logits, torch.zeros(shape))
        assert torch.equal(value, torch.zeros(shape[:-1]))
        assert torch.equal(torch.autograd.grad(value.sum(), logits)[0], torch.zeros(shape))


@every_loss
def test_as_a_task_it_takes_what_people_have_and_gives_one_number(name: str) -> None:
    logits, targets = draw(11)
    index = torch.arange(11)
    expected, gradient = both(name, logits, targets)
    for z, y in itertools.product((logits, logits[:, None]), (targets, targets[:, None], targets.bool()[:, None])):
        loss = create_loss(name, task="binary")
        loss.fit(y)
        value = loss(z, y, index=index)
        assert value.shape == ()
        torch.testing.assert_close((value.detach(), torch.autograd.grad(value, logits)[0]), (expected, gradient))
    for shape in ((1, 11), (11, 2), (11, 1, 1), (2, 1, 4, 4)):
        with pytest.raises(ValueError, match=r'^task="binary" takes \[B\] or \[B, 1\][^\n]+\Z'):
            create_loss(name, task="binary")(torch.zeros(shape), torch.zeros(shape))


@every_loss
def test_as_a_task_it_leaves_out_what_is_to_be_ignored(name: str) -> None:
    logits, targets = draw(11)
    loss, index = create_loss(name, task="binary", ignore_index=255), torch.arange(11)
    some = torch.arange(11) % 5 == 4
    known = torch.where(some, 255, targets.long())
    loss.fit(known)
    own = create_loss(name)
    own.fit(targets if loss_info(name).state == "examples" else targets[~some])
    position = {"index": index[~some]} if loss_info(name).needs_index else {}
    value, expected = loss(logits, known, index=index), own(logits[~some], targets[~some], **position)
    torch.testing.assert_close(value, expected)
    (gradient,) = torch.autograd.grad(value, logits)
    assert not gradient[some].any()
    nothing = loss(logits, torch.full((11,), 255), index=index)
    assert nothing.item() == 0
    assert not torch.autograd.grad(nothing, logits)[0].any()


@every_loss
def test_a_task_keeps_its_state(name: str) -> None:
    logits, targets = draw(9)
    words = {"index": torch.arange(9)}
    used, fresh = create_loss(name, task="binary"), create_loss(name, task="binary")
    for loss in (used, fresh):
        loss.seed(3)
        loss.fit(targets)
    used(logits, targets, **words)
    fresh.load_state_dict(used.state_dict())
    assert torch.equal(fresh(logits, targets, **words), used(logits, targets, **words))
    used.eval()
    before = copy.deepcopy(used.state_dict())
    used(logits, targets, **words)
    assert all(torch.equal(before[key].nan_to_num(7), value.nan_to_num(7)) for key, value in used.state_dict().items())


@every_loss
def test_an_example_of_weight_two_counts_as_two(name: str) -> None:
    logits, targets = draw(2, 9)
    weight = torch.tensor([2.0, 1, 0, 3, 1, 1, 0, 2, 1]).expand(2, 9)
    loss = create_loss(name)
    if loss_info(name).family not in ("pointwise", "relaxed counts", "straight-through"):
        with pytest.raises(ValueError, match=f"^{name} takes no weight="):
            loss(logits, targets, weight=weight)
        return
    value = loss(logits, targets, weight=weight)
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    again = [each.repeat_interleave(weight[0].long(), -1) for each in (logits, targets)]
    expected = create_loss(name)(*again)
    torch.testing.assert_close((value, gradient), (expected, torch.autograd.grad(expected.sum(), logits)[0]))
    nothing = create_loss(name)(logits, targets, weight=torch.zeros(2, 9))
    assert not nothing.any()
    assert not torch.autograd.grad(nothing.sum(), logits)[0].any()
    for wrong in (-weight, weight / 0, weight[0]):
        with pytest.raises(ValueError, match=r"^weight"):
            loss(logits, targets, weight=wrong)


@every_loss
def test_nothing_moves_without_a_gradient(name: str) -> None:
    logits, targets = draw(2, 9)
    index = with_index(name, logits)
    loss = create_loss(name)
    loss.seed(torch.tensor([1, 2]))
    loss.fit(targets)
    loss(logits, targets, *index)
    before = copy.deepcopy(loss.state_dict())
    other, labels = draw(2, 30, seed=1)
    with torch.no_grad():
        assert loss(other, labels).isfinite().all()  # of a validation there are no positions
        loss(logits, targets, *index)
    loss(logits.detach(), targets, *index)
    assert loss(other.detach(), labels).isfinite().all()
    after = loss.state_dict()
    assert all(torch.equal(before[key].nan_to_num(7), after[key].nan_to_num(7)) for key in before)


@every_loss
def test_state_of_other_problems_is_refused_in_a_line(name: str) -> None:
    loss = create_loss(name)
    if loss_info(name).state in ("none", "schedule"):
        return
    loss.fit(draw(3, 9)[1])
    loss.seed(torch.arange(3))
    logits, targets = draw(5, 9)
    if loss.keeps and any(getattr(loss, key).shape[:1] == (3,) for key in loss.keeps):
        with pytest.raises(ValueError, match=rf"^{name}: it keeps values for problems \(3,\)[^\n]+fit anew"):
            loss(logits, targets, *with_index(name, logits))


@every_loss
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_gives_nan_and_never_an_index_error(name: str, wrong: float) -> None:
    for place in range(6):
        logits, targets = draw(6, dtype=torch.float32)
        broken = torch.where(torch.arange(6) == place, wrong, logits.detach()).requires_grad_()
        value, _ = both(name, broken, targets)
        assert value.isnan() or not math.isnan(wrong), place


@every_loss
def test_equal_scores_of_a_class_get_equal_gradients_in_any_order(name: str) -> None:
    targets = torch.tensor([1.0, 0, 0, 1, 0, 1, 0, 0, 1, 0], dtype=torch.float64)
    if loss_info(name).state == "generator":
        return  # each example has draws of its own
    for scores in ([0.0] * 10, [0.0, 0, 1, 1, 0, 1, 0, 1, 0, 0], [1.0, 0, 0, 1, 0, 0, 0, 0, 1, 1]):
        logits = torch.tensor(scores, dtype=torch.float64).requires_grad_()
        value, gradient = both(name, logits, targets)
        for own in {*zip(scores, targets.tolist(), strict=True)}:
            same = (logits == own[0]) & (targets == own[1])
            torch.testing.assert_close(gradient[same], gradient[same][:1].expand(int(same.sum())))
        order = torch.randperm(10, generator=torch.Generator().manual_seed(1))
        torch.testing.assert_close(both(name, logits, targets, order), (value, gradient), rtol=1e-9, atol=1e-12)
