"""A run's numbers are the same bits at any width: alone, or beside any others."""

from __future__ import annotations

import copy
import functools
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from program import program
from torch import Tensor

from surrogate_bench.config.schema import RunConfig, TrainerConfig
from surrogate_bench.datasets import Split, load_source, make_split
from surrogate_bench.losses import list_losses
from surrogate_bench.metrics.evaluation import measure
from surrogate_bench.models import create_model
from surrogate_bench.registry import entries
from surrogate_bench.system.rounding import ALIKE, Alike, one_thread, probability
from surrogate_bench.training import train
from surrogate_bench.training.objective import Objective
from surrogate_bench.training.population import Population
from surrogate_bench.training.resuming import Keeper

CPU = torch.device("cpu")
WIDEST, WIDTHS, BATCHES = 24, (1, 2, 3, 8), (53, 20, 8, 64)
LOSSES = [name for name in list_losses() if name != "custom"]


def defaults(kind: str, name: str) -> dict[str, Any]:
    return {"name": name} | {p.name: p.default for p in entries(kind)[name].parameters}


def groups(width: int) -> list[list[int]]:
    """A few members of the widest population in smaller ones: the last, whose place there is furthest from theirs."""
    return [list(range(WIDEST))[::-1][start : start + width] for start in range(0, 3 if width == 1 else 1, width)]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Small steps take one thread, as training gives them; waiting for more would take most of the time here."""
    with one_thread():
        yield


# A loss alone.


def steps(config: dict[str, Any], members: list[int], n: int) -> list[Tensor]:
    """Values and gradients of a loss for these members at two steps, of which the first has rare positives."""
    generator = torch.Generator().manual_seed(n)
    everything = torch.randn(2, WIDEST, n, generator=generator) * 3
    shares = torch.rand(2, WIDEST, 1, generator=generator) * torch.tensor([0.1, 0.8]).view(2, 1, 1)
    targets = (torch.rand(2, WIDEST, n, generator=generator) < shares).float()
    objective = Objective([config] * len(members), CPU)
    objective.fit(targets[0][members], torch.tensor(members))
    index = torch.arange(n).expand(len(members), n)
    found = []
    for step in range(2):
        logits = everything[step][members].requires_grad_()
        value = objective(logits, targets[step][members], index)
        found += [value.detach(), *torch.autograd.grad(value.sum(), logits)]
    return found


@pytest.mark.parametrize("name", LOSSES)
def test_of_every_loss(name: str) -> None:
    config = defaults("loss", name)
    for n in BATCHES:
        widest = steps(config, list(range(WIDEST)), n)
        for members in (group for width in WIDTHS for group in groups(width)):
            for own, expected in zip(steps(config, members, n), widest, strict=True):
                assert torch.equal(own.nan_to_num(7), expected[members].nan_to_num(7)), (n, members)


OWN = """
import torch
F = torch.nn.functional

class Own(torch.nn.Module):
    def forward(self, z, y):
        p = z.sigmoid()
        costs = F.binary_cross_entropy_with_logits(z, y, reduction="none") + F.softplus(-z) * p ** 2.5
        return (costs + torch.logaddexp(z, y) + F.silu(z) + 2 ** z + z.exp2() + p ** 5).mean(-1) ** 0.7
