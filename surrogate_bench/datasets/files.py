"""A table's file as a stream: unpacked, decoded and measured while it is read, so that memory never holds a copy."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import os
import re
import sys
import zlib
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surrogate_bench.errors import UserError

# Reading takes up to so many times what a file holds.
TIMES = 3
SAMPLE = 4000
# The least bytes of a gzip file, and the most that deflate makes of one byte.
MEMBER, MOST_PACKED = 18, 1032
# The mark of UTF-32 begins with that of UTF-16.
MARKS = tuple((getattr(codecs, f"BOM_UTF{n}_{end}"), f"utf-{n}") for n in (32, 16) for end in ("LE", "BE"))
BOMS = tuple(mark for mark, _ in MARKS)
# A line that a printed table is ruled with: +-----+-----+, ----+----, |:---|---:|.
RULE = re.compile(r"[-=+|:,;\s]*(?:--|==)[-=+|:,;\s]*")
# Latin-1 has control characters where Windows' encoding has quotes, dashes and the euro.
CONTROLS = re.compile("[\x80-\x9f]")
LATIN = ("latin-1", "latin1", "iso-8859-1", "iso8859-1", "l1")


@dataclass(frozen=True)
class Apart:
    """Lines of a text file that are none of its table.

    comment: a character that such lines begin with. end: so many are the last, blank ones not counted. ruled: whether
    lines of dashes are; boxed: whether every row stands between two bars.
    """

    comment: str | None = None
    end: int = 0
    ruled: bool = False
    boxed: bool = False

    def __contains__(self, line: str) -> bool:
        if self.ruled and RULE.fullmatch(line):
            return True
        return self.comment is not None and line.lstrip().startswith(self.comment)

    def bare(self, line: str) -> str:
        """A row's line without the bars that box it."""
        if not self.boxed:
            return line
        inner = line.strip().removeprefix("|").removesuffix("|")
        return inner + line[len(line.rstrip("\r\n")) :]


