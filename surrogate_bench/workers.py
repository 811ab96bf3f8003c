"""Worker processes: they share a sweep's portions, and one that dies takes only its own portion with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, TypeVar

from surrogate_bench.working import Done, Epoch, Report, Stopped, work

if TYPE_CHECKING:
    import torch

    from surrogate_bench.planning import Job, Splits

Portion = list[int]
T = TypeVar("T")


def can_fork(device: torch.device) -> bool:
    """Whether workers can start as copies of this process, which costs no import; a GPU's state cannot be copied."""
    return device.type == "cpu" and sys.platform.startswith("linux")


def in_child(function: Callable[[], T]) -> T:
    """What a function returns in a copy of this process, whose threads this process then does not have."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=lambda: theirs.send(function()), daemon=True)
    child.start()
    theirs.close()
    try:
        return ours.recv()
    finally:
        ours.close()
        child.join()


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """Processes that train portions of `jobs`; iterating gives their news as it comes, until all is done.

    A portion whose worker dies is tried again in halves; a job that was alone when its worker died is `lost`.
    """

    def __init__(
        self, jobs: list[Job], portions: list[Portion], splits: Splits, device: Any, *, count: int, live: bool
    ) -> None:
        self.jobs, self.splits, self.device, self.live = jobs, splits, device, live
        self.queue = deque(portions)
        self.count = min(count, len(portions))
        self.threads = max(1, cores() // max(1, self.count))
        self.busy: dict[Connection, tuple[Any, Portion]] = {}

    def __iter__(self) -> Iterator[Epoch | Done | Lost]:
        try:
            while self.queue or self.busy:
                while self.queue and len(self.busy) < self.count:
                    self._start()
                for pipe in wait(list(self.busy)):
                    yield from self._hear(pipe)  # type: ignore[arg-type]
        finally:
            self._stop()

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        worker = context.Process(target=self._run, args=(theirs,), daemon=True)
        worker.start()
        theirs.close()
        self._hand(ours, worker)

    def _hand(self, pipe: Connection, worker: Any) -> None:
        """Gives a worker its next portion, or lets it go where nothing is left."""
        if not self.queue:
            pipe.send(None)
            pipe.close()
            worker.join()
            self.busy.pop(pipe, None)
            return
        portion = self.queue.popleft()
        self.busy[pipe] = (worker, list(portion))
        pipe.send(portion)

    def _hear(self, pipe: Connection) -> Iterator[Epoch | Done | Lost]:
        worker, left = self.busy[pipe]
        try:
            news = pipe.recv()
        except (EOFError, OSError):
            worker.join()
            del self.busy[pipe]
            yield from self._lost(left, worker.exitcode)
            return
        if news is None:
            self._hand(pipe, worker)
        elif isinstance(news, BaseException):
            raise news
        else:
            if isinstance(news, Done):
                left.remove(news.job)
            yield news

    def _lost(self, left: Portion, code: int) -> Iterator[Lost]:
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        if len(left) == 1:
            yield Lost(left[0], f"the process that trained it was {how}")
        elif left:
            self.queue.extendleft([left[len(left) // 2 :], left[: len(left) // 2]])

    def _stop(self) -> None:
        for worker, _ in self.busy.values():
            worker.terminate()
        for pipe, (worker, _) in self.busy.items():
            worker.join()
            pipe.close()
        self.busy.clear()

    def _run(self, pipe: Connection) -> None:
        """A worker's life: portions in, news out. SIGTERM stops it at the end of the epoch."""
        import torch

        stop: list[int] = []
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda number, _: stop.append(number))
        torch.set_num_threads(self.threads)

        def report(news: Epoch | Done) -> None:
            if stop:
                raise Stopped
            pipe.send(news)

        try:
            while (portion := pipe.recv()) is not None:
                work(self.jobs, portion, self.splits, self.device, report, live=self.live)
                pipe.send(None)
        except (Stopped, EOFError, BrokenPipeError):
            pass
        except Exception as error:
            pipe.send(error)
        pipe.close()
        # What the parent has open is not this process's to flush or clean up.
        os._exit(0)


class Lost:
    """News of a job: the process that trained it alone died."""

    def __init__(self, job: int, reason: str) -> None:
        self.job, self.reason = job, reason


def here(jobs: list[Job], portions: list[Portion], splits: Splits, device: Any, report: Report, *, live: bool) -> None:
    """The same work in this process, one portion after the other."""
    for portion in portions:
        work(jobs, portion, splits, device, report, live=live)
