"""The optimizers against torch.optim, and members side by side against each alone."""

from typing import Any

import pytest
import torch
from torch import Tensor

from surrogate_bench.registry import entries
from surrogate_bench.training.optimizers import create_optimizer

STEPS = 100
Config = dict[str, Any]
CONFIGS: list[Config] = [
    {"name": "sgd", "lr": 0.1},
    {"name": "sgd", "lr": 0.1, "momentum": 0.0, "weight_decay": 0.02},
    {"name": "sgd", "lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.02},
    {"name": "adam", "lr": 0.01},
    {"name": "adam", "lr": 0.01, "weight_decay": 0.1, "beta1": 0.8, "beta2": 0.99, "eps": 1e-4},
    {"name": "adamw", "lr": 0.01},
    {"name": "adamw", "lr": 0.01, "weight_decay": 0.5, "beta1": 0.0, "beta2": 0.9, "eps": 1e-3},
]
every_config = pytest.mark.parametrize("config", CONFIGS, ids=lambda config: "-".join(map(str, config.values())))
every_schedule = pytest.mark.parametrize("schedule", ["constant", "cosine"])


def complete(config: Config) -> Config:
    """With all of the component's defaults, as a run's configuration has them."""
    return {p.name: p.default for p in entries("optimizer")[config["name"]].parameters} | config


def gradient(parameters: Tensor, step: int) -> Tensor:
    """Of a quadratic bowl whose axes differ in steepness, with noise that differs from step to step."""
    noise = torch.randn(parameters.shape, generator=torch.Generator().manual_seed(step), dtype=parameters.dtype)
    return torch.linspace(0.1, 3, parameters.shape[-1], dtype=parameters.dtype) * (parameters - 1) + 0.5 * noise


def start(members: int) -> Tensor:
    return torch.randn(members, 6, generator=torch.Generator().manual_seed(7), dtype=torch.float64)


def ours(configs: list[Config]) -> Tensor:
    """The path [steps, K, P]; every member meets the noise of a member that is alone."""
    parameters, path = start(1).repeat(len(configs), 1), []
    optimizer = create_optimizer([complete(config) for config in configs], steps=STEPS, device="cpu")
    for step in range(STEPS):
        optimizer.step(parameters, torch.stack([gradient(own, step) for own in parameters]))
        path.append(parameters.clone())
    return torch.stack(path)


def torch_s(config: Config) -> Tensor:
    parameter = torch.nn.Parameter(start(1)[0])
    words = complete(config)
    name, schedule = words.pop("name"), words.pop("schedule")
    if "beta1" in words:
        words["betas"] = (words.pop("beta1"), words.pop("beta2"))
    optimizer = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[name](
        [parameter], **words
    )
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS) if schedule == "cosine" else None
    path = []
    for step in range(STEPS):
        parameter.grad = gradient(parameter.detach(), step)
        optimizer.step()
        if scheduler:
            scheduler.step()
        path.append(parameter.detach().clone())
    return torch.stack(path)


@every_config
@every_schedule
def test_equals_torch_s(config: Config, schedule: str) -> None:
    config = config | {"schedule": schedule}
    path, expected = ours([config])[:, 0], torch_s(config)
    torch.testing.assert_close(path, expected, rtol=0, atol=1e-6)
    assert (path[-1] - start(1)).abs().max() > 0.1


def test_every_optimizer_is_compared() -> None:
    assert {config["name"] for config in CONFIGS} == set(entries("optimizer"))


@every_config
@every_schedule
@pytest.mark.parametrize("decays", [[0.0, 0.0, 0.0], [0.0, 0.03, 0.3]])
def test_members_side_by_side_are_each_alone(config: Config, schedule: str, decays: list[float]) -> None:
    configs = [
        config | {"schedule": schedule, "lr": lr, "weight_decay": decay}
        for lr, decay in zip([0.001, 0.02, 0.1], decays, strict=True)
    ]
    together = ours(configs)
    for member, own in enumerate(configs):
        torch.testing.assert_close(together[:, member], ours([own])[:, 0], rtol=0, atol=1e-6)
        torch.testing.assert_close(together[:, member], torch_s(own), rtol=0, atol=1e-6)


def test_a_member_that_is_lost_is_lost_alone() -> None:
    optimizer = create_optimizer([complete(CONFIGS[3])] * 2, steps=STEPS, device="cpu")
    parameters = start(2)
    optimizer.step(parameters, torch.tensor([[torch.nan] * 6, [1.0] * 6], dtype=torch.float64))
    assert parameters.isfinite().all(1).tolist() == [False, True]


WRONG: list[Config] = [
    {"lr": -0.1},
    {"lr": float("nan")},
    {"lr": float("inf")},
    {"weight_decay": -1.0},
    {"schedule": "cosin"},
    {"momentum": 1.0},
    {"momentum": float("nan")},
    {"beta1": 1.0},
    {"beta2": -0.1},
    {"eps": -1e-8},
]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        (name, wrong)
        for name in entries("optimizer")
        for wrong in WRONG
        if wrong.keys() <= complete({"name": name}).keys()
    ],
    ids=str,
)
def test_a_wrong_value_is_named_in_one_line(name: str, wrong: Config) -> None:
    config = complete({"name": name})
    with pytest.raises(ValueError, match=rf"^[^\n]*{next(iter(wrong))}[^\n]*\Z"):
        create_optimizer([config, config | wrong] if "lr" in wrong else [config | wrong], steps=1, device="cpu")


def test_the_nearest_schedule_and_optimizer_are_named() -> None:
    with pytest.raises(ValueError, match="Did you mean 'cosine'"):
        create_optimizer([complete({"name": "sgd", "schedule": "cosin"})], steps=1, device="cpu")
    with pytest.raises(ValueError, match="Did you mean 'adamw'"):
        create_optimizer([complete({"name": "adam"}) | {"name": "adamww"}], steps=1, device="cpu")
