"""Hyperparameters that validation chose: which values how often, choices at the edge of a grid, and test beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

from surrogate_bench.comparison.choosing import ALL
from surrogate_bench.comparison.columns import Column, goal_of
from surrogate_bench.comparison.grouping import varying
from surrogate_bench.comparison.run import Run, value_text
from surrogate_bench.comparison.select import Block, Row
from surrogate_bench.comparison.tables import Cell, Line, Table
from surrogate_bench.comparison.wording import MISSING
from surrogate_bench.system.folders import without_folders

# Of fewer values one or the other end is always chosen.
FEWEST_VALUES = 3
EDGE = "edge of the grid"
TIES = "Ties go to the lower validation log loss, then to the smaller change from the defaults."


@dataclass(frozen=True)
class Edge:
    """A key of which a row's choice lies at an end of the grid in most seeds."""

    key: str
    value: float
    end: str
    values: int
    count: int
    beyond: float


def chosen_table(block: Block) -> Table | None:
    """A row's chosen values with their counts, and its validation beside its test value; None without a choice."""
    if not block.chosen:
        return None
    metric = block.metric
    tested = goal_of(metric, {name for row in block.rows for run in row.picked.values() for name in run.test})
    columns = [Column(key, key, "chosen") for key in block.chosen]
    columns += [Column(metric, metric, view) for view in ("validation", "test", "difference")]
    edges = [list(edges_of(row, block)) for row in block.rows]
    heading = (EDGE,) * any(edges)
    lines = []
    for row, own in zip(block.rows, edges, strict=True):
        cells = [Cell(0, None, None, text=_counts(row, key)) for key in block.chosen]
        both = [(r.val[metric], r.test[tested]) for r in row.picked.values() if metric in r.val and tested in r.test]
        val, test = (fmean(values) for values in zip(*both, strict=True)) if both else (None, None)
        difference = None if val is None or test is None else test - val
        cells += [Cell(len(both), mean, None) for mean in (val, test, difference)]
        told = ", ".join(f"{edge.key.rpartition('.')[2]} {edge.value:g}" for edge in own)
        lines.append(Line(row.label, len(row.picked), tuple(cells), (told,) * len(heading)))
    how = f"the best mean over a row's {block.noun}s" if block.over == ALL else f"each {block.noun}"
    note = (
        f"Chosen by validation {metric} for {how}. {TIES} The validation value is the best of those tried, so test is "
        "expected to be worse."
    )
    if heading:
        note += " At the edge of the grid most choices are the smallest or largest value: the best may lie beyond."
    title = f"{block.name}: what validation chose"
    return Table(block.dataset, block.model, ", ".join(block.keys), tuple(columns), heading, tuple(lines), note, title)


def _choices(row: Row) -> list[Run]:
    """The runs that validation chose: at a seed where all failed nothing was, though it may count as the worst."""
    lost = row.lost
    return [run for seed, run in row.picked.items() if seed not in lost]


def edges_of(row: Row, block: Block) -> Iterator[Edge]:
    """The numeric hyperparameters of a row of which most choices are the smallest or the largest value tried."""
    choices = _choices(row)
    for key, values in varying(row.runs, block.keys).items():
        tried = sorted(v for v in values if isinstance(v, int | float) and not isinstance(v, bool))
        if len(tried) < FEWEST_VALUES or len(tried) < len(values) or key == "trainer.epochs":
            continue
        taken = Counter(run.config.get(key) for run in choices)
        for value, inner, end in ((tried[0], tried[1], "smallest"), (tried[-1], tried[-2], "largest")):
            if 2 * taken[value] > len(choices):
                beyond = value * value / inner if value and inner and value * inner > 0 else 2 * value - inner
                yield Edge(key, value, end, len(tried), taken[value], beyond)


def edge_lines(block: Block) -> Iterator[str]:
    """A line for each such choice, with the value to try next."""
    for row in block.rows:
        for edge in edges_of(row, block):
            told = f"{edge.key}={edge.value:g}, the {edge.end} of {edge.values} values tried,"
            often = f"{edge.count} of {len(_choices(row))} {block.noun}s"
            beyond = f"the best may lie beyond: try {edge.key}={edge.beyond:.2g}"
            yield f"{row.label}: {told} is chosen at {often}, so {beyond}"


def _counts(row: Row, key: str) -> str:
    """`0.001 ×7, 0.03 ×3`, the commonest first."""
    taken = Counter(without_folders(value_text(run.config[key])) for run in _choices(row) if key in run.config)
    return ", ".join(f"{value} ×{count}" for value, count in taken.most_common()) or MISSING
