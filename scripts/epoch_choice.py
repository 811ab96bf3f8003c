"""How well a validation metric chooses the epoch: the test value of its epoch against that of the best in hindsight.

    python scripts/epoch_choice.py                     # ten public tables, ten seeds: five minutes of one core
    python scripts/epoch_choice.py --seeds 2 --tables glass4,ecoli3 --out table.md

Four losses train with the program's default settings on ten imbalanced tables, and validation and test are evaluated
after every epoch. Each rule below then chooses an epoch on validation alone; ties go to the lower log loss, then to the
earlier epoch. What is printed is how much test value the choice loses against the best epoch in hindsight, which no
rule can know: the mean over tables, its standard error across tables, and the paired difference to `f1_tuned`. The
tuned threshold of the test value is always the one of the whole validation part. The data sets lie where the program
looks for them (dataset.root, SURROGATE_BENCH_DATA).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from torch import Tensor

from surrogate_bench.config.parse import read
from surrogate_bench.metrics.evaluation import measure
from surrogate_bench.metrics.names import flatten
from surrogate_bench.sweeps.plan import Splits
from surrogate_bench.system.paths import CONF
from surrogate_bench.training.devices import determinism
from surrogate_bench.training.loop import fit, predict
from surrogate_bench.training.resuming import Keeper

if TYPE_CHECKING:
    from surrogate_bench.training.optimizers import Optimizer
    from surrogate_bench.training.trained import Trained

TABLES = "glass4,ecoli3,abalone9-18,yeast3,yeast5,winequality-red-4,car-good,phoneme,page-blocks0,mammography"
LOSSES = ("bce", "soft_f1", "any_f1", "focal")
RULES = (
    "f1",
    "f1_tuned",
    "f1_tuned, mean of 3 epochs",
    "f1_tuned, mean of 5 epochs",
    "f1_tuned, cross-fitted",
    "average_precision",
    "auroc",
    "log_loss",
    "last epoch",
)
TEST = ("f1_tuned", "auroc", "average_precision")


class Watch(Keeper):
    """Evaluates validation and test after every epoch, where training offers to keep its state."""

    def __init__(self) -> None:
        super().__init__(None, lambda _: None)
        self.val: list[dict[str, Tensor]] = []
        self.test: list[dict[str, Tensor]] = []

    def keep(self, epoch: int, trained: Trained, optimizer: Optimizer, alive: Tensor) -> None:
        del epoch, optimizer, alive  # what a state needs
        logits = {part: predict(trained, part, torch.autocast("cpu", enabled=False)) for part in ("val", "test")}
        targets = {part: trained.data.targets(part) for part in logits}
        val = measure(logits["val"], targets["val"])
        test = measure(logits["test"], targets["test"], tuned=val["thresholds"]["tuned"])
        self.val.append(flatten(val) | {"crossed": crossed(logits["val"], targets["val"])})
        self.test.append(flatten(test))


def crossed(logits: Tensor, targets: Tensor) -> Tensor:
    """F1 [K] of each half of validation at the threshold that the other half chooses, as the mean of both ways."""
    # Every second example of each class, so that both halves hold as many positives.
    order = targets.argsort(dim=1, stable=True)
    scores, y = logits.gather(1, order), targets.gather(1, order)
    halves = [(scores[:, start::2], y[:, start::2]) for start in (0, 1)]
    values = []
    for own, other in (halves, halves[::-1]):
        threshold = measure(*other)["thresholds"]["tuned"]
        values.append(measure(*own, tuned=threshold)["hard_tuned"]["f1"])
    return (values[0] + values[1]) / 2


def smoothed(curve: np.ndarray, width: int) -> np.ndarray:
    """The mean of so many neighbouring epochs [E, K], of fewer at the ends."""
    reach = width // 2
    return np.stack([curve[max(0, e - reach) : e + reach + 1].mean(0) for e in range(len(curve))])


def chosen(value: np.ndarray, log_loss: np.ndarray) -> np.ndarray:
    """The epoch [K] of the highest value [E, K], ties by the lowest log loss."""
    tied = np.where(value == value.max(0), log_loss, np.inf)
    return tied.argmin(0)


def regrets(table: str, seeds: int, epochs: int) -> np.ndarray:
    """The loss in test value of each rule on a table, [rules, losses, test metrics], the mean over seeds."""
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        words = [f"dataset={table}", f"trainer.epochs={epochs}", "trainer.select=last"]
        runs = [read(compose("config", [*words, f"loss={loss}", f"seed={s}"])) for loss in LOSSES for s in range(seeds)]
    splits = Splits()
    watch = Watch()
    with determinism(True, torch.device("cpu")):
        fit(runs, [splits.of(run) for run in runs], torch.device("cpu"), None, watch)
    val = {name: torch.stack([own[name] for own in watch.val]).numpy() for name in watch.val[0]}
    test = {name: torch.stack([own[name] for own in watch.test]).numpy() for name in TEST}
    tuned, loss = val["f1_tuned"], val["log_loss"]
    values = (
        val["f1"],
        tuned,
        smoothed(tuned, 3),
        smoothed(tuned, 5),
        val["crossed"],
        val["average_precision"],
        val["auroc"],
        -loss,
        np.arange(len(loss))[:, None] + 0 * loss,
    )
    lost = np.empty((len(RULES), len(runs), len(TEST)))
    for i, value in enumerate(values):
        epoch = chosen(value, loss)
        for j, name in enumerate(TEST):
            lost[i, :, j] = test[name].max(0) - test[name][epoch, np.arange(len(runs))]
    return lost.reshape(len(RULES), len(LOSSES), seeds, len(TEST)).mean(2)


def report(lost: np.ndarray, tables: list[str]) -> str:
    """The tables in Markdown of [tables, rules, losses, test metrics]."""
    lines = []
    plain = RULES.index("f1_tuned")
    for j, name in enumerate(TEST):
        lines += [f"### Test {name} lost by the choice of epoch", ""]
        lines += [f"| chosen by | {' | '.join(LOSSES)} | all | against f1_tuned |", "| --- |" + " ---: |" * 6]
        for i, rule in enumerate(RULES):
            cells = [f"{lost[:, i, k, j].mean():.4f}" for k in range(len(LOSSES))]
            everything = lost[:, i, :, j].mean(1)
            cells.append(with_error(everything, ".4f"))
            cells.append("" if i == plain else with_error(everything - lost[:, plain, :, j].mean(1), "+.4f"))
            lines.append(f"| {rule} | {' | '.join(cells)} |")
        lines.append("")
    lines += ["### Test f1_tuned lost, by table, the mean of all losses", ""]
    shown = [i for i, rule in enumerate(RULES) if rule != "last epoch"]
    lines += ["| table | " + " | ".join(RULES[i] for i in shown) + " |", "| --- |" + " ---: |" * len(shown)]
    for t, table in enumerate(tables):
        lines.append(f"| {table} | " + " | ".join(f"{lost[t, i, :, 0].mean():.4f}" for i in shown) + " |")
    return "\n".join(lines) + "\n"


def with_error(values: np.ndarray, form: str) -> str:
    """A mean over tables and its standard error."""
    error = values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else float("nan")
    return f"{values.mean():{form}} ± {error:.4f}"


def main() -> None:
    """Trains, chooses and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tables", default=TABLES)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    tables, lost = given.tables.split(","), []
    for table in tables:
        began = time.perf_counter()
        lost.append(regrets(table, given.seeds, given.epochs))
        print(f"{table}: {time.perf_counter() - began:.0f} s", flush=True)
        text = report(np.stack(lost), tables[: len(lost)])
        if given.out:
            given.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
