"""Training some jobs side by side and storing each, in this process."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from surrogate_bench.errors import LESS, StorageError, in_words, is_memory, warn
from surrogate_bench.store import runs as store
from surrogate_bench.store.provenance import content, files, other_state, program
from surrogate_bench.store.tensorboard import EventFile
from surrogate_bench.system.files import storing

if TYPE_CHECKING:
    import torch

    from surrogate_bench.sweeps.plan import Job, Splits


class Stopped(Exception):
    """The work was asked to stop between two epochs."""


@dataclass
class Epoch:
    """News of some jobs: an epoch of theirs has ended."""

    jobs: list[int]
    epoch: int
    record: dict[str, float]


@dataclass
class Done:
    """News of a job: it has its result, which is stored."""

    job: int
    status: str
    reason: str | None
    value: float | None
    seconds: float = 0.0


Report = Callable[[Epoch | Done], None]
# `work` for the jobs, splits and device of one sweep: what is left are the jobs' numbers, and who hears of them.
Train = Callable[[list[int], Report], None]


def work(
    jobs: list[Job], numbers: list[int], splits: Splits, device: torch.device, report: Report, *, live: bool
) -> None:
    """Trains the jobs of these numbers side by side and stores what each leaves; `live` writes TensorBoard's files too.

    Where that raises, each half is tried on its own, until the one at fault is alone and is stored as failed.
    """
    from surrogate_bench.training import train
    from surrogate_bench.training.resuming import Keeper

    chosen = [jobs[number] for number in numbers]
    runs = [job.run for job in chosen]
    for job in chosen:
        store.begin(job.run, job.place)
    keeper = None
    with ExitStack() as stack:
        stack.enter_context(storing(chosen[0].place.parent))
        curves = [stack.enter_context(closing(EventFile(job.place / "tensorboard"))) for job in chosen if live]

        def observe(epoch: int, records: list[dict[str, float]]) -> None:
            for file, record in zip(curves, records, strict=False):
                if record["epoch"] == epoch:
                    with storing(file.folder):
                        file.scalars(epoch, record)
            report(Epoch(numbers, epoch, records[0]))

        try:
            parts = [splits.of(run) for run in runs]
            read = [content(run, split) for run, split in zip(runs, parts, strict=True)]
            if runs[0].trainer.resume and len(runs) == 1:
                place, made = chosen[0].place, {"program": program(runs[0]), "content": read[0]}
                state = store.read_state(place, lambda of: other_state(runs[0], read[0], of))
                keeper = Keeper(state, lambda state: store.save_state(state | {"made": made}, place))
            outcomes = train(runs, parts, device, observe, keeper)
        except (Stopped, StorageError, KeyboardInterrupt):
            raise
        except BaseException as error:  # a loss of the user's own may also call sys.exit
            reason, trace, no_room = in_words(error), traceback.format_exc(), is_memory(error)
            misled = keeper is not None and keeper.resumed and not isinstance(error, TimeoutError)
        else:
            for k, (number, outcome) in enumerate(zip(numbers, outcomes, strict=True)):
                began = time.perf_counter()
                if curves:
                    curves[k].hyperparameters(outcome.result)
                # A loss may have read more while it trained.
                result = store.save(outcome, jobs[number].place, read[k] | {"files": files(runs[k])})
                seconds = time.perf_counter() - began
                report(Done(number, outcome.status, outcome.reason, store.objective(result), seconds))
            return
    if misled:
        # Whatever was wrong with its state, without it the run has its chance.
        store.drop_state(chosen[0].place, reason)
        work(jobs, numbers, splits, device, report, live=live)
        return
    if no_room:
        reason += f": {LESS}"
    if len(numbers) > 1:
        if no_room:
            warn(f"{len(numbers)} runs side by side found no memory, and each half of them is tried again: {LESS}")
        for half in (numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]):
            work(jobs, half, splits, device, report, live=live)
        return
    store.save_failure(runs[0], chosen[0].place, reason, trace)
    report(Done(numbers[0], "failed", reason, None))
