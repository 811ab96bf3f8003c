"""No command line, however wrong, ends in a traceback, hangs, or is refused after something was written."""

from __future__ import annotations

from counts import examples
from hypothesis import given
from words import COMMANDS
from zygote import Zygote, complaint


@examples(60, 20_000)
@given(words=COMMANDS)
def test_any_command_line(words: list[str], zygote: Zygote) -> None:
    answer = zygote.run(words)
    assert not (wrong := complaint(answer)), f"{wrong}: {words!r}\n{answer.err[-3000:]}"
