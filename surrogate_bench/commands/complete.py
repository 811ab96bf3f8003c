"""Completes words at a shell's Tab: our commands and their words; overrides are Hydra's. Errors print nothing."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterable

from surrogate_bench.errors import UserError


def asks(words: list[str]) -> bool:
    """True if these words are a shell's question, and no installation of the completion."""
    return bool({"-sc", "--shell-completion"} & set(words)) and any(word.startswith("query=") for word in words)


def complete(words: list[str], verbs: Iterable[str]) -> int:
    """Prints what may follow on the line that the shell tells of, one word a line; returns the exit code."""
    line = os.environ.get("COMP_LINE")
    if line is None:
        raise UserError("the shell asks this itself when Tab is pressed, and tells its line as COMP_LINE")
    before, word = line.split()[1:], ""
    if before and not line[-1].isspace():
        word = before.pop()
    if before and before[0] in verbs:
        found = _after(before[0], verbs)
    else:
        found = [*([] if before else verbs), *_of_hydra(words)]
    for each in found:
        if each.startswith(word):
            print(each)
    return 0


def _after(verb: str, verbs: Iterable[str]) -> Iterable[str]:
    """The words of a command; where none fits, the shell itself completes the names of files."""
    from surrogate_bench.commands.compare import options
    from surrogate_bench.commands.export import KINDS
    from surrogate_bench.commands.list import PLURALS
    from surrogate_bench.metrics.names import names

    own = {"list": PLURALS, "compare": options(), "export": KINDS, "explain": [*names("threshold"), "--out"]}
    return own.get(verb, verbs)


def _of_hydra(words: list[str]) -> list[str]:
    from surrogate_bench.commands import train as app

    out = io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(io.StringIO()),
        # Hydra's parser ends the process for an option that it does not know, or that is half written.
        contextlib.suppress(Exception, SystemExit),
    ):
        app.run(words)
    return out.getvalue().split()
