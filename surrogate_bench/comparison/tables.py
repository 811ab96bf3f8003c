"""Tables that no format has touched yet: columns, lines, cells; and the table of means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from surrogate_bench.comparison.choosing import ALL
from surrogate_bench.comparison.columns import Column
from surrogate_bench.comparison.provenance import remarks
from surrogate_bench.comparison.select import Block, Row, better_low
from surrogate_bench.comparison.wording import DIGITS, MISSING, counted
from surrogate_bench.metrics.names import base_name, names, split_level, tells_apart, tuned_metric

THRESHOLDS = "0.5 and tuned are thresholds on the probability, tuned on validation"
POINTS = (
    "at an operating point tuned is the value at the threshold that reaches the level on validation, level what that "
    "threshold reaches on test, bound the best at the level by a threshold that is chosen on test: no result"
)
NO_COMMON = "No seed is common to all rows, so no best mean is marked."
SOFT = "soft is on sums of probabilities, as a soft loss sees the metric, and does not say how good it is"


@dataclass(frozen=True)
class Cell:
    """One mean over n seeds; None is what there are too few values for. A text stands in the place of both.

    `difference` is the paired one to the baseline, where a table colours its cells by it.
    """

    n: int
    mean: float | None
    std: float | None
    best: bool = False
    text: str | None = None
    difference: float | None = None


@dataclass(frozen=True)
class Line:
    """One row: its cells, and the texts that belong to the table's remarks."""

    label: str
    n: int
    cells: tuple[Cell, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """One data set and model; `remarks` are the headings of what is said of the runs behind a row, where any is.

    `note` says what the numbers are, `advice` how to get better ones: a paper has no place for it.
    """

    dataset: str
    model: str
    rows: str
    columns: tuple[Column, ...]
    remarks: tuple[str, ...]
    lines: tuple[Line, ...]
    note: str
    title: str
    advice: str = ""

    @property
    def notes(self) -> str:
        """The note and the advice."""
        return f"{self.note} {self.advice}".strip()


def build(block: Block, columns: Sequence[Column]) -> Table:
    """The table of one block, its best values marked: all that equal the best to the digits shown."""
    cells = [[_cell(row, column) for column in columns] for row in block.rows]
    for i, column in enumerate(columns):
        for own, best in zip(cells, marked(block, column), strict=True):
            if best and column.is_goal:
                own[i] = Cell(own[i].n, own[i].mean, own[i].std, best=True)
    seeds = {run.seed for row in block.rows for run in row.runs}
    said = {
        "seeds": [f"{len(row.picked)} of {len(seeds)}" if len(row.picked) < len(seeds) else "" for row in block.rows],
        "diverged": [str(row.count("diverged") or "") for row in block.rows],
        "failed": [str(row.count("failed") or "") for row in block.rows],
        "alarms": [" ".join(usual_alarms(row)) for row in block.rows],
    }
    used = {heading: texts for heading, texts in said.items() if any(texts)}
    lines = tuple(
        Line(row.label, len(row.picked), tuple(own), tuple(texts[i] for texts in used.values()))
        for i, (row, own) in enumerate(zip(block.rows, cells, strict=True))
    )
    chosen = ", ".join(f"{key} ({count} values)" for key, count in block.chosen.items())
    each = "row, one for all its seeds," if block.over == ALL else "row and seed"
    notes = [f"Chosen per {each} by validation {block.metric}: {chosen}."] if chosen else []
    notes += _epochs(block, columns)
    notes += _thresholds(block, columns)
    notes += _seeds(block, columns)
    if any(run.config.get("dataset.fold") is not None for row in block.rows for run in row.runs):
        notes.append("Each fold of a seed counts as a seed.")
    notes += remarks(block)
    return Table(
        block.dataset,
        block.model,
        ", ".join(block.keys),
        tuple(columns),
        tuple(used),
        lines,
        " ".join(notes),
        block.name,
    )


def legend(tables: Sequence[Table], mark: str) -> str:
    """A sentence on the values that the tables have; `mark` says how the best are marked."""
    cells = [cell for table in tables for line in table.lines for cell in line.cells]
    views = {column.view for table in tables for column in table.columns}
    spread = " ± standard deviation" if any(cell.std is not None for cell in cells) else ""
    known = ((THRESHOLDS, {"0.5", "tuned"} & views), (POINTS, "bound" in views), (SOFT, "soft" in views))
    kinds = [text for text, has in known if has]
    said = [f"Test values: mean{spread} over n seeds."] if any(cell.text is None for cell in cells) else []
    said += ["; ".join(kinds) + "."] if kinds else []
    said += [f"Best means are {mark}."] if any(cell.best for cell in cells) else []
    return " ".join(said)


def usual_alarms(row: Row) -> list[str]:
    """The alarms that most of a row's picked runs raised."""
    raised = Counter(name for run in row.picked.values() for name in run.alarms)
    return sorted(name for name, count in raised.items() if 2 * count > len(row.picked))


def _cell(row: Row, column: Column) -> Cell:
    from surrogate_bench.comparison.statistics import mean_and_std

    values = list(row.values(column.metric).values())
    if column.view == "threshold" and not all(map(tells_apart, values)):
        scores = list(row.values(f"{column.about}_score_threshold").values())
        mean, std = mean_and_std(scores)
        text = MISSING if mean is None else f"score {mean:.4g}" + ("" if std is None else f" ± {std:.2g}")
        return Cell(len(scores), None, None, text=text)
    return Cell(len(values), *mean_and_std(values))


def marked(block: Block, column: Column) -> list[bool]:
    """The rows with the best mean, to the digits shown, over the seeds that all of them have."""
    from surrogate_bench.comparison.statistics import mean_and_std

    common = block.common(column.metric)
    values = [row.values(column.metric) for row in block.rows]
    means = [mean_and_std([own[seed] for seed in sorted(common & own.keys())])[0] for own in values]
    return best_of(means, low=better_low(column.metric))


def _seeds(block: Block, columns: Sequence[Column]) -> list[str]:
    """How seeds that some rows have no value for are counted."""
    said = []
    counts = [len(row.values(column.metric)) for column in columns if column.is_goal for row in block.rows]
    common = min((len(block.common(column.metric)) for column in columns if column.is_goal), default=0)
    if common < max(counts, default=0):
        shared = f"{counted(common, block.noun)} that all rows have"
        said.append(f"Best means are those over the {shared}." if common else NO_COMMON)
    return said


def _epochs(block: Block, columns: Sequence[Column]) -> list[str]:
    """The metric that picked each run's epoch, where columns are of another one."""
    picked = [run for row in block.rows for run in row.picked.values() if run.config.get("trainer.select") != "last"]
    monitors = sorted({str(run.config.get("trainer.monitor")) for run in picked} - {"None"})
    others = {column.about for column in columns if column.is_goal} - {*map(base_name, monitors)}
    if not monitors or not others:
        return []
    return [f"Each run's epoch is that of its best validation {', '.join(monitors)}, for every column."]


def _thresholds(block: Block, columns: Sequence[Column]) -> list[str]:
    """The metrics that thresholds were tuned for, if other than the one shown, and levels that were missed."""
    picked = [run for row in block.rows for run in row.picked.values()]
    shown = {column.about for column in columns if column.view == "tuned"} & set(names("threshold"))
    tuned_for = sorted({tuned_metric(str(run.config.get("trainer.monitor"))) for run in picked})
    said = [f"The threshold is tuned for {', '.join(tuned_for)}."] if shown - {*tuned_for} or len(tuned_for) > 1 else []
    if any(run.config.get("dataset.validation") == 0 for run in picked):
        said.append("These runs have no validation part: what is tuned on validation is tuned on the training rows.")
    for about in dict.fromkeys(column.about for column in columns if column.view == "bound"):
        missed = sum(run.val.get(about) == 0 for run in picked)
        if missed and split_level(about)[0] == "recall_at_precision":
            said.append(
                f"{about}: on validation of {missed} of {len(picked)} runs no threshold reaches the level; theirs is "
                "that of the highest precision."
            )
    return said


def best_of(means: Sequence[float | None], *, low: bool) -> list[bool]:
    """The best means of a column as shown; none if there is nothing to be better than."""
    shown = [None if mean is None else round(mean, DIGITS) for mean in means]
    known = [mean for mean in shown if mean is not None]
    best = (min if low else max)(known) if len(known) > 1 else None
    return [mean is not None and mean == best for mean in shown]
