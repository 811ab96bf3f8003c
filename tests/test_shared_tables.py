"""Seeds of one table share it, and a part of the rows is enough: the same numbers in less memory."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

from surrogate_bench.config.schema import RunConfig, TrainerConfig
from surrogate_bench.datasets import Images, Table, make_split
from surrogate_bench.datasets.columns import Sparse
from surrogate_bench.training import data, train
from surrogate_bench.training.data import EXAMPLE_BYTES, PopulationData

CPU = torch.device("cpu")


def table(rows: int = 400, **options: Any) -> Table:
    """Columns of every kind."""
    chance = np.random.default_rng(0)
    texts = np.array([None if v < 0.1 else f"w{int(v * 9)}" for v in chance.random(rows)], dtype=object)
    columns = {
        "number": chance.normal(size=rows),
        "text": texts,
        "gaps": np.where(chance.random(rows) < 0.3, np.nan, chance.normal(size=rows) - 4),
        "narrow": chance.integers(-9, 9, rows).astype(np.int8),
        "constant": np.full(rows, -1.1),
        "tiny": chance.normal(size=rows) * 1e-160,
        "many": np.array([f"m{v}" for v in chance.integers(0, 150, rows)], dtype=object),
        "sparse": Sparse(rows, np.arange(0, rows, 7), chance.normal(size=len(range(0, rows, 7)))),
    }
    return Table("t", (chance.random(rows) < 0.3).astype(int), columns=columns, **options)


def runs(count: int) -> list[RunConfig]:
    parts: dict[str, Any] = {
        "dataset": {"name": "t"},
        "model": {"name": "mlp", "hidden": [9, 5], "activation": "relu"},
        "loss": {"name": "soft_f1"},
        "optimizer": {"name": "adam", "lr": 0.01, "weight_decay": 0.0},
    }
    trainer = TrainerConfig(epochs=2, batch_size=20)
    return [RunConfig(seed=seed, trainer=trainer, **parts) for seed in range(count)]


@pytest.mark.parametrize("scaling", ["train", "none"])
@pytest.mark.parametrize("many", ["other", "frequency", "hashed"])
def test_rows_of_a_shared_table_are_those_of_each_seed_s_own(
    many: str, scaling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = table(many=many)
    splits = [make_split(source, seed=seed, scaling=scaling) for seed in (0, 1, 1, 2)]
    monkeypatch.setattr(data, "COPIED_BYTES", 0)
    shared = PopulationData(splits, [0, 1, 1, 2], CPU, flat=True)
    assert shared.shared is not None
    assert all("x" not in vars(split) for split in splits)
    for part in ("train", "val", "test"):
        found = torch.cat(list(shared.portions(part)), 1)
        for own, split in zip(found, splits, strict=True):
            assert own.numpy().tobytes() == split.x[getattr(split, part)].numpy().tobytes()
            assert torch.equal(shared.targets(part)[0], splits[0].y[getattr(splits[0], part)])


def test_runs_on_a_shared_table_have_the_bits_that_they_have_on_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    source, found = table(), []
    for most, width in ((data.COPIED_BYTES, 1), (data.COPIED_BYTES, 5), (0, 5), (0, 2)):
        monkeypatch.setattr(data, "COPIED_BYTES", most)
        own = runs(5)
        outcomes = []
        for start in range(0, 5, width):
            group = own[start : start + width]
            outcomes += train(group, [make_split(source, seed=run.seed) for run in group], CPU)
        told = [json.dumps([each.history, each.result["metrics"]]) for each in outcomes]
        arrays = [[v.numpy().tobytes() for v in each.checkpoint.values()] for each in outcomes]
        found.append((told, arrays, [each.predictions["test_logits"].tobytes() for each in outcomes]))
    assert found[1:] == found[:1] * 3


# A part of the rows.


def test_rows_are_a_stratified_sample_that_every_seed_shares() -> None:
    source = table(rows=1000)
    splits = [make_split(source, seed=seed, rows=200) for seed in (0, 1)]
    assert [len(split.y) for split in splits] == [200, 200]
    assert torch.equal(splits[0].y, splits[1].y)
    assert sum(len(getattr(splits[0], part)) for part in ("train", "val", "test")) == 200
    assert not torch.equal(splits[0].train, splits[1].train)
    whole = make_split(source, seed=0)
    assert float(splits[0].y.mean()) == pytest.approx(float(whole.y.mean()), abs=1 / 200)
    other = make_split(source, seed=0, rows=200, rows_seed=1)
    assert not torch.equal(other.x, splits[0].x)
    assert splits[0].data == other.data == whole.data
    assert torch.equal(make_split(source, seed=0, rows=5000).x, whole.x)


def test_a_test_part_that_the_data_bring_stays_whole() -> None:
    chance = np.random.default_rng(0)
    pixels = chance.integers(0, 255, (90, 1, 4, 4), dtype=np.uint8)
    target, test = np.arange(90) % 3, np.arange(60, 90)
    source = Images("p", target, test=test, positive=(0,), pixels=pixels, mean=(0.5,), std=(0.2,))
    split = make_split(source, seed=0, rows=24)
    assert [len(split.train), len(split.val), len(split.test)] == [18, 6, 30]
    assert torch.equal(split.x[split.test], source.given.scaled(torch.from_numpy(pixels[60:])))
    assert int(split.y[torch.cat((split.train, split.val))].sum()) == 8


def test_of_given_splits_those_rows_remain_that_are_in_the_sample() -> None:
    source = table(rows=300)
    source.splits = tuple(np.arange(k, 300, 3) for k in range(3))
    split = make_split(source, seed=0, rows=90, fold=1)
    assert sum(len(getattr(split, part)) for part in ("train", "val", "test")) == 90
    texts = [make_split(source, seed=0, rows=90, fold=fold).test for fold in range(3)]
    assert sorted(torch.cat(texts).tolist()) == list(range(90))


# What training may take.

TRAIN = """
import os, resource, sys
import numpy as np, torch
from surrogate_bench.config.schema import RunConfig, TrainerConfig
from surrogate_bench.datasets import Table, make_split
from surrogate_bench.training import train
torch.set_num_threads(1)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
def runs(model, count, batch_size):
    sgd = {"name": "sgd", "lr": 0.01, "weight_decay": 0.0}
    parts = dict(dataset={"name": "t"}, loss={"name": "bce"}, optimizer=sgd)
    trainer = TrainerConfig(epochs=1, batch_size=batch_size)
    return [RunConfig(seed=seed, model=model, trainer=trainer, **parts) for seed in range(count)]
def fit(source, model, count, batch_size):
    own = runs(model, count, batch_size)
    train(own, [make_split(source, seed=run.seed) for run in own], torch.device("cpu"))
def table(rows, columns):
    x = np.random.default_rng(0).normal(size=(columns, rows)).astype(np.float32)
    return Table("t", np.arange(rows) % 2, columns={str(i): own for i, own in enumerate(x)})
linear = {"name": "linear", "zeros": False}
fit(table(100, 2), linear, 2, 10)
source = EVAL
source.digest, source.leaking
before = peak()
fit(source, *CALL)
print(peak() - before)
"""


def grown(source: str, call: str) -> int:
    """Bytes by which training raises a process's peak."""
    code = TRAIN.replace("EVAL", source).replace("CALL", call)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(ended.stdout)


def test_seeds_of_a_large_table_take_room_for_one_table() -> None:
    rows, columns, seeds = 200_000, 40, 12
    most = (4 * columns + seeds * EXAMPLE_BYTES) * rows + 2**26
    assert seeds * 4 * columns * rows > 1.5 * most  # what a table a seed would take
    assert grown(f"table({rows}, {columns})", f"(linear, {seeds}, 8192)") < most
