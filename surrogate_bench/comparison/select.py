"""Which run stands for a row at each seed: the one that is best on validation, never on test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from surrogate_bench.comparison.collect import Warn
from surrogate_bench.comparison.grouping import Key, blocks, group, key_value, label, row_keys, sortable, varying
from surrogate_bench.comparison.run import Run
from surrogate_bench.errors import UserError, unknown
from surrogate_bench.metrics.names import flat_names, lower_is_better

DEFAULT_METRIC = "f1_tuned"


@dataclass(frozen=True)
class Row:
    """One line of a table: all runs of a loss (or of whatever the rows are), and the one picked for each seed."""

    key: Key
    label: str
    runs: list[Run]
    picked: dict[int, Run]

    def count(self, status: str) -> int:
        """How many of all its runs have this status."""
        return sum(run.status == status for run in self.runs)

    def values(self, metric: str) -> dict[int, float]:
        """The picked runs' test values by seed; a seed without one is left out."""
        return {seed: run.test[metric] for seed, run in self.picked.items() if metric in run.test}


@dataclass(frozen=True)
class Block:
    """One data set and one model: what may be compared with one another.

    `keys` are what makes a row, `metric` is the validation metric that picked, and `chosen` says among how many values
    of which hyperparameters.
    """

    dataset: str
    model: str
    keys: tuple[str, ...]
    rows: list[Row]
    metric: str
    chosen: dict[str, int]

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.dataset}, {self.model}"

    def baseline_of(self, row: Row, baseline: str) -> Row | None:
        """The row that one is compared with: that of this label, or its own with the baseline for its loss."""
        key = tuple(baseline if name == "loss" else value for name, value in zip(self.keys, row.key, strict=True))
        named = [other for other in self.rows if other.label == baseline]
        alike = [other for other in self.rows if other.key == key and "loss" in self.keys]
        return next(iter(named + alike), None)


def select(
    runs: Sequence[Run], warn: Warn, *, rows: str = "loss", metric: str | None = None, baseline: str = "bce"
) -> list[Block]:
    """The blocks of a comparison with their rows, the baseline first, and the picked run of each row and seed.

    Hyperparameters that vary within a row are chosen per seed by the validation metric `metric` (by default what all
    runs monitored, else f1_tuned), which for `log_loss` and its like means the lowest value. Ties go to the
    configuration that is first in writing. Raises UserError for unknown keys and metrics.
    """
    keys = row_keys(rows, runs)
    chosen_by = _metric(metric, runs)
    selected = []
    for dataset, model, members in blocks(runs, keys, warn):
        made = []
        for key, own in group(members, lambda run: tuple(key_value(run, k) for k in keys)).items():
            name = label(keys, key)
            made.append(Row(key, name, own, _pick(own, chosen_by, f"{dataset}, {model}, {name}", warn)))
        made.sort(key=lambda row: (row.label != baseline, baseline not in row.key, sortable(row.key)))
        counts = [{key: len(values) for key, values in varying(row.runs, keys).items()} for row in made]
        chosen = {key: max(own.get(key, 0) for own in counts) for key in sorted({k for own in counts for k in own})}
        selected.append(Block(dataset, model, keys, made, chosen_by, chosen))
    return selected


def better_low(metric: str) -> bool:
    """Whether a smaller value is the better one; a metric of a later version counts as better when higher."""
    return metric in flat_names() and lower_is_better(metric)


def _pick(runs: list[Run], metric: str, where: str, warn: Warn) -> dict[int, Run]:
    sign = -1 if better_low(metric) else 1
    picked, unjudged = {}, []
    for seed, own in sorted(group((run for run in runs if run.test), lambda run: run.seed).items()):
        judged = [run for run in own if metric in run.val]
        if len(own) == 1:
            picked[seed] = own[0]
        elif judged:
            best = max(sign * run.val[metric] for run in judged)
            equal = [run for run in judged if sign * run.val[metric] == best]
            picked[seed] = min(equal, key=lambda run: str(sorted(run.config.items(), key=str)))
        else:
            unjudged.append(seed)
    if unjudged:
        warn(f"{where}: no run has the validation metric {metric} to choose by at seed {', '.join(map(str, unjudged))}")
    return picked


def _metric(metric: str | None, runs: Sequence[Run]) -> str:
    found = {name for run in runs for name in run.val}
    if metric is None:
        monitored = {run.config.get("trainer.monitor") for run in runs}
        return str(monitored.pop()) if len(monitored) == 1 and monitored <= found else DEFAULT_METRIC
    if metric not in found:
        known = flat_names()
        raise (
            UserError(f"no run has the validation metric {metric!r}")
            if metric in known
            else unknown("metric", metric, [*known, *sorted(found.difference(known))])
        )
    return metric
