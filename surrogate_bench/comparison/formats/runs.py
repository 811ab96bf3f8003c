"""The runs behind a comparison as CSV, one line each: for everybody's own statistics."""

from __future__ import annotations

import csv
import io
from typing import Any

from surrogate_bench.comparison.formats.lines import text_cell
from surrogate_bench.comparison.grouping import varying
from surrogate_bench.comparison.run import Run, clean, value_text
from surrogate_bench.comparison.select import Block, Row
from surrogate_bench.comparison.shown import Comparison
from surrogate_bench.system.folders import without_folders

FIRST = ("dataset", "model", "row", "loss", "seed", "fold", "picked", "status")
LAST = ("run", "experiment", "date", "version", "torch")


def render(comparison: Comparison) -> str:
    """A line a run, in the order of the tables.

    `picked` is 1 for the run that validation chose for its row and seed: a table's means are over these. Then come the
    configuration's keys that vary among the runs, `train_seconds`, `loss_microseconds`,
    `threshold_tuned`, all metrics as `val_f1` and
    `test_f1`, and what made the run.
    """

    def in_order(runs: list[Run]) -> list[Run]:
        return sorted(runs, key=lambda run: run.seed)

    every = [(block, row, run) for block in comparison.blocks for row in block.rows for run in in_order(row.runs)]
    runs = [run for _, _, run in every]
    keys = sorted(varying(runs, ("loss", "dataset.name", "model.name")))
    metrics = {
        part: list(dict.fromkeys(name for run in runs for name in values(run)))
        for part, values in (("val", lambda run: run.val), ("test", lambda run: run.test))
    }
    names = [*FIRST, *keys, "train_seconds", "loss_microseconds", "threshold_tuned"]
    names += [f"{part}_{name}" for part, own in metrics.items() for name in own] + [*LAST]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for block, row, run in every:
        told = _told(block, row, run) | {key: _value(run, key) for key in keys}
        told |= {f"val_{name}": value for name, value in run.val.items()}
        told |= {f"test_{name}": value for name, value in run.test.items()}
        writer.writerow({name: text_cell(value) for name, value in told.items()})
    return text.getvalue()


def _told(block: Block, row: Row, run: Run) -> dict[str, Any]:
    return {
        "dataset": block.dataset,
        "model": block.model,
        "row": row.label,
        "loss": run.labels["loss"],
        "seed": run.config["seed"],
        "fold": run.config.get("dataset.fold"),
        "picked": int(row.picked.get(run.seed) is run),
        "status": run.status,
        "train_seconds": run.timing.get("train_seconds"),
        "loss_microseconds": run.timing.get("loss_microseconds"),
        "threshold_tuned": run.threshold,
        "run": clean(run.folder.name),
        "experiment": clean(run.config.get("experiment") or ""),
        "date": run.date,
        "version": run.origin.version if run.origin else None,
        "torch": run.origin.torch if run.origin else None,
    }


def _value(run: Run, key: str) -> Any:
    value = run.config.get(key)
    return value if isinstance(value, int | float) else without_folders(value_text(value))
