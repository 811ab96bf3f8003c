"""A GPU that is not there: on fake tensors no two devices meet, and no step waits for a number.

Autograd asks CUDA itself for its device, so that whole steps are on fake tensors of `meta`, which the code here takes
for any device that is not the CPU.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from test_losses_contract import every_loss
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.utils._python_dispatch import TorchDispatchMode

from surrogate_bench.losses import create_loss, loss_info
from surrogate_bench.metrics.evaluation import measure
from surrogate_bench.models import create_model
from surrogate_bench.training.objective import Objective
from surrogate_bench.training.optimizers import create_optimizer
from surrogate_bench.training.population import Population
from surrogate_bench.training.trained import Best

CUDA, META = torch.device("cuda"), torch.device("meta")
# What needs a number, or as many places as a tensor has ones, before the next operation can be asked for.
WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "equal", "is_nonzero", "isotonic")
SHAPES = {"linear": (6,), "mlp": (6,), "cnn": (1, 8, 8), "resnet18": (1, 8, 8)}


class Waits(TorchDispatchMode):
    """Notes every operation that a GPU would have to be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, words = func.name().partition("::")[2].partition(".")[0], kwargs or {}
        on_gpu = any(isinstance(each, Tensor) and each.device.type != "cpu" for each in args)
        target = words.get("device") if name == "_to_copy" else args[0].device if name == "copy_" else None
        leaves = target is not None and torch.device(target).type == "cpu"
        if on_gpu and (name in WAITING or leaves):
            self.found.append(f"{name} in {traceback.extract_stack()[-2].name}")
        return func(*args, **words)


def moved(module: nn.Module, device: torch.device) -> nn.Module:
    """`Module.to` by new parameters, since fake tensors cannot be put into old ones."""
    for own in module.modules():
        for name, value in own._parameters.items():
            own._parameters[name] = None if value is None else nn.Parameter(value.detach().to(device))
        for name, value in own._buffers.items():
            own._buffers[name] = None if value is None else value.to(device)
    return module


@pytest.fixture(autouse=True)
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(nn.Module, "to", moved)
    shapes = ShapeEnv()
    with FakeTensorMode(allow_non_fake_inputs=True, shape_env=shapes):
        yield


def batch(name: str, device: torch.device, problems: int = 3, examples: int = 24) -> tuple[nn.Module, list[Tensor]]:
    """A loss that knows its training set, and logits, targets and, if it asks, positions."""
    loss = create_loss(name)
    moved(loss, device)
    loss.seed(torch.arange(problems, device=device))
    loss.fit(torch.ones(problems, 40, device=device))
    index = torch.arange(examples, device=device).expand(problems, -1)
    logits = torch.zeros(problems, examples, device=device, requires_grad=True)
    return loss, [logits, (index % 3 == 0).float(), *([index] if loss_info(name).needs_index else [])]


@every_loss
def test_a_loss_s_value_is_on_the_gpu(name: str) -> None:
    loss, given = batch(name, CUDA)
    assert loss(*given).device.type == "cuda"
    assert create_loss(name).eval()(*given).device.type == "cuda"


@every_loss
def test_a_loss_s_step_is_on_one_device_and_waits_for_nothing(name: str) -> None:
    loss, given = batch(name, META)
    kept = {key: value for key, value in loss.named_buffers() if value.numel() > 1}
    with Waits() as waits:
        for _ in range(2):
            value = loss(*given)
            (gradient,) = torch.autograd.grad(value.sum(), given[0])
    assert {value.device.type, gradient.device.type} == {"meta"}
    assert waits.found == []
    # A CUDA graph writes where it wrote when it was captured.
    for key, value in loss.named_buffers():
        assert key not in kept or value is kept[key]


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("model", SHAPES)
def test_a_population_s_step(model: str, optimizer: str, width: int) -> None:
    population = Population([create_model(model, SHAPES[model], seed=seed) for seed in range(width)], META)
    features = SHAPES[model]
    x, targets = torch.zeros(width, 8, *features, device=META), torch.zeros(width, 8, device=META)
    objective = Objective([{"name": "bce"}] * width, META)
    rules = [{"name": optimizer, "lr": 0.1 + k, "weight_decay": 0.1} for k in range(width)]
    rule = create_optimizer(rules, steps=3, device=META)
    population.training(True)
    with Waits() as waits:
        for _ in range(2):
            logits = population(x)
            value = objective(logits, targets, torch.zeros(width, 8, dtype=torch.int64, device=META))
            gradients, by_logits, _ = population.gradients(value.sum(), logits)
            rule.step(population.flat, gradients)
        kept = population.snapshot()
        population.restore(kept)
    assert waits.found == []
    assert {each.device.type for each in (logits, by_logits, population.flat, *kept.values())} == {"meta"}
    assert {value.device.type for value in population.state_dict(kept, width - 1).values()} == {"cpu"}


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("model", SHAPES)
def test_a_population_s_scores_are_on_the_gpu(model: str, width: int) -> None:
    population = Population([create_model(model, SHAPES[model], seed=seed) for seed in range(width)], CUDA)
    logits = population(torch.zeros(width, 8, *SHAPES[model], device=CUDA))
    kept = population.snapshot()
    population.restore(kept)
    assert {each.device.type for each in (logits, population.flat, *kept.values())} == {"cuda"}


def test_an_evaluation_waits_for_nothing() -> None:
    logits, targets = torch.zeros(3, 50, device=CUDA), torch.ones(3, 50, device=CUDA)
    for tune_for in ("f1", "mcc", "recall_at_precision@0.8", "tpr_at_fpr", "precision_at_recall"):
        with Waits() as waits:
            measured = measure(logits, targets, tune_for=tune_for, also=["partial_auroc@0.1"])
        assert waits.found == []
        assert {value.device.type for group in measured.values() for value in group.values()} == {"cuda"}


def test_the_best_epochs_are_kept_where_they_are() -> None:
    state = {"flat": torch.zeros(4, 3, device=CUDA)}
    best = Best.of_none(state, torch.zeros(4, 5, device=CUDA), [])
    score = torch.zeros(4, dtype=torch.float64, device=CUDA)
    with Waits() as waits:
        better = best.is_beaten_by(score, score)
        best.keep(better, score, score, 2, state, best.val_logits)
    assert waits.found == []
    assert best.state["flat"].device.type == "cuda"


def test_what_waits_is_seen() -> None:
    logits = torch.zeros(5, device=CUDA)
    for action in (lambda: (logits > 0).nonzero(), lambda: logits.cpu(), lambda: logits.sum().item()):
        with Waits() as waits:
            action()
        assert len(waits.found) == 1
    with pytest.raises(RuntimeError, match="device"):
        logits + torch.zeros(5)
