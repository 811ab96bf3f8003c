"""How a group of runs is shared out: how many side by side, in how many processes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from surrogate_bench.errors import warn
from surrogate_bench.sweeps.chunk_queue import Portion
from surrogate_bench.system.processes import can_fork, cores, in_child

if TYPE_CHECKING:
    import torch

    from surrogate_bench.sweeps.plan import Job, Splits
    from surrogate_bench.training.width import Speed

# Fewer runs than these are not worth measuring: they go side by side as they are.
MEASURE_FROM = 8
# What is done beside steps, on one core: a run's files; after each epoch a portion's evaluation, and in that each run's
# line of its curve and each validation example.
RUN_SECONDS, EPOCH_SECONDS, LINE_SECONDS, EXAMPLE_SECONDS = 1e-2, 1.3e-3, 1e-4, 9e-8
# At a run's end, of each validation and test example: thresholds, operating points and files.
END_SECONDS = 2e-6

# What torch, CUDA and its libraries say where there is no room.
NO_MEMORY = ("out of memory", "can't allocate memory", "alloc_failed")


@dataclass
class Share:
    """A group's portions, whose runs go side by side, the number of processes that train them, and the time it takes.

    `seconds` is None where nothing was measured.
    """

    portions: list[Portion]
    processes: int
    seconds: float | None = None


def share_out(group: list[int], jobs: list[Job], splits: Splits, device: torch.device, *, timed: bool = False) -> Share:
    """A group's runs, those with one loss next to each other, in as many portions as keep every process busy.

    Portions of the same seeds follow each other, so that a process splits a seed once for all losses. What
    the configuration leaves open is measured, where there are enough runs to be worth it or a time is asked for.
    """
    from surrogate_bench.training.width import widest

    first = jobs[group[0]].run
    # A state to resume from is that of one run.
    width = 1 if first.trainer.resume else first.launcher.width
    processes, most = first.launcher.workers, cores() if can_fork(device) else 1
    step, split = None, splits.of(first)
    if timed or (len(group) >= MEASURE_FROM and not (width and processes)):
        speed = _measured(jobs[group[0]], len(group), splits, device, threads=most)
        # One process with every core, against one a core.
        fewer = not processes and speed.together < speed.alone / most
        processes = processes or (1 if fewer else most)
        step = speed.together if fewer else speed.alone / min(processes, most, len(group))
        width = width or speed.width
    processes = processes or most
    if not first.launcher.width:
        width = width or (len(group) if first.model["name"] in ("linear", "mlp") else 1)
        width = min(width, widest(split, device, processes))
    assert width
    rounds = -(-len(group) // (width * processes))
    size = max(1, min(width, -(-len(group) // (rounds * processes))))
    seeds = sorted({jobs[number].run.seed for number in group})
    block = {seed: place // size for place, seed in enumerate(seeds)}
    ordered = sorted(group, key=lambda i: (block[jobs[i].run.seed], str(jobs[i].run.loss), jobs[i].run.seed))
    portions = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    if step is None:
        return Share(portions, processes)
    train, val, test = splits.sizes(first)
    epochs, steps = first.trainer.epochs, -(-train // first.trainer.batch_size)
    an_epoch = EPOCH_SECONDS * len(portions) + len(group) * (LINE_SECONDS + EXAMPLE_SECONDS * val)
    beside = epochs * an_epoch + RUN_SECONDS * len(group) + END_SECONDS * len(group) * (val + test)
    # A process splits those seeds that it trains, each once.
    splitting = min(len(group), len(seeds) * processes) * splits.seconds(first)
    return Share(portions, processes, len(group) * epochs * steps * step + (beside + splitting) / processes)


def _measured(job: Job, runs: int, splits: Splits, device: torch.device, *, threads: int) -> Speed:
    from surrogate_bench.training.width import Speed, fastest_width

    split = splits.of(job.run)
    shape, examples = split.shape, len(split.train)

    def measure() -> Speed:
        return fastest_width(job.run, shape, examples, runs, device, threads=threads)

    try:
        return in_child(measure) if can_fork(device) else measure()
    except (EOFError, MemoryError, RuntimeError) as error:
        if not _lacks_memory(error):
            raise
        # One run at a time, in one process, takes the least.
        warn("there is too little memory to measure how many runs go best side by side: they go one at a time")
        return Speed(1, alone=math.inf, together=0.0)
    except ValueError:
        # A hyperparameter out of its range: each of the runs will say so of itself.
        return Speed(1, alone=math.inf, together=0.0)


def _lacks_memory(error: Exception) -> bool:
    """True if it found no room; a copy of this process that was taken down, most likely did not."""
    told = str(error).lower()
    return not isinstance(error, RuntimeError) or any(words in told for words in NO_MEMORY)
