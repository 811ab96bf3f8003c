"""Runs, one or thousands: plan, train group by group, store, and show how it went."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from surrogate_bench import store
from surrogate_bench.config import RunConfig, command
from surrogate_bench.metrics.names import flatten
from surrogate_bench.planning import Job, Plan, Splits, plan
from surrogate_bench.progress import Progress, show_plan, show_run
from surrogate_bench.training.devices import find_device

if TYPE_CHECKING:
    import torch

# Beyond so many runs TensorBoard's files are made on demand: `surrogate-bench export tensorboard PATH`.
LIVE_CURVES = 100


@dataclass
class Sweep:
    """What came of some runs, in the order in which they were asked for."""

    jobs: list[Job] = field(default_factory=list)
    objectives: list[float | None] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        return int(any(job.result is not None and job.result["status"] == "failed" for job in self.jobs))


# What this process has launched for sweeps: a sweeper may ask for them in several batches.
_launched: list[Job] = []
_planned: list[Job] = []


def launch(runs: list[RunConfig], *, first: int = 0, sweep: bool = False) -> Sweep:
    """Trains these runs, finished ones excepted, and stores each. Raises UserError before anything trains."""
    device = find_device(runs[0].device)
    planned = plan(runs, device)
    if runs[0].launcher.plan:
        show_plan(planned)
        _planned.extend(planned.jobs)
        return Sweep(objectives=[None] * len(runs))
    _train_all(planned, device, sweep=sweep)
    if sweep:
        _launched.extend(planned.jobs)
    else:
        show_run(planned.jobs[0].result or {}, planned.jobs[0].place, found=planned.jobs[0].found)
    del first
    return Sweep(planned.jobs, [_objective(planned.jobs[i]) for i in planned.asked])


def conclude() -> int:
    """Ends a sweep with its comparison table and a list of what failed; returns the exit code."""
    from surrogate_bench.comparison import compare

    jobs = list({job.place: job for job in _launched}.values())
    _launched.clear()
    failed = [job for job in jobs if job.result is not None and job.result["status"] == "failed"]
    done = [job.place for job in jobs if store.is_done(job.result)]
    if done:
        compare(done)
    for job in failed:
        print(f"failed: {(job.result or {})['reason']}\n  {command(job.run)}")
    return int(bool(failed))


def _train_all(planned: Plan, device: torch.device, *, sweep: bool) -> None:
    progress = Progress(planned, sweep=sweep)
    live = len(planned.jobs) <= LIVE_CURVES
    splits = Splits()
    with progress:
        for group in planned.groups:
            width = group[0].run.launcher.width or 1
            for start in range(0, len(group), width):
                _train(group[start : start + width], splits, device, progress, live=live)


def _train(jobs: list[Job], splits: Splits, device: torch.device, progress: Progress, *, live: bool) -> None:
    """Trains jobs side by side; where that raises, each half on its own, until the one at fault is alone."""
    from surrogate_bench.tensorboard import EventFile
    from surrogate_bench.training import train

    runs = [job.run for job in jobs]
    curves = [EventFile(job.place / "tensorboard") for job in jobs] if live else []

    def observe(epoch: int, records: list[dict[str, float]]) -> None:
        for file, record in zip(curves, records, strict=bool(curves)):
            if record["epoch"] == epoch:
                file.scalars(epoch, record)
        progress.epoch(jobs, epoch, records)

    try:
        outcomes = train(runs, [splits.of(run) for run in runs], device, observe)
    except Exception as error:
        if len(jobs) > 1:
            for half in (jobs[: len(jobs) // 2], jobs[len(jobs) // 2 :]):
                _train(half, splits, device, progress, live=live)
            return
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        jobs[0].result = store.save_failure(runs[0], jobs[0].place, reason, traceback.format_exc())
        progress.done(jobs[0])
        return
    for i, (job, outcome) in enumerate(zip(jobs, outcomes, strict=True)):
        if curves:
            test = {f"test_{name}": value for name, value in flatten(outcome.result["metrics"]["test"]).items()}
            curves[i].hyperparameters(store.plain(job.run), test)
            curves[i].close()
        job.result = store.save(outcome, job.place)
        progress.done(job)


def _objective(job: Job) -> float | None:
    """What a sweeper that optimises gets to see: the monitored validation metric."""
    metrics: dict[str, Any] = (job.result or {}).get("metrics", {}).get("val", {})
    return flatten(metrics).get(job.run.trainer.monitor)
