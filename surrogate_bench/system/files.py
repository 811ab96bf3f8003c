"""Files that are whole or not there, and results as JSON that people can read."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import math
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from surrogate_bench.errors import StorageError
from surrogate_bench.system.temporary import whole

SEAL = b',\n "sha256": "'
# No result is larger, nor anything else beside what grows with epochs and examples.
MOST_BYTES = 2**24
# An epoch has some kilobytes, also with many metrics; of all epochs no reader wants more.
RECORD_BYTES, MOST_CURVES = 2**15, 2**30


def write(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Writes a file so that a kill at any instant leaves the old one or the new one: another name, then a rename.

    `durable` waits for the disk, which takes milliseconds. Raises StorageError, which names the folder.
    """
    with storing(path.parent), whole(path, durable=durable) as file:
        file.write(content)


@contextlib.contextmanager
def storing(place: Path) -> Iterator[None]:
    """Turns an error of writing into a StorageError with the folder's name."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise StorageError.at(place, error) from error


def content(path: Path, most: int | None = None) -> bytes:
    """The bytes of a file. Raises OSError, also above `most` bytes, and for a pipe, which would be waited for."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no file", str(path))
    if most is not None and found.st_size > most:
        raise OSError(errno.EFBIG, f"it has {found.st_size:,} bytes, and may have {most:,}", str(path))
    return path.read_bytes()


def tensors(path: Path, *, check: Callable[[bytes], None] | None = None) -> dict[str, Any]:
    """Loads a file that torch saved: tensors and plain data, which run no code. `check` sees the bytes first.

    Raises ValueError where it is damaged or holds more than that, OSError where it cannot be read.
    """
    import torch

    found = content(path)
    if check:
        check(found)
    saved = io.BytesIO(found)
    try:
        with zipfile.ZipFile(saved) as archive:
            if unpacked_size(archive) > len(found):  # torch packs nothing
                raise zipfile.BadZipFile("it is packed")
            if damaged := archive.testzip():  # torch does not look at the checksums
                raise zipfile.BadZipFile(damaged)
        saved.seek(0)
        return dict(torch.load(saved, weights_only=True))
    except Exception as error:  # whatever a damaged file makes the readers raise
        raise ValueError("it is damaged") from error


def unpacked_size(archive: zipfile.ZipFile) -> int:
    """How many bytes the members of an archive say that they have, of which no reader reads more."""
    return sum(member.file_size for member in archive.infolist())


def in_memory(fill: Callable[[BinaryIO], Any]) -> bytes:
    """The bytes that `fill` writes, in memory first: torch and numpy hide the disk's own complaint."""
    file = io.BytesIO()
    fill(file)
    return file.getvalue()


class ChangedError(ValueError):
    """A file is not what it was when it was written."""

    def __init__(self) -> None:
        super().__init__("it has changed since it was written")


def sealed(page: str) -> bytes:
    """A page of JSON with two more lines: `seal`, the SHA-256 of what it says, and `sha256`, that of all bytes above.

    The bytes are quick to compare; what they say survives other line ends, indents and orders of keys.
    """
    body = page.removesuffix("\n}\n") + f',\n "seal": "{digest(canonical(json.loads(page)))}"'
    return body.encode() + SEAL + digest(body.encode()).encode() + b'"\n}\n'


def unsealed(content: bytes) -> Any:
    """The JSON of a file, which must say what its seal was put on.

    Results without a `program` are of earlier versions, which sealed bytes alone, and do not need a seal. Raises
    ChangedError where it says something else, ValueError where it is no JSON.
    """
    body, mark, stored = content.rpartition(SEAL)
    found = json.loads(content)
    if mark and digest(body) == stored[:64].decode(errors="replace"):
        return found
    if not isinstance(found, dict):
        return found
    if "program" in found or "seal" in found:
        if found.get("seal") != digest(canonical(found)):
            raise ChangedError
    elif mark:
        raise ChangedError
    return found


def canonical(value: dict[str, Any]) -> bytes:
    """The content of a page of JSON without its seals, however it is laid out and whichever program wrote it again.

    Keys are sorted, and a number is the same as 1.0, 1 and 1e0: others do not tell these apart.
    """
    said = {key: _plain(item) for key, item in value.items() if key not in ("seal", "sha256")}
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def digest(content: bytes) -> str:
    """The SHA-256 of a file, by which a result knows it."""
    return hashlib.sha256(content).hexdigest()


def read_records(path: Path, sha256: str | None, epochs: Any) -> list[dict[str, Any]]:
    """The records of a file of curves, one an epoch, where it is the one of this SHA-256 or none is known.

    Raises ValueError where it is damaged, OSError where it cannot be read or is too large for that many epochs.
    """
    most = RECORD_BYTES * (epochs if isinstance(epochs, int) and epochs > 0 else 0)
    found = content(path, min(MOST_BYTES + most, MOST_CURVES))
    check_seal(found, sha256, text=True)
    return [json.loads(line) for line in found.decode().splitlines()]


def check_seal(found: bytes, sha256: Any, *, text: bool = False) -> None:
    """Raises ChangedError where this is not the file of a known SHA-256; a text may have got other line ends."""
    same = not isinstance(sha256, str) or digest(found) == sha256
    if not (same or (text and digest(found.replace(b"\r\n", b"\n")) == sha256)):
        raise ChangedError


def json_page(value: dict[str, Any]) -> str:
    """JSON with a line for each key down to the second level: readable, and much faster than Python's own indent."""
    lines = []
    for key, item in value.items():
        parts = item if isinstance(item, dict) else {}
        inner = [f"  {json.dumps(name)}: {json_line(part)}" for name, part in parts.items()]
        text = "{\n" + ",\n".join(inner) + "\n }" if inner else json_line(item)
        lines.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def json_line(value: Any) -> str:
    """JSON on one line, with null for what is no number."""
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value))


def _finite(value: Any) -> Any:
    """The same data with null for what is no number, which JSON has no word for."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
