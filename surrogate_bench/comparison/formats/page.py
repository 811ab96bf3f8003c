"""The comparison as one HTML file that needs nothing else."""

from __future__ import annotations

import html
import itertools

from surrogate_bench.comparison.tables import LEGEND, Cell, Comparison, Table, number

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>surrogate-bench: comparison</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }}
body {{ margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }}
div {{ overflow-x: auto; }}
table {{ border-collapse: collapse; margin: 0.5rem 0; font-variant-numeric: tabular-nums; }}
th, td {{ padding: 0.2rem 0.7rem; text-align: right; white-space: nowrap; }}
th:first-child, td:first-child, .remark {{ text-align: left; }}
.group {{ text-align: center; }}
thead tr:last-child, tbody tr:last-child {{ border-bottom: 1px solid; }}
thead tr:first-child {{ border-top: 1px solid; }}
.spread, .note {{ opacity: 0.65; }}
.remark {{ color: #b45309; }}
</style>
</head>
<body>
<h1>Comparison</h1>
{tables}
<p class="note">{legend}</p>
</body>
</html>
"""


def render(comparison: Comparison) -> str:
    """A page with one table a block."""
    tables = "\n".join(map(_table, comparison.tables()))
    return PAGE.format(tables=tables, legend=html.escape(LEGEND.format(mark="bold")))


def _table(table: Table) -> str:
    groups = [(name, len(list(own))) for name, own in itertools.groupby(column.about for column in table.columns)]
    above = "".join(f'<th class="group" colspan="{width}">{html.escape(name)}</th>' for name, width in groups)
    views = "".join(f"<th>{html.escape(column.view)}</th>" for column in table.columns)
    remarks = "".join(f'<th class="remark">{html.escape(remark)}</th>' for remark in table.remarks)
    body = "\n".join(
        f"<tr><th>{html.escape(line.label)}</th><td>{line.n}</td>"
        + "".join(_cell(cell, line.n) for cell in line.cells)
        + "".join(f'<td class="remark">{html.escape(remark)}</td>' for remark in line.remarks)
        + "</tr>"
        for line in table.lines
    )
    note = f'<p class="note">{html.escape(table.note)}</p>' if table.note else ""
    return (
        f"<h2>{html.escape(table.title)}</h2>\n<div><table>\n<thead>\n"
        f"<tr><th></th><th></th>{above}{'<th></th>' * len(table.remarks)}</tr>\n"
        f"<tr><th>{html.escape(table.rows)}</th><th>n</th>{views}{remarks}</tr>\n</thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table></div>\n{note}"
    )


def _cell(cell: Cell, n: int) -> str:
    if cell.text is not None:
        return f"<td>{html.escape(cell.text)}</td>"
    mean = f"<b>{number(cell.mean)}</b>" if cell.best else number(cell.mean)
    spread = f' <span class="spread">± {number(cell.std)}</span>' if cell.std is not None else ""
    return f"<td>{mean}{spread}{f' (n = {cell.n})' if cell.n != n else ''}</td>"
