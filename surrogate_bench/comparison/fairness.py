"""Warns a table's reader of its protocol: missing seeds, unequal budgets, unequal settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from surrogate_bench.comparison.chosen import edge_lines
from surrogate_bench.comparison.grouping import group, grouped, key_value, listed, sortable, varying
from surrogate_bench.comparison.provenance import programs
from surrogate_bench.comparison.run import Run, value_text
from surrogate_bench.comparison.select import Block, Row

EPOCHS = "trainer.epochs"


def complaints(blocks: Iterable[Block]) -> list[str]:
    """One line for each way in which rows were not treated alike, and each choice at the edge of its grid.

    What holds for several blocks is said once.
    """
    found: dict[str, list[str]] = {}
    for block in blocks:
        unlike = (*_missing(block), *_settings(block), *_mixed(block), *_data(block), *_parts(block), *programs(block))
        for line in (*unlike, *edge_lines(block)):
            found.setdefault(line, []).append(block.name)
    return [f"{names[0]}{f' and {len(names) - 1} more' * (len(names) > 1)}: {line}" for line, names in found.items()]


def unequal_budgets(block: Block) -> list[str]:
    """Lines on rows that were given more than others: more configurations to choose among, or more epochs."""
    return [f"{block.name}: {line}" for line in (*_budgets(block), *_epochs(block))]


def _missing(block: Block) -> Iterator[str]:
    seeds = {run.seed: run.replicate for row in block.rows for run in row.runs}
    for row in block.rows:
        missing = sorted(seeds.keys() - row.picked)
        failed = f"; {count} of its runs failed" if (count := row.count("failed")) else ""
        if not row.picked:
            yield f"{row.label} has no result{failed}"
        elif missing:
            n = f"n = {len(row.picked)} of {len(seeds)}"
            yield f"{row.label} has no result at seed {listed(seeds[seed] for seed in missing)} ({n}{failed})"


def _budgets(block: Block) -> Iterator[str]:
    tried = {row.label: _tried(row, block) for row in block.rows}
    if len({count for counts in tried.values() for count in counts}) > 1:
        told = {name: " to ".join(map(str, sorted({min(n), max(n)}))) for name, n in tried.items()}
        yield f"unequal budgets, in configurations tried a seed: {grouped(told)}"


def _tried(row: Row, block: Block) -> set[int]:
    names = list(varying(row.runs, block.keys))
    seeds = group(row.runs, lambda run: run.seed).values()
    return {len({tuple(key_value(run, name) for name in names) for run in own}) for own in seeds}


def _settings(block: Block) -> Iterator[str]:
    """Settings outside of the losses that are not the same choice in every row, such as epochs."""
    everything = [run for row in block.rows for run in row.runs]
    for key in varying(everything, block.keys):
        if not key.startswith(("loss.", "dataset.")) and key != EPOCHS:
            yield from _unlike(block, key)


def _epochs(block: Block) -> Iterator[str]:
    if EPOCHS not in block.keys:
        yield from _unlike(block, EPOCHS)


def _unlike(block: Block, key: str) -> Iterator[str]:
    told = {row.label: _range({key_value(run, key) for run in row.runs}) for row in block.rows}
    if len(set(told.values())) > 1:
        yield f"{key} is not the same in all rows: {grouped(told)}"


def _mixed(block: Block) -> Iterator[str]:
    if "loss" not in block.keys and any(len({run.labels["loss"] for run in row.runs}) > 1 for row in block.rows):
        yield f"rows mix losses; the best by validation {block.metric} was taken"


def _data(block: Block) -> Iterator[str]:
    """Runs of one seed share their split, so they have the same test examples or are of different data."""
    if any(key.startswith("dataset.") for key in block.keys):
        return
    picked: Iterable[Run] = (run for row in block.rows for run in row.picked.values() if "test" in run.examples)
    for seed, own in group(picked, lambda run: run.seed).items():
        if len({tuple(sorted(run.examples["test"].items())) for run in own}) > 1:
            yield f"runs of seed {seed} were tested on different examples: the data changed between them"
            return


def _parts(block: Block) -> Iterator[str]:
    """Seeds whose split is not the same in all rows: their differences would be of other rows of the data as well."""
    picked = [run for row in block.rows for run in row.picked.values() if run.parts]
    split = group(picked, lambda run: run.seed)
    other = [own[0].replicate for _, own in sorted(split.items()) if len({run.parts for run in own}) > 1]
    if other:
        yield f"not all rows are split alike at seed {listed(other)}: seeds of different parts are not paired"


def _range(values: set[Any]) -> str:
    return ", ".join(value_text(value) for value in sorted(values, key=lambda value: sortable((value,))))
