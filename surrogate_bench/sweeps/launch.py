"""Runs, one or thousands: plan, portion out, train, and show how it went."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from surrogate_bench.config.overrides import command
from surrogate_bench.config.schema import PREVIOUS, RunConfig
from surrogate_bench.engines.processes import Lost, Workers
from surrogate_bench.engines.serial import here
from surrogate_bench.errors import UserError, warn
from surrogate_bench.store import runs as store
from surrogate_bench.store.run_id import labels
from surrogate_bench.sweeps.chunk_queue import Claims, Portion
from surrogate_bench.sweeps.plan import Job, Plan, Splits, plan
from surrogate_bench.sweeps.progress import Progress
from surrogate_bench.sweeps.schedule import Share, share_out
from surrogate_bench.sweeps.stored import tell
from surrogate_bench.sweeps.summary import show_plan, show_run
from surrogate_bench.sweeps.train_chunk import Done, Epoch, Report, Stopped, work
from surrogate_bench.sweeps.warm_start import chained
from surrogate_bench.system.paths import locate
from surrogate_bench.system.processes import can_fork, cores
from surrogate_bench.system.signals import Interrupted, Stopping
from surrogate_bench.training.devices import find_device

if TYPE_CHECKING:
    import torch


# Beyond so many runs TensorBoard's files are made on demand: `surrogate-bench export tensorboard PATH`.
LIVE_CURVES = 100


@dataclass
class Sweep:
    """The outcome of some runs: each one's monitored validation metric, in the order in which they were asked for.

    `done` are the folders of those that have a result, `failures` the reasons and commands of the others.
    """

    objectives: list[float | None]
    done: list[Path] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """1 where a run failed, else 0."""
        return int(bool(self.failures))


# What came of the sweep that is being launched, whose sweeper may ask for it in several batches.
_launched = Sweep([])


def launch(runs: list[RunConfig], *, sweep: bool = False, summary: bool = True) -> Sweep:
    """Trains these runs, finished ones excepted, and stores each; a run alone ends with its `summary`.

    Raises UserError before anything trains, StorageError where a run cannot be stored, and Interrupted after Ctrl-C.
    """
    import torch

    asked, runs = runs, _present(runs) if sweep and runs[0].suite else runs
    if not sweep and runs[0].trainer.warm_start == PREVIOUS:
        raise UserError(f"trainer.warm_start={PREVIOUS} is for sweeps (-m): a run alone names the one it starts from")
    device = find_device(runs[0].device)
    # A run alone has this process, unless it has to be ended from outside.
    forks = (sweep or runs[0].launcher.deadline is not None) and can_fork(device)
    threads = torch.get_num_threads()
    if forks:
        # The copies of a process that has run OpenMP's threads cannot start their own.
        torch.set_num_threads(1)
    splits = Splits()
    planned = plan(chained(runs, device.type) if sweep else runs, device, splits)
    tell(planned.jobs)
    if runs[0].launcher.plan:
        show_plan(planned, _estimates(planned, splits, device), sum(splits.reading.values()))
        return Sweep([None] * len(asked))
    try:
        with Progress(planned, sweep=sweep) as progress, Stopping() as stopping:
            _train(planned, splits, device, progress, stopping, threads=None if sweep else threads, forks=forks)
    finally:
        done = [job.place for job in planned.jobs if job.status in store.DONE]
        failures = [(job.reason or "", command(job.run)) for job in planned.jobs if job.status == "failed"]
        if sweep:
            record(done, failures)
    if summary and not sweep and (result := store.read_result(planned.jobs[0].place)):
        show_run(result, planned.jobs[0].place, found=planned.jobs[0].found)
    values = {id(run): planned.jobs[i].value for run, i in zip(runs, planned.asked, strict=True)}
    return Sweep([values.get(id(run)) for run in asked], done, failures)


def record(done: list[Path], failures: list[tuple[str, str]]) -> None:
    """Keeps what came of some of a sweep's runs for `conclude`."""
    _launched.done += done
    _launched.failures += failures


