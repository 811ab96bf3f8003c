"""Time of a whole sweep, side by side: this program from the command to the last file, and the loops that people write.

    python scripts/sweep_time.py                          # 1,000 runs on breast cancer; about 6 minutes
    python scripts/sweep_time.py mammography.csv.gz       # 100 runs on a table of your own

5 losses x learning rates x seeds, MLP with two hidden layers of 32, 30 epochs. Every side trains, computes validation
metrics after each epoch and writes a JSON a run. The others run SAMPLE runs in one warm process, on one thread, times
runs / SAMPLE: imports and composition cost them nothing. Ours is the whole command, imports and all.
"""

from __future__ import annotations

import itertools
import json
import logging
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score, roc_auc_score
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from surrogate_bench.datasets import load_source, make_split
from surrogate_bench.losses import create_loss
from surrogate_bench.system.processes import cores

LOSSES = ("bce", "focal", "soft_f1", "soft_precision", "soft_mcc")
EPOCHS, SAMPLE, TURNS = 30, 30, 3
TABLE = sys.argv[1] if len(sys.argv) > 1 else None
BATCH = 256 if TABLE else 64
RATES = [10 ** (-4 + 3 * i / 19) for i in range(20)][:: 10 if TABLE else 1]
SEEDS = range(10)
RUNS = len(LOSSES) * len(RATES) * len(SEEDS)
Part = tuple[Tensor, Tensor]


def parts(seed: int) -> tuple[Part, Part]:
    """Training and validation examples, as this program splits and encodes them."""
    split = make_split(SOURCE, seed=seed)
    return (split.x[split.train], split.y[split.train]), (split.x[split.val], split.y[split.val])


def net(features: int) -> nn.Module:
    """The net of every side but ours, which builds the same."""
    layers = (nn.Linear(features, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    return nn.Sequential(*layers, nn.Flatten(0))


def validated(model: nn.Module, val: Part) -> dict[str, float]:
    """The five metrics by scikit-learn that people compute after an epoch, of ours' forty."""
    with torch.no_grad():
        p = model(val[0]).sigmoid().numpy()
    y, hard = val[1].numpy(), p > 0.5
    counted = {f.__name__: float(f(y, hard, zero_division=0)) for f in (precision_score, recall_score, f1_score)}
    return counted | {f.__name__: float(f(y, p)) for f in (roc_auc_score, average_precision_score)}


def looped(batches: Callable[[Tensor, Tensor], Iterator[Part]]) -> Callable[[str, float, int], list[dict[str, float]]]:
    """A training loop on some way to batches."""

    def train(loss_name: str, rate: float, seed: int) -> list[dict[str, float]]:
        torch.manual_seed(seed)
        (x, y), val = parts(seed)
        model, loss = net(x.shape[1]), create_loss(loss_name)
        optimizer = torch.optim.Adam(model.parameters(), lr=rate)
        history = []
        for _ in range(EPOCHS):
            for own, targets in batches(x, y):
                optimizer.zero_grad()
                loss(model(own), targets).backward()
                optimizer.step()
            history.append(validated(model, val))
        return history

    return train


def bare(x: Tensor, y: Tensor) -> Iterator[Part]:
    """Tensors in memory."""
    for rows in torch.randperm(len(x)).split(BATCH):
        yield x[rows], y[rows]


def loader(x: Tensor, y: Tensor) -> Iterator[Part]:
    """The tutorials' way."""
    yield from DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)


def lightning(loss_name: str, rate: float, seed: int) -> list[dict[str, float]]:
    """Lightning with torchmetrics, everything else that it does by default turned off."""
    import lightning as pl
    from torchmetrics import MetricCollection
    from torchmetrics import classification as tm

    class Module(pl.LightningModule):
        def __init__(self, features: int) -> None:
            super().__init__()
            self.net, self.loss = net(features), create_loss(loss_name)
            binary = (tm.BinaryPrecision, tm.BinaryRecall, tm.BinaryF1Score, tm.BinaryAUROC, tm.BinaryAveragePrecision)
            self.metrics = MetricCollection([metric() for metric in binary])
            self.history: list[dict[str, float]] = []

        def training_step(self, batch: Part, _: int) -> Tensor:
            return self.loss(self.net(batch[0]), batch[1])

        def validation_step(self, batch: Part, _: int) -> None:
            self.metrics.update(self.net(batch[0]).sigmoid(), batch[1].long())

        def on_validation_epoch_end(self) -> None:
            values = self.metrics.compute()
            self.log_dict(values)
            self.history.append({name: float(value) for name, value in values.items()})
            self.metrics.reset()

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=rate)

    torch.manual_seed(seed)
    train, val = parts(seed)
    module = Module(train[0].shape[1])
    off: dict[str, Any] = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar"), False)
    trainer = pl.Trainer(
        max_epochs=EPOCHS, accelerator="cpu", enable_model_summary=False, num_sanity_val_steps=0, **off
    )
    trainer.fit(
        module,
        DataLoader(TensorDataset(*train), batch_size=BATCH, shuffle=True),
        DataLoader(TensorDataset(*val), batch_size=4096),
    )
    return module.history


