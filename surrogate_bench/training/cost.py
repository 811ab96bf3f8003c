"""The time of a loss by itself: one batch forward and backward, measured outside of training.

Runs that train side by side share one clock, so that their seconds say nothing of a loss.
"""

from __future__ import annotations

import functools
import json
import time

import torch

from surrogate_bench.losses import create_loss, loss_info
from surrogate_bench.system.rounding import one_thread

WARM_UP, REPEATS = 2, 5
# Every so-manieth example is a positive.
POSITIVE = 4


@functools.lru_cache(maxsize=4096)
def loss_microseconds(config: str, examples: int, device: str) -> float | None:
    """Microseconds of a loss's value and gradient on a batch [N]: the least of five, once in a process.

    `config` is the loss's configuration as JSON. None for a loss of the user's own, whose code may do more than return
    a value.
    """
    hyperparameters = json.loads(config)
    name = hyperparameters.pop("name")
    if name == "custom":
        return None
    logits = torch.linspace(-3, 3, examples, device=device).requires_grad_()
    targets = (torch.arange(examples, device=device) % POSITIVE == 0).float()
    loss = create_loss(name, **hyperparameters).to(device)
    loss.seed(torch.tensor(0, device=device))
    loss.fit(targets)
    positions = (torch.arange(examples, device=device),) if loss_info(name).needs_index else ()
    best = float("inf")
    with one_thread():
        for i in range(WARM_UP + REPEATS):
            start = _now(device)
            loss(logits, targets, *positions).backward()
            if i >= WARM_UP:
                best = min(best, _now(device) - start)
    return 1e6 * best


def _now(device: str) -> float:
    """The time when the device has done all that it was told."""
    if device != "cpu":
        torch.cuda.synchronize(device)
    return time.perf_counter()
