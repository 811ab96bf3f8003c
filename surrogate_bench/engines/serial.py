"""Works off a sweep's portions one after the other: in this process, or in a worker that gets them through a pipe."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from surrogate_bench.sweeps.chunk_queue import LOOK_SECONDS, Claims
from surrogate_bench.sweeps.train_chunk import Done, Epoch, Report, Stopped, Train
from surrogate_bench.system.processes import obey_parent

if TYPE_CHECKING:
    from surrogate_bench.sweeps.plan import Job


def here(jobs: list[Job], claims: Claims, train: Train, report: Report, asked_to_stop: Callable[[], bool]) -> None:
    """Trains in this process what `chunk_queue` hands out. A deadline is looked at after each epoch.

    Raises Stopped once `asked_to_stop()`.
    """
    while not asked_to_stop():
        portion = claims.next()
        for done in claims.found():
            report(done)
        if portion is None:
            if not claims.aside:
                return
            time.sleep(LOOK_SECONDS)
            continue
        deadline, began = jobs[portion[0]].run.launcher.deadline, time.monotonic()

        def hear(news: Epoch | Done, deadline: float | None = deadline, began: float = began) -> None:
            report(news)
            if isinstance(news, Done):
                claims.done(news.job)
            elif _goes_on(jobs, news):
                if asked_to_stop():
                    raise Stopped
                if deadline and time.monotonic() - began > deadline * len(news.jobs):
                    raise TimeoutError(f"took longer than launcher.deadline={deadline:g} seconds")

        train(portion, hear)
    raise Stopped


def serve(pipe: Connection, parent: int, jobs: list[Job], train: Train, threads: int) -> None:
    """A worker's life: portions in, news out. A word on the pipe while it trains asks it to stop."""
    import torch

    obey_parent(parent)
    torch.set_num_threads(threads)

    def report(news: Epoch | Done) -> None:
        if isinstance(news, Epoch) and _goes_on(jobs, news) and pipe.poll():
            raise Stopped
        pipe.send(news)

    try:
        while (portion := pipe.recv()) is not None:
            train(portion, report)
            pipe.send(None)
    except (Stopped, EOFError, BrokenPipeError):
        pass
    except Exception as error:
        pipe.send(error)
    pipe.close()
    # What the parent has open is not this process's to flush or clean up.
    os._exit(0)


def _goes_on(jobs: list[Job], news: Epoch) -> bool:
    """True if there are epochs after this one: after the last, stopping would lose what is done."""
    return news.epoch < jobs[news.jobs[0]].run.trainer.epochs
