"""The comparison in a terminal, or as plain text where there is none."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from surrogate_bench.comparison.formats.paging import pages, words
from surrogate_bench.comparison.shown import Comparison
from surrogate_bench.comparison.tables import Cell, Line, Table, legend
from surrogate_bench.comparison.verdict import verdict
from surrogate_bench.comparison.wording import number

PLAIN_WIDTH = 132
LABEL_WIDTH = 36
REMARK_WIDTH = 16
GAP = 2  # one cell of padding, one of the rule between columns


def render(comparison: Comparison) -> str:
    """The tables as plain text."""
    text = io.StringIO()
    show(comparison, Console(file=text, width=PLAIN_WIDTH, color_system=None, force_terminal=False))
    return text.getvalue()


def show(comparison: Comparison, console: Console) -> None:
    """Prints the tables; what is too wide for the console is cut between columns and goes on below."""
    if not console.is_terminal and console.width < PLAIN_WIDTH:  # a file or a pipe has no width of its own
        console = Console(file=console.file, width=PLAIN_WIDTH, color_system=None, force_terminal=False)
    # Where nothing can be bold, as in a file or a dumb terminal, the best needs another mark.
    plain = console.color_system is None
    width = console.width
    tables = comparison.tables()
    for asked, answer in verdict(comparison).answers:
        console.print(Text.assemble((asked, "bold"), " ", answer))
    console.print()
    for table in tables:
        console.print(Text(table.title, style="bold"))
        fitting = (_pages(table, width, short=short) for short in (False, True))
        full, short = fitting
        for page in full if len(full) == 1 else short:
            grid = _grid(table, page, short=len(full) > 1, plain=plain)
            console.print(grid)
        if table.notes:
            console.print(Text(table.notes, style="dim"))
        console.print()
    if told := legend(tables, "marked *" if plain else "bold"):
        console.print(Text(told, style="dim"))
    console.print(Text(comparison.provenance, style="dim"))


def _grid(table: Table, page: Sequence[int], *, short: bool, plain: bool) -> Grid:
    """The table of some of the columns; remarks count as the columns after the last metric."""
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False, header_style="")
    metrics = [i for i in page if i < len(table.columns)]
    headings = {i: _heading(table, i, first=_begins(table, i) or i == page[0]) for i in metrics}
    # Headings end at the bottom and rows begin at the top: an alarm of two lines is no part of the row above.
    height = max((heading.count("\n") for heading in headings.values()), default=0)

    def low(heading: str) -> str:
        return "\n" * (height - heading.count("\n")) + heading

    grid.add_column(Text(low(table.rows), style="bold"), max_width=LABEL_WIDTH, overflow="fold")
    grid.add_column(low("n"), justify="right", style="dim", no_wrap=True)
    for i in page:
        if i in headings:
            grid.add_column(Text(low(headings[i])), no_wrap=True)
        else:
            remark = table.remarks[i - len(table.columns)]
            grid.add_column(low(remark), max_width=REMARK_WIDTH, overflow="fold", style="yellow")
    for line in table.lines:
        cells = [_cell(line.cells[i], line.n, short=short, plain=plain) for i in page if i < len(line.cells)]
        remarks = [Text(line.remarks[i - len(line.cells)]) for i in page if i >= len(line.cells)]
        grid.add_row(Text(line.label), str(line.n), *cells, *remarks)
    return grid


def _heading(table: Table, i: int, *, first: bool) -> str:
    """The metric above its first column, on lines of its own words, and the view of it below."""
    column = table.columns[i]
    return "\n".join([*(words(column.about) if first else []), *([column.view] if column.view else [])])


def _begins(table: Table, i: int) -> bool:
    """True if a column is the first of its metric."""
    return not i or table.columns[i - 1].about != table.columns[i].about


def _cell(cell: Cell, n: int, *, short: bool, plain: bool) -> Text:
    if cell.text is not None:
        return Text(cell.text)
    between = "±" if short else " ± "
    text = Text(_number(cell.mean, short=short), style="bold green" if cell.best else "")
    if cell.std is not None:
        text.append(between + _number(cell.std, short=short), style="dim not bold")
    if cell.n != n:
        text.append(f" n={cell.n}", style="yellow")
    return text.append("*") if plain and cell.best else text


def _number(value: float | None, *, short: bool) -> str:
    """Without the zero before the point where columns are narrow."""
    return re.sub(r"^(−?)0\.", r"\1.", number(value)) if short else number(value)


def _pages(table: Table, width: int, *, short: bool) -> list[list[int]]:
    """The columns in portions that fit the width beside label and n."""
    room = width - min(LABEL_WIDTH, max(cell_len(t) for t in (table.rows, *(li.label for li in table.lines)))) - GAP
    room -= max(len(str(line.n)) for line in table.lines) + GAP
    groups = [column.about for column in table.columns] + [""] * len(table.remarks)
    return pages(_widths(table, short=short), groups, room)


def _widths(table: Table, *, short: bool) -> list[int]:
    def cell_width(line: Line, i: int) -> int:
        return cell_len(_cell(line.cells[i], line.n, short=short, plain=True).plain)

    widths = []
    for i, column in enumerate(table.columns):
        heading = max(map(len, [*(words(column.about) if _begins(table, i) else []), column.view]))
        widths.append(max(heading, *(cell_width(line, i) for line in table.lines)) + GAP)
    for i, remark in enumerate(table.remarks):
        longest = max(cell_len(word) for line in table.lines for word in (remark, *line.remarks[i].split()))
        widths.append(longest + GAP)
    return widths
