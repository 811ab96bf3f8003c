"""A warm process that runs the program in a copy of itself, a folder of its own and a time limit for each command.

A crash, a hang or a changed global setting costs one copy. Speaks JSON: a request a line on the standard input, the
answer a line on the standard output.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What a command may take beyond what the warm process has: a value of 10 ** 9 must fail here, not fill the machine.
MEMORY_BYTES = 3 << 30
_threads = 1
REPOSITORY = Path(__file__).resolve().parents[1]
# Of what a command prints; a program that prints more prints without end.
MOST_PRINTED = 1 << 22


@dataclass
class Answer:
    """What came of a command: its exit code (negative for a signal, None where it hung), what it printed and left."""

    code: int | None
    out: str
    err: str
    left: list[str]
    seconds: float


class Zygote:
    """The warm process, as its user sees it; `environment` is its commands' beside that of the tests."""

    def __init__(self, **environment: str) -> None:
        command = [sys.executable, str(Path(__file__).resolve())]
        paths = os.pathsep.join((str(REPOSITORY), os.environ.get("PYTHONPATH", "")))
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": paths} | environment,
        )

    def run(
        self,
        words: list[str],
        *,
        folder: Path | None = None,
        limit: float = 180.0,
        environment: dict[str, str] | None = None,
    ) -> Answer:
        """Runs the program with these words, in an empty folder that is then removed, or in `folder`.

        `environment` is all of its own, where one is given; what counts when Python starts or imports is as it was.
        """
        assert self.process.stdin
        assert self.process.stdout
        request = {"words": words, "folder": folder and str(folder), "limit": limit, "environment": environment or {}}
        print(json.dumps(request), file=self.process.stdin, flush=True)
        return Answer(**json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def complaint(answer: Answer) -> str | None:
    """What is wrong with an answer by section 1 of the design, or None."""
    if answer.code is None:
        return "it hangs"
    if answer.code not in (0, 1, 2):
        return f"its exit code is {answer.code}"
    if "Traceback" in answer.out + answer.err or "this is a fault" in answer.err:
        return "it shows a traceback"
    if answer.code == 2:
        lines = [line for line in answer.err.splitlines() if not line.startswith("warning: ")]
        if len(lines) != 1 or not lines[0].startswith("error: ") or not lines[0][7:].strip():
            return f"a mistake is answered by {len(lines)} lines"
        if answer.left:
            return "a mistake leaves something behind"
    return None


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _warm()
    for line in sys.stdin:
        print(json.dumps(_answer(**json.loads(line))), file=answers, flush=True)


def _warm() -> None:
    """Imports and parses what every command needs, with one thread, as the copies of more could not start theirs."""
    import torch

    from surrogate_bench.cli import main

    global _threads
    _threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(None):
        os.chdir(folder)
        tiny = ["dataset=synthetic", "dataset.size=60", "trainer.epochs=1"]
        for words in (tiny, ["-m", *tiny], ["compare", "outputs"], ["list"]):
            main(words)
        os.chdir(REPOSITORY)
    gc.collect()
    gc.freeze()


def _answer(words: list[str], folder: str | None, limit: float, environment: dict[str, str]) -> dict[str, Any]:
    top = Path(folder) if folder else Path(tempfile.mkdtemp(prefix="words-"))
    # Deep enough that a few ../ are seen here and hurt nobody.
    place = top if folder else top / "a" / "b" / "c"
    place.mkdir(parents=True, exist_ok=True)
    before = _listing(top)
    began = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            _become(words, place, out.fileno(), err.fileno(), environment)
        code = _wait(child, limit)
        printed = {}
        for name, file in (("out", out), ("err", err)):
            file.seek(0)
            printed[name] = file.read(MOST_PRINTED).decode(errors="replace")
    left = sorted(_listing(top) - before)
    if not folder:
        shutil.rmtree(top, ignore_errors=True)
    return {"code": code, **printed, "left": left, "seconds": time.monotonic() - began}


def _listing(top: Path) -> set[str]:
    return {str(path.relative_to(top)) for path in top.rglob("*")}


def _become(words: list[str], place: Path, out: int, err: int, environment: dict[str, str]) -> None:
    code: Any = 70
    try:
        os.setsid()
        os.chdir(place)
        if environment:
            os.environ.clear()
            os.environ.update(environment)
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY_BYTES,) * 2)
        import torch

        from surrogate_bench.cli import main

        torch.set_num_threads(_threads)
        try:
            code = main(words)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException as error:
        import traceback

        traceback.print_exception(error)
        sys.stderr.flush()
    finally:
        os._exit(code or 0)


def _wait(child: int, limit: float) -> int | None:
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


if __name__ == "__main__":
    _serve()
