"""An explanation as a page of text and a table."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from surrogate_bench.explanation.example import MOVED, PROBABILITIES, TARGETS, TO, Effect, Explanation

PLAIN_WIDTH = 132
# Below this, sentences stand under the table and not in it.
WIDE = 110


def show(explained: Explanation, console: Console | None = None) -> None:
    """Prints why the hard metric has no gradient, and a line for each relaxation."""
    console = console or Console()
    if not console.is_terminal and console.width < PLAIN_WIDTH:
        console = Console(file=console.file, width=PLAIN_WIDTH, color_system=None, force_terminal=False)
    metric, hard = explained.metric, explained.hard
    scores = "  ".join(f"{p:g}{'+' if y else '-'}" for p, y in zip(PROBABILITIES, TARGETS, strict=True))
    console.print(Text.assemble((metric, "bold"), f" = {explained.formula}"), soft_wrap=True)
    console.print(Text(f"Ten scores p, of positives (+) and negatives (-):  {scores}"))
    console.print()
    console.print(
        Text(
            f"The hard {metric} counts p > 0.5. Its gradient by all ten logits, by autograd, has norm {hard.norm:g}: "
            f"exactly zero, because a small change of a score changes no count. Moving one positive from "
            f"{PROBABILITIES[MOVED]:g} to {TO:g} leaves it at {hard.before:.4f} → {hard.after:.4f}. Gradient descent "
            "learns nothing from it. A relaxation replaces the step by a membership that does move:"
        )
    )
    console.print()
    wide = console.width >= WIDE
    console.print(_table(explained, wide=wide))
    console.print()
    if not wide:
        for effect in (explained.hard, *explained.relaxed):
            console.print(Text.assemble((effect.name, "bold"), f"  {_summary(effect)}"))
        console.print()
    console.print(
        Text(
            f"before, after: {metric} with that score at {PROBABILITIES[MOVED]:g} and at {TO:g}. gradient: by the "
            "logits, its norm and its value at that example. dead: examples of ten with less than 1e-8. A loss is "
            f"1 - {metric}: surrogate-bench loss=relaxed loss.metric={metric} loss.relaxation=sigmoid",
            style="dim",
        )
    )


def _table(explained: Explanation, *, wide: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("relaxation", overflow="fold")
    for heading in ("before", "after", "norm", "there"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("dead", justify="right", no_wrap=True)
    if wide:
        table.add_column("membership, and what it does", overflow="fold", ratio=1)
    for effect in (explained.hard, *explained.relaxed):
        cells = [*_cells(effect), Text(_summary(effect))] if wide else _cells(effect)
        table.add_row(*cells, style="dim" if effect is explained.hard else "")
    return table


def _cells(effect: Effect) -> list[Text]:
    values = [f"{effect.before:.4f}", f"{effect.after:.4f}", f"{effect.norm:.4f}", f"{effect.at_moved:+.4f}"]
    return [Text(effect.name), *map(Text, values), Text(str(effect.dead))]


def _summary(effect: Effect) -> str:
    return effect.summary if len(effect.summary) < 90 else effect.summary.split(": ")[0].rstrip(".") + "."
