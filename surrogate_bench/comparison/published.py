"""Published numbers of a suite beside ours: conf/suite/NAME.csv, `dataset,row,metric,value`."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from surrogate_bench.comparison.columns import Column
from surrogate_bench.comparison.grouping import varying
from surrogate_bench.comparison.select import Block, Row
from surrogate_bench.comparison.tables import Cell, Line, Table
from surrogate_bench.system.paths import CONF

VIEWS = ("metric", "published", "ours", "difference")
NOTE = "Ours is the mean over n runs, to the digits that are published."


def published_table(blocks: Sequence[Block]) -> Table | None:
    """*published | ours* for every mean that a paper has as well; None where there is none.

    A row is known by its label, so a paper's rows need the `--rows` that its suite names.
    """
    lines = [
        Line(f"{block.dataset}: {row.label}", n, _cells(metric, f"{value:.4f}", f"{ours:.4f}", ours - value), ())
        for block in blocks
        for row in block.rows
        for metric, value in _published(row).items()
        for ours, n in _mean(row, metric)
    ]
    if not lines:
        return None
    columns = tuple(Column(view, "", view) for view in VIEWS)
    keys = f"data set: {', '.join(blocks[0].keys)}"
    return Table("all", "all", keys, columns, (), tuple(lines), NOTE, "published | ours")


def _cells(metric: str, published: str, ours: str, difference: float) -> tuple[Cell, ...]:
    texts = (metric, published, ours, f"{difference:+.4f}".replace("-", "−"))
    return tuple(Cell(0, None, None, text=text) for text in texts)


def _mean(row: Row, metric: str) -> list[tuple[float, int]]:
    values = row.values(metric).values()
    return [(sum(values) / len(values), len(values))] if values else []


def _published(row: Row) -> dict[str, float]:
    """A row's published values by metric, where its runs are of one loss, and of one suite that has some."""
    if any(key.startswith("loss.") for key in varying(row.runs, ())):
        return {}
    suites = {run.config.get("suite") for run in row.picked.values()}
    names = {run.labels["dataset"] for run in row.picked.values()}
    if len(suites) != 1 or not re.fullmatch(r"\w+", str(suite := suites.pop())) or len(names) != 1:
        return {}
    file, dataset = CONF / "suite" / f"{suite}.csv", names.pop()
    return {m: v for d, r, m, v in _read(file) if (d, r) == (dataset, row.label)} if file.is_file() else {}


def _read(file: Path) -> list[tuple[str, str, str, float]]:
    with file.open(encoding="utf-8", newline="") as text:
        return [(d["dataset"], d["row"], d["metric"], float(d["value"])) for d in csv.DictReader(text)]
