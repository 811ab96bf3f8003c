"""Marks runs as taken on file systems without locks: by files that only one can make, and a sign of life.

A sweep has a file `.sweep-TOKEN`, which a process of its own touches as long as the sweep or one of its workers is
there, and removes then. A run is taken by making its file `.lease-RUN-1`, which holds the token. Where that is there
and its owner is gone, `.lease-RUN-2` succeeds it, and so on: of several that want to succeed, one can make the file.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import secrets
import subprocess
import sys
import time
from pathlib import Path

from surrogate_bench.errors import StorageError
from surrogate_bench.store import heartbeat

BEAT_SECONDS = 2.0
# Whoever gives no sign for so long is gone with its machine: several beats, and what a network's file system may delay.
GONE_SECONDS = 30.0


class Leases:
    """The leases that this process has in one experiment's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.held: dict[Path, list[Path]] = {}
        self.token = ""
        self.process: subprocess.Popen[bytes] | None = None
        # Another sweep's last sign of life, and when this process first saw it: clocks of two machines differ.
        self.signs: dict[Path, tuple[tuple[int, int], float]] = {}

    def take(self, place: Path) -> bool:
        """Takes a run; False where another process has it. Raises StorageError where no file can be made."""
        try:
            self._live()
            gone: list[tuple[Path, str]] = []
            for number in itertools.count(1):
                file = self.folder / f".lease-{hashlib.sha256(place.name.encode()).hexdigest()[:16]}-{number}"
                if not self._make(file):
                    if self._lives(file, owner := _owner(file)):
                        return False
                    gone.append((file, owner))
                    continue
                self.held[place] = [*(left for left, _ in gone), file]
                # One that was freed and taken anew since it was looked at is not gone.
                if all(left.exists() and _owner(left) == owner for left, owner in gone):
                    return True
                self.held[place] = [file]
                self.free(place)
                return False
        except OSError as error:
            raise StorageError.at(self.folder, error) from error
        raise AssertionError("there is always a next number")

    def free(self, place: Path) -> None:
        """Lets go of a run, and removes what those have left who had it before."""
        for file in self.held.pop(place, ()):
            with contextlib.suppress(OSError):
                file.unlink()

    def close(self) -> None:
        """Lets go of everything, and ends the sign of life."""
        for place in list(self.held):
            self.free(place)
        if self.process and self.process.stdin:
            self.process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=10)
            self.process = None

    def _live(self) -> None:
        """Sees to it that there is a sign of this process's life."""
        if self.process and self.process.poll() is None:
            return
        if self.process and self.process.stdin:
            self.process.stdin.close()
        self.token = secrets.token_hex(8)
        file = self._sign(self.token)
        os.close(os.open(file, _NEW, 0o666))
        command = [sys.executable, "-I", "-S", heartbeat.__file__, str(file.absolute()), str(BEAT_SECONDS)]
        # A group of its own: what stops or ends the sweep's group, as Ctrl-Z, is no reason to take it for gone.
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def _make(self, file: Path) -> bool:
        try:
            number = os.open(file, _NEW, 0o666)
        except FileExistsError:
            return False
        try:
            os.write(number, self.token.encode())
        finally:
            os.close(number)
        return True

    def _lives(self, file: Path, owner: str) -> bool:
        """True if the owner of a lease has given a sign of life, or has only now been looked at for the first time."""
        watched = self._sign(owner) if owner else file  # an owner may have died before it wrote who it was
        try:
            number = os.open(watched, os.O_RDONLY)  # to open it makes a network's file system ask its server
        except FileNotFoundError:
            return False
        except OSError:
            return True
        sign = os.fstat(number)
        os.close(number)
        now, seen = time.monotonic(), (sign.st_ino, sign.st_mtime_ns)
        first = self.signs.get(watched)
        if first is None or first[0] != seen:
            self.signs[watched] = seen, now
            return True
        return now - first[1] < GONE_SECONDS

    def _sign(self, token: str) -> Path:
        return self.folder / f".sweep-{token}"


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


def _owner(file: Path) -> str:
    """The token in a lease; empty where there is none, yet or any more."""
    try:
        found = file.read_text(encoding="ascii", errors="replace")[:100]
    except FileNotFoundError:
        return ""
    return found if re.fullmatch("[0-9a-f]{16}", found) else ""
