"""What a reader of a table must know of its protocol: missing seeds, unequal budgets, unequal settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from surrogate_bench.comparison.grouping import group, sortable, varying
from surrogate_bench.comparison.run import Run, value_text
from surrogate_bench.comparison.select import Block, Row

# So many rows or values are named, the rest counted.
NAMED = 6
EPOCHS = "trainer.epochs"


def complaints(block: Block) -> list[str]:
    """One line for each way in which a block's rows were not treated alike."""
    found = (*_missing(block), *_settings(block), *_mixed(block), *_data(block))
    return [f"{block.name}: {line}" for line in found]


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
            yield f"{row.label} has no result at seed {_listed(seeds[seed] for seed in missing)} ({n}{failed})"


def _budgets(block: Block) -> Iterator[str]:
    tried = {row.label: _tried(row, block) for row in block.rows}
    if len({count for counts in tried.values() for count in counts}) > 1:
        told = {name: " to ".join(map(str, sorted({min(n), max(n)}))) for name, n in tried.items()}
        yield f"unequal budgets, in configurations tried a seed: {_grouped(told)}"


def _tried(row: Row, block: Block) -> set[int]:
    names = list(varying(row.runs, block.keys))
    seeds = group(row.runs, lambda run: run.seed).values()
    return {len({tuple(run.config.get(name, ...) for name in names) for run in own}) for own in seeds}


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
    values = {row.label: {run.config[key] for run in row.runs if key in run.config} for row in block.rows}
    told = {name: _range(own) for name, own in values.items() if own}
    if len(set(told.values())) > 1:
        yield f"{key} is not the same in all rows: {_grouped(told)}"


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


def _range(values: set[Any]) -> str:
    return ", ".join(value_text(value) for value in sorted(values, key=lambda value: sortable((value,))))


def _grouped(told: dict[str, str]) -> str:
    """`5 for bce, focal; 3 for soft_f1`: the rows of which each thing is told."""
    rows: dict[str, list[str]] = {}
    for name, what in told.items():
        rows.setdefault(what, []).append(name)
    return "; ".join(f"{what} for {_listed(names)}" for what, names in rows.items())


def _listed(items: Iterable[Any]) -> str:
    words = [str(item) for item in items]
    rest = f" and {len(words) - NAMED} more" if len(words) > NAMED else ""
    return ", ".join(words[:NAMED]) + rest
