"""The three lines that a comparison opens with: which loss, with what decision, at what cost elsewhere.

They are made of the numbers of the tables below them, so that headline, ranks and differences agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from surrogate_bench.comparison.columns import Column
from surrogate_bench.comparison.decision import cost, decision
from surrogate_bench.comparison.differences import Record, of_block
from surrogate_bench.comparison.ranking import Ranked, Ranking, group_by_model
from surrogate_bench.comparison.repetition import FEWEST, TRAINING_SEEDS
from surrogate_bench.comparison.select import Block, Row, better_low
from surrogate_bench.comparison.shown import Comparison
from surrogate_bench.comparison.statistics import ALPHA, holm, mean_and_std, too_few
from surrogate_bench.comparison.tables import marked
from surrogate_bench.comparison.wording import (
    are,
    counted,
    ends,
    listed,
    number,
    repeated,
    said_p,
    signed,
    spoken,
    spoken_column,
)

# A sentence of each model is read up to so many.
MOST_MODELS = 3


@dataclass(frozen=True)
class Verdict:
    """The question and its answers; an answer that there is nothing to say of is empty."""

    question: str
    which: str
    decision: str
    cost: str

    @property
    def answers(self) -> list[tuple[str, str]]:
        """The short questions and their answers, those that there are."""
        asked = (self.question, "With what decision?", "At what cost?")
        return [(q, text) for q, text in zip(asked, (self.which, self.decision, self.cost), strict=True) if text]


def verdict(comparison: Comparison) -> Verdict:
    """The verdict on the metric that is compared, of the newest content of each data set."""
    column = goal(comparison)
    blocks = [block for block in comparison.blocks if any(row.values(column.metric) for row in block.rows)]
    blocks = [block for block in blocks if not block.version] or blocks
    rankings = [ranking for ranking in comparison.rankings() if ranking.model in group_by_model(blocks)]
    asked = question(comparison)
    if not blocks:
        return Verdict(asked, f"No run has {spoken_column(column)}.", "", "")
    if len(blocks) == 1:
        best = _best(blocks[0], column, comparison.baseline)
        which = _one(blocks[0], best, column, comparison.baseline)
        label, tied, labels = best[0].label, len(best) > 1, None
    elif rankings:
        sentences = [_ranked(ranking, column) for ranking in rankings[:MOST_MODELS]]
        more = len(rankings) - MOST_MODELS
        sentences += [f"Of {counted(more, 'more model')} the tables below tell."] if more > 0 else []
        which = " ".join([*sentences, _within(blocks, column.metric, comparison.baseline)])
        # Of several models the first one's: a loss that is good with one may not be with another.
        first = rankings[0]
        label, tied, labels = first.rows[0].label, len(_tied(first)) > 1, [row.label for row in first.rows]
        blocks = [block for block in group_by_model(blocks)[first.model] if block.dataset in first.datasets]
    else:
        few = f"{counted(len(blocks), 'pair')} of data set and model have too few rows in common for ranks."
        return Verdict(asked, f"{few} {_within(blocks, column.metric, comparison.baseline)}", "", "")
    common = [block.at_common(column.metric, labels) for block in blocks]
    decided = decision(common, label, column, tied=tied)
    return Verdict(asked, which, decided, cost(common, label, comparison.baseline, column))


def goal(comparison: Comparison) -> Column:
    """The column of the metric that is compared, else the first one shown."""
    return next((column for column in comparison.columns if column.metric == comparison.goal), comparison.columns[0])


def question(comparison: Comparison) -> str:
    """`Which loss for F1?`, or whatever the rows and the metric are."""
    rows = " and ".join(key.rpartition(".")[2].replace("_", " ") for key in comparison.blocks[0].keys)
    column = goal(comparison)
    return f"Which {rows} for {spoken(column.about) if column.is_goal else spoken_column(column)}?"


def _best(block: Block, column: Column, baseline: str) -> list[Row]:
    """The rows of the best mean as shown; the baseline first where it is one of them."""
    best = [row for row, is_best in zip(block.rows, marked(block, column), strict=True) if is_best]
    rows = best or [row for row in block.rows if row.values(column.metric)][:1]
    return sorted(rows, key=lambda row: block.baseline_of(row, baseline) is not row)


def _one(block: Block, tied: Sequence[Row], column: Column, baseline: str) -> str:
    records = {record.loss: record for record in of_block(block, column.metric, baseline)}
    best, base = tied[0], block.baseline_of(tied[0], baseline)
    common = sorted(block.common(column.metric) or best.values(column.metric))
    mean, std = mean_and_std([best.values(column.metric)[seed] for seed in common])
    spread = "" if std is None else f" ± {number(std)}"
    shared = " that all rows have" * (len(common) < max(len(row.values(column.metric)) for row in block.rows))
    most = f"the {'lowest' if better_low(column.metric) else 'highest'} test {spoken_column(column)}"
    said = f"On {block.dataset} with {block.model}, "
    if len(block.rows) == 1:
        measured = f"{number(mean)}{spread} over {counted(len(common), block.noun)}"
        return f"{said}{best.label} is the only row: its test {spoken_column(column)} is {measured}."
    if len(tied) == 1:
        said += f"{best.label} has {most}: {number(mean)}{spread} over {counted(len(common), block.noun)}{shared}."
    else:
        said += f"{listed([row.label for row in tied])} share {most}, to the digits shown: {number(mean)}."
    if base is None:
        return f"{said} No row is the baseline {baseline}, so nothing says whether that is more than chance."
    if base is best:
        others = len(block.rows) - len(tied)
        which = "this baseline" if len(tied) == 1 else f"the baseline {base.label}"
        who = "The other row has no" if others == 1 else f"None of the {others} other rows has a"
        return f"{said} {who} better mean than {which}." if others else said
    return f"{said} {_against(records[best.label], list(records.values()), _whose(tied, best))}"


def _whose(tied: Sequence[Row | Ranked], best: Row | Ranked) -> str:
    """The subject of a sentence on the best of several rows."""
    return "Its" if len(tied) == 1 else f"{best.label}'s"


def _against(record: Record, family: Sequence[Record], subject: str) -> str:
    """The best row's difference to the baseline, and whether seeds alone might have made it."""
    if record.difference is None or record.pairs is None:
        return f"It shares no seed with the baseline {record.baseline}."
    said = f"{subject} paired difference to {record.baseline} is {signed(record.difference)}"
    said += _interval(record.difference_low, record.difference_high)
    said += f" over {repeated(record.pairs, record.over or '')}"
    if record.p_holm is None:
        return f"{said}; fewer than {FEWEST} cannot tell it from chance."
    if record.p_holm < ALPHA:
        return f"{said}, more than chance explains ({said_p(record.p_holm)})."
    tested = sum(own.p_value is not None for own in family)
    few = too_few(record.pairs, tested, counted(record.pairs, "seed")) if record.over == TRAINING_SEEDS else ""
    return f"{said}, which may be chance ({said_p(record.p_holm)}).{f' {few}' * bool(few)}"


