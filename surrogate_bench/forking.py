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

from surrogate_bench.stopping import REQUESTS

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
PR_SET_PDEATHSIG = 1


def can_fork(device: torch.device) -> bool:
    """Whether workers can start as copies of this process, which costs no import.

    A GPU's state cannot be copied, and neither can a process that has computed a gradient: torch refuses to compute
    another one in its copies.
    """
    return device.type == "cpu" and sys.platform.startswith("linux") and in_child(_computes_gradients)


def _computes_gradients() -> bool:
    import torch

    x = torch.ones(1, requires_grad=True)
    try:
        torch.autograd.grad(x * x, x)
    except RuntimeError:
        return False
    return True


def in_child(function: Callable[[], T]) -> T:
    """What a function returns in a copy of this process, whose threads this process then does not have.

    Raises what it raises, and EOFError where the copy is taken down.
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
    """What Ctrl-C means is the parent's decision, and its end is ours; of the two, the OOM killer takes us."""
    for number in REQUESTS:
        signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")
