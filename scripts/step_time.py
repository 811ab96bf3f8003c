"""Time of a training step, side by side in one run: this trainer with one run, and the loops that people write.

    python scripts/step_time.py            # about two minutes; needs pip install 'surrogate-bench[bench]'

MLP 30-64-64-1, batch 256, Adam, soft F1, on one thread, which is the fastest for all sides. Every side does the same
steps on the same data in turns; the figures are medians over the turns.
"""

from __future__ import annotations

import logging
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from surrogate_bench.config.schema import RunConfig, TrainerConfig
from surrogate_bench.datasets import load_source, make_split
from surrogate_bench.system.processes import cores
from surrogate_bench.training.loop import fit

EPOCHS, BATCH, TURNS = 4, 256, 7
LR = 0.003


def net() -> nn.Module:
    """The net of every side but ours, which builds the same."""
    return nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1), nn.Flatten(0))


def soft_f1(logits: Tensor, targets: Tensor) -> Tensor:
    """Soft F1 as a careful person writes it: three sums."""
    p = torch.sigmoid(logits)
    return 1 - 2 * (p * targets).sum() / (p.sum() + targets.sum()).clamp_min(1e-30)


def ours(x: Tensor, y: Tensor) -> float:
    """This trainer with a population of one; its own clock, which leaves out evaluation as all sides do."""
    del x, y  # the same rows, from the same data set
    trained = fit([RUN], [SPLIT], torch.device("cpu"))
    return trained.seconds / trained.steps


def bare(x: Tensor, y: Tensor) -> float:
    """Tensors in memory, an order a epoch, torch.optim."""
    model = net()
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)

    def step(rows: Tensor) -> None:
        optimizer.zero_grad()
        soft_f1(model(x[rows]), y[rows]).backward()
        optimizer.step()

    return timed(lambda: [step(rows) for rows in torch.randperm(len(x)).split(BATCH)])


def dataloader(x: Tensor, y: Tensor) -> float:
    """The loop of the tutorials: a data set, a DataLoader."""
    model = net()
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    loader = DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)

    def epoch() -> None:
        for own, targets in loader:
            optimizer.zero_grad()
            soft_f1(model(own), targets).backward()
            optimizer.step()

    return timed(epoch)


def lightning(x: Tensor, y: Tensor) -> float:
    """Lightning with a DataLoader and torchmetrics' F1, everything else that it does by default turned off."""
    import lightning as pl
    from torchmetrics.classification import BinaryF1Score

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.f1 = net(), BinaryF1Score()

        def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
            own, targets = batch
            logits = self.net(own)
            self.f1(logits.sigmoid(), targets.long())
            self.log("f1", self.f1, on_step=False, on_epoch=True)
            return soft_f1(logits, targets)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=LR)

    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    loader = DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)
    trainer = pl.Trainer(max_epochs=EPOCHS, accelerator="cpu", **quiet)
    module = Module()
    began = time.perf_counter()
    trainer.fit(module, loader)
    return (time.perf_counter() - began) / (EPOCHS * len(loader))


def timed(epoch: Callable[[], object]) -> float:
    """Seconds a step."""
    began = time.perf_counter()
    for _ in range(EPOCHS):
        epoch()
    return (time.perf_counter() - began) / (EPOCHS * -(-EXAMPLES // BATCH))


def main() -> int:
    """Warms every side up, then measures them in turns."""
    sides = {"surrogate-bench, K = 1": ours, "bare PyTorch loop": bare, "DataLoader loop": dataloader}
    try:
        import lightning as pl

        sides["Lightning + torchmetrics"] = lightning
    except ImportError:
        print("Lightning is left out: pip install 'surrogate-bench[bench]'", file=sys.stderr)
    x, y = SPLIT.x[SPLIT.train], SPLIT.y[SPLIT.train]
    times: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(TURNS + 1):
        for name, side in sides.items():
            seconds = side(x, y)
            if turn:  # the first is the warm-up
                times[name].append(seconds)
    base = statistics.median(times["surrogate-bench, K = 1"])
    table = Table("", "µs a step", "range", "× ours", box=None)
    for name, own in times.items():
        median = statistics.median(own)
        spread = f"{min(own) * 1e6:.0f} to {max(own) * 1e6:.0f}"
        table.add_row(name, f"{median * 1e6:.0f}", spread, f"{median / base:.2f}")
    Console().print(table)
    versions = f"torch {torch.__version__}" + (f", lightning {pl.__version__}" if "lightning" in sys.modules else "")
    print(
        f"n = {TURNS} turns of {EPOCHS} epochs of {-(-EXAMPLES // BATCH)} steps; one thread of {cores()} cores, "
        f"{platform.machine()}, Python {platform.python_version()}, {versions}"
    )
    return 0


warnings.simplefilter("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
torch.set_num_threads(1)
SPLIT = make_split(load_source("synthetic", size=16_000, features=30), seed=0)
EXAMPLES = len(SPLIT.train)
RUN = RunConfig(
    dataset={"name": "synthetic"},
    model={"name": "mlp", "hidden": [64, 64]},
    loss={"name": "soft_f1", "beta": 1.0},
    optimizer={"name": "adam", "lr": LR, "weight_decay": 0.0},
    trainer=TrainerConfig(epochs=EPOCHS, batch_size=BATCH),
)

if __name__ == "__main__":
    sys.exit(main())
