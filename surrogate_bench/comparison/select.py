"""Picks the run that stands for a row at each seed: the best on validation, never on test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from surrogate_bench.comparison.choosing import EACH, better_low, pick
from surrogate_bench.comparison.collect import Warn
from surrogate_bench.comparison.grouping import (
    Key,
    blocks,
    group,
    label,
    row_key,
    row_keys,
    sortable,
    told_apart,
    varying,
)
from surrogate_bench.comparison.run import Run
from surrogate_bench.comparison.versions import Versions
from surrogate_bench.errors import UserError
from surrogate_bench.metrics.names import canonical, flat_names

__all__ = ["Block", "Row", "better_low", "select"]

DEFAULT_METRIC = "f1_tuned"


@dataclass(frozen=True)
class Row:
    """One line of a table: all runs of a loss (or of whatever the rows are), and the one picked for each seed.

    All are of one version of their code, which the label names where it is not the newest.
    """

    key: Key
    label: str
    runs: list[Run]
    picked: dict[int, Run]
    version: str = ""

    def count(self, status: str) -> int:
        """How many of all its runs have this status."""
        return sum(run.status == status for run in self.runs)

    @property
    def lost(self) -> dict[int, Run]:
        """A run of each seed at which all failed, or diverged before a first epoch was over."""
        tested = {run.seed for run in self.runs if run.test}
        return {run.seed: run for run in self.runs if run.seed not in tested}

    def values(self, metric: str) -> dict[int, float]:
        """The picked runs' test values by seed; a seed without one is left out."""
        return {seed: run.test[metric] for seed, run in self.picked.items() if metric in run.test}


@dataclass(frozen=True)
class Block:
    """One data set and one model: what may be compared with one another.

    `dataset` is its name, with the `version` of its content where that is not the newest. `keys` are what makes a row,
    `metric` is the validation metric that picked, and `chosen` says among how many values of which hyperparameters.
    `failed_as` says what seeds without a result count as, and `over` whether each seed had its own choice.
    """

    dataset: str
    model: str
    keys: tuple[str, ...]
    rows: list[Row]
    metric: str
    chosen: dict[str, int]
    version: str = ""
    failed_as: str = "skip"
    over: str = EACH

    @property
    def name(self) -> str:
        """The name that messages use."""
        return f"{self.dataset}, {self.model}"

    @property
    def noun(self) -> str:
        """The noun for a repetition of its runs: seed, or fold."""
        folds = any(run.config.get("dataset.fold") is not None for row in self.rows for run in row.picked.values())
        return "fold" if folds else "seed"

    def common(self, metric: str, labels: Collection[str] | None = None) -> set[int]:
        """The seeds at which all rows that have any value of a metric have one; of some rows, where they are named.

        Rows are held against one another on these alone: a row that lacks its worst seeds would look better.
        """
        own = [row.values(metric).keys() for row in self.rows if labels is None or row.label in labels]
        known = [seeds for seeds in own if seeds]
        return set.intersection(*map(set, known)) if known else set()

    def at_common(self, metric: str, labels: Collection[str] | None = None) -> Block:
        """The block with the runs of these seeds alone; as it is where there are none."""
        seeds = self.common(metric, labels)
        if not seeds:
            return self
        rows = [replace(row, picked={s: run for s, run in row.picked.items() if s in seeds}) for row in self.rows]
        return replace(self, rows=rows)

    def baseline_of(self, row: Row, baseline: str) -> Row | None:
        """The row that one is compared with: that of this label, or its own with the baseline for its loss.

        The baseline's newest version is taken where there are several.
        """
        key = tuple(baseline if name == "loss" else value for name, value in zip(self.keys, row.key, strict=True))
        named = [other for other in self.rows if other.label == baseline]
        alike = [other for other in self.rows if other.key == key and "loss" in self.keys]
        return next(iter(named + sorted(alike, key=lambda other: other.version != "")), None)


def select(
    runs: Sequence[Run],
    warn: Warn,
    *,
    rows: str = "loss",
    metric: str | None = None,
    baseline: str = "bce",
    over: str = EACH,
) -> list[Block]:
    """The blocks of a comparison with their rows, the baseline first, and the picked run of each row and seed.

    Hyperparameters that vary within a row are chosen by the validation metric `metric` (by default what all runs
    monitored, else f1_tuned), for each seed, or once for all of a row's seeds where `over` is "seeds" (`choosing`).
    Raises UserError for unknown keys and metrics.
    """
    keys = row_keys(rows, runs)
    chosen_by = _metric(metric, runs)
    versions = Versions(runs)
    for line in versions.lines():
        warn(line)
    found = blocks(runs, keys, versions, warn)
    if more := told_apart(found, keys, versions):
        keys = (*keys, *more)
        warn(f"{', '.join(more)} differ within a row, so rows are told apart as by --rows {','.join(keys)}")
    selected = []
    for dataset, version, model, members in found:
        name = f"{dataset} {version}".rstrip()
        made = _rows(members, keys, versions, chosen_by, over, f"{name}, {model}", warn)
        made.sort(key=lambda row: (row.label != baseline, baseline not in row.key, sortable(row.key), row.version))
        counts = [{key: len(values) for key, values in varying(row.runs, keys).items()} for row in made]
        chosen = {key: max(own.get(key, 0) for own in counts) for key in sorted({k for own in counts for k in own})}
        selected.append(Block(name, model, keys, made, chosen_by, chosen, version, over=over))
    return selected


def _rows(
    runs: Sequence[Run], keys: tuple[str, ...], versions: Versions, metric: str, over: str, where: str, warn: Warn
) -> list[Row]:
    """The rows of a block, one for each combination of the keys' values and version of the code."""
    groups = group(runs, lambda run: (row_key(run, keys), versions.of_row(run)))
    names = Counter(label(keys, key) for key in {key for key, _ in groups})
    made = []
    for (key, version), own in groups.items():
        name = label(keys, key)
        name = f"{label(keys, key, absent=names[name] > 1)} {version}".rstrip()
        made.append(Row(key, name, own, pick(own, metric, over, f"{where}, {name}", warn), version))
    return made


def _metric(metric: str | None, runs: Sequence[Run]) -> str:
    found = {name for run in runs for name in run.val}
    if metric is None:
        monitored = {run.config.get("trainer.monitor") for run in runs}
        return str(monitored.pop()) if len(monitored) == 1 and monitored <= found else DEFAULT_METRIC
    known = flat_names()
    metric = canonical(metric, [*known, *sorted(found.difference(known))])
    if metric not in found:
        raise UserError(f"no run has the validation metric {metric!r}")
    return metric
