"""Critical-difference diagrams: average ranks on a line, and bars over rows that are not told apart.

`svg(ranking)` is a string that an HTML page embeds as it is: `for ranking in comparison.rankings(): svg(ranking)`. It
has a title, takes the text's colour (`currentColor`) and font, and scales by its viewBox. `draw(rankings, path)` writes
a file.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from surrogate_bench.comparison.ranking import Ranking
from surrogate_bench.comparison.wording import equals
from surrogate_bench.system.plotting import picture

WIDTH, MARGIN, STEP = 720.0, 220.0, 20.0
# Lines to more names than these cross one another, and bars stack up.
MOST_NAMES = 15


@dataclass(frozen=True)
class Stroke:
    """A line from one point to another, y downwards."""

    x: tuple[float, float]
    y: tuple[float, float]
    width: float = 1.0


@dataclass(frozen=True)
class Word:
    """A text at a point; anchor is start, middle or end."""

    x: float
    y: float
    text: str
    anchor: str


def caption(ranking: Ranking) -> str:
    """The diagram's caption, in a line."""
    said = f"{ranking.model}: average ranks by {ranking.metric} on {ranking.over}"
    if ranking.friedman_p is None:
        return said
    said += f", Friedman p {equals(ranking.friedman_p)}"
    if ranking.distance is None:
        return f"{said}: no rows are told apart"
    alike = "rows whose lines meet" if len(ranking.rows) > MOST_NAMES else "rows under one bar"
    return f"{said}; {alike} are not told apart (Nemenyi, 5 %)"


def svg(ranking: Ranking) -> str:
    """The diagram of one ranking as an inline SVG element; names are escaped."""
    height, parts = _layout(ranking)
    drawn = "\n".join(_element(part) for part in parts)
    title = html.escape(caption(ranking))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="{title}" '
        f'font-size="12" fill="currentColor" stroke-linecap="round"><title>{title}</title>\n{drawn}\n</svg>'
    )


def draw(rankings: Sequence[Ranking], path: Path) -> None:
    """Writes the diagrams, of which there must be one, below one another (.png, .svg, .pdf)."""
    layouts = [_layout(ranking) for ranking in rankings]
    heights = [height for height, _ in layouts]
    with picture(path, WIDTH / 80, sum(heights) / 80 + 0.5 * len(rankings)) as figure:
        panels = figure.subplots(len(rankings), 1, squeeze=False, height_ratios=heights)[:, 0]
        for panel, ranking, (height, parts) in zip(panels, rankings, layouts, strict=True):
            panel.set(xlim=(0, WIDTH), ylim=(height, 0))
            panel.axis("off")
            panel.set_title(caption(ranking), fontsize=8)
            for part in parts:
                if isinstance(part, Stroke):
                    panel.plot(part.x, part.y, color="black", linewidth=part.width, solid_capstyle="round")
                else:
                    side = {"start": "left", "middle": "center", "end": "right"}[part.anchor]
                    panel.text(part.x, part.y, part.text, ha=side, va="baseline")


def _element(part: Stroke | Word) -> str:
    if isinstance(part, Word):
        return f'<text x="{part.x:.1f}" y="{part.y:.1f}" text-anchor="{part.anchor}">{html.escape(part.text)}</text>'
    (x1, x2), (y1, y2) = part.x, part.y
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="currentColor" stroke-width="{part.width:g}"/>'


def _layout(ranking: Ranking) -> tuple[float, list[Stroke | Word]]:
    k = len(ranking.rows)
    axis = 52.0
    if k > MOST_NAMES:
        return axis + STEP * (k + 1), [*_axis(ranking, axis), *_dots(ranking, axis)]
    bars = axis + 10 + 7 * len(ranking.cliques)
    height = bars + 14 + STEP * -(-k // 2)
    return height, [*_axis(ranking, axis), *_bars(ranking, axis), *_rows(ranking, axis, bars)]


def _dots(ranking: Ranking, axis: float) -> Iterator[Stroke | Word]:
    """A line a row, best on top: its rank, and half a critical distance around it; rows whose lines meet are alike."""
    k, reach = len(ranking.rows), (ranking.distance or 0.0) / 2
    for i, row in enumerate(ranking.rows):
        y = axis + STEP * (i + 1)
        at = _at(row.rank, k)
        if reach:
            yield Stroke((_at(max(1.0, row.rank - reach), k), _at(min(float(k), row.rank + reach), k)), (y, y))
        # A stroke without length is a dot, as its ends are round.
        yield Stroke((at, at + 0.1), (y, y), 7)
        yield Word(MARGIN - 17, y + 4, f"{_short(row.label)}  {row.rank:.2f}", "end")
        if row.label == ranking.baseline:
            ends = {max(1.0, row.rank - reach), min(float(k), row.rank + reach)}
            yield from (Stroke((_at(end, k),) * 2, (axis, axis + STEP * (k + 0.5)), 0.6) for end in sorted(ends))


def _at(rank: float, k: int) -> float:
    return MARGIN + (WIDTH - 2 * MARGIN) * (rank - 1) / (k - 1)


def _axis(ranking: Ranking, y: float) -> Iterator[Stroke | Word]:
    k = len(ranking.rows)
    yield Stroke((_at(1, k), _at(k, k)), (y, y))
    for tick in range(1, k + 1, -(-k // 12)):
        yield Stroke((_at(tick, k),) * 2, (y - 5, y))
        yield Word(_at(tick, k), y - 9, str(tick), "middle")
    if ranking.distance is None:
        return
    start, end = MARGIN, MARGIN + (WIDTH - 2 * MARGIN) * min(1.0, ranking.distance / (k - 1))
    yield Stroke((start, end), (24, 24), 1.5)
    yield Stroke((start, start), (21, 27))
    if ranking.distance <= k - 1:
        yield Stroke((end, end), (21, 27))
    yield Word((start + end) / 2, 16, f"critical distance {ranking.distance:.2f}", "middle")


def _bars(ranking: Ranking, axis: float) -> Iterator[Stroke]:
    k = len(ranking.rows)
    for i, (first, last) in enumerate(ranking.cliques):
        ends = _at(ranking.rows[first].rank, k) - 3, _at(ranking.rows[last].rank, k) + 3
        yield Stroke(ends, (axis + 8 + 7 * i,) * 2, 4)


def _rows(ranking: Ranking, axis: float, bars: float) -> Iterator[Stroke | Word]:
    """The better half on the left, best on top; the others on the right, worst on top."""
    k = len(ranking.rows)
    half = -(-k // 2)
    for i, row in enumerate(ranking.rows):
        left = i < half
        y = bars + 8 + STEP * (i if left else k - 1 - i)
        x, end = _at(row.rank, k), MARGIN - 12 if left else WIDTH - MARGIN + 12
        yield Stroke((x, x), (axis, y))
        yield Stroke((x, end), (y, y))
        name = _short(row.label)
        text = f"{name}  {row.rank:.2f}" if left else f"{row.rank:.2f}  {name}"
        yield Word(end - 5 if left else end + 5, y + 4, text, "end" if left else "start")


def _short(label: str) -> str:
    return label if len(label) <= 26 else label[:25] + "…"
