"""The decision that a row's scores need, and what a row costs in other metrics than the one compared."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from surrogate_bench.comparison.columns import Column
from surrogate_bench.comparison.differences import paired_seeds
from surrogate_bench.comparison.run import Run
from surrogate_bench.comparison.select import Block, Row, better_low
from surrogate_bench.comparison.sources import averaged, data_sets, sources
from surrogate_bench.comparison.statistics import mean_and_std
from surrogate_bench.comparison.wording import are, counted, listed, number, opening, signed, spoken, spoken_column
from surrogate_bench.metrics.names import base_name, names, split_level, tells_apart

COSTS = ("auroc", "average_precision", "log_loss", "ece")
# Changes below this are none to the digits shown.
SMALLEST = 0.0005
# Times that are nearer to each other are the machine's.
NOTABLE = 1.25


def decision(blocks: Sequence[Block], label: str, column: Column, *, tied: bool) -> str:
    """The threshold for the row `label` and the metric of a column, in words, with the value that it gives on test.

    The row is named where it is one of several that are `tied`.
    """
    about = column.about
    kind, name = split_level(about)[0], opening(spoken(about))
    if column.view == "soft":
        return (
            f"{opening(spoken_column(column))} is of sums of probabilities, as a soft loss sees it: it needs no "
            "threshold, and does not say how good a decision is."
        )
    if not column.is_goal:
        return f"{opening(spoken_column(column))} is a bound, and no result of a decision."
    if kind in names("ranking"):
        return f"{name} is of the order of scores alone, so it needs no threshold."
    if kind in names("calibration"):
        return f"{name} is of the probabilities themselves, so it needs no threshold."
    tuned, plain = (_mean(blocks, label, metric) for metric in (f"{about}_tuned", about))
    if tuned is None:
        return ""
    decide = f"With {label}, decide" if tied else "Decide"
    across = f" over {data_sets(sources(blocks))}" * (len(blocks) > 1)
    if kind in names("operating_point"):
        level = _mean(blocks, label, f"{about}_level")
        reached = "" if level is None else f", which reaches {number(level)} on test"
        where = f"the threshold that reaches the level on validation{reached}"
        return f"{decide} at {where}: {spoken(about)} is {number(tuned)}{across}."
    if plain is None:
        return ""
    runs = list(_row(blocks[0], label).picked.values()) if len(blocks) == 1 else []
    where = f"the threshold tuned on validation{_threshold(runs, blocks[0].noun)}"
    both = f"{spoken(about)} is {number(tuned)} there and {number(plain)} at 0.5{across}"
    if tuned >= plain:
        return f"{decide} at {where}: {both}.{_counts(runs)}"
    return f"{decide} at 0.5 or at {where}: {both}."


def cost(blocks: Sequence[Block], label: str, baseline: str, column: Column) -> str:
    """The metrics in which the row `label` loses against the baseline, and gains, by mean differences, in words."""
    told: dict[bool, list[str]] = {False: [], True: []}
    if label == baseline:
        return ""
    for metric in COSTS:
        change = None if metric == base_name(column.metric) else _change(blocks, label, baseline, metric)
        if change is not None and abs(change) >= SMALLEST:
            told[(change < 0) == better_low(metric)].append(f"{spoken(metric)} ({signed(change)})")
    said = [f"{word} {listed(own)}" for word, own in zip(("worse", "better"), told.values(), strict=True) if own]
    changes = f"Against {baseline}, {label} has {' and '.join(said)}." if said else ""
    return f"{changes} {_time(blocks, label, baseline)}".strip()


def _time(blocks: Sequence[Block], label: str, baseline: str) -> str:
    """How the time of a row's loss on a batch compares with the baseline's, where both were measured and differ."""
    own, base = (_times(blocks, name) for name in (label, baseline))
    if not own or not base:
        return ""
    ratio = fmean(own) / fmean(base)
    if 1 / NOTABLE < ratio < NOTABLE:
        return ""
    much = f"{ratio:.1f} times as long as {baseline}'s" if ratio > 1 else f"{ratio:.0%} of the time of {baseline}'s"
    return f"{label}'s loss takes {much} on a batch ({fmean(own):.0f} µs)."


def _times(blocks: Sequence[Block], label: str) -> list[float]:
    picked = [run for block in blocks for row in block.rows if row.label == label for run in row.picked.values()]
    return [run.timing["loss_microseconds"] for run in picked if "loss_microseconds" in run.timing]


def _change(blocks: Sequence[Block], label: str, baseline: str, metric: str) -> float | None:
    """Mean over data sets of the mean difference at common seeds."""

    def change(block: Block) -> float | None:
        row = _row(block, label)
        base = block.baseline_of(row, baseline)
        seeds = [] if base is None or base is row else paired_seeds(row, base, metric)
        return fmean(row.values(metric)[s] - base.values(metric)[s] for s in seeds) if base and seeds else None

    return averaged(blocks, change)


def _mean(blocks: Sequence[Block], label: str, metric: str) -> float | None:
    """Mean over data sets of the means over seeds."""
    return averaged(blocks, lambda block: mean_and_std(list(_row(block, label).values(metric).values()))[0])


def _row(block: Block, label: str) -> Row:
    return next(row for row in block.rows if row.label == label)


def _threshold(runs: Sequence[Run], noun: str) -> str:
    """The threshold itself, where a probability tells it from 0 and 1."""
    values = [run.threshold for run in runs if run.threshold is not None]
    if not values or not all(map(tells_apart, values)):
        return ""
    low, high = min(values), max(values)
    spread = f", {low:.2f} to {high:.2f} over {noun}s" * (f"{low:.2f}" != f"{high:.2f}")
    return f" (a probability of {fmean(values):.2f}{spread})"


def _counts(runs: Sequence[Run]) -> str:
    """The decision in examples of the test part: how many positives it finds, how many others it takes."""
    found = [counts for run in runs if (counts := _counted(run)) is not None]
    if not found:
        return ""
    positives, hits, others = (round(fmean(own)) for own in zip(*found, strict=True))
    return (
        f" Of {counted(positives, 'positive')} in a test part {hits} {are(hits)} found, and "
        f"{counted(others, 'other')} {are(others)} taken for positives."
    )


def _counted(run: Run) -> tuple[float, float, float] | None:
    total = run.examples.get("test", {}).get("positive")
    recall, precision = run.test.get("recall_tuned"), run.test.get("precision_tuned")
    if total is None or recall is None or (recall and not precision):
        return None
    hits = recall * total
    return total, hits, hits / precision - hits if precision else 0.0
