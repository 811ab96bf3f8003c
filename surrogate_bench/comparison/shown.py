"""What a comparison shows: its blocks of rows, as the tables of its views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from surrogate_bench.comparison.chosen import chosen_table
from surrogate_bench.comparison.columns import Column, column_of
from surrogate_bench.comparison.datasets import dataset_tables
from surrogate_bench.comparison.effects import effect_tables
from surrogate_bench.comparison.pairs import pair_tables
from surrogate_bench.comparison.provenance import made_of
from surrogate_bench.comparison.published import published_table
from surrogate_bench.comparison.ranks import rank_table
from surrogate_bench.comparison.rope import rope_of
from surrogate_bench.comparison.scoreboard import scoreboard
from surrogate_bench.comparison.select import Block
from surrogate_bench.comparison.tables import Table, build
from surrogate_bench.comparison.views import USUAL, difference_table, trade_off_table
from surrogate_bench.metrics.names import base_name

if TYPE_CHECKING:
    from surrogate_bench.comparison.ranking import Ranking


@dataclass(frozen=True)
class Comparison:
    """What every format is made of: the blocks with their picked runs, and how they are to be shown.

    `views` are those that were asked for, None where a format shows what it usually does.
    `choose` gives the blocks as another metric of validation would have picked their runs. `remarks` are the lines that
    were said on what was left out and what was told apart. `within` is what of each metric counts as practically equal
    (`rope_of`), `command` the words that asked for all this. Curves read more of runs' files; `damaged` are those that
    they had to leave out.
    """

    blocks: list[Block]
    columns: list[Column]
    metrics: list[str]
    baseline: str
    goal: str
    views: tuple[str, ...] | None = None
    choose: Callable[[str], list[Block]] | None = None
    damaged: set[Path] = field(default_factory=set)
    remarks: list[str] = field(default_factory=list)
    within: dict[str, float] = field(default_factory=dict)
    command: str | None = None

    def tables(self, *views: str) -> list[Table]:
        """The tables of some views, else of the comparison's own: data sets together first, then block by block."""
        wanted = views or self.views or USUAL
        tables: list[Table | None] = []
        keys = ", ".join(self.blocks[0].keys)
        if "datasets" in wanted:
            tables += dataset_tables(self.blocks, self.rankings(), column_of(self.goal), self.baseline)
        tables += [rank_table(ranking, keys) for ranking in self.rankings()] if "ranks" in wanted else []
        about = base_name(self.goal)
        both = [metric for metric in (about, f"{about}_tuned") if metric in self.metrics]
        goals = both if self.goal in both else [self.goal]
        for block in self.blocks:
            tables += [build(block, self.columns)] if "means" in wanted else []
            tables += [difference_table(block, goals, self.baseline, self.goal)] if "differences" in wanted else []
            tables += [chosen_table(block)] if "chosen" in wanted else []
            tables += [self._examples(block)] if "examples" in wanted else []
            tables += [trade_off_table(block, self.goal)] if "trade-off" in wanted else []
        tables += effect_tables(self.rankings(), self.blocks, self.goal, self.baseline) if "effects" in wanted else []
        tables += pair_tables(self.rankings(), self.blocks, self.goal) if "pairs" in wanted else []
        tables += [published_table(self.blocks)] if "published" in wanted else []
        if "scoreboard" in wanted and self.choose is not None:
            tables += scoreboard(self.choose, self.metrics, self.baseline, self.within)
        return [table for table in tables if table is not None]

    def _examples(self, block: Block) -> Table | None:
        from surrogate_bench.comparison.examples import examples_table

        return examples_table(block, self.goal, self.baseline, self.damaged)

    @property
    def provenance(self) -> str:
        """Where the numbers come from, in a line that every format has."""
        return made_of((run for block in self.blocks for row in block.rows for run in row.runs), self.command)

    def rankings(self) -> list[Ranking]:
        """The rows across data sets by the metric compared, one ranking a model; none for a single data set."""
        return self._rankings

    @cached_property
    def _rankings(self) -> list[Ranking]:
        from surrogate_bench.comparison.ranking import rank

        return rank(self.blocks, self.goal, self.baseline, rope_of(self.goal, self.within))
