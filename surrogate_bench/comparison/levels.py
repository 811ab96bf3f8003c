"""Metrics at levels that a run has not recorded, computed from its stored predictions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from surrogate_bench.comparison.collect import Warn
from surrogate_bench.comparison.columns import spelled
from surrogate_bench.comparison.predictions import PREDICTIONS, read_predictions
from surrogate_bench.comparison.run import Run
from surrogate_bench.metrics.names import base_name, default_levels, names, of_point, split_level


def complete(runs: Sequence[Run], words: Iterable[str], select: str | None, warn: Warn) -> set[Path]:
    """Adds to runs what the words ask for and what is not recorded; returns the damaged files that it had to leave out.

    Words are metrics' names, and `select` is one; without it, it is what all runs monitored. Raises UserError for a
    word that is no metric.
    """
    found = {metric for run in runs for metric in (*run.val, *run.test)}
    asked = spelled([*words, *([select] if select else [])], found)
    monitors = {run.config.get("trainer.monitor") for run in runs}
    if select is None and len(monitors) == 1:
        asked += [str(monitor) for monitor in monitors]
    wanted = [metric for metric in dict.fromkeys(map(base_name, asked)) if split_level(metric)[0] in default_levels()]
    damaged: set[Path] = set()
    gone: dict[str, list[Path]] = {}
    for run in (run for run in runs if run.test):
        missing = [metric for metric in wanted if not _recorded(run, metric)]
        if not missing:
            continue
        try:
            _compute(run, missing)
        except FileNotFoundError:
            for metric in missing:
                gone.setdefault(metric, []).append(run.folder)
        except Exception:  # whatever a damaged file makes the readers raise
            damaged.add(run.folder / PREDICTIONS)
    for metric, folders in gone.items():
        more = f" and {len(folders) - 1} more" if len(folders) > 1 else ""
        warn(f"{metric} was not recorded and there is no {PREDICTIONS} to compute it from: {folders[0]}{more}")
    return damaged


def _recorded(run: Run, metric: str) -> bool:
    point = split_level(metric)[0] in names("operating_point")
    return metric in run.test and metric in run.val and (not point or f"{metric}_tuned" in run.test)


def _compute(run: Run, metrics: list[str]) -> None:
    import torch

    from surrogate_bench.metrics.points import at_levels, decide

    stored = read_predictions(run)
    logits, targets = (
        {part: torch.from_numpy(stored[f"{part}_{kind}"])[None] for part in ("val", "test")}
        for kind in ("logits", "targets")
    )
    parts = {part: (logits[part], targets[part]) for part in logits}
    for z, y in parts.values():
        if z.shape != y.shape or not z.isfinite().all() or not ((y == 0) | (y == 1)).all():
            raise ValueError("they are no logits and targets of two classes")
    values = {part: at_levels(*parts[part], metrics) for part in parts}
    points = decide([metric for metric in metrics if split_level(metric)[0] in names("operating_point")], **parts)
    for part, own in (("val", run.val), ("test", run.test)):
        own.update({metric: value.item() for metric, value in values[part].items()})
    for metric, point in points[0].items():
        run.test.update(of_point(metric, point))
