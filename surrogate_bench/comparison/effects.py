"""How large the differences to the baseline are: effect sizes, interquartile means, and performance profiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from surrogate_bench.comparison.aggregates import (
    Estimate,
    interquartile_mean,
    probability_of_improvement,
    profile,
    rank_biserial,
    share_better,
)
from surrogate_bench.comparison.columns import Column, column_of
from surrogate_bench.comparison.differences import paired_seeds
from surrogate_bench.comparison.ranking import Ranking
from surrogate_bench.comparison.select import Block, better_low
from surrogate_bench.comparison.tables import Cell, Line, Table
from surrogate_bench.comparison.wording import interval, signed, spoken_column

LEVELS = (-0.05, -0.02, 0.0, 0.02, 0.05)


@dataclass(frozen=True)
class Arm:
    """A row beside the baseline: the values of both at the same seeds of each data set, and what a test is of."""

    label: str
    values: list[np.ndarray]
    base: list[np.ndarray]
    tested: Sequence[float]

    @property
    def differences(self) -> list[np.ndarray]:
        """Row minus baseline, seed by seed."""
        return [own - base for own, base in zip(self.values, self.base, strict=True)]


def effect_tables(rankings: Sequence[Ranking], blocks: Sequence[Block], metric: str, baseline: str) -> list[Table]:
    """Two tables a model across its data sets; of each data set where nothing is ranked."""
    about = spoken_column(column_of(metric))
    rows = ", ".join(blocks[0].keys)
    found = [(f"{own.model}: {about} across {own.over}", own.model, "all", _of_ranking(own)) for own in rankings]
    if not rankings:
        found = [
            (f"{own.name}: {about}", own.model, own.dataset, list(_of_block(own, metric, baseline))) for own in blocks
        ]
    sign = -1 if better_low(metric) else 1
    return [
        Table(dataset, model, rows, columns, (), lines, note, f"{title}, {what} against {baseline}")
        for title, model, dataset, arms in found
        if arms
        for what, columns, lines, note in (_sizes(arms, sign), _profiles(arms, sign))
    ]


def _of_ranking(ranking: Ranking) -> list[Arm]:
    if ranking.base is None:
        return []
    base = list(map(np.array, ranking.base.values))
    others = [row for row in ranking.rows if row is not ranking.base]
    return [Arm(row.label, list(map(np.array, row.values)), base, row.differences) for row in others]


def _of_block(block: Block, metric: str, baseline: str) -> Iterator[Arm]:
    for row in block.rows:
        other = block.baseline_of(row, baseline)
        if other is None or other is row or not (seeds := paired_seeds(row, other, metric)):
            continue
        own, base = (np.array([of.values(metric)[seed] for seed in seeds]) for of in (row, other))
        yield Arm(row.label, [own], [base], (own - base).tolist())


def _sizes(arms: Sequence[Arm], sign: int) -> tuple[str, tuple[Column, ...], tuple[Line, ...], str]:
    groups = ("IQM of differences", "P(improvement)")
    names = [(group, view) for group in groups for view in ("value", "95 % interval")]
    names += [("effect size", "rank-biserial"), ("effect size", "P(A > B)")]
    lines = []
    for arm in arms:
        middle = interquartile_mean(arm.differences)
        better = probability_of_improvement([sign * own for own in arm.values], [sign * own for own in arm.base])
        texts = [
            signed(middle.value),
            interval(middle.low, middle.high),
            *_share(better),
            f"{sign * rank_biserial(arm.tested):+.2f}".replace("-", "−"),
            f"{share_better([sign * own for own in arm.differences]):.2f}",
        ]
        lines.append(_line(arm, texts))
    note = (
        "n pairs of row and baseline. IQM: mean of the middle half of paired differences. P(improvement): how often a "
        "seed of the row is better than any seed of the baseline on the same data set. Intervals: bootstrap of seeds "
        "within data sets, as of rliable; they speak of these data sets alone. rank-biserial, from −1 to 1: effect "
        "size of the signed-rank test. P(A > B): how often the row is better at the same seed."
    )
    return "effect sizes", _columns(names), tuple(lines), note


def _profiles(arms: Sequence[Arm], sign: int) -> tuple[str, tuple[Column, ...], tuple[Line, ...], str]:
    names = [(f"> {level:g}".replace("-", "−"), view) for level in LEVELS for view in ("share", "95 % interval")]
    lines = []
    for arm in arms:
        shares = profile([sign * own for own in arm.differences], LEVELS)
        lines.append(_line(arm, [text for own in shares for text in _share(own)]))
    note = (
        "Performance profile: the share of all n paired differences by which the row is better by more than the level, "
        "with a bootstrap interval as above."
    )
    return "profile of differences", _columns(names), tuple(lines), note


def _columns(names: Sequence[tuple[str, str]]) -> tuple[Column, ...]:
    return tuple(Column(f"{group} {view}", group, view) for group, view in names)


def _line(arm: Arm, texts: Sequence[str]) -> Line:
    return Line(arm.label, sum(map(len, arm.values)), tuple(Cell(0, None, None, text=text) for text in texts), ())


def _share(estimate: Estimate) -> list[str]:
    low, high = estimate.low, estimate.high
    return [f"{estimate.value:.2f}", interval(None, None) if low is None else f"{low:.2f} to {high:.2f}"]
