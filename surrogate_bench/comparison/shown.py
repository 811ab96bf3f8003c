"""A comparison: its blocks of rows, and the tables of its views."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from surrogate_bench.comparison.chosen import chosen_table
from surrogate_bench.comparison.columns import Column, column_of
from surrogate_bench.comparison.datasets import dataset_tables
from surrogate_bench.comparison.effects import effect_tables
from surrogate_bench.comparison.failed import told
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

# Views of what runs stored, in which no failed run counts as the worst.
AS_STORED = ("examples", "published")


@dataclass(frozen=True)
class Comparison:
    """The input of every format: the blocks with their picked runs, and how they are to be shown.

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
        return [table for _, table in (self._made(views) if views else self._own)]

    @property
    def empty(self) -> list[str]:
        """The views that were asked for and have no table here."""
        made = {view for view, _ in self._own} if self.views else set()
        return [view for view in self.views or () if view not in made]

    @cached_property
    def _own(self) -> list[tuple[str, Table]]:
        return list(self._made(self.views or USUAL))

    def _made(self, wanted: Collection[str]) -> Iterator[tuple[str, Table]]:
        goal, baseline, blocks = self.goal, self.baseline, self.blocks
        before: dict[str, Callable[[], list[Table]]] = {
            "datasets": lambda: dataset_tables(blocks, self.rankings(), column_of(goal), baseline),
            "ranks": lambda: [rank_table(ranking, ", ".join(blocks[0].keys)) for ranking in self.rankings()],
        }
        each: dict[str, Callable[[Block], Table | None]] = {
            "means": lambda block: build(block, self.columns),
            "differences": lambda block: difference_table(block, self._goals(), baseline, goal),
            "chosen": chosen_table,
            "examples": self._examples,
            "trade-off": lambda block: trade_off_table(block, goal),
        }
        after: dict[str, Callable[[], list[Table]]] = {
            "effects": lambda: effect_tables(self.rankings(), blocks, goal, baseline),
            "pairs": lambda: pair_tables(self.rankings(), blocks, goal),
            "published": lambda: [table] if (table := published_table(blocks)) else [],
            "scoreboard": lambda: scoreboard(self.choose, self.metrics, baseline, self.within) if self.choose else [],
        }
        for view, make in before.items():
            yield from _told(view, make() if view in wanted else [], blocks)
        for block in blocks:
            for view, build_one in each.items():
                yield from _told(view, [build_one(block)] if view in wanted else [], [block])
        for view, make in after.items():
            yield from _told(view, make() if view in wanted else [], blocks)

    def _goals(self) -> list[str]:
        """The metric compared, and beside a tuned one that at 0.5."""
        about = base_name(self.goal)
        both = [m for m in (about, f"{about}_tuned") if m in self.metrics and column_of(m).is_goal]
        return both if self.goal in both else [self.goal]

    def _examples(self, block: Block) -> Table | None:
        from surrogate_bench.comparison.examples import examples_table

        return examples_table(block, self.goal, self.baseline, self.damaged)

    @property
    def provenance(self) -> str:
        """The origin of the numbers, in a line that every format has."""
        return made_of((run for block in self.blocks for row in block.rows for run in row.runs), self.command)

    def rankings(self) -> list[Ranking]:
        """The rows across data sets by the metric compared, one ranking a model; none for a single data set."""
        return self._rankings

    @cached_property
    def _rankings(self) -> list[Ranking]:
        from surrogate_bench.comparison.ranking import rank

        return rank(self.blocks, self.goal, self.baseline, rope_of(self.goal, self.within))


def _told(view: str, tables: Sequence[Table | None], blocks: Sequence[Block]) -> Iterator[tuple[str, Table]]:
    """The tables of a view that there are, with a word on failed runs that count as the worst."""
    said = "" if view in AS_STORED else told(blocks)
    for table in tables:
        if table is not None:
            yield view, replace(table, note=f"{table.note} {said}".strip())
