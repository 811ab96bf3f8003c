"""Data sets of one source: tasks and files made of the same rows, which are not independent of one another."""

from __future__ import annotations

import re
from collections.abc import Sequence

from surrogate_bench.comparison.select import Block
from surrogate_bench.comparison.wording import listed

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


def dependent(groups: Sequence[Sequence[str]]) -> str:
    """A sentence on those that count as one; empty where there are none."""
    shared = [" and ".join(own) if len(own) == 2 else listed(own) for own in groups if len(own) > 1]
    if not shared:
        return ""
    return f"Data sets that are made of the same rows count as one, by their mean: {'; '.join(shared)}."


def _source(block: Block) -> str:
    """What its rows come of: the table that KEEL made it of, the file, or what the data set is called."""
    run = next(run for row in block.rows for run in row.runs)
    label, name, path = run.labels["dataset"], run.config.get("dataset.name"), run.config.get("dataset.path")
    if family := FAMILY.fullmatch(label):
        return family[1].replace("-", "").replace("whitewine", "winequalitywhite")
    if path:
        return f"file {path}"
    return block.dataset if name in MANY_SOURCES else f"{name} {label}"
