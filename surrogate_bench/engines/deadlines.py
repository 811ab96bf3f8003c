"""Finds workers that have taken too long, by a clock that stops while the whole process is suspended."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from surrogate_bench.sweeps.chunk_queue import LOOK_SECONDS, Portion

# Between two looks at the workers.
MOST_SECONDS = 5 * LOOK_SECONDS


@dataclass
class Clock:
    """Seconds that this process was awake: it stands still with it, and its workers, as after Ctrl-Z."""

    now: float = 0.0
    looked: float = field(default_factory=time.monotonic)

    def look(self) -> None:
        """Goes on by the time since the last look, of which there are several a second while nothing stands still."""
        before, self.looked = self.looked, time.monotonic()
        self.now += min(self.looked - before, MOST_SECONDS)


@dataclass
class Busy:
    """A worker's process, what is left of its portion, and since when it is at it."""

    process: Any
    left: Portion
    size: int
    began: float
    heard: float

    def late(self, now: float, deadline: float) -> bool:
        """True if it has given no sign for as long as a run may take, or all its runs together take longer than that.

        Runs side by side slow each other down, by their number at most.
        """
        return now - self.heard > deadline or now - self.began > deadline * self.size
