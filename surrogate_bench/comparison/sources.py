"""Data sets of one source: tasks and files made of the same rows, which are not independent of one another."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from statistics import fmean

from surrogate_bench.comparison.select import Block
from surrogate_bench.comparison.wording import counted, listed

# KEEL makes many tasks of one table, and names each by the table and the classes: yeast1, yeast-1_vs_7, abalone9-18.
TABLES = (
    "abalone|car|cleveland|dermatology|ecoli|flare|glass|haberman|led7digit|new-?thyroid|page-?blocks|pima|poker|vehicle|"
    "vowel|whitewine|winequality-red|winequality-white|yeast|zoo"
)
FAMILY = re.compile(rf"(?:keel_)?({TABLES})(?:[-_\d]|vs|v?good|F)*", re.ASCII)
# These draw or fetch other rows for other settings.
MANY_SOURCES = ("synthetic", "openml")


def sources(blocks: Sequence[Block]) -> tuple[tuple[str, ...], ...]:
    """The data sets of the blocks, those of one source together."""
    groups: dict[str, list[str]] = {}
    for block in blocks:
        groups.setdefault(_source(block), []).append(block.dataset)
    return tuple(map(tuple, groups.values()))


def averaged(blocks: Sequence[Block], value: Callable[[Block], float | None]) -> float | None:
    """Mean over sources of the mean over their data sets, of those that have a value."""
    known = {block.dataset: own for block in blocks if (own := value(block)) is not None}
    alike = sources([block for block in blocks if block.dataset in known])
    return fmean(fmean(known[name] for name in names) for names in alike) if known else None


def data_sets(groups: Sequence[Sequence[str]]) -> str:
    """`6 data sets`, or `6 data sets of 4 sources`."""
    n = sum(map(len, groups))
    return f"{n} data sets" if len(groups) == n else f"{n} data sets of {counted(len(groups), 'source')}"


def dependent(groups: Sequence[Sequence[str]]) -> str:
    """A sentence on those that count as one; empty where there are none."""
    shared = [" and ".join(own) if len(own) == 2 else listed(own) for own in groups if len(own) > 1]
    if not shared:
        return ""
    return f"Data sets that are made of the same rows count as one, by their mean: {'; '.join(shared)}."


def _source(block: Block) -> str:
    """The source of its rows: the table that KEEL made it of, the file, or the data set's name."""
    run = next(run for row in block.rows for run in row.runs)
    label, name, path = run.labels["dataset"], run.config.get("dataset.name"), run.config.get("dataset.path")
    if family := FAMILY.fullmatch(label):
        return family[1].replace("-", "").replace("whitewine", "winequalitywhite")
    if path:
        return f"file {path}"
    return block.dataset if name in MANY_SOURCES else f"{name} {label}"
