"""Tables beyond the means: differences to the baseline, the trade-off, and ranks across data sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

from surrogate_bench.comparison import differences, power
from surrogate_bench.comparison.columns import POINT_VIEWS, Column
from surrogate_bench.comparison.repetition import FEWEST, TRAINING_SEEDS
from surrogate_bench.comparison.run import Run
from surrogate_bench.comparison.select import Block, better_low
from surrogate_bench.comparison.statistics import too_few
from surrogate_bench.comparison.tables import Cell, Line, Table, best_of
from surrogate_bench.comparison.wording import counted, interval, probability, signed, spoken
from surrogate_bench.metrics.names import base_name, names, split_level

VIEWS = (
    "datasets",
    "ranks",
    "means",
    "differences",
    "chosen",
    "examples",
    "effects",
    "pairs",
    "trade-off",
    "published",
    "scoreboard",
)
# What a comparison shows where nobody asks for views: of these, those that there are.
USUAL = ("datasets", "ranks", "means", "differences", "chosen", "published")
# What a view without a table lacks.
NEEDS = {
    "datasets": "runs of two data sets",
    "ranks": "two data sets that have a value for two rows",
    "differences": "a row that shares two seeds with the baseline",
    "chosen": "a hyperparameter that varies within a row",
    "examples": "runs of one test part with their predictions, and a baseline",
    "effects": "a row that shares a seed with the baseline",
    "pairs": "two rows that share a seed",
    "published": "runs of a suite whose values are published",
    "scoreboard": "two data sets that have a value for two rows",
}
COSTS = ("auroc", "average_precision", "ece", "log_loss")


def difference_table(block: Block, metrics: Sequence[str], baseline: str, goal: str) -> Table | None:
    """Each row's paired difference to the baseline, its interval and p; None where they share no two seeds.

    The note says what it would take to find a difference in the metric `goal`.
    """
    records = {metric: differences.of_block(block, metric, baseline) for metric in metrics}
    rows = [i for i in range(len(block.rows)) if any((own[i].pairs or 0) > 1 for own in records.values())]
    if not rows:
        return None
    views, at = ("difference", "95 % interval", "p", "p (Holm)"), names("threshold")
    columns = [Column(m, f"{m}_0.5" if m in at else m, view) for m in metrics for view in views]
    lines = []
    for i in rows:
        cells = [cell for own in records.values() for cell in _difference(own[i])]
        pairs = max(own[i].pairs or 0 for own in records.values())
        lines.append(Line(block.rows[i].label, pairs, tuple(cells), ()))
    against = sorted({own[i].baseline or "" for own in records.values() for i in rows})
    pairs = max(line.n for line in lines)
    over = sorted({own[i].over or "" for own in records.values() for i in rows if own[i].over})
    who = against[0] if len(against) == 1 else f"its {baseline}"
    family = max(sum(record.p_value is not None for record in own) for own in records.values())
    note = f"Row minus {who} at n common {block.noun}s. {tests_of(over, pairs, family)}"
    if family:
        note += f" p (Holm): by Holm's method among {counted(family, 'row')} of each metric."
    title, advice = f"{block.name}: difference to {baseline}", power.within(block, goal, baseline)
    keys = ", ".join(block.keys)
    return Table(block.dataset, block.model, keys, tuple(columns), (), tuple(lines), note, title, advice)


def trade_off_table(block: Block, metric: str) -> Table:
    """The table of what each row gains in a metric, and what that costs elsewhere: means over seeds."""
    about = base_name(metric)
    chosen: list[tuple[Column, Callable[[Run], float | None], bool]] = []

    def add(name: str, group: str, view: str, value: Callable[[Run], float | None], *, low: bool = False) -> None:
        chosen.append((Column(name, group, view), value, low))

    def stored(name: str) -> Callable[[Run], float | None]:
        return lambda run: run.test.get(name)

    if about in names("threshold"):
        for suffix, view in (("", "0.5"), ("_tuned", "tuned"), ("_oracle", "oracle")):
            add(about + suffix, about, view, stored(about + suffix))
        add("gap", about, "soft − hard", lambda run: _gap(run, about))
    elif split_level(about)[0] in names("operating_point"):
        for suffix, view in POINT_VIEWS.items():
            if view != "threshold":
                add(about + suffix, about, view, stored(about + suffix))
    elif about not in COSTS:
        add(about, about, "", stored(about), low=better_low(about))
    for name in COSTS:
        add(name, name, "", stored(name), low=better_low(name))
    add("loss time", "loss_time", "µs a batch", lambda run: run.timing.get("loss_microseconds"), low=True)
    add("empty", "no_positive", "% of batches", _empty_batches)
    cells = [[_mean(list(row.picked.values()), value) for _, value, _ in chosen] for row in block.rows]
    for i, (column, _, low) in enumerate(chosen):
        if column.metric not in ("gap", "empty", "loss time") and column.is_goal:
            for own, best in zip(cells, best_of([own[i].mean for own in cells], low=low), strict=True):
                own[i] = Cell(own[i].n, own[i].mean, None, best=best)
    note = (
        f"Means over n {block.noun}s. oracle: at the threshold that is best on the test examples, a bound and no "
        "result. Loss time: value and gradient of one batch, measured alone; runs side by side share one clock, so "
        "their seconds do not compare losses."
    )
    lines = tuple(Line(row.label, len(row.picked), tuple(own), ()) for row, own in zip(block.rows, cells, strict=True))
    columns = tuple(column for column, _, _ in chosen)
    title = f"{block.name}: what {spoken(about)} costs"
    return Table(block.dataset, block.model, ", ".join(block.keys), columns, (), lines, note, title)


def tests_of(over: Sequence[str], pairs: int, family: int) -> str:
    """The tests behind p and interval of differences `over` these repetitions.

    There are `pairs` of them at most, and `family` is how many comparisons Holm's method corrects for.
    """
    said = []
    for what in over:
        if what == TRAINING_SEEDS:
            told = "exact p of Wilcoxon's signed-rank test, and its interval, which is of the pseudo-median"
        else:
            told = "p and interval of the corrected resampled t-test (Nadeau, Bengio 2003), as they share rows"
        said.append(f"Over {what}: {told}.")
    if pairs < FEWEST:
        said.append(f"Fewer than {FEWEST} pairs get neither.")
    elif TRAINING_SEEDS in over:
        said.append(too_few(pairs, family, counted(pairs, "seed")))
    return " ".join(filter(None, said))


def _difference(record: differences.Record) -> list[Cell]:
    n = record.pairs or 0
    texts = [signed(record.difference), interval(record.difference_low, record.difference_high)]
    return [Cell(n, None, None, text=text) for text in (*texts, *map(probability, (record.p_value, record.p_holm)))]


def _mean(runs: list[Run], value: Callable[[Run], float | None]) -> Cell:
    values = [found for run in runs if (found := value(run)) is not None]
    return Cell(len(values), fmean(values) if values else None, None)


def _gap(run: Run, about: str) -> float | None:
    hard, soft = run.test.get(about), run.test.get(f"{about}_soft")
    return None if hard is None or soft is None else soft - hard


def _empty_batches(run: Run) -> float | None:
    total, without = run.batches.get("total"), run.batches.get("without_positives")
    return None if not total or without is None else 100 * without / total
