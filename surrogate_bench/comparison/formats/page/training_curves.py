"""Validation metrics by epoch of a row's picked runs: hard at threshold 0.5, and soft as the loss sees them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from surrogate_bench.comparison.curves import read_epochs
from surrogate_bench.comparison.formats.page.prediction_curves import POINTS, averaged
from surrogate_bench.comparison.select import Row


def training_curves(row: Row, metrics: Sequence[str], damaged: set[Path]) -> dict[str, Any]:
    """`epochs`, and by metric `hard` and `soft` at each, as means over seeds; {} where no run has kept its curves.

    Of more than 101 epochs, 101 evenly spaced ones are kept, the first and the last among them. A file that cannot be
    read joins the `damaged` ones.
    """
    runs = [epochs for run in row.picked.values() if (epochs := read_epochs(run, damaged))]
    if not runs:
        return {}
    length = min(map(len, runs))
    kept = np.unique(np.linspace(0, length - 1, min(length, POINTS)).round().astype(int)).tolist()
    found: dict[str, Any] = {"epochs": [i + 1 for i in kept], "metrics": {}}
    for metric in metrics:
        hard, soft = (_values(runs, kept, f"val_{metric}{suffix}") for suffix in ("", "_soft"))
        if hard is not None:
            found["metrics"][metric] = {"hard": hard} | ({} if soft is None else {"soft": soft})
    return found


def _values(runs: Sequence[list[dict[str, float]]], kept: Sequence[int], name: str) -> dict[str, Any] | None:
    values = [np.array([epochs[i].get(name, np.nan) for i in kept]) for epochs in runs]
    return averaged(values) if any(np.isfinite(own).any() for own in values) else None
