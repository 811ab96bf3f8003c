"""How often the sentence on top of a comparison finds something where there is nothing: 30 data sets, equal losses.

    python scripts/family_wise_error.py              # 400 comparisons: about three minutes
    python scripts/family_wise_error.py 100 10       # 100 of them, ten losses beside the baseline

A seed's value is that of its data set, what re-splits of one table have in common for a loss (a quarter of the
variance, as of 60 % training and 20 % test rows), and chance. No loss is better in expectation. What is counted are
comparisons of which the sentence says that any loss is better or worse beyond chance, across data sets or within one.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np

from surrogate_bench.comparison.columns import column_of
from surrogate_bench.comparison.run import Run
from surrogate_bench.comparison.select import Block, Row
from surrogate_bench.comparison.shown import Comparison
from surrogate_bench.comparison.verdict import verdict

TIMES = int(sys.argv[1]) if len(sys.argv) > 1 else 400
RIVALS = int(sys.argv[2]) if len(sys.argv) > 2 else 4
DATASETS, SEEDS, SHARED = 30, 10, 0.25
CLAIMS = {"across data sets": r"Of the \d+ others?", "within a data set": r"\d+ to the better and \d+ to the worse"}


def block(name: str, values: np.ndarray) -> Block:
    """A data set's rows of values [rows, seeds]."""
    rows = []
    for i, own in enumerate(values):
        label = f"loss{i}" if i else "bce"
        picked = {seed: run(name, label, seed, value) for seed, value in enumerate(own)}
        rows.append(Row((label,), label, list(picked.values()), picked))
    return Block(name, "mlp", ("loss",), rows, "f1", {})


def run(dataset: str, loss: str, seed: int, value: float) -> Run:
    """A stored run, as far as the sentence looks at it."""
    return Run(
        folder=Path(dataset),
        status="finished",
        config={"seed": seed, "dataset.name": dataset, "trainer.monitor": "f1"},
        labels={"dataset": dataset, "model": "mlp", "loss": loss},
        seed=seed,
        val={"f1": value},
        test={"f1": value},
        timing={},
        alarms=(),
        examples={"train": {"total": 600}, "test": {"total": 200}},
        batches={},
        curves=None,
        predictions=None,
        origin=None,
        parts=None,
        date="",
    )


def main() -> int:
    """Draws the comparisons and prints the shares with a false claim."""
    generator = np.random.default_rng(0)
    found = dict.fromkeys([*CLAIMS, "either"], 0)
    for _ in range(TIMES):
        blocks = []
        for d in range(DATASETS):
            spread = generator.uniform(0.005, 0.05)
            common = generator.normal(0, spread * SHARED**0.5, (1 + RIVALS, 1))
            chance = generator.normal(0, spread * (1 - SHARED) ** 0.5, (1 + RIVALS, SEEDS))
            blocks.append(block(f"d{d}", generator.uniform(0.4, 0.9) + common + chance))
        said = verdict(Comparison(blocks, [column_of("f1")], ["f1"], "bce", "f1")).which
        claims = {name: bool(re.search(words, said)) for name, words in CLAIMS.items()}
        for name, claimed in (claims | {"either": any(claims.values())}).items():
            found[name] += claimed
    print(f"{TIMES} comparisons of {RIVALS} losses with bce on {DATASETS} data sets, {SEEDS} seeds, nothing to find")
    for name, count in found.items():
        print(f"something found {name}: {count / TIMES:.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
