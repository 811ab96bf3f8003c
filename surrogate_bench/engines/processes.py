"""Worker processes: they share a sweep's portions, and one that dies or hangs takes only its own portion with it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from surrogate_bench.engines.deadlines import Busy, Clock
from surrogate_bench.engines.serial import serve
from surrogate_bench.errors import LESS, warn
from surrogate_bench.sweeps.chunk_queue import LOOK_SECONDS, Claims, Portion
from surrogate_bench.sweeps.train_chunk import Done, Epoch, Stopped, Train

if TYPE_CHECKING:
    from surrogate_bench.sweeps.plan import Job

# What SIGKILL mostly means where nobody has sent it.
MEMORY = f", as a system does that runs out of memory: {LESS}"


@dataclass
class Lost:
    """News of a job: the process that trained it alone died, or took too long."""

    job: int
    reason: str


class Workers:
    """Processes that train what `chunk_queue` hands out; iterating gives their news as it comes, until all is done.

    A portion whose worker dies or takes too long is tried again in halves; a job that was alone then is `Lost`. Once
    `asked_to_stop()`, or where one cannot store its runs, workers store what they have trained and leave the rest;
    Stopped or the error is raised when they are gone.
    """

    def __init__(
        self,
        jobs: list[Job],
        claims: Claims,
        train: Train,
        asked_to_stop: Callable[[], bool],
        *,
        count: int,
        threads: int,
    ) -> None:
        self.jobs, self.claims, self.train, self.asked_to_stop = jobs, claims, train, asked_to_stop
        self.count, self.threads = count, threads
        self.clock = Clock()
        self.busy: dict[Connection, Busy] = {}
        self.stopping = False
        self.told = False
        self.error: BaseException | None = None

    def __iter__(self) -> Generator[Epoch | Done | Lost, None, None]:
        try:
            while self._fill() or self.claims.aside:
                self.clock.look()
                yield from self.claims.found()
                for pipe in wait(list(self.busy), LOOK_SECONDS) if self.busy else _pause():
                    yield from self._hear(pipe)  # type: ignore[arg-type]
                yield from self._late()
                if self.asked_to_stop():
                    self._ask_to_stop()
                if self.stopping and not self.busy:
                    break
            yield from self.claims.found()
        finally:
            self._kill()
        if self.error:
            raise self.error
        if self.stopping:
            raise Stopped

    def _fill(self) -> bool:
        """Starts workers as long as there are portions; returns whether any is busy.

        Where the system has no room for one more, those that are there do the work.
        """
        while not self.stopping and len(self.busy) < self.count and (portion := self.claims.next()):
            try:
                pipe, process = self._start()
            except OSError:
                if not self.busy:
                    raise
                self.count = len(self.busy)
                self.claims.again(portion)
            else:
                self._hand(pipe, process, portion)
        return bool(self.busy)

    def _start(self) -> tuple[Connection, Any]:
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        with closing(theirs):
            arguments = (theirs, os.getpid(), self.jobs, self.train, self.threads)
            process = context.Process(target=serve, args=arguments, daemon=True)
            process.start()
        return ours, process

    def _hand(self, pipe: Connection, process: Any, portion: Portion | None) -> None:
        """Gives a worker its next portion, or lets it go where there is none."""
        if portion:
            self.busy[pipe] = Busy(process, list(portion), len(portion), self.clock.now, self.clock.now)
        else:
            self.busy.pop(pipe, None)
        with contextlib.suppress(OSError):  # it has died since: that is heard at its pipe
            pipe.send(portion)
        if not portion:
            pipe.close()
            process.join()

    def _hear(self, pipe: Connection) -> Iterator[Epoch | Done | Lost]:
        worker = self.busy[pipe]
        try:
            news = pipe.recv()
        except (EOFError, OSError):
            worker.process.join()
            yield from self._lose(pipe, _ended(worker.process.exitcode))
            return
        worker.heard = self.clock.now
        if news is None:
            self._hand(pipe, worker.process, None if self.stopping else self.claims.next())
        elif isinstance(news, BaseException):
            # What cannot be stored here, others may not be able to store either, or they are just done with it.
            self.error = self.error or news
            self._ask_to_stop()
        else:
            if isinstance(news, Done):
                worker.left.remove(news.job)
                self.claims.done(news.job)
            yield news

    def _late(self) -> Iterator[Lost]:
        """Ends the workers that take too long, and finds those that are gone though their pipe is still open.

        A process that the user's own loss has started may hold it.
        """
        for pipe, worker in list(self.busy.items()):
            if not worker.process.is_alive() and not pipe.poll():
                yield from self._lose(pipe, _ended(worker.process.exitcode))
                continue
            deadline = self.jobs[worker.left[0]].run.launcher.deadline if worker.left else None
            if deadline and worker.late(self.clock.now, deadline) and not pipe.poll():
                worker.process.kill()
                worker.process.join()
                yield from self._lose(pipe, f"took longer than launcher.deadline={deadline:g} seconds")

    def _lose(self, pipe: Connection, reason: str) -> Iterator[Lost]:
        left = self.busy.pop(pipe).left
        pipe.close()
        if self.stopping:
            return
        if len(left) == 1:
            yield Lost(left[0], reason)
            self.claims.done(left[0])
        elif left:
            if not self.told:
                self.told = True
                why, _, helps = reason.replace("it", f"{len(left)} runs side by side", 1).partition(": ")
                warn(f"{why}: each half of them is tried again" + f": {helps}" * bool(helps))
            self.claims.again(left[: len(left) // 2], left[len(left) // 2 :])

    def _ask_to_stop(self) -> None:
        if not self.stopping:
            self.stopping = True
            for pipe in self.busy:
                with contextlib.suppress(OSError):
                    pipe.send(None)

    def _kill(self) -> None:
        for pipe, worker in self.busy.items():
            worker.process.kill()
            worker.process.join()
            pipe.close()
        self.busy.clear()


def _ended(code: int) -> str:
    """Why a process with this exit code left its runs."""
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    if code == -signal.SIGKILL:
        how += MEMORY
    return f"the process that trained it {how}"


def _pause() -> Iterator[Connection]:
    time.sleep(LOOK_SECONDS)
    return iter(())
