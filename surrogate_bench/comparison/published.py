"""Published numbers of a suite beside ours: conf/suite/NAME.csv, `dataset,row,metric,value`."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from surrogate_bench.comparison.select import Row
from surrogate_bench.comparison.tables import Comparison
from surrogate_bench.places import CONF

HEADINGS = ("data set", "row", "metric", "published", "ours", "difference", "n")


def side_by_side(comparison: Comparison) -> str:
    """*published | ours* for every mean that a paper has as well, as a Markdown table; empty where there is none.

    Ours is the mean over the row's runs, to the four digits that are published. A row is known by its label, so a
    paper's rows need the `--rows` that its suite names.
    """
    lines = [
        (block.dataset, row.label, metric, f"{value:.4f}", f"{ours:.4f}", f"{ours - value:+.4f}", str(n))
        for block in comparison.blocks
        for row in block.rows
        for metric, value in _published(row).items()
        for ours, n in _mean(row, metric)
    ]
    if not lines:
        return ""
    widths = [max(map(len, column)) for column in zip(HEADINGS, *lines, strict=True)]
    texts = ["| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines]
    head = "| " + " | ".join(c.ljust(w) for c, w in zip(HEADINGS, widths, strict=True)) + " |"
    return "\n".join(
        ["### published | ours", "", head, "|" + "|".join("-" * (w + 2) for w in widths) + "|", *texts, ""]
    )


def _mean(row: Row, metric: str) -> list[tuple[float, int]]:
    values = row.values(metric).values()
    return [(sum(values) / len(values), len(values))] if values else []


def _published(row: Row) -> dict[str, float]:
    """A row's published values by metric, where all its runs are of one suite that has some."""
    suites = {run.config.get("suite") for run in row.picked.values()}
    names = {run.labels["dataset"] for run in row.picked.values()}
    if len(suites) != 1 or not re.fullmatch(r"\w+", str(suite := suites.pop())) or len(names) != 1:
        return {}
    file, dataset = CONF / "suite" / f"{suite}.csv", names.pop()
    return {m: v for d, r, m, v in _read(file) if (d, r) == (dataset, row.label)} if file.is_file() else {}


def _read(file: Path) -> list[tuple[str, str, str, float]]:
    with file.open(encoding="utf-8", newline="") as text:
        return [(d["dataset"], d["row"], d["metric"], float(d["value"])) for d in csv.DictReader(text)]
