"""An explanation as a page of text and a table."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from surrogate_bench.explanation.example import DEAD, PROBABILITIES, TARGETS, TO, Effect, Explanation

PLAIN_WIDTH = 120
# Below this, sentences stand under the table and not in it.
WIDE = 110
# What each does about the missing gradient; a relaxation that is not named here is told by its own summary.
WORDS = {
    "step": "1[p > t]: nothing; no example says which way to go",
    "probability": "p: every example has the same slope by p, sure or not",
    "sigmoid": "σ(scale·(p − t)): those near the threshold have the most, sure ones little",
    "piecewise_linear": "three lines: near the step, yet flat nowhere",
    "threshold_cdf": "P(threshold < p): flat where no threshold falls, steep between",
    "straight_through": "the step's value with the sigmoid's gradient",
}


def show(explained: Explanation, console: Console | None = None) -> None:
    """Prints why the hard metric has no gradient, and a line for each relaxation."""
    console = console or Console(highlight=False)
    if not console.is_terminal:
        console = Console(file=console.file, width=PLAIN_WIDTH, color_system=None, force_terminal=False)
    metric, wide = explained.metric, console.width >= WIDE
    console.print(Text.assemble((metric, "bold cyan"), f" = {explained.formula}"))
    console.print(Text(f"Ten scores p, of positives (+) and negatives (-): {_scores()}\n"))
    console.print(Text(_why(explained)))
    console.print(Text("A relaxation replaces the step by a membership with a slope. What each does about it:\n"))
    console.print(_table(explained, wide=wide))
    if not wide:
        console.print()
        console.print(_legend(explained))
    console.print(Text(_notes(explained), style="dim"))


def _scores() -> str:
    return "  ".join(f"{p:g}{'+' if y else '-'}" for p, y in zip(PROBABILITIES, TARGETS, strict=True))


def _who(explained: Explanation) -> tuple[str, str]:
    kind = "positive" if TARGETS[explained.moved] else "negative"
    return kind, f"{PROBABILITIES[explained.moved]:g}"


def _why(explained: Explanation) -> str:
    metric, hard, (kind, start) = explained.metric, explained.hard, _who(explained)
    return (
        f"The hard {metric} counts p > 0.5. Its gradient by the ten logits has norm {hard.norm:g}: autograd computes "
        "it, and every entry is exactly zero, because a small change of a score changes no count. (The step is "
        "computed as a sign, whose derivative is 0; a comparison p > 0.5 would have no derivative at all.)\n"
        f"Moving the {kind} at {start} to {TO:g} leaves the hard {metric} at {hard.before:.4f} → {hard.after:.4f}: "
        "gradient descent learns nothing from it.\n"
    )


def _notes(explained: Explanation) -> str:
    metric, (kind, start) = explained.metric, _who(explained)
    return (
        f"\nmember: how much the {kind} at {start} counts as predicted positive. before, after: {metric} with it at "
        f"{start} and at {TO:g}. norm, there: the gradient of {metric} by the logits, all of it and at that example. "
        f"dead: share of examples with a gradient below {DEAD:g}.\n"
        f"To train with one: surrogate-bench loss=relaxed loss.metric={metric} loss.relaxation=sigmoid"
    )


def _table(explained: Explanation, *, wide: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    # Nothing is ever cut: a label too long for its column goes on in the next line.
    table.add_column("relaxation", overflow="fold", max_width=20)
    for heading in ("member", "before", "after", "norm", "there", "dead"):
        table.add_column(heading, justify="right", no_wrap=True)
    if wide:
        table.add_column("membership: what it does about it", overflow="fold", ratio=1)
    for effect in explained.effects:
        cells = [*_cells(effect), *([Text(_words(effect))] if wide else [])]
        table.add_row(*cells, style="dim" if effect is explained.hard else "")
    return table


def _cells(effect: Effect) -> list[Text]:
    values = [f"{value:.4f}" for value in (effect.before, effect.after, effect.norm)]
    dead = f"{effect.dead / len(PROBABILITIES):.0%}"
    # Adding 0.0 takes the sign from a zero.
    texts = [effect.label, f"{effect.member:.2f}", *values, f"{effect.at_moved + 0.0:+.4f}", dead]
    return [Text(text) for text in texts]


def _legend(explained: Explanation) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold", ratio=1)
    for effect in explained.effects:
        grid.add_row(Text(effect.name, style="cyan"), Text(_words(effect)))
    return grid


def _words(effect: Effect) -> str:
    return WORDS.get(effect.name, effect.summary)
