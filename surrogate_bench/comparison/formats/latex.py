"""Tables for a paper: LaTeX with booktabs and siunitx, ready to paste, as narrow as the column of two on a page."""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Sequence

from surrogate_bench.comparison.formats.numeric import Column, as_column, escape
from surrogate_bench.comparison.formats.paging import pages
from surrogate_bench.comparison.shown import Comparison
from surrogate_bench.comparison.tables import Table, legend, number

COLUMN = 234.0  # points: the narrowest column that journals and conferences of the field have
LETTER = 4.5  # points of a letter in \footnotesize, on average and with some to spare
GAP = 6.0  # points, twice \tabcolsep
LABEL = 20  # letters, beyond which a row's label goes on below
BREAK = r"\\"
HEAD = r"""  \centering
  \footnotesize
  \setlength{\tabcolsep}{3pt}
  \sisetup{detect-weight, mode=text, retain-explicit-plus}"""


def render(comparison: Comparison) -> str:
    """One table environment a block."""
    tables = comparison.tables()
    labels = _labels([table.title for table in tables])
    text = "\n".join(map(_table, tables, labels))
    engine = "" if text.isascii() else ", and LuaLaTeX or XeLaTeX for its letters"
    return f"% needs \\usepackage{{array,booktabs,siunitx}}{engine}\n% {comparison.provenance}\n{text}"


def _labels(titles: Sequence[str]) -> list[str]:
    """A name for each table by its title, to be used in \\ref."""
    names = [re.sub("[^a-z0-9]+", "-", title.lower()).strip("-") or "table" for title in titles]
    return [f"tab:{name}" + f"-{i}" * (name in names[:i]) for i, name in enumerate(names)]


def _table(table: Table, label: str) -> str:
    columns = [
        as_column(column, [(line.cells[i], line.n) for line in table.lines]) for i, column in enumerate(table.columns)
    ]
    counts = {line.n for line in table.lines}
    longest = max(map(len, (table.rows, *(line.label for line in table.lines))))
    room = COLUMN - min(longest, LABEL) * LETTER - (len(counts) > 1) * (2 * LETTER + GAP)
    widths = [column.letters * LETTER + GAP for column in columns]
    parts = [
        _tabular(table, [columns[i] for i in page], wide=longest > LABEL, counted=len(counts) > 1)
        for page in pages(widths, [column.about for column in columns], room)
    ]
    return "\n".join(
        [
            r"\begin{table}",
            HEAD,
            rf"  \caption{{{escape(table.title)}}}",
            rf"  \label{{{label}}}",
            r"  \smallskip",
            "\n\n  \\medskip\n".join(parts),
            "",
            rf"  \smallskip\raggedright {escape(_notes(table))}",
            r"\end{table}",
            "",
        ]
    )


def _notes(table: Table) -> str:
    """All that is said of the numbers, and of the runs behind a row; in a paper that has no place among them."""
    said = [legend([table], "bold"), table.note]
    spread = next(((c.mean, c.std) for line in table.lines for c in line.cells if c.mean is not None and c.std), None)
    if spread:
        mean, std = map(number, spread)
        said.insert(1, f"{mean}({std.replace('.', '').lstrip('0') or '0'}) is {mean} ± {std}.")
    counts = {line.n for line in table.lines}
    said += [f"n = {counts.pop()}."] if len(counts) == 1 else []
    for i, remark in enumerate(table.remarks):
        own = [f"{line.label} {line.remarks[i]}" for line in table.lines if line.remarks[i]]
        said.append(f"{remark.capitalize()}: {'; '.join(own)}.")
    return " ".join(filter(None, said))


def _tabular(table: Table, columns: Sequence[Column], *, wide: bool, counted: bool) -> str:
    """The labels, n where it differs between rows, and these columns."""
    first = rf">{{\raggedright\arraybackslash}}p{{{LABEL * LETTER:g}pt}}" if wide else "l"
    heading, rules, at = [""] * (1 + counted), [], 2 + counted
    for name, group in itertools.groupby(columns, key=lambda column: column.group):
        letters = [column.letters for column in group]
        text, end = _heading(name, sum(letters)), at + len(letters) - 1
        if name and len(letters) > 1:
            heading.append(rf"\multicolumn{{{len(letters)}}}{{c}}{text}")
            rules.append(rf"\cmidrule(lr){{{at}-{end}}}")
        else:
            heading += [text if name else ""] * len(letters)
        at = end + 1
    views = [escape(table.rows), *["$n$"] * counted, *(_heading(column.view, column.letters) for column in columns)]
    body = [
        [escape(line.label), *[str(line.n)] * counted, *(column.cells[i] for column in columns)]
        for i, line in enumerate(table.lines)
    ]
    return "\n".join(
        [
            rf"  \begin{{tabular}}{{{first}{'r' * counted}{''.join(column.kind for column in columns)}}}",
            r"    \toprule",
            *([_row(heading)] if any(heading) else []),
            *([f"    {' '.join(rules)}"] if rules else []),
            _row(views),
            r"    \midrule",
            *map(_row, body),
            r"    \bottomrule",
            r"  \end{tabular}",
        ]
    )


def _heading(text: str, letters: int) -> str:
    """A heading in braces; its words stand below one another where it is wider than its column."""
    if len(text) <= letters:
        return f"{{{escape(text)}}}"
    spaced = text.replace("_", " ").strip() or text
    lines = textwrap.wrap(spaced, max(1, letters), break_long_words=False, break_on_hyphens=False)
    return rf"{{\shortstack{{{BREAK.join(map(escape, lines))}}}}}"


def _row(cells: Sequence[str]) -> str:
    return f"    {' & '.join(cells)} \\\\"
