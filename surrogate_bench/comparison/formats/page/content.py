"""All that the page shows, as plain data: tables, curves, runs, warnings, machines."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from surrogate_bench.comparison import fairness
from surrogate_bench.comparison.collect import NAMED
from surrogate_bench.comparison.columns import Column
from surrogate_bench.comparison.curves import colour_order
from surrogate_bench.comparison.differences import Record, of_blocks
from surrogate_bench.comparison.formats.page.prediction_curves import POINTS, prediction_curves
from surrogate_bench.comparison.formats.page.runs import Stories
from surrogate_bench.comparison.formats.page.training_curves import training_curves
from surrogate_bench.comparison.formats.page.trouble import trouble
from surrogate_bench.comparison.run import clean
from surrogate_bench.comparison.select import Block, Row, better_low
from surrogate_bench.comparison.shown import Comparison
from surrogate_bench.comparison.statistics import mean_and_std
from surrogate_bench.comparison.tables import Line, Table, legend, usual_alarms
from surrogate_bench.comparison.verdict import goal
from surrogate_bench.comparison.views import tests_of
from surrogate_bench.comparison.wording import spoken
from surrogate_bench.metrics.names import names
from surrogate_bench.registry import entries
from surrogate_bench.system.folders import without_folders

# Views that the page has where none was asked for; means and differences are its table of results.
VIEWS = ("datasets", "ranks", "chosen", "published", "trade-off")
# With 8 kB a row this is what keeps a page of very many rows below 5 MB.
MOST_CURVES = 400
MOST_METRICS = 5
# Of more runs, operating points are told of those in the tables alone: their sentences are what takes most room.
MOST_TOLD = 5_000


def content(comparison: Comparison) -> dict[str, Any]:
    """The page's data; every number of it is finite or None."""
    abouts = list(dict.fromkeys([goal(comparison).about, *(column.about for column in comparison.columns)]))
    tables = _tables(comparison)
    stories = Stories()
    many = sum(len(row.runs) for block in comparison.blocks for row in block.rows) > MOST_TOLD
    curves = _curves(comparison, abouts[:MOST_METRICS])
    runs = [
        stories.of(
            run,
            i,
            row.label,
            picked=(picked := row.picked.get(run.seed) is run),
            points=picked or not many,
            goal=goal(comparison).metric,
        )
        for i, block in enumerate(comparison.blocks)
        for row in block.rows
        for run in sorted(row.runs, key=lambda run: run.seed)
    ]
    on_machine = Counter(run["machine"] for run in runs)
    return {
        "rows": ", ".join(comparison.blocks[0].keys),
        "baseline": comparison.baseline,
        "goal": comparison.columns.index(goal(comparison)),
        "chosenBy": comparison.blocks[0].metric,
        "columns": [_column(column) for column in comparison.columns],
        "points": POINTS,
        "order": colour_order(comparison.blocks),
        "tables": tables,
        "made": comparison.provenance,
        "asked": comparison.views is not None,
        "views": {view: [_plain(table) for table in comparison.tables(view)] for view in comparison.views or VIEWS},
        "curves": curves,
        "mostCurves": MOST_CURVES,
        "runs": runs,
        "trouble": trouble(runs, [f"{table['dataset']}, {table['model']}" for table in tables]),
        "many": many,
        "configs": stories.shared,
        "machines": stories.machines,
        "machineRuns": [on_machine[number] for number in range(len(stories.machines))],
        "warnings": [without_folders(line) for line in comparison.remarks]
        + [line for block in comparison.blocks for line in fairness.unequal_budgets(block)]
        + fairness.complaints(comparison.blocks)
        + _left_out(comparison.damaged),
        "legend": legend(comparison.tables("means"), "bold"),
        "tests": _tests(tables),
    }


def _tests(tables: list[dict[str, Any]]) -> str:
    """A sentence on the page's p and intervals: which test they are of, over how many pairs and rows."""
    cells = [cell for table in tables for line in table["lines"] for cell in line["cells"] if cell["over"]]
    families = [
        sum(cell["p"] is not None for cell in column)
        for table in tables
        for column in zip(*(line["cells"] for line in table["lines"]), strict=True)
    ]
    pairs = max((cell["pairs"] for cell in cells), default=0)
    return tests_of(sorted({cell["over"] for cell in cells}), pairs, max(families, default=0))


def family(row: Row) -> str:
    """The family of a row's losses in the registry; a loss of the user's own has none."""
    known = entries("loss")
    found = {run.config.get("loss.name") for run in row.runs}
    return ", ".join(sorted({str(known[name].info["family"]) for name in found if name in known}))


