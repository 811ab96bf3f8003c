"""Forest plots: each row's difference to the baseline with its interval, as an inline SVG.

Its numbers are those of the tables of differences and ranks. It takes the text's colour and font, scales by its
viewBox, and marks with the class `found` what is beyond chance.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from surrogate_bench.comparison.differences import of_block
from surrogate_bench.comparison.ranking import Ranking
from surrogate_bench.comparison.rope import ROPE, rope_of
from surrogate_bench.comparison.select import Block, better_low
from surrogate_bench.comparison.shown import Comparison
from surrogate_bench.comparison.statistics import ALPHA
from surrogate_bench.comparison.verdict import goal
from surrogate_bench.comparison.wording import ends, signed, spoken_column

WIDTH, LEFT, RIGHT, STEP, TOP, BOTTOM = 705.0, 190.0, 215.0, 26.0, 14.0, 64.0
# The first screen holds so many rows; the tables hold all.
MOST_ROWS = 18
MOST_MODELS = 2


@dataclass(frozen=True)
class Effect:
    """One row's difference to the baseline; `dots` are those of single data sets."""

    label: str
    difference: float
    low: float | None
    high: float | None
    found: bool
    dots: tuple[float, ...] = ()


def forests(comparison: Comparison) -> list[str]:
    """The plots of a comparison, one a model; none where nothing is paired with the baseline."""
    column = goal(comparison)
    rope, low = rope_of(column.metric, comparison.within), better_low(column.metric)
    about = f"difference to {comparison.baseline} in test {spoken_column(column)}"
    blocks = [block for block in comparison.blocks if not block.version] or comparison.blocks
    rankings = comparison.rankings()
    if len(blocks) == 1:
        every = [(f"{blocks[0].name}: {about}", _of_block(blocks[0], column.metric, comparison.baseline))]
    else:
        every = [(f"{own.model}, median over {own.over}: {about}", _of_ranking(own)) for own in rankings[:MOST_MODELS]]
    drawn = []
    for title, effects in every:
        ordered = sorted(effects, key=lambda effect: effect.difference, reverse=not low)
        if ordered:
            drawn.append(_svg(title, ordered, rope, low=low))
    return drawn


def _of_block(block: Block, metric: str, baseline: str) -> list[Effect]:
    return [
        Effect(
            record.loss,
            record.difference,
            record.difference_low,
            record.difference_high,
            record.p_holm is not None and record.p_holm < ALPHA,
        )
        for record in of_block(block, metric, baseline)
        if record.difference is not None
    ]


def _of_ranking(ranking: Ranking) -> list[Effect]:
    return [
        Effect(row.label, row.difference, row.difference_low, row.difference_high, ranking.found(row), row.differences)
        for row in ranking.rows
        if row.difference is not None
    ]


def _svg(title: str, effects: Sequence[Effect], rope: float, *, low: bool) -> str:
    shown = effects[:MOST_ROWS]
    better = "left" if low else "right"
    more = f"; {len(effects) - len(shown)} more rows are in the tables" if len(effects) > len(shown) else ""
    under = [html.escape(title), f"{better} of 0 is better{more}"]
    label = f"{under[0]} ({under[1]})"
    height = TOP + STEP * len(shown) + BOTTOM
    parts = "\n".join(_parts(shown, rope, under, height))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="forest" viewBox="0 0 {WIDTH:g} {height:g}" role="img" '
        f'aria-label="{label}" font-size="13" fill="currentColor"><title>{label}</title>\n{parts}\n</svg>'
    )


def _parts(effects: Sequence[Effect], rope: float, under: Sequence[str], height: float) -> Iterator[str]:
    values = [value for own in effects for value in (own.difference, own.low, own.high, *own.dots) if value is not None]
    marks = ticks(min(0.0, *values), max(0.0, *values))
    first, last = min(marks[0], *values), max(marks[-1], *values)
    floor = height - BOTTOM

    def at(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - first) / (last - first)

    if rope:
        start, end = at(max(first, -rope)), at(min(last, rope))
        yield (
            f'<rect class="rope" x="{start:.1f}" y="{TOP - 6:g}" width="{max(1.0, end - start):.1f}" '
            f'height="{floor - TOP + 6:g}"><title>practically equal: within {rope:g}</title></rect>'
        )
    yield _line((at(0), at(0)), (TOP - 6, floor), "zero")
    for i, own in enumerate(effects):
        y = TOP + STEP * (i + 0.5)
        yield f'<g class="effect{" found" * own.found}">'
        name = own.label if len(own.label) <= 20 else own.label[:19] + "…"
        yield f'<text x="{LEFT - 12:g}" y="{y + 4:g}" text-anchor="end">{html.escape(name)}</text>'
        if own.low is not None and own.high is not None:
            yield _line((at(own.low), at(own.high)), (y, y), "interval")
        for dot in own.dots:
            yield f'<circle class="dot" cx="{at(dot):.1f}" cy="{y:g}" r="2.5"/>'
        yield f'<circle cx="{at(own.difference):.1f}" cy="{y:g}" r="4"/>'
        said = signed(own.difference)
        if own.low is not None and own.high is not None:
            said += f" ({ends(own.low, own.high)})"
        yield f'<text x="{WIDTH - RIGHT + 12:g}" y="{y + 4:g}">{said}</text></g>'
    yield _line((LEFT, WIDTH - RIGHT), (floor, floor), "axis")
    for tick in marks:
        yield _line((at(tick), at(tick)), (floor, floor + 4), "axis")
        text = "0" if tick == 0 else f"{tick:+g}".replace("-", "−")
        yield f'<text class="quiet" x="{at(tick):.1f}" y="{floor + 17:g}" text-anchor="middle">{text}</text>'
    for i, line in enumerate(under):
        yield f'<text class="quiet" x="{WIDTH / 2:g}" y="{height - 22 + 16 * i:g}" text-anchor="middle">{line}</text>'


def ticks(low: float, high: float) -> list[float]:
    """About five round numbers from `low` to `high`, 0 among them where it lies between."""
    low, high = (low, high) if high > low else (low - ROPE, high + ROPE)
    span = high - low
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = next(power * times for times in (1, 2, 5, 10) if power * times * 5 >= span * 0.999)
    return [round(k * step, 12) for k in range(math.floor(low / step), math.ceil(high / step) + 1)]


def _line(x: tuple[float, float], y: tuple[float, float], kind: str) -> str:
    return f'<line class="{kind}" x1="{x[0]:.1f}" x2="{x[1]:.1f}" y1="{y[0]:g}" y2="{y[1]:g}"/>'
