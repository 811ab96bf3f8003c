"""Compares the losses of operating points at threshold 0.5 with the best that the order of their scores allows.

    python scripts/operating_points.py                              # invented rows, 20 % positive, classes that overlap
    python scripts/operating_points.py mammography phoneme adult    # tables that are there; a few minutes

Each loss is asked for a few levels, as published (`loss.constraint=bits`) and in hard rates (`rates`), and trained for
40 epochs with two seeds, the last epoch taken. Values are means on test.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from surrogate_bench.metrics.evaluation import measure
from surrogate_bench.metrics.names import flatten

DATASETS = sys.argv[1:] or ["synthetic"]
OVERLAPPING = ["dataset.size=12000", "dataset.share=0.2", "dataset.separation=0.5", "dataset.label_noise=0.05"]
LEVELS = {"recall_at_precision": (0.5, 0.7, 0.9), "precision_at_recall": (0.5, 0.9), "tpr_at_fpr": (0.01, 0.05, 0.2)}


def train(dataset: str, loss: str, folder: Path) -> None:
    """All levels and both constraints of a loss on a data set."""
    own = OVERLAPPING if dataset == "synthetic" else []
    words = [f"dataset={dataset}", *own, f"loss={loss}", f"loss.{loss.rpartition('_')[2]}={_listed(LEVELS[loss])}"]
    words += ["loss.constraint=bits,rates", "seed=0,1", "trainer.epochs=40", "trainer.batch_size=256"]
    command = [sys.executable, "-m", "surrogate_bench", "-m", *words, "trainer.select=last", f"output={folder}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def reached(place: Path, loss: str, level: float) -> tuple[float, float, float]:
    """The level and the value of a run at 0.5 on test, and the best value at the level by the order of its scores."""
    hard = json.loads((place / "result.json").read_text())["metrics"]["test"]["hard"]
    rates = {
        "precision": hard["precision"],
        "recall": hard["recall"],
        "tpr": hard["recall"],
        "fpr": 1 - hard["specificity"],
    }
    value, _, at = loss.partition("_at_")
    with np.load(place / "predictions.npz") as file:
        logits, targets = (torch.from_numpy(file[f"test_{name}"])[None] for name in ("logits", "targets"))
    name = f"{loss}@{level:g}"
    best = flatten(measure(logits, targets.float(), also=[name]))[name]
    return rates[at], rates[value], float(best)


def main() -> int:
    """Trains all and prints a table a data set."""
    for dataset in DATASETS:
        table = Table(
            "asked", "constraint", "level at 0.5", "value at 0.5", "its order allows", box=None, title=dataset
        )
        for loss, levels in LEVELS.items():
            with tempfile.TemporaryDirectory() as place:
                train(dataset, loss, Path(place))
                found = defaultdict(list)
                for file in Path(place).glob("*/*/result.json"):
                    config = json.loads(file.read_text())["config"]["loss"]
                    level = config[loss.rpartition("_")[2]]
                    found[level, config["constraint"]].append(reached(file.parent, loss, level))
            for level in levels:
                for constraint in ("bits", "rates"):
                    means = np.mean(found[level, constraint], axis=0)
                    table.add_row(f"{loss}@{level:g}", constraint, *(f"{mean:.3f}" for mean in means))
        Console(width=120).print(table)
    return 0


def _listed(values: tuple[float, ...]) -> str:
    return ",".join(map(str, values))


if __name__ == "__main__":
    sys.exit(main())
