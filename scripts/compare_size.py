"""How long `surrogate-bench compare` takes over many runs, and how much memory: `python scripts/compare_size.py`.

Writes 10,000 results that nobody trained (20 data sets x 5 losses x 10 learning rates x 10 seeds) into a temporary
folder, every metric drawn at random, and compares them in a fresh process for each format.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from surrogate_bench.config.schema import RunConfig
from surrogate_bench.metrics.names import GROUPS, OTHERS, names

LOSSES = ("bce", "focal", "soft_f1", "soft_precision", "soft_mcc")
FORMATS = ("table", "md", "latex", "csv")


def write(folder: Path, dataset: str, loss: str, lr: float, seed: int) -> None:
    """One run's result.json."""
    draw = random.Random(f"{dataset} {loss} {lr} {seed}").random
    run = RunConfig(
        seed=seed,
        dataset={"name": dataset},
        model={"name": "mlp", "width": 32, "depth": 2},
        loss={"name": loss},
        optimizer={"name": "adam", "lr": lr, "weight_decay": 0.0, "schedule": "constant"},
    )
    metrics = {
        part: {
            group: {name: draw() for name in names(*([group] if group in OTHERS else ["threshold"]))}
            for group in GROUPS
        }
        for part in ("val", "test")
    }
    result = {"schema": 1, "run_id": folder.name, "status": "finished", "reason": None}
    result |= {"config": dataclasses.asdict(run)}
    result |= {"best_epoch": 3, "metrics": metrics, "alarms": [], "timing": {"train_seconds": draw(), "steps": 100}}
    folder.mkdir()
    (folder / "result.json").write_text(json.dumps(result))


def main() -> None:
    with tempfile.TemporaryDirectory() as top:
        count = 0
        for d in range(20):
            for loss in LOSSES:
                for lr in range(10):
                    for seed in range(10):
                        write(Path(top) / f"run{count}", f"data{d}", loss, 10.0**-lr, seed)
                        count += 1
        for form in FORMATS:
            began = time.perf_counter()
            words = [sys.executable, "-m", "surrogate_bench", "compare", top, "--format", form]
            with subprocess.Popen(words, stdout=subprocess.DEVNULL) as program:
                _, status, usage = os.wait4(program.pid, 0)
                program.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.perf_counter() - began
            memory = usage.ru_maxrss / 2**20
            print(f"{form}: {count} runs in {seconds:.1f} s, {memory:.2f} GiB, exit code {program.returncode}")


if __name__ == "__main__":
    main()
