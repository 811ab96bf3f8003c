"""Tables for a README: GitHub's Markdown, which is text in columns also before it is rendered."""

from __future__ import annotations

import re

from surrogate_bench.comparison.shown import Comparison
from surrogate_bench.comparison.tables import Cell, Table, legend
from surrogate_bench.comparison.verdict import verdict
from surrogate_bench.comparison.wording import number

# What GitHub makes a link or a message to somebody of; a comment, which nobody sees, comes in between.
LIVE = re.compile(r"@|:(?=//)|\bwww(?=\.)|\b(?:mailto|xmpp)(?=:)", re.IGNORECASE)


def render(comparison: Comparison) -> str:
    """One Markdown table a block, each under its heading."""
    tables = comparison.tables()
    told = legend(tables, "bold")
    answers = [f"**{escape(asked)}** {escape(answer)}\n" for asked, answer in verdict(comparison).answers]
    return "\n".join(
        [*answers, *map(_table, tables), *([told + "\n"] if told else []), f"{escape(comparison.provenance)}\n"]
    )


def escape(text: str) -> str:
    """Text as it is, whatever Markdown or HTML it looks like; an underscore within a word needs no care."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*\[\]|~$#])", r"\\\1", text)
    text = re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)
    return LIVE.sub(r"\g<0><!-- -->", text)


def _table(table: Table) -> str:
    head = [table.rows, "n", *_headings(table), *table.remarks]
    body = [
        [escape(line.label), str(line.n), *(_cell(cell, line.n) for cell in line.cells), *map(escape, line.remarks)]
        for line in table.lines
    ]
    lines = [[escape(text) for text in head], *body]
    widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(head))]
    texts = ["| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines]
    numeric = range(1, 2 + len(table.columns))
    rule = "|" + "|".join("-" * (w + 1) + (":" if i in numeric else "-") for i, w in enumerate(widths)) + "|"
    note = f"{escape(table.notes)}\n\n" if table.notes else ""
    return f"### {escape(table.title)}\n\n" + "\n".join([texts[0], rule, *texts[1:]]) + f"\n\n{note}"


def _headings(table: Table) -> list[str]:
    """`f1 (tuned)`, but `f1: p (Holm)` throughout where one has brackets of its own."""
    bracketed = any("(" in column.about + column.view for column in table.columns)
    between = "{}: {}" if bracketed else "{} ({})"
    return [between.format(c.about, c.view) if c.about and c.view else c.about or c.view for c in table.columns]


def _cell(cell: Cell, n: int) -> str:
    if cell.text is not None:
        return escape(cell.text)
    mean = f"**{number(cell.mean)}**" if cell.best else number(cell.mean)
    spread = f" ± {number(cell.std)}" if cell.std is not None else ""
    return mean + spread + (f" (n = {cell.n})" if cell.n != n else "")
