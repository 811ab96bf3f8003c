"""Files that nobody sees until they are whole, under names that no other process or link can stand in the way of."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from surrogate_bench.errors import UserError

# `.result.json.0a1b2c3d.tmp`; in earlier versions the process's number stood in the place of the random part.
_NAME = re.compile(r"\.(.+)\.[0-9a-f]+\.tmp", re.DOTALL)
# Nothing takes so long to write.
LEFT_SECONDS = 24 * 3600


@contextlib.contextmanager
def whole(path: Path, *, durable: bool = False) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` once it is filled; where that fails, nothing of it is left.

    A link in the place of `path` is replaced and not followed. `durable` waits for the disk. Raises OSError.
    """
    temporary, number = _create(path)
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            if durable:
                file.flush()
                # Or a power failure may leave the new name on an empty file.
                os.fsync(number)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def meant(name: str) -> str | None:
    """The final name of a temporary file; None if it is not one."""
    found = _NAME.fullmatch(name)
    return found[1] if found else None


def target(path: Path, suffixes: tuple[str, ...] = ()) -> Path:
    """The file that a user wants written: what a link of theirs points to, so that the link stays.

    What a killed process has left beside it a day ago or earlier is removed. Raises UserError for a name that cannot
    be written to, or that has none of the `suffixes` where there are any.
    """
    if suffixes and path.suffix.lower() not in suffixes:
        raise UserError(f"cannot draw {str(path)!r}: the name must end in {', '.join(suffixes)}")
    real = Path(os.path.realpath(path))
    if real.is_dir():
        raise UserError(f"cannot write to {str(path)!r}: it is a folder")
    if not real.parent.is_dir():
        raise UserError(f"cannot write to {str(path)!r}: there is no folder {str(real.parent)!r}")
    if real.exists() and not real.is_file():
        raise UserError(f"cannot write to {str(path)!r}: it is a device or a pipe, and no file")
    with contextlib.suppress(OSError):
        for entry in os.scandir(real.parent):
            if meant(entry.name) == real.name and _is_left(entry.stat(follow_symlinks=False)):
                os.unlink(entry)
    return real


def _create(path: Path) -> tuple[Path, int]:
    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        with contextlib.suppress(FileExistsError):
            return temporary, os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _BINARY, 0o666)


def _is_left(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and time.time() - found.st_mtime > LEFT_SECONDS


_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
