"""A process that shows that a sweep is alive: it touches a file, and removes it when the sweep is gone.

The sweep and its workers hold the other end of its standard input, which closes when the last of them ends, however it
ends. It runs as a script, and imports nothing of this package.
"""

import contextlib
import os
import select
import sys


def beat(file: str, seconds: float) -> None:
    """Touches the file every few seconds; ends once nobody holds the other end, or the file is gone."""
    try:
        while not select.select([sys.stdin], [], [], seconds)[0]:
            try:
                os.utime(file)
            except FileNotFoundError:  # others take the sweep for gone
                return
            except OSError:  # the next time may be better
                continue
    finally:
        with contextlib.suppress(OSError):
            os.unlink(file)


if __name__ == "__main__":
    with contextlib.suppress(OSError, KeyboardInterrupt):
        beat(sys.argv[1], float(sys.argv[2]))
