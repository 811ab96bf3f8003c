"""How long the rest of the work takes: runs end many at once, so their epochs tell it, which come all the time."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from surrogate_bench.sweeps.plan import Job


class Pace:
    """The time left of some jobs, by the epochs since the first news: what came before that is imports and measuring.

    >>> from types import SimpleNamespace as Some
    >>> jobs = [Some(run=Some(trainer=Some(epochs=10))) for _ in range(2)]
    >>> pace = Pace(jobs)
    >>> pace.epoch(jobs, 1, now=100.0)
    >>> pace.left(now=100.0) is None
    True
    >>> pace.epoch(jobs, 4, now=103.0)
    >>> pace.left(now=103.0), pace.left(now=104.0)
    (6.0, 5.0)
    >>> pace.done(jobs[0], now=104.0)  # stopped early
    >>> round(pace.left(now=104.0), 1)
    2.0
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.reached = {id(job): 0 for job in jobs}
        self.total = sum(job.run.trainer.epochs for job in jobs)
        self.epochs = 0
        self.first: tuple[float, int] | None = None
        self.end: float | None = None

    def epoch(self, jobs: Iterable[Job], epoch: int, now: float | None = None) -> None:
        """These jobs have come to this epoch; a second try of an epoch that was reached before is no progress."""
        for job in jobs:
            if (gain := epoch - self.reached[id(job)]) > 0:
                self.reached[id(job)] = epoch
                self.epochs += gain
        self._look(now)

    def done(self, job: Job, now: float | None = None) -> None:
        """This job has come to its end, in whatever epoch."""
        self.epoch([job], job.run.trainer.epochs, now)

    def left(self, now: float | None = None) -> float | None:
        """Seconds, or None before two epochs tell the pace."""
        return None if self.end is None else max(0.0, self.end - (time.monotonic() if now is None else now))

    def _look(self, now: float | None) -> None:
        now = time.monotonic() if now is None else now
        if self.first is None:
            self.first = now, self.epochs
        since, before = now - self.first[0], self.epochs - self.first[1]
        if since > 0 and before:
            self.end = now + since / before * (self.total - self.epochs)
