"""Locks the runs of this process and its workers, so that two sweeps on one experiment never write one run twice."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import struct
import sys
from pathlib import Path
from types import ModuleType

from surrogate_bench.errors import StorageError, warn
from surrogate_bench.store.leases import Leases

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows: one sweep an experiment at a time
    fcntl = None

NAME = ".lock"
_UNSUPPORTED = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
# A link in its place leads into somebody else's folder.
_OPEN = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
# The folders of which it has been said that they have no locks.
_told: set[Path] = set()


class Locks:
    """Locks on runs, each a byte of its experiment's file `.lock`.

    The system drops them when the last process that shares them ends, however it ends: nothing can be left over. On
    Linux forked workers share their parent's, so that a run stays locked until also its orphaned worker is gone. Where
    the file system has no locks, `leases` do the same.
    """

    def __init__(self) -> None:
        self.files: dict[Path, int] = {}
        self.held: set[Path] = set()
        self.leases: dict[Path, Leases] = {}

    def take(self, place: Path) -> bool:
        """Locks a run's folder; False where another process is at it. Raises StorageError where none can be written."""
        if fcntl is None or place in self.held:
            return True
        while True:
            if place.parent in self.leases:
                return self._lease(place)
            file = self._open(place.parent)
            try:
                _lock(file, place, exclusive=True)
            except (BlockingIOError, PermissionError):
                return False
            except OSError as error:
                if error.errno not in _UNSUPPORTED:
                    raise StorageError.at(place.parent, error) from error
                self.leases[place.parent] = Leases(place.parent)
                _tell(place.parent)
                continue
            if _is_at(file, place.parent / NAME):
                self.held.add(place)
                return True
            # Who was here alone has removed the file since: its successor is the one that counts.
            self._forget(place.parent)

    def free(self, place: Path) -> None:
        """Unlocks a run's folder."""
        if place in self.held:
            self.held.discard(place)
            if place.parent in self.leases:
                self.leases[place.parent].free(place)
                return
            with contextlib.suppress(OSError):
                _lock(self.files[place.parent], place, exclusive=False)

    def close(self) -> None:
        """Unlocks everything, and removes the file where nobody else is at its experiment."""
        for leases in self.leases.values():
            leases.close()
        for folder, file in list(self.files.items()):
            with contextlib.suppress(OSError):
                _lock(file, None, exclusive=True)
                if _is_at(file, folder / NAME):
                    (folder / NAME).unlink()
            self._forget(folder)

    def _lease(self, place: Path) -> bool:
        if taken := self.leases[place.parent].take(place):
            self.held.add(place)
        return taken

    def _open(self, folder: Path) -> int:
        if folder not in self.files:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self.files[folder] = os.open(folder / NAME, _OPEN, 0o666)
            except OSError as error:
                raise StorageError.at(folder, error) from error
        return self.files[folder]

    def _forget(self, folder: Path) -> None:
        os.close(self.files.pop(folder))
        self.held = {place for place in self.held if place.parent != folder}


def _tell(folder: Path) -> None:
    if folder not in _told:
        _told.add(folder)
        warn(f"the file system of {folder} has no locks: sweeps share its runs by files, .lease-* and .sweep-*")


def _lock(file: int, place: Path | None, *, exclusive: bool) -> None:
    """Locks or unlocks the byte that stands for a run, or with None all of them; never waits."""
    assert fcntl is not None
    start, length = (0, 0) if place is None else (_byte(place), 1)
    if sys.platform == "linux" and hasattr(fcntl, "F_OFD_SETLK"):
        kind = fcntl.F_WRLCK if exclusive else fcntl.F_UNLCK
        # struct flock: type, whence, start, length, process
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi0q", kind, os.SEEK_SET, start, length, 0))
    else:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_UN, length, start)


def _byte(place: Path) -> int:
    return int.from_bytes(hashlib.sha256(place.name.encode()).digest()[:6])


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
