"""How runs are shared out where the measurement that decides it does not come to its end."""

from __future__ import annotations

import multiprocessing
import os
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch

from surrogate_bench.claims import Claims
from surrogate_bench.config.schema import RunConfig
from surrogate_bench.deadlines import MOST_SECONDS, Clock
from surrogate_bench.planning import Job, Splits
from surrogate_bench.sharing import share_out
from surrogate_bench.workers import Workers


def dies(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def raises(*_: Any, **__: Any) -> None:
    raise MemoryError


def jobs(folder: Path, count: int) -> list[Job]:
    data = {"name": "synthetic", "size": 200, "positive": None, "imratio": None, "fold": None}
    loss, optimizer = {"name": "bce"}, {"name": "adam", "lr": 0.01, "weight_decay": 0.0}
    model = {"name": "mlp", "hidden": [4]}
    runs = [RunConfig(dataset=data, model=model, loss=loss, optimizer=optimizer, seed=seed) for seed in range(count)]
    return [Job(run, folder / str(run.seed)) for run in runs]


@pytest.mark.parametrize(("measure", "forks"), [(dies, True), (raises, True), (raises, False)])
def test_without_a_measurement_runs_take_the_least_room(
    measure: Any, forks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surrogate_bench.training.width.fastest_width", measure)
    monkeypatch.setattr("surrogate_bench.sharing.can_fork", lambda _: forks)
    share = share_out(list(range(9)), jobs(Path(), 9), Splits(), torch.device("cpu"))
    assert share.processes == 1
    assert [len(portion) for portion in share.portions] == [1] * 9


def breaks(*_: Any, **__: Any) -> None:
    raise RuntimeError("Expected all tensors to be on the same device")


def full(*_: Any, **__: Any) -> None:
    raise RuntimeError("CUDA error: out of memory")


@pytest.mark.parametrize("forks", [True, False])
def test_only_a_lack_of_memory_is_passed_over(
    forks: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("surrogate_bench.sharing.can_fork", lambda _: forks)
    monkeypatch.setattr("surrogate_bench.training.width.fastest_width", breaks)
    with pytest.raises(RuntimeError, match="same device"):
        share_out(list(range(9)), jobs(Path(), 9), Splits(), torch.device("cpu"))
    monkeypatch.setattr("surrogate_bench.training.width.fastest_width", full)
    assert share_out(list(range(9)), jobs(Path(), 9), Splits(), torch.device("cpu")).processes == 1
    assert "too little memory" in capsys.readouterr().err


def test_where_no_more_processes_fit_those_that_are_there_do_the_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    three = jobs(tmp_path, 3)
    started = iter([(multiprocessing.Pipe()[0], None)])

    def start(_: Workers) -> Any:
        for worker in started:
            return worker
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(Workers, "_start", start)
    with closing(Claims(three, [[0], [1, 2]], print)) as claims:
        workers = Workers(three, claims, print, bool, count=2, threads=1)
        assert workers._fill()
        assert [worker.left for worker in workers.busy.values()] == [[0]]
        assert list(claims.portions) == [[1, 2]]
        workers.busy.clear()
        with pytest.raises(BlockingIOError):
            workers._fill()


def test_the_clock_of_deadlines_stands_still_with_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(looked=0.0)
    for now in (0.2, 0.4, 3600.4, 3600.6):
        monkeypatch.setattr("time.monotonic", lambda now=now: now)
        clock.look()
    assert clock.now == pytest.approx(0.6 + MOST_SECONDS)