def has_launched() -> bool:
    """True if a run of the sweep has ended, well or not."""
    return bool(_launched.done or _launched.failures)


def check(runs: list[RunConfig], *, here: bool = True) -> None:
    """Raises UserError where `launch` would, and trains nothing; of runs that are not for `here` no device is asked."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)  # so that this process can be copied later
    try:
        plan(runs, find_device(runs[0].device) if here else torch.device("cpu"), Splits())
    finally:
        torch.set_num_threads(before)


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

    finished, failures = list(dict.fromkeys(_launched.done)), dict.fromkeys(_launched.failures)
    _launched.done, _launched.failures = [], []
    done = [place for place in finished if store.version(place)]
    try:
        if done:
            compare(done, unequal=True)
    except UserError as nothing:  # all of them diverged in their first epoch
        warn(nothing)
    if len(done) > LIVE_CURVES:
        folders = shlex.join(dict.fromkeys(str(place.parent) for place in done))
        print(f"curves: surrogate-bench export tensorboard {folders}")
    for reason, words in failures:
        print(f"failed: {reason}\n  again: {words}")
    if vanished := len(finished) - len(done):
        first = next(place for place in finished if place not in done)
        print(f"vanished since they were finished: {first}" + f" and {vanished - 1} more" * (vanished > 1))
    return int(bool(failures or vanished))


def _train(
    planned: Plan,
    splits: Splits,
    device: torch.device,
    progress: Progress,
    stopping: Stopping,
    *,
    threads: int | None,
    forks: bool,
) -> None:
    """Has every job trained, in workers with so many threads or an equal share of them, and keeps the news."""
    jobs, live = planned.jobs, len(planned.jobs) <= LIVE_CURVES

    def train(portion: list[int], report: Report) -> None:
        work(jobs, portion, splits, device, report, live=live)

    def hear(news: Epoch | Done | Lost) -> None:
        if isinstance(news, Epoch):
            progress.epoch([jobs[number] for number in news.jobs], news.epoch, news.record)
            return
        job = jobs[news.job]
        if isinstance(news, Lost):
            store.save_failure(job.run, job.place, news.reason, news.reason)
            job.status, job.reason = "failed", news.reason
        else:
            job.status, job.reason, job.value = news.status, news.reason, news.value
        progress.done(job)

    for count, portions in (found for wave in planned.waves for found in _by_processes(wave, jobs, splits, device)):
        count = min(count, len(portions))
        try:
            with closing(Claims(jobs, portions, progress.waiting)) as claims:
                if forks:
                    each = threads or max(1, cores() // count)
                    workers = Workers(jobs, claims, train, stopping.asked, count=count, threads=each)
                    with closing(iter(workers)) as all_news:
                        for news in all_news:
                            hear(news)
                else:
                    here(jobs, claims, train, hear, stopping.asked)
        except Stopped as stopped:
            raise Interrupted from stopped


def _by_processes(
    groups: list[list[int]], jobs: list[Job], splits: Splits, device: torch.device
) -> Iterator[tuple[int, list[Portion]]]:
    """The portions of some groups by the number of processes that are to train them."""
    shares = [share_out(group, jobs, splits, device) for group in groups]
    for count in dict.fromkeys(share.processes for share in shares):
        yield count, [portion for share in shares if share.processes == count for portion in share.portions]


def _estimates(planned: Plan, splits: Splits, device: torch.device) -> list[Share]:
    """How each group would be shared out, and the time that it would take; of a chain's, by those that can go first."""
    found = []
    for group in planned.groups:
        first = next(part for wave in planned.waves for part in wave if part[0] in group)
        share = share_out(first, planned.jobs, splits, device, timed=True)
        found.append(replace(share, seconds=(share.seconds or 0) * len(group) / len(first)))
    return found