def others(train: Callable[[str, float, int], list[dict[str, float]]], runs: int = SAMPLE) -> float:
    """Seconds for all runs, from a sample that is spread over the grid."""
    grid = list(itertools.product(LOSSES, RATES, SEEDS))
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        for i, (loss, rate, seed) in enumerate(grid[:: len(grid) // runs][:runs]):
            (Path(folder) / f"{i}.json").write_text(json.dumps(train(loss, rate, seed)))
        return (time.perf_counter() - began) * RUNS / runs


def ours(*words: str, rates: list[float] = RATES, seeds: int = len(SEEDS)) -> float:
    """Seconds of the whole command."""
    folder = tempfile.mkdtemp()
    data = ["dataset=table", f"dataset.path={Path(TABLE).resolve()}"] if TABLE else []
    command = [sys.executable, "-m", "surrogate_bench", "-m", f"loss={','.join(LOSSES)}", f"seed=range({seeds})"]
    command += [f"optimizer.lr={','.join(map(str, rates))}", "model.hidden=[32,32]", f"trainer.epochs={EPOCHS}"]
    began = time.perf_counter()
    subprocess.run(
        [*command, f"trainer.batch_size={BATCH}", *data, *words], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    seconds = time.perf_counter() - began
    shutil.rmtree(folder)
    return seconds


def main() -> int:
    """Measures all sides in turns and prints the table."""
    sides: dict[str, Callable[[], float]] = {
        "surrogate-bench": ours,
        "bare PyTorch loop": lambda: others(looped(bare)),
        "DataLoader loop": lambda: others(looped(loader)),
        "Lightning + torchmetrics": lambda: others(lightning, 10),
    }
    basic = ("hydra/launcher=basic", "hydra/sweeper=basic")
    if not TABLE:
        sides["surrogate-bench, Hydra's basic launcher"] = lambda: ours(*basic, rates=RATES[::10], seeds=3) * RUNS / 30
    others(looped(bare), 2)
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(TURNS):
        for name, side in sides.items():
            times[name].append(side())
    medians = {name: statistics.median(own) for name, own in times.items()}
    table = Table(f"{RUNS} runs", "seconds", "range", "x ours", box=None)
    for name, own in times.items():
        spread = f"{min(own):.1f} to {max(own):.1f}"
        table.add_row(name, f"{medians[name]:.1f}", spread, f"{medians[name] / medians['surrogate-bench']:.1f}")
    Console().print(table)
    print(
        f"medians of {TURNS} turns; {cores()} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"torch {torch.__version__}; the others: {SAMPLE} runs (Lightning 10), scaled"
    )
    return 0


warnings.simplefilter("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(1)
SOURCE = load_source("table", path=TABLE) if TABLE else load_source("breast_cancer")

if __name__ == "__main__":
    sys.exit(main())
