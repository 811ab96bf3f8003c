"""Runs, one or thousands: plan, portion out, train, and show how it went."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from surrogate_bench import store
from surrogate_bench.config import RunConfig, command, labels
from surrogate_bench.errors import UserError
from surrogate_bench.places import locate
from surrogate_bench.planning import Plan, Splits, plan
from surrogate_bench.progress import Progress
from surrogate_bench.sharing import share_out
from surrogate_bench.summaries import show_plan, show_run
from surrogate_bench.training.devices import find_device
from surrogate_bench.workers import Lost, Workers, can_fork, here
from surrogate_bench.working import Done, Epoch

if TYPE_CHECKING:
    import torch


# Beyond so many runs TensorBoard's files are made on demand: `surrogate-bench export tensorboard PATH`.
LIVE_CURVES = 100


@dataclass
class Sweep:
    """What came of some runs: each one's monitored validation metric, in the order in which they were asked for."""

    objectives: list[float | None]
    failed: bool = False

    @property
    def exit_code(self) -> int:
        return int(self.failed)


@dataclass
class Launched:
    """What this process has launched for a sweep, whose sweeper may ask for it in several batches."""

    done: list[Path] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)


_launched = Launched()


def launch(runs: list[RunConfig], *, sweep: bool = False) -> Sweep:
    """Trains these runs, finished ones excepted, and stores each. Raises UserError before anything trains."""
    asked, runs = runs, _present(runs) if sweep and runs[0].suite else runs
    device = find_device(runs[0].device)
    if sweep and can_fork(device):
        _keep_forkable()
    splits = Splits()
    planned = plan(runs, device, splits)
    if runs[0].launcher.plan:
        show_plan(planned, [share_out(group, planned.jobs, splits, device, timed=True) for group in planned.groups])
        return Sweep([None] * len(asked))
    with Progress(planned, sweep=sweep) as progress:
        _train(planned, splits, device, progress, sweep=sweep)
    failed = [job for job in planned.jobs if job.status == "failed"]
    _launched.done += [job.place for job in planned.jobs if job.status != "failed"]
    _launched.failures += [(job.reason or "", command(job.run)) for job in failed]
    if not sweep:
        job = planned.jobs[0]
        show_run(store.read_result(job.place) or {}, job.place, found=job.found)
    values = {id(run): planned.jobs[i].value for run, i in zip(runs, planned.asked, strict=True)}
    return Sweep([values.get(id(run)) for run in asked], bool(failed))


def _present(runs: list[RunConfig]) -> list[RunConfig]:
    """The runs of a suite whose data sets are here; names the others. Raises UserError where none is."""
    absent: dict[str, str] = {}
    for run in runs:
        name = labels(run)["dataset"]
        if name not in absent and run.dataset.get("origin"):
            try:
                for key in ("path", "test", "splits"):
                    if run.dataset[key]:
                        locate(run.dataset, key)
            except UserError as error:
                absent[name] = str(error)
    for reason in absent.values():
        print(f"skipped: {reason}", file=sys.stderr)
    there = [run for run in runs if labels(run)["dataset"] not in absent]
    if not there:
        raise UserError(f"suite {runs[0].suite}: none of its data sets is here")
    return there


def conclude() -> int:
    """Ends a sweep with its comparison table and a list of what failed; returns the exit code."""
    from surrogate_bench.comparison import compare

    done, failures = list(dict.fromkeys(_launched.done)), dict.fromkeys(_launched.failures)
    _launched.done, _launched.failures = [], []
    if done:
        compare(done, unequal=True)
    if len(done) > LIVE_CURVES:
        print(f"curves: surrogate-bench export tensorboard {done[0].parent}")
    for reason, words in failures:
        print(f"failed: {reason}\n  again: {words}")
    return int(bool(failures))


def _train(planned: Plan, splits: Splits, device: torch.device, progress: Progress, *, sweep: bool) -> None:
    """Has every job trained, in workers where that is possible and worth it, and keeps the news."""
    live = len(planned.jobs) <= LIVE_CURVES

    def hear(news: Epoch | Done | Lost) -> None:
        if isinstance(news, Epoch):
            progress.epoch([planned.jobs[number] for number in news.jobs], news.epoch, news.record)
            return
        job = planned.jobs[news.job]
        if isinstance(news, Lost):
            store.save_failure(job.run, job.place, news.reason, news.reason)
            job.status, job.reason = "failed", news.reason
        else:
            job.status, job.reason, job.value = news.status, news.reason, news.value
        progress.done(job)

    shares = [share_out(group, planned.jobs, splits, device) for group in planned.groups]
    for count in dict.fromkeys(share.processes for share in shares):
        portions = [portion for share in shares if share.processes == count for portion in share.portions]
        if sweep and can_fork(device):
            for news in Workers(planned.jobs, portions, splits, device, count=count, live=live):
                hear(news)
        else:
            here(planned.jobs, portions, splits, device, hear, live=live)


def _keep_forkable() -> None:
    """One thread in this process: the copies of one that has run OpenMP's threads cannot start their own."""
    import torch

    torch.set_num_threads(1)
