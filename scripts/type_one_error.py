"""How often equal arms are called different: this program's tests on tables where there is nothing to find.

    python scripts/type_one_error.py              # 60 tables, 50 seeds: about two minutes on two cores
    python scripts/type_one_error.py 20 20        # 20 tables, 20 seeds

Each table has 200 rows and ten equally good columns. One arm trains without the first five, the other without the last
five, so neither is better. Both tests look at the same paired differences: the corrected resampled t-test, which tables
show, and the signed-rank test, which takes re-splits for independent.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from surrogate_bench.comparison.collect import read_runs
from surrogate_bench.comparison.repetition import FEWEST, repetition
from surrogate_bench.comparison.run import Run
from surrogate_bench.comparison.statistics import signed_rank_p

TABLES = int(sys.argv[1]) if len(sys.argv) > 1 else 60
SEEDS = int(sys.argv[2]) if len(sys.argv) > 2 else 50
METRICS = {"f1": "F1 at 0.5", "f1_tuned": "F1 tuned", "auroc": "AUROC"}
ARMS = ("[a0,a1,a2,a3,a4]", "[b0,b1,b2,b3,b4]")
COUNTS = [count for count in (5, 10, 20, 50) if FEWEST <= count <= SEEDS]


def write_tables(folder: Path) -> list[Path]:
    """Tables of two classes whose means differ alike in every column."""
    generator = np.random.default_rng(0)
    paths = []
    for number in range(TABLES):
        y = generator.random(200) < 0.3
        x = generator.normal(0, 1, (200, 10)) + 0.5 * y[:, None]
        header = ",".join([*(f"a{i}" for i in range(5)), *(f"b{i}" for i in range(5)), "y"])
        paths.append(folder / f"t{number}.csv")
        np.savetxt(paths[-1], np.column_stack([x, y]), "%.6f", ",", header=header, comments="")
    return paths


def sweep(paths: list[Path], folder: Path) -> dict[str, dict[str, dict[int, Run]]]:
    """The runs of every table, by what was dropped and by seed."""
    words = [f"dataset.path={','.join(map(str, paths))}", f"dataset.drop={','.join(ARMS)}", f"seed=range({SEEDS})"]
    fixed = ["dataset=table", "dataset.target=y", "loss=bce", "model=linear", "optimizer.lr=0.03", "trainer.epochs=10"]
    command = [sys.executable, "-m", "surrogate_bench", "-m", *fixed, *words, f"output={folder}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found: dict[str, dict[str, dict[int, Run]]] = defaultdict(lambda: defaultdict(dict))
    for run in read_runs(folder):
        found[str(run.config["dataset.path"])][str(run.config["dataset.drop"])][run.seed] = run
    return found


def main() -> int:
    """Trains all, then prints the shares of tables that either test calls different at 5 %."""
    with tempfile.TemporaryDirectory() as place:
        runs = sweep(write_tables(Path(place)), Path(place) / "outputs")
    table = Table("seeds", "metric", "corrected t", "signed rank", "interval without 0", box=None)
    for count in COUNTS:
        for metric, words in METRICS.items():
            rejected = np.zeros(3)
            for arms in runs.values():
                first, second = arms.values()
                differences = [first[seed].test[metric] - second[seed].test[metric] for seed in range(count)]
                how = repetition([first[seed] for seed in range(count)])
                p, (low, high) = how.p(differences), how.interval(differences)
                rows = signed_rank_p(differences)
                outside = low is not None and high is not None and not low <= 0 <= high
                rejected += [(p or 0) < 0.05, (rows or 0) < 0.05, outside]
            table.add_row(str(count), words, *(f"{share:.1%}" for share in rejected / len(runs)))
    Console().print(table)
    print(f"shares of {len(runs)} tables of which equal arms are called different; 5 % is what is said")
    return 0


if __name__ == "__main__":
    sys.exit(main())
