"""Resolves the word of a device, and checks that it is there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from surrogate_bench.errors import UserError

if TYPE_CHECKING:
    import torch

# Multiply-adds of a step, forward. Below them a second thread costs more than it gives, and on a busy machine, where
# threads wait for one another, a hundred times more.
SMALL_STEP = 10_000_000


def find_device(word: str) -> torch.device:
    """The device of `auto`, `cpu`, `cuda` or `cuda:N`. Raises UserError for one that is not there, or cannot do it."""
    import torch

    kind, _, number = word.partition(":")
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "cpu"
    if kind == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if not count:
            raise UserError(f"device={word}: there is no CUDA GPU here; use device=cpu or device=auto")
        if int(number or 0) >= count:
            raise UserError(
                f"device={word}: there {'is one GPU' if count == 1 else f'are {count} GPUs'} here, from cuda:0"
            )
    if kind == "mps":
        raise UserError("device=mps: Apple's GPUs have no fp64, in which metrics are summed; use device=cpu")
    return torch.device(kind, int(number)) if number else torch.device(kind)


@contextlib.contextmanager
def determinism(wanted: bool, device: torch.device) -> Iterator[None]:
    """Within it, torch takes only algorithms that give the same numbers again, and says what was before afterwards.

    On a GPU, one that exists in no such form is used with torch's own warning; cuBLAS needs its workspace fixed.
    """
    import torch

    # torch.use_deterministic_algorithms sets the same, but also imports torch's compiler, for seconds.
    before = torch.get_deterministic_debug_mode()
    cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    if wanted and device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_deterministic_debug_mode(("error" if device.type == "cpu" else "warn") if wanted else "default")
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = wanted, not wanted
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn


def limit_threads(multiply_adds: int, device: torch.device) -> int:
    """Keeps steps of so many multiply-adds on one thread where that is faster; returns how many threads they have.

    It never raises the number, and depends on the run alone, as the order of fp32 sums depends on it.
    """
    import torch

    if device.type == "cpu" and multiply_adds < SMALL_STEP:
        torch.set_num_threads(1)
    return torch.get_num_threads()
