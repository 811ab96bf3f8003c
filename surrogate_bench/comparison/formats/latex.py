"""Tables for a paper: LaTeX with booktabs, ready to paste."""

from __future__ import annotations

import itertools

from surrogate_bench.comparison.shown import Comparison
from surrogate_bench.comparison.tables import MISSING, Cell, Table, legend, number

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
    "…": r"\dots{}",
    "▲": r"$\uparrow$",
    "▼": r"$\downarrow$",
    "−": "$-$",
    "–": "--",
    # At the start of a row these would be arguments of the \\ before it.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
}


def render(comparison: Comparison) -> str:
    """One table environment a block."""
    text = "\n".join(_table(table) for table in comparison.tables())
    engine = "" if text.isascii() else ", and LuaLaTeX or XeLaTeX for its letters"
    return f"% needs \\usepackage{{booktabs}}{engine}\n% {comparison.provenance}\n{text}"


def escape(text: str) -> str:
    """Text with everything that means something to LaTeX spelled out."""
    return "".join(SPECIAL.get(character, character) for character in text)


def _table(table: Table) -> str:
    caption = " ".join(filter(None, (f"{table.title}.", legend([table], "bold"), table.note)))
    # What has no views is named in the row of the views.
    about = (column.about if column.view else "" for column in table.columns)
    groups = [(name, len(list(own))) for name, own in itertools.groupby(about)]
    heading, rules, at = ["", ""], [], 3
    for name, width in groups:
        spans = name and width > 1
        heading += [rf"\multicolumn{{{width}}}{{c}}{{{escape(name)}}}"] if spans else [escape(name)] * width
        rules += [rf"\cmidrule(lr){{{at}-{at + width - 1}}}"] if spans else []
        at += width
    views = [
        escape(table.rows),
        "$n$",
        *(escape(column.view or column.about) for column in table.columns),
        *map(escape, table.remarks),
    ]
    body = [
        [escape(line.label), str(line.n), *(_cell(cell, line.n) for cell in line.cells), *map(escape, line.remarks)]
        for line in table.lines
    ]
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{escape(caption)}}}",
            rf"  \begin{{tabular}}{{lr{'r' * len(table.columns)}{'l' * len(table.remarks)}}}",
            r"    \toprule",
            *([_row([*heading, *[""] * len(table.remarks)])] if any(heading) else []),
            *([f"    {' '.join(rules)}"] if rules else []),
            _row(views),
            r"    \midrule",
            *map(_row, body),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _row(cells: list[str]) -> str:
    return f"    {' & '.join(cells)} \\\\"


def _cell(cell: Cell, n: int) -> str:
    if cell.text is not None:
        return escape(cell.text)
    if cell.mean is None:
        return escape(MISSING)
    mean = number(cell.mean).replace("-", "$-$")
    bold = rf"\textbf{{{mean}}}" if cell.best else mean
    spread = rf" $\pm$ {number(cell.std)}" if cell.std is not None else ""
    return bold + spread + (f" ($n = {cell.n}$)" if cell.n != n else "")
