"""The decision that a row's scores need, and what a row costs in other metrics than the one compared."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from surrogate_bench.comparison.columns import Column
from surrogate_bench.comparison.run import Run
from surrogate_bench.comparison.select import Block, Row, better_low
from surrogate_bench.comparison.tables import number
from surrogate_bench.comparison.wording import listed, signed, spoken
from surrogate_bench.metrics.names import base_name, names, split_level, tells_apart

COSTS = ("auroc", "average_precision", "log_loss", "ece")
# Changes below this are none to the digits shown.
SMALLEST = 0.0005
# Times that are nearer to each other are the machine's.
NOTABLE = 1.25


def decision(blocks: Sequence[Block], label: str, column: Column) -> str:
    """Where to cut the scores of the row `label` for the metric of a column, with what that gives on test."""
    about = column.about
    kind = split_level(about)[0]
    if kind in names("ranking"):
        return f"{spoken(about)} is of the order of scores alone, so it needs no threshold."
    if kind in names("calibration"):
        return f"{spoken(about)} is of the probabilities themselves, so it needs no threshold."
    rows = [row for block in blocks for row in block.rows if row.label == label]
    tuned, plain = (_mean(rows, metric) for metric in (f"{about}_tuned", about))
    if tuned is None:
        return ""
    if kind in names("operating_point"):
        level = _mean(rows, f"{about}_level")
        reached = "" if level is None else f", which reaches {number(level)} on test"
        return (
            f"Decide at the threshold that reaches the level on validation{reached}: {spoken(kind)} is {number(tuned)}."
        )
    if plain is None:
        return ""
    where = f"the threshold tuned on validation{_threshold(rows)}"
    across = f" over {len(blocks)} data sets" * (len(blocks) > 1)
    both = f"{spoken(about)} is {number(tuned)} there and {number(plain)} at 0.5{across}"
    if tuned >= plain:
        return f"Decide at {where}: {both}.{_counts(rows)}"
    return f"Decide at 0.5 or at {where}: {both}."


def cost(blocks: Sequence[Block], label: str, baseline: str, column: Column, metrics: Sequence[str]) -> str:
    """What the row `label` gives up in other metrics against the baseline, and what it gains, by mean differences."""
    told: dict[bool, list[str]] = {False: [], True: []}
    if label == baseline:
        return ""
    for metric in COSTS:
        if metric == base_name(column.metric) or metric not in metrics:
            continue
        change = _change(blocks, label, baseline, metric)
        if change is not None and abs(change) >= SMALLEST:
            told[(change < 0) == better_low(metric)].append(f"{spoken(metric)} ({signed(change)})")
    said = [f"{word} {listed(own)}" for word, own in zip(("worse", "better"), told.values(), strict=True) if own]
    changes = f"Against {baseline}, {label} has {' and '.join(said)}." if said else ""
    return f"{changes}{_time(blocks, label, baseline)}".lstrip()


def _time(blocks: Sequence[Block], label: str, baseline: str) -> str:
    """How many times the baseline's the time of a row's loss on a batch is, where both were measured and differ."""
    own, base = (_times(blocks, name) for name in (label, baseline))
    if not own or not base:
        return ""
    ratio = fmean(own) / fmean(base)
    if 1 / NOTABLE < ratio < NOTABLE:
        return ""
    return f" Its loss takes {ratio:.1f} times as long on a batch ({fmean(own):.0f} µs)."


def _times(blocks: Sequence[Block], label: str) -> list[float]:
    picked = _picked([row for block in blocks for row in block.rows if row.label == label])
    return [run.timing["loss_microseconds"] for run in picked if "loss_microseconds" in run.timing]


def _change(blocks: Sequence[Block], label: str, baseline: str, metric: str) -> float | None:
    """Mean over data sets of the mean difference at common seeds."""
    found = []
    for block in blocks:
        row = next((own for own in block.rows if own.label == label), None)
        base = None if row is None else block.baseline_of(row, baseline)
        if row is None or base is None or base is row:
            continue
        own, other = row.values(metric), base.values(metric)
        shared = own.keys() & other.keys()
        if shared:
            found.append(fmean(own[seed] - other[seed] for seed in sorted(shared)))
    return fmean(found) if found else None


def _mean(rows: Sequence[Row], metric: str) -> float | None:
    """Mean over data sets of the means over seeds."""
    means = [fmean(values.values()) for row in rows if (values := row.values(metric))]
    return fmean(means) if means else None


def _threshold(rows: Sequence[Row]) -> str:
    """The threshold itself, where a probability tells it from 0 and 1, and there is one data set."""
    if len(rows) != 1:
        return ""
    values = [run.threshold for run in _picked(rows) if run.threshold is not None]
    if not values or not all(map(tells_apart, values)):
        return ""
    low, high = min(values), max(values)
    spread = f", {low:.2f} to {high:.2f} over seeds" * (f"{low:.2f}" != f"{high:.2f}")
    return f" (a probability of {fmean(values):.2f}{spread})"


def _counts(rows: Sequence[Row]) -> str:
    """What the decision means in examples of the test part: how many positives are found, how many others are taken."""
    if len(rows) != 1:
        return ""
    counted = [found for run in _picked(rows) if (found := _counted(run)) is not None]
    if not counted:
        return ""
    positives, hits, others = (round(fmean(own)) for own in zip(*counted, strict=True))
    return f" Of {positives} positives in a test part {hits} are found, and {others} others are taken for positives."


def _counted(run: Run) -> tuple[float, float, float] | None:
    total = run.examples.get("test", {}).get("positive")
    recall, precision = run.test.get("recall_tuned"), run.test.get("precision_tuned")
    if total is None or recall is None or (recall and not precision):
        return None
    hits = recall * total
    return total, hits, hits / precision - hits if precision else 0.0


def _picked(rows: Sequence[Row]) -> list[Run]:
    return [run for row in rows for run in row.picked.values()]
