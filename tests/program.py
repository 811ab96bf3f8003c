"""The program as people run it: in a process of its own, as a process with threads cannot fork sweeps."""

from __future__ import annotations

import atexit
import functools
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from zygote import Zygote


@functools.cache
def _warm() -> Zygote:
    warm = Zygote()
    atexit.register(warm.close)
    return warm


def program(folder: Path, *words: str, code: int = 0, environment: dict[str, str] | None = None) -> str:
    """What the program prints in this folder; it must end with this exit code.

    It is a copy of a process that has imported everything, which takes longer than most of these commands; one with an
    `environment` of its own is started anew.
    """
    if environment is None:
        done = _warm().run(list(words), folder=folder, limit=120, environment=dict(os.environ))
        out, ended = done.out + done.err, done.code
    else:
        command, own = [sys.executable, "-m", "surrogate_bench", *words], os.environ | environment
        cold = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, timeout=120, check=False)
        out, ended = cold.stdout + cold.stderr, cold.returncode
    assert ended == code, out[-4000:]
    assert "Traceback" not in out
    return out


def imported(folder: Path, *commands: list[str]) -> tuple[str, set[str]]:
    """What a process prints that obeys these commands one after the other, and all the modules that it has then."""
    obey = f"from surrogate_bench.cli import main\nfor words in {commands!r}: main(words)"
    code = f"{obey}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    out, _, modules = done.stdout.rstrip("\n").rpartition("\n")
    return out, set(modules.split())


def words_in(message: str) -> list[str]:
    """The words key=value that a message proposes, as a shell reads them."""
    found = re.findall(r"""'(?:[^']|'"'"')*'|\S+""", message)
    words = [shlex.split(each)[0] if each[0] == "'" else each.rstrip(",;:.)") for each in found]
    return [word for word in words if re.match(r"[+a-z_][\w.]*=.", word)]
