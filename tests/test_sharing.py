"""How runs are shared out where the measurement that decides it does not come to its end."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from surrogate_bench.config.schema import RunConfig
from surrogate_bench.planning import Job, Splits
from surrogate_bench.sharing import share_out


def dies(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def raises(*_: Any, **__: Any) -> None:
    raise MemoryError


@pytest.mark.parametrize(("measure", "forks"), [(dies, True), (raises, True), (raises, False)])
def test_without_a_measurement_runs_take_the_least_room(
    measure: Any, forks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surrogate_bench.training.width.fastest_width", measure)
    monkeypatch.setattr("surrogate_bench.sharing.can_fork", lambda _: forks)
    data = {"name": "synthetic", "size": 200, "positive": None, "imratio": None, "fold": None}
    loss, optimizer = {"name": "bce"}, {"name": "adam", "lr": 0.01, "weight_decay": 0.0}
    model = {"name": "mlp", "hidden": [4]}
    runs = [RunConfig(dataset=data, model=model, loss=loss, optimizer=optimizer, seed=seed) for seed in range(9)]
    share = share_out(list(range(9)), [Job(run, Path(str(run.seed))) for run in runs], Splits(), torch.device("cpu"))
    assert share.processes == 1
    assert [len(portion) for portion in share.portions] == [1] * 9
