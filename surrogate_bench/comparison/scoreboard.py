"""Finds the loss for each metric: every metric with the runs that its own validation value picks, across data sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from surrogate_bench.comparison.columns import Column, column_of
from surrogate_bench.comparison.ranking import Ranked, Ranking, rank
from surrogate_bench.comparison.rope import rope_of
from surrogate_bench.comparison.select import Block
from surrogate_bench.comparison.sources import dependent
from surrogate_bench.comparison.statistics import ALPHA
from surrogate_bench.comparison.tables import Cell, Line, Table
from surrogate_bench.comparison.wording import MISSING, counted, interval, number, probability, signed
from surrogate_bench.metrics.names import base_name, names

# Of metrics that are not soft and no bound; threshold metrics at 0.5 and tuned.
USUAL = (
    "f1",
    "f1_tuned",
    "mcc_tuned",
    "balanced_accuracy_tuned",
    "precision_tuned",
    "auroc",
    "average_precision",
    "log_loss",
    "ece",
)
BETTER, WORSE = "▲", "▼"


def scoreboard(
    choose: Callable[[str], list[Block]], metrics: Sequence[str], baseline: str, within: Mapping[str, float]
) -> list[Table]:
    """Two tables a model: the best row for each metric beside the baseline, and all rows' average ranks.

    Hyperparameters are chosen for each metric by the validation value of that metric, so that no loss is judged by the
    learning rate that is good for something else. A metric without a validation value is left out.
    """
    wanted = [metric for metric in USUAL if metric in metrics] or [m for m in metrics if column_of(m).is_goal]
    found: dict[str, dict[str, Ranking]] = {}
    keys = ""
    for metric in wanted:
        blocks = choose(metric)
        keys = ", ".join(blocks[0].keys)
        for ranking in rank(blocks, metric, baseline, rope_of(metric, within)):
            found.setdefault(ranking.model, {})[metric] = ranking
    return [table for model, own in found.items() for table in (_best(model, own), _all(model, own, keys))]


def mark(ranking: Ranking, row: Ranked, base: Ranked | None) -> str:
    """The mark of a row whose average rank is better or worse than the baseline's beyond chance, else none."""
    if base is None or not ranking.found(row):
        return ""
    return BETTER if row.rank < base.rank else WORSE


def _best(model: str, rankings: dict[str, Ranking]) -> Table:
    """A line a metric: the row of the best average rank, beside the baseline."""
    views = [("best", ""), ("rank", "best"), ("rank", "baseline"), ("mean", "best"), ("mean", "baseline")]
    views += [("difference", ""), ("95 % interval", ""), ("win/tie/loss", ""), ("p", ""), ("p (Holm)", "")]
    views += [("of all rows", "better"), ("of all rows", "worse")]
    columns = tuple(Column(f"{group} {view}", group, view) for group, view in views)
    lines = []
    for metric, ranking in rankings.items():
        base, best = ranking.base, ranking.rows[0]
        marks = [mark(ranking, row, base) for row in ranking.rows]
        texts = [
            best.label,
            f"{best.rank:.1f}",
            MISSING if base is None else f"{base.rank:.1f}",
            number(fmean(best.means)),
            number(None if base is None else fmean(base.means)),
            signed(best.difference),
            interval(best.difference_low, best.difference_high),
            MISSING if best.wins is None else f"{best.wins}/{best.ties}/{best.losses}",
            probability(best.p_value),
            probability(best.p_holm),
            *(str(marks.count(sign)) for sign in (BETTER, WORSE)),
        ]
        cells = tuple(Cell(0, None, None, text=text) for text in texts)
        lines.append(Line(_spoken(metric), len(ranking.sources), cells, ()))
    first = next(iter(rankings.values()))
    others = counted(len(first.rows) - 1, "other row")
    note = (
        f"Means over seeds on {first.over}, against the baseline {first.baseline}; each metric with the "
        "hyperparameters that its own validation value chooses. Best is the row of the best average rank, which may be "
        "chance; its difference is the pseudo-median of the data sets', with the interval of signed ranks. Better and "
        f"worse are how many of {others} differ from the baseline by more than chance (where Friedman's test of all "
        f"rows rejects, Wilcoxon's signed ranks over data sets, {ALPHA:.0%}, by Holm's method among those of each "
        "metric)."
    )
    unable: dict[str, list[str]] = {}
    for metric, ranking in rankings.items():
        unable.setdefault(ranking.too_few, []).append(_spoken(metric))
    for few, of in unable.items():
        where = "" if len(of) == len(rankings) else f"{', '.join(of)}: "
        note += f" {where}{few}" if few else ""
    if shared := dependent(first.sources):
        note += f" {shared}"
    return Table("all", model, "metric", columns, (), tuple(lines), note, f"{model}: the best for each metric")


def _all(model: str, rankings: dict[str, Ranking], rows: str) -> Table:
    """A line a row: its average rank by each metric."""
    columns = tuple(Column(metric, *_view(metric)) for metric in rankings)
    ranks: dict[str, dict[str, str]] = {}
    for metric, ranking in rankings.items():
        base = ranking.base
        for row in ranking.rows:
            ranks.setdefault(row.label, {})[metric] = f"{row.rank:.1f}{mark(ranking, row, base)}"
    n = max(len(ranking.sources) for ranking in rankings.values())
    lines = []
    for label, own in ranks.items():
        cells = tuple(Cell(0, None, None, text=own.get(metric, MISSING)) for metric in rankings)
        lines.append(Line(label, n, cells, ()))
    first = next(iter(rankings.values()))
    note = (
        f"Average ranks over {first.over}, 1 the best, in the order of the first column. {BETTER} better and {WORSE} "
        f"worse than {first.baseline} beyond chance."
    )
    note += _omnibus(rankings)
    return Table("all", model, rows, columns, (), tuple(lines), note, f"{model}: average ranks")


def _omnibus(rankings: dict[str, Ranking]) -> str:
    """By which metrics Friedman's test tells rows apart, and how far apart ranks must then be."""
    tested = {_spoken(metric): own for metric, own in rankings.items() if own.friedman_p is not None}
    found = [metric for metric, own in tested.items() if own.rejects]
    if not found:
        return (
            " Friedman's test of all rows rejects for no metric, so average ranks are not told apart." if tested else ""
        )
    distances = sorted({f"{own.distance:.2f}" for own in tested.values() if own.distance is not None})
    others = ", so only there are ranks told apart" if len(found) < len(tested) else ""
    return (
        f" Friedman's test of all rows rejects for {', '.join(found)}{others}: those less than "
        f"{' to '.join(distances)} apart are not (Nemenyi, {ALPHA:.0%})."
    )


def _view(metric: str) -> tuple[str, str]:
    about = base_name(metric)
    if about not in names("threshold"):
        return about, ""
    return about, "tuned" if metric.endswith("_tuned") else "0.5"


def _spoken(metric: str) -> str:
    about, view = _view(metric)
    return f"{about} {view}".rstrip()
