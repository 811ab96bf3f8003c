"""Ctrl-C once asks to stop, twice stops; SIGTERM, which a cluster sends before it kills, is one Ctrl-C."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class Interrupted(KeyboardInterrupt):
    """Asked to stop, the work has stored what was finished and left the rest."""


class Stopping:
    """While it lasts, `asked()` says whether to stop; a second request raises KeyboardInterrupt at once."""

    def __init__(self) -> None:
        self.requests = 0
        self.before: dict[int, Any] = {}

    def asked(self) -> bool:
        """Whether Ctrl-C or its like has come since it began."""
        return self.requests > 0

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self.before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self.requests += 1
        if self.requests > 1:
            raise KeyboardInterrupt