"""


def test_of_a_loss_of_the_user_s_own(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    config = {"name": "custom", "path": f"{tmp_path}/own.py:Own", "args": {}}
    for n in BATCHES:
        widest = steps(config, list(range(WIDEST)), n)
        for members in (group for width in WIDTHS for group in groups(width)):
            for own, expected in zip(steps(config, members, n), widest, strict=True):
                assert torch.equal(own, expected[members]), (n, members)


SECOND: dict[str, tuple[Any, ...]] = {
    "pow": (2.5,),
    "__pow__": (-5,),
    "__rpow__": (3,),
    "logaddexp": (torch.tensor([0.5, -torch.inf, 0.0, 1.0, 0.0]),),
    "binary_cross_entropy_with_logits": (torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0]),),
}


@pytest.mark.parametrize("name", ALIKE)
def test_what_rounds_alike_is_torch_s_function_and_gradient(name: str) -> None:
    functions = {"special_expit": torch.special.expit, "special_exp2": torch.special.exp2}
    found = [functions, vars(torch.nn.functional), vars(torch), vars(torch.Tensor)]
    function = next(space[name] for space in found if name in space)
    x = torch.tensor([0.0, 1e-4, 0.5, 1.0, 30.0])
    if not name.endswith(("pow", "pow__")):
        x = torch.cat((x, -x[1:]))
    others = tuple(o.repeat(2)[: len(x)] if isinstance(o, Tensor) else o for o in SECOND.get(name, ()))
    results = []
    for inside in (False, True):
        own = x.clone().requires_grad_()
        if inside:
            with Alike():
                value = function(own, *others)
        else:
            value = function(own, *others)
        results.append((value.detach(), *torch.autograd.grad(value.sum(), own)))
    for mine, theirs in zip(*results[::-1], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=5e-6, atol=1e-7)


def test_a_probability_is_a_sigmoid() -> None:
    z = torch.tensor([-800.0, -30, -1, 0, 1, 30, 800], dtype=torch.float64)
    torch.testing.assert_close(probability(z), z.sigmoid(), rtol=1e-14, atol=1e-300)


# Whole runs.


@pytest.fixture(scope="module")
def splits() -> list[Split]:
    source = load_source("synthetic", size=120, features=7, label_noise=0.1)
    return [make_split(source, seed=seed) for seed in range(WIDEST)]


def runs(trainer: dict[str, Any] | None = None, **parts: Callable[[int], Any]) -> list[RunConfig]:
    """A run a member; a part is what a function makes of the member's number."""
    usual = {
        "model": lambda k: {"name": "mlp", "hidden": [16, 5]},  # noqa: ARG005
        "loss": lambda k: defaults("loss", "bce"),  # noqa: ARG005
        "optimizer": lambda k: {"name": "adam", "lr": (0.01, 0.03)[k % 2], "weight_decay": (0.0, 0.01)[k % 2]},
    }
    settings = {"epochs": 2, "batch_size": 20} | (trainer or {})
    return [
        RunConfig(
            dataset={"name": "synthetic"},
            seed=member,
            trainer=TrainerConfig(**settings),
            **{name: part(member) for name, part in (usual | parts).items()},
        )
        for member in range(WIDEST)
    ]


def outcome(own: list[RunConfig], splits: list[Split], keeper: Keeper | None = None) -> list[list[Any]]:
    """All that each run computed."""
    found = []
    for each in train(own, [splits[run.seed] for run in own], CPU, keeper=keeper):
        result = {key: each.result[key] for key in ("metrics", "thresholds", "best_epoch", "diverged_epoch", "batches")}
        arrays = {name: value.numpy() for name, value in each.checkpoint.items()} | each.predictions
        found.append([json.dumps(result), json.dumps(each.history), {k: v.tobytes() for k, v in arrays.items()}])
    return found


def assert_alike(own: list[RunConfig], splits: list[Split], widths: tuple[int, ...] = (1, 3, 8)) -> None:
    widest = outcome(own, splits)
    for width in widths:
        for members in groups(width):
            for member, found in zip(members, outcome([own[k] for k in members], splits), strict=True):
                assert found == widest[member], (width, member)


@pytest.mark.parametrize("batch_size", [*BATCHES, 1])
@pytest.mark.parametrize("hidden", [None, [], [64, 64], [1], [7, 1, 3]], ids=str)
def test_of_dense_nets(hidden: list[int] | None, batch_size: int, splits: list[Split]) -> None:
    model = {"name": "linear", "zeros": False} if hidden is None else {"name": "mlp", "hidden": hidden}
    trainer = {"batch_size": batch_size, "epochs": 1}
    assert_alike(runs(trainer, model=lambda k: model), splits, widths=(1, 3))  # noqa: ARG005


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_of_activations_and_precisions(activation: str, precision: str, splits: list[Split]) -> None:
    model = {"name": "mlp", "hidden": [9], "activation": activation}
    assert_alike(runs(model=lambda k: model, precision=lambda k: precision), splits)  # noqa: ARG005


@pytest.mark.parametrize("name", entries("optimizer"))
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_of_optimizers(name: str, schedule: str, splits: list[Split]) -> None:
    def own(member: int) -> dict[str, Any]:
        rate = {"lr": (0.01, 0.003, 0.1)[member % 3], "weight_decay": (0.0, 0.01)[member % 2]}
        return defaults("optimizer", name) | rate | {"schedule": schedule}

    assert_alike(runs(optimizer=own), splits)


