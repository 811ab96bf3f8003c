"""Rows compared across data sets: which there are, on which data sets, and what the statistics of `across` say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from surrogate_bench.comparison.across import (
    average_ranks,
    bayesian_signed_rank,
    friedman,
    nemenyi_distance,
    nemenyi_p,
)
from surrogate_bench.comparison.rope import ROPE
from surrogate_bench.comparison.select import Block, Row, better_low
from surrogate_bench.comparison.sources import data_sets, sources
from surrogate_bench.comparison.statistics import (
    ALPHA,
    DIGITS,
    holm,
    pseudo_median,
    signed_rank_interval,
    signed_rank_p,
    too_few,
)
from surrogate_bench.comparison.wording import counted


@dataclass(frozen=True)
class Ranked:
    """One row across the n sources of data; what is measured against the baseline is None for the baseline itself.

    `rank` is the average over sources, 1 the best, `means` are the metric's on each of them, and `values` those of the
    seeds of each data set. `differences` are row minus baseline on each source, `difference` is their pseudo-median
    with the interval of Wilcoxon's signed-rank test, and `p_holm` that test's p-value by Holm's method among the rows;
    `p_nemenyi` is of the ranks' difference, where Friedman's test rejects.
    """

    label: str
    rank: float
    means: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]
    wins: int | None = None
    ties: int | None = None
    losses: int | None = None
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    p_value: float | None = None
    p_holm: float | None = None
    p_nemenyi: float | None = None
    differences: tuple[float, ...] = ()


@dataclass(frozen=True)
class Ranking:
    """The rows of one model by average rank, best first, on the data sets that have a value of every one of them.

    `friedman_p` is the omnibus test's, None with fewer than three rows. Only where it is below 5 % are ranks compared
    with one another: those that differ by less than `distance`, Nemenyi's critical distance at 5 %, are not told
    apart, and `cliques` are the runs (first, last) of rows that are not. Else `distance` is None. `missing` names the
    cells that are not there, and `left_out` the data sets that are therefore not ranked on. Values are those of the
    seeds that all rows have on a data set; `partial` says on which some have more. `sources` are the data sets once
    more, those that are made of the same rows together: a source counts as one, by the mean of its data sets.
    """

    model: str
    metric: str
    baseline: str
    datasets: tuple[str, ...]
    sources: tuple[tuple[str, ...], ...]
    rows: tuple[Ranked, ...]
    friedman_p: float | None
    distance: float | None
    cliques: tuple[tuple[int, int], ...]
    missing: tuple[str, ...]
    left_out: tuple[str, ...]
    rope: float
    partial: tuple[str, ...]

    @property
    def over(self) -> str:
        """`6 data sets`, or `6 data sets of 4 sources`."""
        return data_sets(self.sources)

    @property
    def rejects(self) -> bool:
        """True if the omnibus test lets rows be compared; two rows need none."""
        return self.friedman_p is None or self.friedman_p < ALPHA

    def found(self, row: Ranked) -> bool:
        """True if a row differs from the baseline beyond chance: by Friedman's test first, then by Wilcoxon's."""
        return self.rejects and row.p_holm is not None and row.p_holm < ALPHA

    @property
    def base(self) -> Ranked | None:
        """The baseline's row."""
        return next((row for row in self.rows if row.label == self.baseline), None)

    @cached_property
    def posteriors(self) -> dict[str, tuple[float, float, float]]:
        """By row: how probably it beats the baseline by more than ROPE, differs by less, or loses by more."""
        if self.base is None:
            return {}
        sign = -1 if better_low(self.metric) else 1
        base = sign * np.array(self.base.means)
        others = [row for row in self.rows if row is not self.base]
        return {row.label: bayesian_signed_rank(sign * np.array(row.means), base, self.rope) for row in others}

    @property
    def too_few(self) -> str:
        """A sentence that no row can differ from the baseline on so few data sets; empty where one can."""
        tested = [row for row in self.rows if row.p_value is not None]
        differing = max(((row.wins or 0) + (row.losses or 0) for row in tested), default=0)
        noun = "data set" if len(self.sources) == len(self.datasets) else "source"
        on = counted(differing, noun) + ("" if differing == len(self.sources) else " with a difference")
        return too_few(differing, len(tested), on)


