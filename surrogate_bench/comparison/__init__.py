"""From stored runs to a table: rows by loss, means over seeds, hyperparameters chosen on validation alone."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrogate_bench.comparison.choosing import EACH, OVER
from surrogate_bench.comparison.collect import PathLike, Warn, read_runs, tell
from surrogate_bench.errors import UserError, did_you_mean, unknown, warn
from surrogate_bench.metrics.names import base_name, validation_name
from surrogate_bench.system.files import write
from surrogate_bench.system.plotting import SUFFIXES
from surrogate_bench.system.temporary import target

if TYPE_CHECKING:
    from surrogate_bench.comparison.select import Block
    from surrogate_bench.comparison.shown import Comparison

__all__ = ["compare", "prepare"]

BASELINE = "bce"


def compare(
    paths: PathLike | Iterable[PathLike],
    *,
    metrics: str | Iterable[str] | None = None,
    rows: str = "loss",
    baseline: str = BASELINE,
    select: str | None = None,
    format: str | None = None,
    out: PathLike | None = None,
    curves: PathLike | None = None,
    ranks: PathLike | None = None,
    view: str | None = None,
    unequal: bool = False,
    failed: str = "skip",
    within: str | float | None = None,
    select_over: str = EACH,
    command: str | None = None,
    console: Any = None,
) -> None:
    """Prints the comparison of all runs under some paths, or writes it to the file `out`.

    `metrics` names what to show (commas or a list; a threshold metric gives its hard, tuned and soft value), `rows`
    the configuration's keys that make a row, `baseline` the row that differences are to. `select` names the
    validation metric that chooses among hyperparameters, for each seed, or once for all seeds of a row where
    `select_over` is "seeds". `format` is one of table, md, latex, csv, runs and html; without it, what the ending
    of `out` says, else table. `curves` is a file for a picture of the runs' training curves (.png, .svg or .pdf),
    `ranks` one for the critical-difference diagram. `view` names tables, of those that `--help` lists. Rows with
    unequal budgets are an error, or a warning where `unequal` is set. `failed` is "worst" where a seed without a
    result counts as the worst value that any run of its table has. `within` is the difference that counts as
    practically equal, one for all metrics (0.01) or one each (f1=0.01,auroc=0.005).
    `command` is named as what made it. A table goes to `console`, a rich one, where one is given.
    Warnings go to the standard error. Raises UserError for a wrong word and where there is nothing to compare, before
    anything is written.
    """
    from surrogate_bench.comparison.formats import FORMATS, by_ending, renderer
    from surrogate_bench.comparison.views import NEEDS

    format = by_ending(out) if format is None else format
    if format not in FORMATS:
        raise unknown("format", format, FORMATS)
    page = None if out is None else target(Path(out))
    picture = None if curves is None else target(Path(curves), SUFFIXES)
    diagram = None if ranks is None else target(Path(ranks), SUFFIXES)
    words = metrics.split(",") if isinstance(metrics, str) else metrics
    comparison = prepare(
        paths,
        metrics=words,
        rows=rows,
        baseline=baseline,
        select=select,
        view=view,
        unequal=unequal,
        failed=failed,
        within=within,
        select_over=select_over,
    )
    comparison = replace(comparison, command=command)
    for name in comparison.empty:
        warn(f"no table of {name}: it needs {NEEDS[name]}")
    rankings = comparison.rankings() if diagram else []
    if diagram and not rankings:  # before the other picture is written
        raise UserError("ranks need two data sets that have a value for two rows")
    if picture:
        from surrogate_bench.comparison.curves import draw

        draw(comparison, picture)
    if diagram:
        from surrogate_bench.comparison.diagram import draw as draw_ranks

        draw_ranks(rankings, diagram)
    if page is not None:
        write(page, renderer(format)(comparison).encode())
    elif format == "table":
        from rich.console import Console

        from surrogate_bench.comparison.formats.terminal import show

        show(comparison, console or Console())
    else:
        print(renderer(format)(comparison), end="", file=console.file if console else sys.stdout)
    damaged = [
        f"left out {file}: it has changed since it was written; force=true makes it anew"
        for file in sorted(comparison.damaged)
    ]
    tell(damaged, warn, "left out {} more files that have changed")


def prepare(
    paths: PathLike | Iterable[PathLike],
    *,
    metrics: Iterable[str] | None = None,
    rows: str = "loss",
    baseline: str = BASELINE,
    select: str | None = None,
    view: str | None = None,
    unequal: bool = False,
    failed: str = "skip",
    within: str | float | None = None,
    select_over: str = EACH,
    warn: Warn = warn,
) -> Comparison:
    """The comparison as data, before it has a format; `warn` hears of all that was left out or not alike."""
    from surrogate_bench.comparison import columns, fairness, levels
    from surrogate_bench.comparison.failed import FAILED, count_as_worst
    from surrogate_bench.comparison.repeats import once
    from surrogate_bench.comparison.rope import read_rope
    from surrogate_bench.comparison.select import select as select_runs
    from surrogate_bench.comparison.shown import Comparison

    views = _views(view)
    widths = read_rope(within)
    if select_over not in OVER:
        raise unknown("word for --select-over", select_over, OVER)
    if failed not in FAILED:
        raise unknown("word for failed runs", failed, FAILED)
    remarks: list[str] = []

    def told(line: str) -> None:
        remarks.append(line)
        warn(line)

    runs = once(read_runs(paths, warn), told)
    words = None if metrics is None else list(metrics)
    damaged = levels.complete(runs, words or [], select, warn)
    found = columns.in_order({metric for run in runs for metric in run.test})
    if not found:
        ended = (f"{count} {status}" for status, count in Counter(run.status for run in runs).items())
        raise UserError(f"none of the {len(runs)} runs has a result: {', '.join(ended)}")

    def judged(metric: str | None, warn: Warn) -> list[Block]:
        blocks = select_runs(runs, warn, rows=rows, metric=metric, baseline=baseline, over=select_over)
        return count_as_worst(blocks) if failed == "worst" else blocks

    blocks = judged(select, told)
    shown = columns.choose(words, found, blocks[0].metric, warn)
    budgets = [line for block in blocks for line in fairness.unequal_budgets(block)]
    if budgets and not unequal:
        more = f" (and {len(budgets) - 1} more)" if len(budgets) > 1 else ""
        raise UserError(f"{budgets[0]}{more}; --unequal compares them nevertheless")
    for line in (*budgets, *fairness.complaints(blocks)):
        warn(line)
    labels = [row.label for block in blocks for row in block.rows]
    without = [block.name for block in blocks if not any(block.baseline_of(row, baseline) for row in block.rows)]
    if without and baseline != BASELINE:
        where = "" if len(without) == len(blocks) else f" in {without[0]}" + " and others" * (len(without) > 1)
        warn(f"no row is the baseline {baseline!r}{where}{did_you_mean(baseline, list(dict.fromkeys(labels)))}")
    metrics = found if words is None else [column.metric for column in shown]
    # A metric that was asked for counts in the view that runs were chosen by: at the tuned threshold where that was.
    chosen_by = blocks[0].metric
    alike = shown[0].about + chosen_by.removeprefix(base_name(chosen_by))
    goal = columns.goal_of(chosen_by if words is None else alike, found)
    goal = goal if goal in metrics else shown[0].metric

    def choose(metric: str) -> list[Block]:
        return judged(validation_name(metric), lambda _: None)

    return Comparison(blocks, shown, metrics, baseline, goal, views, choose, damaged, remarks, widths)


def _views(words: str | None) -> tuple[str, ...] | None:
    from surrogate_bench.comparison.views import VIEWS

    if words is None:
        return None
    chosen = tuple(filter(None, (word.strip() for word in words.split(","))))
    for word in chosen or ("",):
        if word not in VIEWS:
            raise unknown("view", word, VIEWS)
    return chosen
