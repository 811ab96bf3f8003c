"""AnyLoss's single-layer table, reproduced."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from counts import count
from hydra import compose, initialize_config_dir

from surrogate_bench.config.parse import read
from surrogate_bench.config.schema import RunConfig
from surrogate_bench.sweeps.plan import Splits, plan
from surrogate_bench.system.paths import CONF
from surrogate_bench.training import train

PUBLISHED = [
    ("haberman", 0.2465, 0.5200),
    ("ionosphere", 0.8311, 0.7915),
    ("breast_cancer", 0.9734, 0.9709),
    ("pima", 0.6431, 0.6778),
    ("phoneme", 0.5208, 0.6651),
]


@pytest.mark.parametrize(("dataset", "bce", "any_f1"), PUBLISHED[: count(1, 5)])
def test_the_published_single_layer_is_reproduced(dataset: str, bce: float, any_f1: float, data_root: Path) -> None:
    """F1 of AnyLoss's Perceptron table, mean over ten folds, to the fourth digit."""
    words = ["+suite=anyloss_slp", f"dataset={dataset}", "model=linear", "model.zeros=true", "optimizer=sgd"]
    words += ["optimizer.momentum=0"] + ([f"dataset.root={data_root}"] if dataset != "breast_cancer" else [])
    losses = [["loss=bce", "optimizer.lr=0.1"], ["loss=any_f1", "optimizer.lr=0.01"]]
    runs = [_run(*words, *own, f"dataset.fold={fold}") for fold in range(10) for own in losses]
    device, splits = torch.device("cpu"), Splits()
    found: dict[str, list[float]] = {"bce": [], "any_f1": []}
    for run, outcome in (
        (runs[number], outcome)
        for group in plan(runs, device, splits).groups
        for number, outcome in zip(
            group, train([runs[n] for n in group], [splits.of(runs[n]) for n in group], device), strict=True
        )
    ):
        found[run.loss["name"]].append(outcome.result["metrics"]["test"]["hard"]["f1"])
    assert [round(float(np.mean(values)), 4) for values in found.values()] == [bce, any_f1]


def _run(*words: str) -> RunConfig:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return read(compose("config", list(words)))