def rank(blocks: Sequence[Block], metric: str, baseline: str, rope: float = ROPE) -> list[Ranking]:
    """One ranking a model that has at least two data sets in common for at least two rows.

    A row without a value on more than half of the data sets is left out; then a data set without a value for one of
    the rest is, as ranks of fewer rows mean something else.
    """
    found = (_rank(model, own, metric, baseline, rope) for model, own in group_by_model(blocks).items())
    return [ranking for ranking in found if ranking is not None]


def group_by_model(blocks: Sequence[Block]) -> dict[str, list[Block]]:
    """Blocks that differ in nothing but their data set, by the model's name and the version that is not the newest.

    Another content of a data set is no other data set, so that it takes no part in the newest one's ranking.
    """
    models: dict[str, list[Block]] = {}
    for block in blocks:
        models.setdefault(f"{block.model} {block.version}".rstrip(), []).append(block)
    return models


def _rank(model: str, blocks: list[Block], metric: str, baseline: str, rope: float) -> Ranking | None:
    rows = {block.dataset: {row.label: row for row in block.rows if row.values(metric)} for block in blocks}
    labels = list(dict.fromkeys(row.label for block in blocks for row in block.rows))
    kept = [name for name in labels if 2 * sum(name in own for own in rows.values()) >= len(rows)]
    missing = tuple(f"{name} on {dataset}" for dataset, own in rows.items() for name in labels if name not in own)
    common = {block.dataset: block.common(metric, kept) for block in blocks}
    complete = [dataset for dataset, own in rows.items() if own.keys() >= set(kept) and common[dataset]]
    if len(complete) < 2 or len(kept) < 2:
        return None
    values = {name: [_values(rows[dataset][name], metric, common[dataset]) for dataset in complete] for name in kept}
    alike = sources([block for block in blocks if block.dataset in complete])
    means = np.array([[np.mean(own) for own in values[name]] for name in kept])
    means = np.array([means[:, [complete.index(dataset) for dataset in own]].mean(1) for own in alike])
    most = {dataset: max(len(rows[dataset][name].values(metric)) for name in kept) for dataset in complete}
    sign = -1 if better_low(metric) else 1
    scores = sign * means
    ranks = average_ranks(scores)
    n, k = scores.shape
    base = kept.index(baseline) if baseline in kept else None
    order = np.argsort(ranks, kind="stable")
    omnibus = friedman(scores)
    distance = nemenyi_distance(k, n) if omnibus is not None and omnibus < ALPHA else None
    ranked = []
    for i in order:
        made = Ranked(kept[i], float(ranks[i]), tuple(means[:, i].tolist()), tuple(values[kept[i]]))
        if base not in (None, i):
            made = _against(made, scores[:, i], scores[:, base], sign)
            if distance is not None:
                made = replace(made, p_nemenyi=nemenyi_p(ranks[i] - ranks[base], k, n))
        ranked.append(made)
    adjusted = holm([row.p_value for row in ranked])
    ranked = [replace(row, p_holm=p) for row, p in zip(ranked, adjusted, strict=True)]
    cliques = () if distance is None else _cliques([row.rank for row in ranked], distance)
    return Ranking(
        model,
        metric,
        baseline,
        tuple(complete),
        alike,
        tuple(ranked),
        omnibus,
        distance,
        tuple(cliques),
        missing,
        tuple(dataset for dataset in rows if dataset not in complete),
        rope,
        tuple(f"{own} {len(common[own])} of {most[own]}" for own in complete if len(common[own]) < most[own]),
    )


def _against(made: Ranked, scores: np.ndarray, base: np.ndarray, sign: int) -> Ranked:
    difference = np.round(scores - base, DIGITS)
    low, high = signed_rank_interval(sign * difference)
    return replace(
        made,
        wins=int((difference > 0).sum()),
        ties=int((difference == 0).sum()),
        losses=int((difference < 0).sum()),
        difference=pseudo_median(sign * difference),
        differences=tuple((sign * difference).tolist()),
        difference_low=low,
        difference_high=high,
        p_value=signed_rank_p(difference),
    )


def _values(row: Row, metric: str, seeds: set[int]) -> tuple[float, ...]:
    values = row.values(metric)
    return tuple(values[seed] for seed in sorted(seeds))


def _cliques(ranks: Sequence[float], distance: float) -> list[tuple[int, int]]:
    """The longest runs of sorted ranks that lie within the distance, (first, last) of each."""
    found: list[tuple[int, int]] = []
    for first in range(len(ranks)):
        last = max(i for i in range(first, len(ranks)) if ranks[i] - ranks[first] < distance or i == first)
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found
