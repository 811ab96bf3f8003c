"""A member of a population gets what it would get alone."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from surrogate_bench.config.schema import RunConfig, TrainerConfig
from surrogate_bench.datasets import Split, Table, load_source, make_split
from surrogate_bench.datasets.encoding import Encoding, Number
from surrogate_bench.models import create_model
from surrogate_bench.registry import entries
from surrogate_bench.training import train
from surrogate_bench.training.data import PopulationData, stream_seed
from surrogate_bench.training.loop import fit

CPU = torch.device("cpu")
LOSSES = ("bce", "focal", "soft_f1", "soft_precision", "soft_mcc", "any_f1", "heaviside_f1")


def config(loss: str, seed: int, lr: float, *, epochs: int, batch_size: int, decay: float = 0.0) -> RunConfig:
    hyperparameters = {p.name: p.default for p in entries("loss")[loss].parameters}
    return RunConfig(
        dataset={"name": "breast_cancer"},
        model={"name": "mlp", "hidden": [16, 16]},
        loss={"name": loss, **hyperparameters},
        optimizer={"name": "adam", "lr": lr, "weight_decay": decay},
        seed=seed,
        trainer=TrainerConfig(epochs=epochs, batch_size=batch_size),
    )


def mixed(count: int, **trainer: int) -> list[RunConfig]:
    draw = random.Random(0)
    rates, decays = (0.001, 0.003, 0.01), (0.0, 1e-3)
    return [
        config(draw.choice(LOSSES), draw.randrange(30), draw.choice(rates), decay=draw.choice(decays), **trainer)
        for _ in range(count)
    ]


def splits(runs: Sequence[RunConfig]) -> list:
    source = load_source("breast_cancer")
    made = {seed: make_split(source, seed=seed) for seed in {run.seed for run in runs}}
    return [made[run.seed] for run in runs]


def test_weights_and_batches_are_the_same() -> None:
    runs = mixed(20, epochs=1, batch_size=64)
    own = splits(runs)
    together = PopulationData(own, [run.seed for run in runs], CPU, flat=True)
    alone = [PopulationData([split], [run.seed], CPU, flat=True) for run, split in zip(runs, own, strict=True)]
    for _ in range(2):
        for batch, *singles in zip(together.epoch(64), *(data.epoch(64) for data in alone), strict=True):
            for part in range(3):
                assert torch.equal(batch[part], torch.cat([single[part] for single in singles]))
    population = fit(runs, own, CPU).population
    for k, run in enumerate(runs):
        solo = fit([run], [own[k]], CPU).population
        assert solo.names == population.names
        assert torch.equal(population.flat[k], solo.flat[0])
        net = create_model("mlp", (30,), seed=stream_seed(run.seed, "weights"), hidden=[16, 16])
        again = create_model("mlp", (30,), seed=stream_seed(run.seed, "weights"), hidden=[16, 16])
        assert all(torch.equal(a, b) for a, b in zip(net.parameters(), again.parameters(), strict=True))


def test_the_first_fifty_steps_agree() -> None:
    # A batch that holds the whole training set makes an epoch one step, and its loss a line of the history.
    runs = mixed(20, epochs=50, batch_size=1000)
    own = splits(runs)
    together = fit(runs, own, CPU).history
    for k in range(0, len(runs), 2):
        run = runs[k]
        alone = fit([run], [own[k]], CPU).history[0]
        values = [[line["train_loss"] for line in history] for history in (together[k], alone)]
        assert values[0] == values[1], run.loss


@pytest.mark.parametrize("loss", ["soft_f1", "bce"])
def test_a_hundred_are_each_alone(loss: str) -> None:
    runs = [config(loss, seed, 0.003, epochs=8, batch_size=64) for seed in range(100)]
    own = splits(runs)
    together = [outcome.result["metrics"] for outcome in train(runs, own, CPU)]
    for k in range(0, len(runs), 6):  # every sixth, for each takes as long as all together
        assert train([runs[k]], [own[k]], CPU)[0].result["metrics"] == together[k]


@pytest.mark.parametrize(("share", "batch_size"), [(0.37, 64), (0.02, 64), (0.02, 7), (0.98, 100), (0.5, 1)])
def test_stratified_batches_hold_equal_shares_and_every_example_once(share: float, batch_size: int) -> None:
    n = 1000
    y = (torch.rand(n, generator=torch.Generator().manual_seed(0)) < share).float()
    rows = {part: torch.arange(n) for part in ("train", "val", "test")}
    table = Table("shares", y.numpy(), columns={"x": np.arange(n)})
    split = Split(given=Encoding(table, [Number()], [1]), y=y, name="shares", positive="1", data="", **rows)
    data = PopulationData([split, split], [0, 1], CPU, flat=True, stratify=batch_size)
    orders = []
    for _ in range(2):
        batches = list(data.epoch(batch_size))
        order = torch.cat([index for *_, index in batches], 1)
        assert torch.equal(order.sort(1).values, torch.arange(n).expand(2, n))
        orders += [order[0], order[1]]
        rare = torch.stack([y.sum(1) if share <= 0.5 else (1 - y).sum(1) for _, y, _ in batches], 1)
        mean = min(share, 1 - share) * batch_size
        assert (rare[:, :-1] - mean).abs().max() <= 2
        if rare.sum(1).min() >= len(batches) and batch_size > 1:
            assert rare.min() >= 1
    assert len({tuple(order.tolist()) for order in orders}) == 4
