"""Ctrl-C once asks to stop, twice stops; so do a cluster before it kills, and a terminal that is closed."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Any, NoReturn

# Windows has no SIGHUP.
REQUESTS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


_heard: list[int] = []


def interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    """A signal's handler: raises KeyboardInterrupt, and has `interrupted` say so."""
    _heard.append(number)
    raise KeyboardInterrupt


def interrupted() -> bool:
    """True if there was a KeyboardInterrupt, which a library may have made another error of, or Python swallowed."""
    return bool(_heard)


def unheard(what: sys.UnraisableHookArgs) -> None:
    """Has Python say what it swallows, other than a KeyboardInterrupt, which `interrupted` knows of."""
    if what.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(what)


class Interrupted(KeyboardInterrupt):
    """Asked to stop, the work has stored what was finished and left the rest."""


class Stopping:
    """While it lasts, `asked()` says whether to stop; a second request raises KeyboardInterrupt at once.

    So does an earlier one that came to nothing.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.before: dict[int, Any] = {}

    def asked(self) -> bool:
        """True if Ctrl-C or its like has come since it began, other than those that nohup and its like have ignored."""
        return self.requests > 0

    def __enter__(self) -> Stopping:
        if interrupted():
            raise KeyboardInterrupt
        if threading.current_thread() is threading.main_thread():
            for number in REQUESTS:
                if signal.getsignal(number) != signal.SIG_IGN:
                    self.before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.requests += 1
        if self.requests > 1:
            interrupt(number, frame)
