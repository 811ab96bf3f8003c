"""All rows against all: the difference of every pair, and which of them are beyond chance.

Each pair is tested for itself, so that no third row moves its p, as it does where average ranks are compared. Benavoli,
Corani, Mangili, Should We Really Use Post-Hoc Tests Based on Mean-Ranks?, JMLR 17, 2016,
https://jmlr.org/papers/v17/benavoli16a.html; Ismail-Fawaz et al., An Approach to Multiple Comparison Benchmark
Evaluations that is Stable Under Manipulation of the Comparate Set, 2023, https://arxiv.org/abs/2305.11921
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

import numpy as np

from surrogate_bench.comparison.columns import Column, column_of
from surrogate_bench.comparison.differences import of_block
from surrogate_bench.comparison.ranking import Ranking
from surrogate_bench.comparison.select import Block, better_low
from surrogate_bench.comparison.statistics import ALPHA, DIGITS, holm, pseudo_median, signed_rank_p, too_few
from surrogate_bench.comparison.tables import Cell, Line, Table
from surrogate_bench.comparison.wording import MISSING, counted, listed, probability, signed, spoken_column

BETTER, WORSE = "▲", "▼"


@dataclass(frozen=True)
class Pair:
    """First row minus second: the centre of their differences, over n values that differ, and its p-value or None."""

    first: str
    second: str
    difference: float
    n: int
    p_value: float | None


def pair_tables(rankings: Sequence[Ranking], blocks: Sequence[Block], metric: str) -> list[Table]:
    """Two matrices a model across its data sets, of differences and of p; of each data set where nothing is ranked."""
    keys = ", ".join(blocks[0].keys)
    tables: list[Table] = []
    for ranking in rankings:
        pairs, where = _of_ranking(ranking), f"{ranking.model}: {{}} across {ranking.over}"
        how = f"Pseudo-medians over {ranking.over}. p: Wilcoxon's signed ranks of these"
        most = max(pair.n for pair in pairs)
        limits = [too_few(most, len(pairs), f"{counted(most, 'value')} that differ")]
        limits += [] if ranking.rejects else ["Friedman's test of all rows does not reject, so no pair is marked."]
        tables += _matrices(pairs, metric, where, ("all", ranking.model, keys), how, limits)
    for block in () if rankings else blocks:
        pairs, over = _of_block(block, metric)
        if pairs:
            how = f"Means over common {block.noun}s. p: as of differences to a baseline, over {listed(over)}"
            tables += _matrices(pairs, metric, f"{block.name}: {{}}", (block.dataset, block.model, keys), how, [])
    return tables


def _of_ranking(ranking: Ranking) -> list[Pair]:
    """All pairs of its rows, best first, tested by signed ranks over sources."""
    pairs = []
    for one, other in combinations(ranking.rows, 2):
        own = np.round(np.subtract(one.means, other.means), DIGITS).tolist()
        pairs.append(Pair(one.label, other.label, pseudo_median(own), int(np.count_nonzero(own)), signed_rank_p(own)))
    return pairs


def _of_block(block: Block, metric: str) -> tuple[list[Pair], list[str]]:
    """All pairs of a data set's rows, best mean first, and over what its runs repeat, by which they are tested."""
    means = {row.label: fmean(own) for row in block.rows if (own := list(row.values(metric).values()))}
    labels = sorted(means, key=means.__getitem__, reverse=not better_low(metric))
    against = {label: {own.loss: own for own in of_block(block, metric, label)} for label in labels}
    records = [against[second][first] for first, second in combinations(labels, 2)]
    pairs = [
        Pair(own.loss, own.baseline or "", own.difference, own.pairs or 0, own.p_value)
        for own in records
        if own.difference is not None
    ]
    return pairs, sorted({own.over for own in records if own.over})


def _matrices(
    pairs: Sequence[Pair], metric: str, title: str, of: tuple[str, str, str], how: str, limits: Sequence[str]
) -> list[Table]:
    """The matrix of differences, marked where nothing limits that, and the one of p by Holm's method."""
    adjusted = holm([pair.p_value for pair in pairs])
    by = {(pair.first, pair.second): (pair.difference, p) for pair, p in zip(pairs, adjusted, strict=True)}
    by |= {(second, first): (-difference, p) for (first, second), (difference, p) in by.items()}
    low, limits = better_low(metric), list(filter(None, limits))

    def difference(value: float, p: float | None) -> str:
        found = not limits and p is not None and p < ALPHA
        return signed(value) + (BETTER if (value < 0) == low else WORSE) * found

    said = [f"Row minus column. {how}, by Holm's method among all {counted(len(pairs), 'pair')}."]
    said += limits or [f"{BETTER} the row is better, {WORSE} worse beyond chance."]
    labels = list(dict.fromkeys([pair.first for pair in pairs] + [pair.second for pair in pairs]))
    about = spoken_column(column_of(metric))

    def matrix(what: str, text: Callable[[float, float | None], str]) -> Table:
        columns = tuple(Column(f"{what} {label}", what, label) for label in labels)
        lines = []
        for row in labels:
            own = [by.get((row, column)) for column in labels]
            texts = [MISSING if found is None else text(*found) for found in own]
            n = max((pair.n for pair in pairs if row in (pair.first, pair.second)), default=0)
            lines.append(Line(row, n, tuple(Cell(0, None, None, text=text) for text in texts), ()))
        dataset, model, keys = of
        name = f"{title.format(about)}, all pairs: {what}"
        return Table(dataset, model, keys, columns, (), tuple(lines), " ".join(said), name)

    return [matrix("difference to", difference), matrix("p (Holm) against", lambda _, p: probability(p))]
