"""Reads the origin of a run from its result: the program, the data, and a user's own code."""

from __future__ import annotations

import functools
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PROGRAM, CONTENT = "program", "content"
EARLIER = "earlier version"


@dataclass(frozen=True, slots=True)
class Origin:
    """The program that made a run, and digests of its data and of the user's code that it ran.

    Another content of `data`, `loss` or `files`, another revision of a component or another `code` of it is another
    thing under the same name. Other `sources` beside these are meant to give the same numbers, and so are other
    versions of torch.
    """

    revisions: tuple[tuple[str, int], ...]
    code: tuple[tuple[str, str], ...]
    version: str | None
    sources: str | None
    torch: str | None
    data: str | None
    loss: str | None
    files: tuple[tuple[str, str], ...]

    def made_by(self, component: str) -> tuple[int, str | None]:
        """A component's revision, and the digest of its code where that is recorded."""
        return self.revision(component), dict(self.code).get(component)

    def revision(self, component: str) -> int:
        """A component's revision: 1 where none is recorded, as a component that never changed its numbers has."""
        return dict(self.revisions).get(component, 1)


def read_origin(stored: dict[str, Any]) -> Origin | None:
    """The origin that a result records; None for one of an earlier version, which recorded none."""
    program, content = (stored.get(group) for group in (PROGRAM, CONTENT))
    if not isinstance(program, dict) and not isinstance(content, dict):
        return None
    program, content = _texts(program), _texts(content)
    return _origin(
        tuple(sorted((kind, n) for kind, n in program.get("revisions", {}).items() if isinstance(n, int) and n != 1)),
        tuple(sorted((kind, _text(digest) or "") for kind, digest in program.get("code", {}).items())),
        *(_text(program.get(name)) for name in ("version", "sources", "torch")),
        *(_text(content.get(name)) for name in ("data", "loss")),
        tuple(sorted((name, _text(digest) or "") for name, digest in content.get("files", {}).items())),
    )


def read_date(stored: dict[str, Any], file: Path) -> str:
    """The time of a run as text that sorts: from its result, else the time of the result's file."""
    if date := _text(_texts(stored.get(PROGRAM)).get("date")):
        return date
    return datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(timespec="microseconds")


def read_parts(stored: dict[str, Any], which: str = "parts") -> str | None:
    """The digest of which rows are in which part, or of those `tested`, where the result records it."""
    return _text(_texts(stored.get(CONTENT)).get(which))


@functools.lru_cache(maxsize=4096)
def _origin(*values: Any) -> Origin:
    """The one copy in memory of an origin that thousands of runs share."""
    return Origin(*values)


def _texts(group: Any) -> dict[str, Any]:
    """A group of a result; what should be a mapping within it and is none is left out."""
    own = group if isinstance(group, dict) else {}
    return {k: v for k, v in own.items() if k not in ("revisions", "code", "files") or isinstance(v, dict)}


def _text(value: Any) -> str | None:
    """A digest, a version or a date: a word that no format and no terminal reads as anything else."""
    return (
        sys.intern(re.sub(r"[^\w.+:-]+", "_", value, flags=re.ASCII)[:80]) if isinstance(value, str) and value else None
    )