def _ranked(ranking: Ranking, column: Column) -> str:
    best, tied = ranking.rows[0], _tied(ranking)
    base = next((row for row in ranking.rows if row.label == ranking.baseline), None)
    who = listed([row.label for row in tied])
    said = f"Over {ranking.over} with {ranking.model}, {who} {'has' if len(tied) == 1 else 'share'} the best average "
    said += f"rank by test {spoken_column(column)}: {best.rank:.2f} of {len(ranking.rows)}"
    if base is None:
        return f"{said}. No row is the baseline {ranking.baseline}, so nothing says whether that is more than chance."
    said += "." if base in tied else f", {base.label} {base.rank:.2f}."
    if base not in tied:
        said += f" {_whose(tied, best)} median difference to {base.label} is "
        said += f"{signed(best.difference)}{_interval(best.difference_low, best.difference_high)}"
        said += f", {_chance(ranking, best)}."
    return " ".join([said, *_found(ranking, base), *filter(None, [ranking.too_few])])


def _tied(ranking: Ranking) -> list[Ranked]:
    """The rows of the best average rank as shown."""
    return [row for row in ranking.rows if f"{row.rank:.2f}" == f"{ranking.rows[0].rank:.2f}"]


def _chance(ranking: Ranking, row: Ranked) -> str:
    if row.p_holm is None:
        return "which nothing tests"
    p = said_p(row.p_holm)
    if not ranking.rejects:
        return f"which may be chance: Friedman's test tells no rows apart (p = {ranking.friedman_p:.2g})"
    return f"more than chance explains ({p})" if ranking.found(row) else f"which may be chance ({p})"


def _found(ranking: Ranking, base: Ranked) -> Iterator[str]:
    """How many rows differ from the baseline beyond chance."""
    found = [row for row in ranking.rows if ranking.found(row)]
    if found:
        better = sum(row.rank < base.rank for row in found)
        yield (
            f"Of {counted(len(ranking.rows) - 1, 'other row')} {better} {are(better)} better than {base.label} and "
            f"{len(found) - better} worse beyond chance."
        )


def _within(blocks: Sequence[Block], metric: str, baseline: str) -> str:
    """How many differences within single data sets are beyond chance, by Holm's method over all that are counted."""
    records = [record for block in blocks for record in of_block(block, metric, baseline)]
    tested = [record for record in records if record.p_value is not None]
    if not tested:
        some = any(record.pairs for record in records)
        few = f"Within single data sets fewer than {FEWEST} pairs cannot tell a difference to {baseline} from chance."
        return few if some else f"Nothing was paired with the baseline {baseline}."
    corrected = holm([record.p_value for record in tested])
    found = [record for record, p in zip(tested, corrected, strict=True) if p is not None and p < ALPHA]
    better = sum(((record.difference or 0) < 0) == better_low(metric) for record in found)
    over = listed(sorted({(record.over or "").replace("this", "each") for record in tested}))
    what = f"{better} to the better and {len(found) - better} to the worse are" if found else "none is"
    said = f"Of {counted(len(tested), 'difference')} to {baseline} within single data sets, {what} beyond chance over "
    said += f"{over} (Holm's method over all {len(tested)})."
    if not found and all(record.over == TRAINING_SEEDS for record in tested):
        pairs = max(record.pairs or 0 for record in tested)
        said += f" {too_few(pairs, len(tested), counted(pairs, 'seed'))}"
    return said.rstrip()


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" (95 % interval {ends(low, high)})"
