"""One row's values of one metric beside the baseline's: what the CSV holds, and the table of differences shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from surrogate_bench.comparison.repetition import repetition
from surrogate_bench.comparison.select import Block, Row
from surrogate_bench.comparison.statistics import holm, mean_and_std, signed_rank_p


@dataclass(frozen=True)
class Record:
    """One row's values of one metric; None is what there is no baseline or too few seeds for.

    The difference is paired: row minus baseline at each of the `pairs` seeds that both have, split into the same parts
    as far as both record them. `p_value` and the intervals are those of how the runs repeat, `over` re-splits, folds or
    training seeds (`repetition`); `p_rows` is the exact signed-rank test's, which holds on these rows alone; `p_holm`
    is `p_value` by Holm's method among the rows of one data set, model and metric.
    """

    dataset: str
    model: str
    loss: str
    metric: str
    n: int
    mean: float | None
    std: float | None
    ci_low: float | None
    ci_high: float | None
    baseline: str | None = None
    difference: float | None = None
    p_value: float | None = None
    p_holm: float | None = None
    pairs: int | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    p_rows: float | None = None
    over: str | None = None


def of_block(block: Block, metric: str, baseline: str) -> list[Record]:
    """The records of one metric, a row each, their p-values adjusted among themselves."""
    family = [_record(block, row, metric, baseline) for row in block.rows]
    adjusted = holm([record.p_value for record in family])
    return [replace(record, p_holm=p) for record, p in zip(family, adjusted, strict=True)]


def of_blocks(blocks: list[Block], metrics: list[str], baseline: str) -> Iterator[Record]:
    """All records, in the order of the tables: block, row, metric."""
    for block in blocks:
        for of_row in zip(*(of_block(block, metric, baseline) for metric in metrics), strict=True):
            yield from of_row


def _record(block: Block, row: Row, metric: str, baseline: str) -> Record:
    values = row.values(metric)
    ordered = [values[seed] for seed in sorted(values)]
    own = repetition(list(row.picked.values()))
    said = (block.dataset, block.model, row.label, metric, len(values))
    record = Record(*said, *mean_and_std(ordered), *own.interval(ordered))
    other = block.baseline_of(row, baseline)
    if other is None:
        return record
    record = replace(record, baseline=other.label)
    base = other.values(metric)
    seeds = paired_seeds(row, other, metric)
    if other is row or not seeds:
        return record
    differences = [values[seed] - base[seed] for seed in seeds]
    how = repetition([row.picked[seed] for seed in seeds])
    low, high = how.interval(differences)
    return replace(
        record,
        difference=mean_and_std(differences)[0],
        p_value=how.p(differences),
        pairs=len(differences),
        difference_low=low,
        difference_high=high,
        p_rows=signed_rank_p(differences),
        over=how.over,
    )


def paired_seeds(row: Row, other: Row, metric: str) -> list[int]:
    """The seeds at which both rows have a value of the metric, of the same parts as far as both record them."""
    shared = row.values(metric).keys() & other.values(metric)
    return [seed for seed in sorted(shared) if _alike(row, other, seed)]


def _alike(row: Row, other: Row, seed: int) -> bool:
    """True if two rows' runs of a seed are of the same parts, or one of them does not record its parts."""
    parts = {run.parts for run in (row.picked[seed], other.picked[seed])}
    return len(parts) == 1 or None in parts
