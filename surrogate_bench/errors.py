"""The user's mistakes: one clear line, which names the wrong word and the nearest right one."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from pathlib import Path

# Of a message that somebody else's code has written.
MOST_CHARACTERS = 500
# What helps where memory runs out.
LESS = "launcher.width=1, launcher.workers=1, dataset.rows=N or dataset.drop=[COLUMN] need less memory"


class UserError(ValueError):
    """A mistake of the user's: the program prints the message alone and exits with 2."""


def one_line(text: object) -> str:
    """The text on one line: what a terminal would obey or not show is spelled out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def in_words(error: BaseException) -> str:
    """A short line with the error's class and the first line of its message, which may be empty."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:
        lines = ["its message cannot be read"]
    return one_line(": ".join([type(error).__name__, *lines[:1]])[:MOST_CHARACTERS])


def is_memory(error: BaseException) -> bool:
    """True if memory ran out; torch, which need not be there to be asked, says so in a RuntimeError of many words."""
    words = ("can't allocate memory", "out of memory")
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(w in str(error) for w in words))


def warn(message: object) -> None:
    """One line of warning, apart from what the program prints on the standard output."""
    print(f"warning: {one_line(message)}", file=sys.stderr)


def unknown(what: str, word: str, known: Iterable[str], *, show: int = 12) -> UserError:
    """The error for a `word` that is none of the `known` ones of its kind."""
    choices = list(known)
    return UserError(f"unknown {what} {word!r}{did_you_mean(word, choices, show=show)}")


def did_you_mean(word: str, known: Iterable[str], *, show: int = 12) -> str:
    """`. Did you mean 'x'?` where something is near, else the choices where they are few."""
    choices = list(known)
    lowered = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if near:
        return f". Did you mean {lowered[near[0]]!r}?"
    if not choices:
        return ""
    rest = f" and {len(choices) - show} more" if len(choices) > show else ""
    return f"; there is {', '.join(choices[:show])}{rest}"


class StorageError(OSError):
    """A run's files cannot be written: the disk is full or read-only, or the folder has vanished."""

    @classmethod
    def at(cls, folder: Path, error: OSError) -> StorageError:
        """The error of a write below `folder`, by whose name it is told."""
        return cls(error.errno, error.strerror or str(error), str(folder))