def _tables(comparison: Comparison) -> list[dict[str, Any]]:
    shown = [column.metric for column in comparison.columns]
    numbers = of_blocks(comparison.blocks, shown, comparison.baseline)
    return [
        {
            "dataset": table.dataset,
            "newest": not block.version,
            "model": table.model,
            "note": table.notes,
            "examples": _examples(block),
            "lines": [
                _line(block, row, line, [next(numbers) for _ in comparison.columns], comparison.baseline)
                for row, line in zip(block.rows, table.lines, strict=True)
            ],
        }
        for block, table in zip(comparison.blocks, comparison.tables("means"), strict=True)
    ]


def _line(block: Block, row: Row, line: Line, numbers: list[Record], baseline: str) -> dict[str, Any]:
    cells = []
    for cell, record in zip(line.cells, numbers, strict=True):
        numeric = {
            "n": record.n,
            "mean": record.mean,
            "std": record.std,
            "low": record.ci_low,
            "high": record.ci_high,
            "diff": record.difference,
            "dlow": record.difference_low,
            "dhigh": record.difference_high,
            "pairs": record.pairs,
            "p": record.p_value,
            "holm": record.p_holm,
        }
        shown: dict[str, Any] = {"best": cell.best, "text": cell.text, "over": record.over}
        cells.append({key: _rounded(value) for key, value in numeric.items()} | shown)
    times = [run.timing["loss_microseconds"] for run in row.picked.values() if "loss_microseconds" in run.timing]
    return {
        "label": row.label,
        "family": family(row),
        "n": len(row.picked),
        "runs": len(row.runs),
        "baseline": block.baseline_of(row, baseline) is row,
        "cells": cells,
        "time": _rounded(mean_and_std(times)[0]),
        "threshold": _rounded(mean_and_std([r.threshold for r in row.picked.values() if r.threshold is not None])[0]),
        "diverged": row.count("diverged"),
        "failed": row.count("failed"),
        "alarms": usual_alarms(row),
    }


def _curves(comparison: Comparison, abouts: list[str]) -> dict[str, Any]:
    """Curves [block][row] by name, and under which names the page offers them."""
    hard = [about for about in abouts if about in names("threshold")]
    left = MOST_CURVES
    found = []
    for block in comparison.blocks:
        rows = [
            _curves_of(row, hard, abouts, comparison.damaged) if i < left else None for i, row in enumerate(block.rows)
        ]
        left -= len(block.rows)
        found.append(rows)
    return {"metrics": [{"name": about, "spoken": spoken(about)} for about in abouts], "blocks": found}


def _curves_of(row: Row, hard: list[str], abouts: list[str], damaged: set[Path]) -> dict[str, Any]:
    return prediction_curves(row, hard, damaged) | {"training": training_curves(row, abouts, damaged)}


def _left_out(damaged: set[Path]) -> list[str]:
    files = [clean(f"{file.parent.name}/{file.name}") for file in sorted(damaged)]
    more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
    return [f"left out of the curves, as damaged: {', '.join(files[:NAMED])}{more}"] if files else []


def _plain(table: Table) -> dict[str, Any]:
    """A table that the page shows as it is."""
    lines = [
        {
            "label": line.label,
            "n": line.n,
            "cells": [
                {
                    "n": c.n,
                    "mean": _rounded(c.mean),
                    "std": _rounded(c.std),
                    "best": c.best,
                    "text": c.text,
                    "diff": _rounded(c.difference),
                }
                for c in line.cells
            ],
            "remarks": line.remarks,
        }
        for line in table.lines
    ]
    columns = [
        {
            "about": spoken(column.about) if column.view else column.about,
            "view": column.view,
            "low": better_low(column.metric),
        }
        for column in table.columns
    ]
    told = {"title": table.title, "rows": table.rows, "columns": columns, "remarks": table.remarks}
    return told | {"lines": lines, "note": table.notes}


def _column(column: Column) -> dict[str, Any]:
    return {
        "about": spoken(column.about),
        "view": column.view,
        "low": better_low(column.metric),
        "goal": column.is_goal,
    }


def _examples(block: Block) -> dict[str, dict[str, float]]:
    """The commonest number of examples in each part: splits by seed differ by one at most."""
    parts: dict[str, Counter[tuple[tuple[str, float], ...]]] = {}
    for row in block.rows:
        for run in row.picked.values():
            for part, counts in run.examples.items():
                parts.setdefault(part, Counter())[tuple(sorted(counts.items()))] += 1
    return {part: dict(counts.most_common(1)[0][0]) for part, counts in parts.items()}


def _rounded(value: float | None) -> float | None:
    """Six digits: twice as many as are shown, so that sorting goes by more than what is seen."""
    return float(f"{value:.6g}") if isinstance(value, float) else value
