"""The comparison as data: CSV with one line per data set, model, row and metric, at full precision.

Of views that were asked for there is one line per cell of their tables.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from surrogate_bench.comparison.differences import Record, of_blocks
from surrogate_bench.comparison.provenance import of_row
from surrogate_bench.comparison.shown import Comparison
from surrogate_bench.comparison.tables import Table
from surrogate_bench.comparison.wording import MISSING
from surrogate_bench.metrics.names import base_name

# How formulas begin, also in full width; a tab or a line's end before them is cut off by some programs.
FORMULA = re.compile(r"\s*[=+@\-\uFF1D\uFF0B\uFF20\uFF0D]|[\t\r\n]")


def render(comparison: Comparison) -> str:
    """CSV with a header, in the order of the tables; with a last column, `note`, where a row has one."""
    if comparison.views is not None:
        return _tables(comparison.tables())
    text = io.StringIO()
    blocks = comparison.blocks
    notes = {(b.dataset, b.model, row.label): note for b in blocks for row in b.rows if (note := of_row(row))}
    names = [field.name for field in fields(Record)] + ["note"] * bool(notes)
    writer = csv.DictWriter(text, names, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    metrics: dict[str, None] = {}
    for metric in comparison.metrics:
        metrics[metric] = None
        if metric.endswith("_threshold"):  # on the probability, which may not tell scores apart
            metrics[base_name(metric) + "_score_threshold"] = None
    for record in of_blocks(blocks, list(metrics), comparison.baseline):
        note = notes.get((record.dataset, record.model, record.loss))
        writer.writerow({name: text_cell(value) for name, value in (asdict(record) | {"note": note}).items()})
    return text.getvalue()


def _tables(tables: Sequence[Table]) -> str:
    """A line a cell: its table, row, n and column, and its value and deviation, or its text where that is no number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("table", "row", "n", "column", "view", "value", "std", "text", "best"))
    for table in tables:
        for line in table.lines:
            for column, cell in zip(table.columns, line.cells, strict=True):
                value = cell.mean if cell.text is None else _number(cell.text)
                words = cell.text if value is None and cell.text != MISSING else None
                n = cell.n or line.n
                told = (table.title, line.label, n, column.about, column.view, value, cell.std, words, int(cell.best))
                writer.writerow([text_cell(own) for own in told])
    return text.getvalue()


def _number(text: str) -> float | None:
    try:
        return float(text.replace("−", "-"))
    except ValueError:
        return None


def text_cell(value: Any) -> Any:
    """A value as no spreadsheet takes it for a formula: a text that looks like one opens with an apostrophe."""
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value
