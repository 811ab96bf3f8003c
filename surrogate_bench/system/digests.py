"""Files by their content: what a run's identity counts, and what is read later has to be."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

from surrogate_bench.errors import UserError
from surrogate_bench.system.files import content

LENGTH = 16
# The digests that run ids were made of, by the file's absolute path.
_counted: dict[str, str] = {}


def short(data: bytes) -> str:
    """The first digits of the SHA-256, which is all that ids and results have room for."""
    return hashlib.sha256(data).hexdigest()[:LENGTH]


def of_file(file: Path) -> str:
    """The digest of what the file holds now. Raises OSError."""
    stat = file.stat()
    return _of_file(file, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)


def now(file: Path) -> str | None:
    """The digest of what the file holds now; None where it cannot be read."""
    try:
        return of_file(file)
    except OSError:
        return None


def count(file: Path) -> str:
    """The digest of a file as part of a run's identity: from now on `check` lets nothing else pass for it.

    Raises UserError where it cannot be read.
    """
    try:
        digest = _counted[os.path.abspath(file)] = of_file(file)
    except OSError as error:
        raise UserError(f"cannot read {str(file)!r}: {error.strerror}") from error
    return digest


def counted(file: Path) -> str | None:
    """The digest that the file was counted with, if it was."""
    return _counted.get(os.path.abspath(file))


def check(file: Path, data: bytes | None = None) -> None:
    """Raises UserError where data just read from a file, or all that it holds now, are not what was counted."""
    if counted(file) not in (None, now(file) if data is None else short(data)):
        raise UserError(f"{str(file)!r} has changed since it was first read")


@functools.lru_cache(maxsize=4096)
def _of_file(file: Path, *version: int) -> str:
    del version  # another one is another content
    return short(content(file))
