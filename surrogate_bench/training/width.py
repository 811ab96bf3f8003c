"""How many members go side by side: measured on the spot."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from surrogate_bench.models import create_model
from surrogate_bench.training.data import member_bytes
from surrogate_bench.training.optimizers import create_optimizer
from surrogate_bench.training.population import Population

if TYPE_CHECKING:
    from surrogate_bench.config.schema import RunConfig
    from surrogate_bench.datasets import Split

WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
# A width is tried for so long, and the next one not at all once a step a member has become slower by this factor.
SECONDS = 0.05
SLOWER = 1.25
# Wider has to be faster by more than the noise, and by more where it needs vmap, which costs by itself.
FASTER, FASTER_BY_VMAP = 0.95, 0.75
# Parameters, gradients, two averages, the best epoch's, and what autograd keeps.
COPIES = 8
# What the data of members side by side may take in one process: with large tables, wider is hardly faster.
DATA_BYTES = 1 << 29


@dataclass
class Speed:
    """The fastest width, and its seconds a step and member with one thread and with all of them."""

    width: int
    alone: float
    together: float


def fastest_width(
    run: RunConfig, shape: tuple[int, ...], examples: int, most: int, device: torch.device, *, threads: int = 1
) -> Speed:
    """Measures steps of `run`'s net on random examples at growing widths up to `most`, within a memory budget.

    It also measures the best width with so many `threads`, which leaves this process with threads of OpenMP.
    """
    batch = min(run.trainer.batch_size, examples)
    net = create_model(run.model["name"], shape, seed=0, **{k: v for k, v in run.model.items() if k != "name"})
    measured: dict[int, float] = {}
    budget = _budget(device)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for width in WIDTHS:
            if width > most or (measured and width * _bytes(net, batch, shape) > budget):
                break
            measured[width] = _step_seconds(run, net, width, shape, batch, device) / width
            if measured[width] > SLOWER * min(measured.values()):
                break
        needed = FASTER if getattr(net, "stackable", False) else FASTER_BY_VMAP
        best = 1
        for width, seconds in measured.items():
            if seconds < needed * measured[best]:
                best = width
        torch.set_num_threads(threads)
        together = _step_seconds(run, net, best, shape, batch, device) / best if threads > 1 else measured[best]
    finally:
        torch.set_num_threads(before)
    return Speed(best, measured[best], together)


def widest(split: Split, device: torch.device, processes: int) -> int:
    """How many members with data like these may go side by side in each of so many processes."""
    return max(1, int(min(DATA_BYTES, _budget(device) / processes) / member_bytes(split, device)))


def _step_seconds(
    run: RunConfig, net: torch.nn.Module, width: int, shape: tuple[int, ...], batch: int, device: torch.device
) -> float:
    population = Population([copy.deepcopy(net)] * width, device)
    features = (torch.Size(shape).numel(),) if getattr(population.net, "stackable", False) else shape
    x = torch.randn(width, batch, *features, device=device)
    optimizer = create_optimizer([run.optimizer] * width, steps=1_000_000, device=device)

    def step() -> None:
        logits = population(x)
        gradients, *_ = population.gradients(torch.sigmoid(logits).mean(1).sum(), logits)
        optimizer.step(population.flat, gradients)

    step()
    times: list[float] = []
    while len(times) < 3 or (sum(times) < SECONDS and len(times) < 50):
        _wait(device)
        began = time.perf_counter()
        step()
        _wait(device)
        times.append(time.perf_counter() - began)
    # What else the machine does makes a step slower and never faster.
    return min(times)


def _bytes(net: torch.nn.Module, batch: int, shape: tuple[int, ...]) -> int:
    parameters = sum(p.numel() for p in net.parameters())
    return 4 * (COPIES * parameters + 16 * batch * torch.Size(shape).numel())


def _budget(device: torch.device) -> float:
    """A quarter of the memory that is free."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] / 4
    import os

    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 4
    except (ValueError, OSError):
        return float(1 << 30)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
