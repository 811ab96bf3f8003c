"""`--failed worst`: a seed without a result counts as the worst that any run of its table has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from surrogate_bench.comparison.columns import column_of
from surrogate_bench.comparison.run import Run
from surrogate_bench.comparison.select import Block, Row, better_low

# `skip` leaves a seed without a result out of its row.
FAILED = ("skip", "worst")


def count_as_worst(blocks: Iterable[Block]) -> list[Block]:
    """The blocks with a stand-in for each seed of a row at which its runs failed, or diverged before a first epoch.

    It has the worst test and validation value of all picked runs of its block, metric by metric; soft values, bounds
    and thresholds are none that could be worst. A seed that was never run stays missing.
    """
    return [_counted(block) for block in blocks]


def told(blocks: Iterable[Block]) -> str:
    """A sentence on the seeds that count as the worst; empty where none does."""
    lost = [
        f"{len(row.lost)} of {row.label} on {block.dataset}"
        for block in blocks
        if block.failed_as == "worst"
        for row in block.rows
        if row.lost
    ]
    return f"Seeds whose runs failed count as the worst value of their table: {', '.join(lost)}." if lost else ""


def _counted(block: Block) -> Block:
    picked = [run for row in block.rows for run in row.picked.values()]
    if not any(row.lost for row in block.rows) or not picked:
        return block
    val, test = (_worst(metrics) for metrics in ([run.val for run in picked], [run.test for run in picked]))
    split = {run.seed: run for run in picked}

    def stand_in(run: Run) -> Run:
        # Its parts are those of the other rows at this seed, with whom it is paired.
        other = split.get(run.seed, run)
        return replace(run, val=val, test=test, examples=other.examples, parts=other.parts, tested=other.tested)

    def filled(row: Row) -> Row:
        return replace(row, picked=dict(sorted((row.picked | {s: stand_in(r) for s, r in row.lost.items()}).items())))

    return replace(block, rows=[filled(row) for row in block.rows], failed_as="worst")


def _worst(metrics: list[dict[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for own in metrics for name in own)
    worst = {name: max if better_low(name) else min for name in names if column_of(name).is_goal}
    return {name: pick(own[name] for own in metrics if name in own) for name, pick in worst.items()}
