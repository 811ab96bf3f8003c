"""Checks a user's own loss: its shape, its gradient, and that no member's value depends on the others."""

from __future__ import annotations

import copy
import random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

SAMPLE = 64


def checked(value: Any, logits: Tensor) -> Tensor:
    """Checks the values [K] that a loss returned for logits [K, N]; they may have no dimension if K = 1.

    Raises ValueError where it is something else, or has no gradient.
    """
    if not isinstance(value, Tensor):
        raise ValueError(f"the loss must return a tensor, not a {type(value).__name__}")
    if not value.requires_grad:
        raise ValueError("what the loss returns does not depend on the logits: it has no gradient")
    if len(logits) == 1 and not value.ndim:
        value = value[None]
    if value.shape != logits.shape[:-1]:
        told = f"{list(value.shape)} for logits {list(logits.shape)}, not {list(logits.shape[:-1])}"
        raise ValueError(f"the loss must reduce the last dimension alone: it returned {told}")
    return value


def seed_streams(seed: int, device: torch.device) -> None:
    """Seeds all that a loss trained alone may draw from. A state to resume from has torch's own stream of a CPU."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)  # torch.manual_seed would look for GPUs first
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def check_apart(loss: nn.Module, targets: Tensor, *, needs_index: bool = False) -> None:
    """Tries a loss on some of its members' targets [K, N], and leaves it as it was.

    Raises ValueError where it has to be trained alone: a member's value changes with another's examples, as it does by
    `z / z.std()`, or it draws random numbers.
    """
    targets = targets[:, :SAMPLE]
    nobody = torch.zeros_like(targets, dtype=torch.bool)
    first = nobody.clone()
    first[0] = True
    logits = torch.randn(targets.shape, generator=torch.Generator().manual_seed(0)).to(targets.device).requires_grad_()
    try:
        before, others, one = (
            _turned(loss, logits, targets, turned, needs_index) for turned in (nobody, ~first, first)
        )
        apart = torch.allclose(before[:1], others[:1], equal_nan=True)
        apart = apart and torch.allclose(before[1:], one[1:], equal_nan=True)
    except Exception:  # training itself will meet it, and say so
        return
    if not apart:
        raise ValueError("the loss changes with the runs beside it, or draws random numbers: it must be trained alone")


def _turned(loss: nn.Module, logits: Tensor, targets: Tensor, turned: Tensor, needs_index: bool) -> Tensor:
    """The loss of these examples, some turned around: at its second call, because of what it keeps."""
    own = copy.deepcopy(loss)
    words = (
        {"index": torch.arange(targets.shape[-1], device=targets.device).expand(targets.shape)} if needs_index else {}
    )
    for _ in range(2):
        value: Tensor = own(torch.where(turned, -logits, logits), torch.where(turned, 1 - targets, targets), **words)
    return value.detach().reshape(-1)
