"""The portions of a sweep that are still to be trained, shared with whatever other sweep is at the same runs."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from surrogate_bench.store import runs as store
from surrogate_bench.store.locks import Locks
from surrogate_bench.sweeps.train_chunk import Done

if TYPE_CHECKING:
    from surrogate_bench.sweeps.plan import Job

Portion = list[int]
# How often another process's runs are looked at.
LOOK_SECONDS = 0.2


class Claims:
    """Hands out portions whose runs are locked for this process and have no result yet.

    Runs that another process is at are set aside. Once it lets go of them, its results are taken over (`found`), and
    what it has left undone is handed out here. `waiting` hears how many they are, once nothing else is left.
    """

    def __init__(self, jobs: list[Job], portions: list[Portion], waiting: Callable[[int], None]) -> None:
        self.jobs, self.portions = jobs, deque(portions)
        self.waiting, self._told = waiting, False
        self.aside: list[Portion] = []
        self.locks = Locks()
        self._found: list[Done] = []
        self._looked = 0.0

    def next(self) -> Portion | None:
        """The next portion that nobody else is at, or None where there is none now."""
        if not self.portions and self.aside and time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            self.portions.extend(self.aside)
            self.aside.clear()
        while self.portions:
            mine, others = [], []
            for number in self.portions.popleft():
                job = self.jobs[number]
                if not self.locks.take(job.place):
                    others.append(number)
                elif store.version(job.place) != job.version and (result := store.read_result(job.place)):
                    self.locks.free(job.place)
                    value = store.objective(result)
                    self._found.append(Done(number, result["status"], result["reason"], value))
                else:
                    mine.append(number)
            if others:
                self.aside.append(others)
            if mine:
                return mine
        if self.aside and not self._told:
            self._told = True
            self.waiting(sum(map(len, self.aside)))
        return None

    def again(self, *portions: Portion) -> None:
        """Takes portions back: they are the next that are handed out."""
        self.portions.extendleft(reversed(portions))

    def done(self, number: int) -> None:
        """A run has its result: whoever waits for it may have it."""
        self.locks.free(self.jobs[number].place)

    def close(self) -> None:
        """Lets go of everything."""
        self.locks.close()

    def found(self) -> Iterator[Done]:
        """News of the runs that another process has finished since the last call."""
        while self._found:
            yield self._found.pop(0)
