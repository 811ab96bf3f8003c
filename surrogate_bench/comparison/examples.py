"""The table of differences with the uncertainty of the test examples, where all runs have one test part."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from surrogate_bench.comparison.columns import Column
from surrogate_bench.comparison.predictions import PREDICTIONS, read_predictions
from surrogate_bench.comparison.resampling import Scored, bootstrap, can_resample, delong
from surrogate_bench.comparison.run import Run
from surrogate_bench.comparison.select import Block, Row
from surrogate_bench.comparison.tables import Cell, Line, Table
from surrogate_bench.comparison.wording import interval, probability, signed
from surrogate_bench.errors import UserError
from surrogate_bench.system.files import MOST_BYTES, unsealed
from surrogate_bench.system.files import content as read

RESULT = "result.json"


def examples_table(block: Block, metric: str, baseline: str, damaged: set[Path]) -> Table | None:
    """Each row's difference to the baseline on resampled test examples; None where no pair has one test part.

    Re-splits need none: other test examples come with every seed, and their interval holds that. A file that cannot be
    read joins the `damaged` ones. Raises UserError for a metric that this is not known for.
    """
    if metric != "auroc" and not can_resample(metric):
        raise UserError(f"--view examples knows auroc, log_loss, brier and metrics at a threshold, and not {metric}")
    lines = []
    tested: dict[Path, Scored | None] = {}
    for row in block.rows:
        base = block.baseline_of(row, baseline)
        pairs = [] if base is None or base is row else _pairs(row, base, tested, damaged)
        if not pairs:
            continue
        rows, others = ([pair[i] for pair in pairs] for i in (0, 1))
        p = None
        if metric == "auroc":
            difference, low, high, p = delong(rows, others)
        else:
            difference, low, high = bootstrap(rows, others, metric)
        targets = rows[0].targets
        texts = [signed(difference), interval(low, high), *([probability(p)] if metric == "auroc" else [])]
        texts += [str(len(targets)), str(int(targets.sum()))]
        lines.append(Line(row.label, len(pairs), tuple(Cell(0, None, None, text=text) for text in texts), ()))
    if not lines:
        return None
    views = ["difference", "95 % interval", *(["p"] if metric == "auroc" else [])]
    columns = [Column(metric, metric, view) for view in views]
    columns += [Column("examples", "test", view) for view in ("examples", "positives")]
    how = "DeLong's interval and p" if metric == "auroc" else "percentiles of a paired bootstrap of the test examples"
    note = (
        f"Mean difference to {baseline} over n seeds of one test part, with {how}: what other test examples might have "
        "said of these runs. Other training seeds are in the table of differences."
    )
    title = f"{block.name}: difference to {baseline} on other test examples"
    return Table(block.dataset, block.model, ", ".join(block.keys), tuple(columns), (), tuple(lines), note, title)


def _pairs(row: Row, base: Row, known: dict[Path, Scored | None], damaged: set[Path]) -> list[tuple[Scored, Scored]]:
    """The predictions that both rows have stored at their common seeds, if all are of one test part."""
    seeds = sorted(row.picked.keys() & base.picked.keys())
    found = [tuple(_tested(own.picked[seed], known, damaged) for own in (row, base)) for seed in seeds]
    pairs = [(own, other) for own, other in found if own is not None and other is not None]
    targets = [run.targets for pair in pairs for run in pair]
    return pairs if targets and all(np.array_equal(targets[0], own) for own in targets) else []


def _tested(run: Run, known: dict[Path, Scored | None], damaged: set[Path]) -> Scored | None:
    if run.folder not in known:
        known[run.folder] = _read(run, damaged)
    return known[run.folder]


def _read(run: Run, damaged: set[Path]) -> Scored | None:
    """A run's test part with the cut that was tuned; None where it kept none of two classes."""
    try:
        stored = read_predictions(run)
        logits, targets = (np.asarray(stored[f"test_{name}"], dtype=float) for name in ("logits", "targets"))
        told = unsealed(read(run.folder / RESULT, MOST_BYTES))
        cut = (told.get("score_thresholds") or {}).get("tuned")
    except FileNotFoundError:
        return None
    except Exception:  # whatever a damaged file makes the readers raise
        damaged.add(run.folder / PREDICTIONS)
        return None
    if logits.ndim != 1 or logits.shape != targets.shape or not np.isfinite(logits).all() or len(set(targets)) != 2:
        return None
    if cut is None:  # of an earlier version, which kept the probability alone
        p = 0.5 if run.threshold is None else min(max(run.threshold, 1e-300), 1 - 1e-16)
        cut = math.log(p) - math.log1p(-p)
    return Scored(logits, targets, float(cut))
