"""How runs are shared out: by memory, by seeds, and where what decides it or a worker does not come to its end."""

from __future__ import annotations

import multiprocessing
import os
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch

from surrogate_bench.config.schema import LauncherConfig, RunConfig
from surrogate_bench.datasets import make_split
from surrogate_bench.engines.deadlines import MOST_SECONDS, Clock
from surrogate_bench.engines.processes import Lost, Workers
from surrogate_bench.errors import LESS
from surrogate_bench.sweeps.chunk_queue import Claims
from surrogate_bench.sweeps.plan import Job, Splits
from surrogate_bench.sweeps.schedule import share_out
from surrogate_bench.sweeps.train_chunk import Done, work
from surrogate_bench.training.data import member_bytes

CPU = torch.device("cpu")


def dies(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def raises(*_: Any, **__: Any) -> None:
    raise MemoryError


def jobs(folder: Path, count: int, losses: tuple[str, ...] = ("bce",), **launcher: Any) -> list[Job]:
    data = {"name": "synthetic", "size": 200, "positive": None, "imratio": None, "fold": None}
    parts: dict[str, Any] = {"dataset": data, "model": {"name": "mlp", "hidden": [4]}}
    parts |= {"optimizer": {"name": "adam", "lr": 0.01, "weight_decay": 0.0}, "launcher": LauncherConfig(**launcher)}
    runs = [RunConfig(loss={"name": loss}, seed=seed, **parts) for loss in losses for seed in range(count)]
    return [Job(run, folder / f"{run.loss['name']}{run.seed}") for run in runs]


@pytest.mark.parametrize(("measure", "forks"), [(dies, True), (raises, True), (raises, False)])
def test_without_a_measurement_runs_take_the_least_room(
    measure: Any, forks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surrogate_bench.training.width.fastest_width", measure)
    monkeypatch.setattr("surrogate_bench.sweeps.schedule.can_fork", lambda _: forks)
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
    monkeypatch.setattr("surrogate_bench.sweeps.schedule.can_fork", lambda _: forks)
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


def test_the_width_counts_the_data_of_members(monkeypatch: pytest.MonkeyPatch) -> None:
    a_member = member_bytes(Splits().of(jobs(Path(), 1)[0].run), CPU)
    assert a_member >= 200 * (8 + 8 + 8)
    seven = jobs(Path(), 7, workers=1)
    widths = {}
    for most in (100 * a_member, 3 * a_member, 0):
        monkeypatch.setattr("surrogate_bench.training.width.DATA_BYTES", most)
        widths[most // a_member] = [len(own) for own in share_out(list(range(7)), seven, Splits(), CPU).portions]
    assert widths == {100: [7], 3: [3, 3, 1], 0: [1] * 7}
    asked = jobs(Path(), 7, workers=1, width=7)
    assert [len(own) for own in share_out(list(range(7)), asked, Splits(), CPU).portions] == [7]


def test_all_losses_of_some_seeds_come_before_other_seeds() -> None:
    each = jobs(Path(), 6, ("bce", "hinge", "soft_f1"), width=2, workers=2)
    portions = share_out(list(range(18)), each, Splits(), CPU).portions
    assert [[each[i].run.seed for i in own] for own in portions] == [[0, 1]] * 3 + [[2, 3]] * 3 + [[4, 5]] * 3
    assert all(len({each[i].run.loss["name"] for i in own}) == 1 for own in portions)


def test_a_seed_is_split_once_for_all_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def split(*_: Any, seed: int, **options: Any) -> Any:
        made.append(seed)
        return make_split(*_, seed=seed, **options)

    monkeypatch.setattr("surrogate_bench.datasets.make_split", split)
    each, splits = jobs(Path(), 6, ("bce", "hinge"), width=2, workers=1), Splits()
    one = splits.of(each[0].run)
    # Room for two seeds at a time.
    monkeypatch.setattr("surrogate_bench.sweeps.plan.SPLIT_BYTES", 2 * one.own_bytes)
    for portion in share_out(list(range(12)), each, splits, CPU).portions:
        assert len({id(splits.of(each[i].run)) for i in portion}) == 2
    assert made == list(range(6))


def test_a_plan_counts_splitting(monkeypatch: pytest.MonkeyPatch) -> None:
    each = jobs(Path(), 3, ("bce", "hinge"), width=2, workers=2)
    found = []
    for seconds in (0.0, 100.0):
        monkeypatch.setattr(Splits, "seconds", lambda *_, seconds=seconds: seconds)
        found.append(share_out(list(range(6)), each, Splits(), CPU, timed=True).seconds)
    # Either process splits every seed.
    assert found[1] - found[0] == pytest.approx(300, abs=5)


def test_a_worker_that_the_system_ends_is_told_of_in_a_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    three = jobs(tmp_path, 3)

    def train(portion: list[int], report: Any) -> None:
        if len(portion) > 1 or portion == [2]:
            dies()
        report(Done(portion[0], "finished", None, 1.0))

    with closing(Claims(three, [[0, 1, 2]], print)) as claims:
        news = list(Workers(three, claims, train, bool, count=1, threads=1))
    assert sorted(each.job for each in news if isinstance(each, Done)) == [0, 1]
    (lost,) = (each for each in news if isinstance(each, Lost))
    told = "was killed by SIGKILL, as a system does that runs out of memory"
    assert lost.reason == f"the process that trained it {told}: {LESS}"
    err = capfd.readouterr().err
    assert err == (
        f"warning: the process that trained 3 runs side by side {told}: each half of them is tried again: {LESS}\n"
    )


def test_runs_that_find_no_memory_are_told_of_and_say_what_helps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def train(*_: Any) -> None:
        raise MemoryError("Unable to allocate 9 TiB")

    monkeypatch.setattr("surrogate_bench.training.train", train)
    two, news = jobs(tmp_path, 2), []
    for job in two:
        job.place.mkdir()
    work(two, [0, 1], Splits(), CPU, news.append, live=False)
    assert {each.reason for each in news} == {f"MemoryError: Unable to allocate 9 TiB: {LESS}"}
    told = f"2 runs side by side found no memory, and each half of them is tried again: {LESS}"
    assert capsys.readouterr().err == f"warning: {told}\n"