class Content(io.RawIOBase):
    """The bytes of a file, unpacked if it is gzipped, up to a share of the memory that is free."""

    def __init__(self, path: Path) -> None:
        self.path, self.taken, self.most = path, 0, free_memory() / TIMES
        self.file: Any = None
        packed = path.suffix.lower() == ".gz"
        try:
            if _told_size(path, packed=packed) > self.most:
                raise self._too_large()
            self.file = gzip.open(path) if packed else path.open("rb")  # noqa: SIM115
        except OSError as error:
            raise self._unreadable(error) from error

    def readable(self) -> bool:
        """As io asks."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """The next bytes. Raises UserError where there are none to be had, or too many."""
        try:
            read = self.file.readinto(buffer)
        except (OSError, EOFError, zlib.error) as error:
            raise self._unreadable(error) from error
        self.taken += read
        if self.taken > self.most:
            raise self._too_large()
        return read

    def close(self) -> None:
        """Closes the file as well."""
        if self.file is not None:
            self.file.close()
        super().close()

    def _too_large(self) -> UserError:
        return UserError(
            f"{str(self.path)!r} holds more than {self.most / 2**30:.2g} GiB, and {TIMES} times what a file holds "
            "must be free to read it: keep fewer rows or columns, write it as Parquet, or have more memory free"
        )

    def _unreadable(self, error: BaseException) -> UserError:
        return UserError(f"cannot read {str(self.path)!r}: {getattr(error, 'strerror', None) or error}")


NOTHING = Apart()


class Text(io.TextIOWrapper):
    """A file's text with its own line ends; `read` leaves out the lines that are `apart`, `readline` the last of them.

    Raises UserError, as it is read, for what is no text of this encoding.
    """

    def __init__(self, path: Path, encoding: str, apart: Apart = NOTHING) -> None:
        self.path, self.apart = path, apart
        self.ahead: deque[str] = deque()
        content = io.BufferedReader(Content(path), 1 << 18)
        self.start = content.peek(SAMPLE)[:SAMPLE]
        if encoding.lower().replace("_", "-") in ("utf-16", "utf-32") and not self.start.startswith(BOMS):
            encoding += "-le" if sys.byteorder == "little" else "-be"  # a stream wants a mark, a text does not
        try:
            super().__init__(content, encoding=encoding, newline="")
        except LookupError as error:
            content.close()
            raise self._no_text(encoding, error) from error

    def read(self, size: int | None = -1, /) -> str:
        """The next characters, which end with a line where there are some to leave out."""
        if self.apart == NOTHING:
            return self._checked(super().read, size)
        found, length = [], 0
        while (size is None or size < 0 or length < size) and (line := self.readline()):
            if line not in self.apart:
                found.append(self.apart.bare(line))
                length += len(line)
        return "".join(found)

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        """The next line, also one of a comment; none of the last that are apart."""
        if not self.apart.end:
            return self._checked(super().readline, size)
        while sum(not line.isspace() for line in self.ahead) <= self.apart.end:
            if not (line := self._checked(super().readline, -1)):
                return ""
            self.ahead.append(line)
        return self.ahead.popleft()

    def _checked(self, read: Any, size: int | None) -> str:
        try:
            text = read(size)
        except UnicodeError as error:
            raise self._no_text(self.encoding, error) from error
        if "\0" in text:
            other = likely_encoding(self.start)
            hint = f": say what it is, as dataset.encoding={other}" if other else ""
            raise UserError(f"{self.path} is no {self.encoding} text: it holds zero bytes{hint}")
        if self.encoding.lower() in LATIN and (found := CONTROLS.search(text)):
            raise UserError(
                f"{self.path} is no {self.encoding} text: it holds {found[0]!a}, a control character there: "
                "say dataset.encoding=cp1252"
            )
        return text

    def _no_text(self, encoding: str, error: Exception) -> UserError:
        likely = likely_encoding(self.start) or ("cp1252" if _windows(error) else "latin-1")
        reason = str(error).replace("\n", " ")
        return UserError(f"{self.path} is not {encoding} text ({reason}): say what it is, as dataset.encoding={likely}")


def _windows(error: Exception) -> bool:
    """True if bytes that are no UTF-8 are characters of Windows that Latin-1 has not."""
    if not isinstance(error, UnicodeDecodeError):
        return False
    with contextlib.suppress(UnicodeDecodeError):
        error.object.decode("cp1252")
        return CONTROLS.search(error.object.decode("latin-1")) is not None
    return False


def read_content(file: Path) -> bytes:
    """Reads a file, unpacked if it is gzipped. Raises UserError if it is empty."""
    with io.BufferedReader(Content(file)) as content:
        found = content.read()
    if not found.strip():
        raise UserError(f"{str(file)!r} is empty")
    return found


def likely_encoding(content: bytes) -> str | None:
    """The encoding that a byte-order mark tells, or that every other byte being zero does."""
    marked = next((name for mark, name in MARKS if content.startswith(mark)), None)
    sample = content[:1000]
    halves = {"utf-16-le": sample[1::2], "utf-16-be": sample[::2]}
    return marked or next((name for name, half in halves.items() if 2 * half.count(0) > len(half)), None)


def _told_size(path: Path, *, packed: bool) -> int:
    """The size that a file states, packed ones in their last bytes, if that can be true."""
    size = path.stat().st_size
    if not packed or size < MEMBER:
        return 0 if packed else size
    with path.open("rb") as file:
        file.seek(-4, io.SEEK_END)
        told = int.from_bytes(file.read(4), "little")
    return told if told <= MOST_PACKED * size else 0


def free_memory() -> float:
    """Bytes that this process can still have: of the machine's, of its control group's, of its own limit."""
    found = [float("inf")]
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        found.append(next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")))
    with contextlib.suppress(OSError, ValueError):
        found.append(float(Path("/sys/fs/cgroup/memory.max").read_text()))
    with contextlib.suppress(OSError, ValueError, ImportError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            found.append(float(limit - pages * os.sysconf("SC_PAGE_SIZE")))
    return max(0.0, min(found))
