"""Output streams that survive a closed pipe and a full disk, so that the work goes on."""

from __future__ import annotations

import contextlib
import os
from typing import Any, TextIO


class Lasting:
    """A stream that turns to nowhere once it cannot be written, as after `head` or in a terminal that was closed.

    `lost` is why.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.lost: OSError | None = None

    def write(self, text: str) -> int:
        """Writes the text where that can be."""
        try:
            return self.stream.write(text)
        except OSError as error:
            self._lose(error)
            return len(text)

    def flush(self) -> None:
        """Writes what is held back where that can be."""
        try:
            self.stream.flush()
        except OSError as error:
            self._lose(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def _lose(self, error: OSError) -> None:
        self.lost = OSError(error.errno, error.strerror, self.stream.name)
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())
