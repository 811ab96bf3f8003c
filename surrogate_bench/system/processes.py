"""Copies of this process: when they can be, and what they owe it."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from surrogate_bench.system.signals import REQUESTS

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
PR_SET_PDEATHSIG = 1
# Numbers that torch shares among threads, and the seconds that a copy may take for them.
SHARED = 1 << 17
PATIENCE = 5.0
# The processes that were found to be unable to train in their copies, which does not pass.
_cannot: set[int] = set()


def can_fork(device: torch.device) -> bool:
    """True if workers can start as copies of this process, which costs no import.

    A GPU's state cannot be copied. Neither can a process that has computed a gradient, as torch refuses to compute
    another one in its copies, nor one that has run OpenMP's threads, for which its copies would wait for ever: a copy
    tries both.
    """
    if device.type != "cpu" or not sys.platform.startswith("linux") or os.getpid() in _cannot:
        return False
    try:
        in_child(_try_threads_and_gradients, patience=PATIENCE)
    except (EOFError, RuntimeError):
        _cannot.add(os.getpid())
        return False
    return True


def _try_threads_and_gradients() -> None:
    import torch

    torch.set_num_threads(2)
    x = torch.ones(SHARED, requires_grad=True)
    torch.autograd.grad(x.exp().sum(), x)


def in_child(function: Callable[[], T], *, patience: float | None = None) -> T:
    """Runs a function in a forked copy of this process and returns its result; no thread starts in this process.

    Raises what it raises, and EOFError where the copy is taken down, or has no answer after `patience` seconds.
    """
    context, home = multiprocessing.get_context("fork"), os.getpid()
    ours, theirs = context.Pipe(duplex=False)

    def run() -> None:
        obey_parent(home)
        try:
            found: tuple[Any, Exception | None] = function(), None
        except Exception as error:
            found = None, error
        theirs.send(found)

    child = context.Process(target=run, daemon=True)
    child.start()
    theirs.close()
    try:
        if not ours.poll(patience):
            child.kill()
        value, error = ours.recv()
    finally:
        ours.close()
        child.join()
    if error:
        raise error
    return value


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def obey_parent(parent: int) -> None:
    """Ignores Ctrl-C, which the parent handles, dies with the parent, and goes first if memory runs out."""
    for number in REQUESTS:
        signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")
