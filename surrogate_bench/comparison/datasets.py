"""Rows by data sets: the table that a paper prints, by the metric compared, best average rank first."""

from __future__ import annotations

from collections.abc import Sequence

from surrogate_bench.comparison.columns import Column
from surrogate_bench.comparison.differences import of_block
from surrogate_bench.comparison.ranking import Ranking, group_by_model
from surrogate_bench.comparison.select import Block
from surrogate_bench.comparison.tables import SOFT, Cell, Line, Table, marked
from surrogate_bench.comparison.wording import MISSING, counted, opening, spoken_column

RANK = "average rank"


def dataset_tables(blocks: Sequence[Block], rankings: Sequence[Ranking], goal: Column, baseline: str) -> list[Table]:
    """A table a model that has runs of several data sets; rows without a rank come last."""
    ranked = {ranking.model: ranking for ranking in rankings}
    models = group_by_model(blocks)
    return [_table(model, own, ranked.get(model), goal, baseline) for model, own in models.items() if len(own) > 1]


def _table(model: str, blocks: Sequence[Block], ranking: Ranking | None, goal: Column, baseline: str) -> Table:
    ranks = {row.label: row.rank for row in ranking.rows} if ranking else {}
    labels = list(dict.fromkeys(row.label for block in blocks for row in block.rows))
    labels.sort(key=lambda label: ranks.get(label, float("inf")))
    of = [_cells(block, goal, baseline) for block in blocks]
    empty = Cell(0, None, None)
    lines = []
    for label in labels:
        rank = Cell(0, None, None, text=f"{ranks[label]:.2f}" if label in ranks else MISSING)
        own = [cells.get(label, empty) for cells in of]
        lines.append(Line(label, max(cell.n for cell in own), (*own, rank), ()))
    columns = [Column(goal.metric, block.dataset.removesuffix(f" {block.version}"), "") for block in blocks]
    note = f"Test {spoken_column(goal)}: means over n {' or '.join(sorted({f'{b.noun}s' for b in blocks}))}."
    note += f" {opening(SOFT)}." if goal.view == "soft" else ""
    partial = [of_block for block in blocks if (of_block := _partial(block, goal.metric))]
    if partial:
        note += f" Best means and ranks are by the runs that all rows have: {', '.join(partial)}."
    if ranking:
        left = f", without {', '.join(ranking.left_out)}, where a row has no value" if ranking.left_out else ""
        note += f" Average rank over {ranking.over}{left}, 1 the best."
    title = f"{model}: {spoken_column(goal)} on {len(blocks)} data sets"
    keys = ", ".join(blocks[0].keys)
    return Table("all", model, keys, (*columns, Column(RANK, RANK, "")), (), tuple(lines), note, title)


def _partial(block: Block, metric: str) -> str:
    """`ecoli1 5 of 6 seeds` where not all rows have all of them."""
    common, most = len(block.common(metric)), max((len(row.values(metric)) for row in block.rows), default=0)
    return f"{block.dataset} {common} of {counted(most, block.noun)}" if common < most else ""


def _cells(block: Block, goal: Column, baseline: str) -> dict[str, Cell]:
    """Each row's mean, with its paired difference to the baseline."""
    best = marked(block, goal)
    records = of_block(block, goal.metric, baseline)
    return {
        record.loss: Cell(record.n, record.mean, None, best=is_best, difference=record.difference)
        for record, is_best in zip(records, best, strict=True)
        if record.n
    }