def test_beside_other_losses(splits: list[Split]) -> None:
    for first in range(0, len(LOSSES), WIDEST // 2):
        assert_alike(runs(loss=lambda k: defaults("loss", LOSSES[(first + k // 2) % len(LOSSES)])), splits, (1, 3))  # noqa: B023


@pytest.mark.parametrize("trainer", [{"sampler": "stratified"}, {"select": "last"}, {"batch_size": 1000}], ids=str)
def test_of_ways_to_train(trainer: dict[str, Any], splits: list[Split]) -> None:
    assert_alike(runs(trainer), splits)


def test_beside_runs_that_diverge(splits: list[Split]) -> None:
    def own(member: int) -> dict[str, Any]:
        return defaults("optimizer", "sgd") | {"lr": 1e30 if member % 3 else 0.05}

    assert_alike(runs({"epochs": 3}, optimizer=own), splits)


def test_of_runs_that_go_on(splits: list[Split], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("surrogate_bench.training.resuming.SAVE_SECONDS", 0.0)
    own = runs({"epochs": 4}, loss=lambda k: defaults("loss", ("soap", "reinforce", "annealed")[k % 3]))
    widest = outcome(own, splits)
    for member in (23, 22, 21):
        states: list[Any] = []
        keeper = Keeper(None, lambda state: states.append(copy.deepcopy(state)))  # noqa: B023
        assert outcome([own[member]], splits, keeper) == [widest[member]]
        assert states[0]["epoch"] < 4
        assert outcome([own[member]], splits, Keeper(states[0], lambda state: None)) == [widest[member]]  # noqa: ARG005


def test_of_metrics_of_more_examples_than_one_stretch() -> None:
    torch.set_num_threads(2)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(7, 40_003, generator=generator).mul(8).round().div(8)
    targets = (torch.rand(7, 40_003, generator=generator) < torch.linspace(0, 0.9, 7)[:, None]).float()
    widest = measure(logits, targets)
    for width in (1, 2, 3):
        for start in range(0, 7 - width, width):
            at = slice(start, start + width)
            for group, values in measure(logits[at], targets[at]).items():
                for name, value in values.items():
                    assert torch.equal(value, widest[group][name][at]), (width, name)


class Normed(torch.nn.Module):
    """Stands for nets with buffers that training changes, at a fraction of ResNet-18's size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.out = torch.nn.Conv2d(1, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Linear(3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.relu(self.norm(self.conv(x))).mean((-1, -2))).squeeze(-1)


@pytest.mark.parametrize(
    "net", [Normed, functools.partial(create_model, "cnn", (1, 6, 5), seed=0)], ids=["norm", "cnn"]
)
def test_of_nets_that_go_one_after_the_other(net: Callable[[], torch.nn.Module]) -> None:
    nets = []
    for seed in range(8):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            nets.append(net())
            for parameter in nets[-1].parameters():
                torch.nn.init.normal_(parameter)
    for n in (53, 20, 8):
        x = torch.randn(8, n, 1, 6, 5, generator=torch.Generator().manual_seed(n))

        def computed(members: list[int]) -> list[Tensor]:
            population = Population([copy.deepcopy(nets[k]) for k in members], CPU)
            found = []
            for _ in range(2):
                logits = population(x[members])  # noqa: B023
                gradients, by_logit, _ = population.gradients(torch.sigmoid(logits.double()).sum(), logits)
                population.flat.detach().sub_(gradients)
                found += [logits.detach(), gradients, by_logit]
            return found + list(population.snapshot().values())

        widest = computed(list(range(8)))
        for members in ([7], [6], [5, 4], [7, 6, 5]):
            for own, expected in zip(computed(members), widest, strict=True):
                assert torch.equal(own, expected[members]), (n, members)


def test_of_resnet18() -> None:
    nets = [create_model("resnet18", (1, 8, 8), seed=seed) for seed in range(3)]
    x = torch.randn(3, 20, 1, 8, 8, generator=torch.Generator().manual_seed(0))

    def computed(members: list[int]) -> list[Tensor]:
        population = Population([copy.deepcopy(nets[k]) for k in members], CPU)
        logits = population(x[members])
        gradients, by_logit, _ = population.gradients(torch.sigmoid(logits.double()).sum(), logits)
        return [logits.detach(), gradients, by_logit, *population.snapshot().values()]

    widest = computed([0, 1, 2])
    for members in ([2], [1], [2, 1]):
        for own, expected in zip(computed(members), widest, strict=True):
            assert torch.equal(own, expected[members]), members


def test_of_a_run_that_is_trained_again_by_itself(tmp_path: Path) -> None:
    sweep = ["-m", "dataset=synthetic", "dataset.size=300", "loss=soft_f1,bce", "seed=range(4)", "trainer.epochs=4"]
    words = [
        *sweep,
        "trainer.batch_size=53",
        "model.hidden=[8]",
        "launcher.workers=1",
        f"output={tmp_path}",
        "device=cpu",
    ]

    def stored() -> dict[str, list[Any]]:
        found = {}
        for place in tmp_path.glob("*/*/result.json"):
            result = json.loads(place.read_text())
            with np.load(place.parent / "predictions.npz") as file:
                arrays = {name: values.tobytes() for name, values in file.items()}
            kept = [result[key] for key in ("metrics", "thresholds", "best_epoch", "alarms")]
            found[place.parent.name] = [kept, arrays, result["timing"]["side_by_side"]]
        return found

    program(tmp_path, *words, "launcher.width=8")
    before = stored()
    removed = sorted(before)[5]
    shutil.rmtree(next(tmp_path.glob(f"*/{removed}")))
    program(tmp_path, *words)
    after = stored()
    assert (before[removed].pop(), after[removed].pop()) == (8, 1)
    assert after == before
