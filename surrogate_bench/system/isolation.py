"""Restores the process's state (working folder, default dtype, grad mode) after a user's own code has run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Afterwards the folder that the program runs in, torch's default type and its grad mode are what they were."""
    import torch

    folder = None
    with contextlib.suppress(OSError):  # it has been deleted
        folder = os.getcwd()
    dtype, grad = torch.get_default_dtype(), torch.is_grad_enabled()
    try:
        yield
    finally:
        if folder is not None:
            with contextlib.suppress(OSError):
                os.chdir(folder)
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(grad)
