"""The table of ranks across data sets, and how its tests are told."""

from __future__ import annotations

from surrogate_bench.comparison import power
from surrogate_bench.comparison.columns import Column, column_of
from surrogate_bench.comparison.ranking import Ranked, Ranking
from surrogate_bench.comparison.sources import dependent
from surrogate_bench.comparison.statistics import ALPHA
from surrogate_bench.comparison.tables import Cell, Line, Table
from surrogate_bench.comparison.wording import MISSING, counted, equals, interval, probability, signed, spoken_column


def rank_table(ranking: Ranking, rows: str) -> Table:
    """A ranking's rows, best first."""
    about = f"against {ranking.baseline}"
    views = [("", "rank")]
    if ranking.base:
        views += [(about, word) for word in ("difference", "95 % interval", "win/tie/loss", "p", "p (Holm)")]
        views += [] if ranking.distance is None else [(about, "p (Nemenyi)")]
        views += [("probability", word) for word in ("better", "equal", "worse")]
    columns = tuple(Column(f"{group} {view}", group, view) for group, view in views)
    n = len(ranking.sources)
    lines = tuple(
        Line(row.label, n, tuple(Cell(0, None, None, text=text) for text in _texts(ranking, row)), ())
        for row in ranking.rows
    )
    k = sum(row.p_value is not None for row in ranking.rows)
    said = [
        f"Over {ranking.over}, by the mean of each.",
        dependent(ranking.sources),
        omnibus(ranking),
        "Difference: the pseudo-median of the data sets', with interval and p of Wilcoxon's signed ranks. p (Holm) is "
        f"what counts, by Holm's method over {counted(k, 'comparison')} with {ranking.baseline}."
        if k
        else "",
        ranking.too_few,
        f"Probabilities: Bayesian signed ranks, equal within {ranking.rope:g}." if ranking.base else "",
    ]
    note = " ".join(filter(None, said))
    if ranking.partial:
        note += f" On some data sets only the seeds that all rows have count: {', '.join(ranking.partial)}."
    if ranking.missing:
        left = f"; ranks leave out {', '.join(ranking.left_out)}" if ranking.left_out else ""
        note += f" Missing: {', '.join(ranking.missing)}{left}."
    title = f"{ranking.model}: {spoken_column(column_of(ranking.metric))} across {ranking.over}"
    none = f"No row is the baseline {ranking.baseline}: --baseline names the row that differences are to."
    advice = power.across(ranking) if ranking.base else none
    return Table("all", ranking.model, rows, columns, (), lines, note, title, advice)


def omnibus(ranking: Ranking) -> str:
    """A sentence on Friedman's test of the ranks, and the distance that two must have; empty for two rows."""
    if ranking.friedman_p is None:
        return ""
    said = f"Friedman's test of all rows: p {equals(ranking.friedman_p)}"
    if ranking.distance is None:
        return f"{said}, so average ranks are not told apart."
    return f"{said}; average ranks less than {ranking.distance:.2f} apart are not told apart (Nemenyi, {ALPHA:.0%})."


def _texts(ranking: Ranking, row: Ranked) -> list[str]:
    if ranking.base is None:
        return [f"{row.rank:.2f}"]
    texts = [
        f"{row.rank:.2f}",
        signed(row.difference),
        interval(row.difference_low, row.difference_high),
        MISSING if row.wins is None else f"{row.wins}/{row.ties}/{row.losses}",
        probability(row.p_value),
        probability(row.p_holm),
    ]
    texts += [probability(row.p_nemenyi)] if ranking.distance is not None else []
    posterior = ranking.posteriors.get(row.label)
    return texts + ([MISSING] * 3 if posterior is None else [f"{p:.2f}" for p in posterior])
