"""The head of the page: the question, and the one sentence that the numbers support."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from surrogate_bench.comparison.columns import Column
from surrogate_bench.comparison.repetition import FEWEST, TRAINING_SEEDS
from surrogate_bench.comparison.select import better_low
from surrogate_bench.comparison.shown import Comparison
from surrogate_bench.comparison.statistics import holm
from surrogate_bench.comparison.tables import number

LEVEL = 0.05
MOST_NAMED = 3
ACRONYM = re.compile(r"f[\d.]+|auroc|mcc|ndcg|tpr|fpr|ece")


def goal(comparison: Comparison) -> Column:
    """The column of the metric that is compared, else the first one shown."""
    return next((column for column in comparison.columns if column.metric == comparison.goal), comparison.columns[0])


def spoken(about: str) -> str:
    """A metric's name in a sentence: `F1`, `average precision`."""
    return " ".join(word.upper() if ACRONYM.fullmatch(word) else word for word in about.split("_"))


def question(comparison: Comparison) -> str:
    """`Which loss for F1?`, or whatever the rows and the metric are."""
    rows = " and ".join(key.rpartition(".")[2].replace("_", " ") for key in comparison.blocks[0].keys)
    return f"Which {rows} for {spoken(goal(comparison).about)}?"


def answer(comparison: Comparison, tables: list[dict[str, Any]]) -> str:
    """What the means say, and whether seeds alone might have said it."""
    column = goal(comparison)
    at = comparison.columns.index(column)
    low = better_low(column.metric)
    metric = f"{'lowest' if low else 'highest'} test {spoken(column.about)}"
    metric += f" {_view(column.view)}" if column.view else ""
    told = [table for table in tables if any(line["cells"][at]["mean"] is not None for line in table["lines"])]
    told = [table for table in told if table["newest"]] or told
    if len(told) == 1:
        return _one(told[0], at, metric, low=low, baseline=comparison.baseline)
    return _many(told, at, metric, low=low, baseline=comparison.baseline)


def _one(table: dict[str, Any], at: int, metric: str, *, low: bool, baseline: str) -> str:
    tied = _best(table, at, low=low)
    base = next((line for line in table["lines"] if line["baseline"]), None)
    best = base if base in tied else tied[0]
    cell = best["cells"][at]
    spread = "" if cell["std"] is None else f" ± {number(cell['std'])}"
    seeds = f"{cell['n']} seed{'s' * (cell['n'] != 1)}"
    said = f"On {table['dataset']} with {table['model']}, "
    if len(tied) == 1:
        said += f"{best['label']} has the {metric}: {number(cell['mean'])}{spread} over {seeds}."
    else:
        names = _listed([line["label"] for line in tied])
        said += f"{names} share the {metric}, to the digits shown: {number(cell['mean'])}."
    if base is None:
        return f"{said} No row is the baseline {baseline}, so nothing says whether that is more than chance."
    if base is best:
        others = len(table["lines"]) - len(tied)
        which = "this baseline" if len(tied) == 1 else f"the baseline {base['label']}"
        return f"{said} None of the others ({others}) has a better mean than {which}." if others else said
    if cell["diff"] is None:
        return f"{said} It shares no seed with the baseline {base['label']}."
    interval = "" if cell["dlow"] is None else f" (95 % interval {signed(cell['dlow'])} to {signed(cell['dhigh'])})"
    whose = "Its" if len(tied) == 1 else f"{best['label']}'s"
    over = f" over {cell['pairs']} {cell['over']}"
    said += f" {whose} paired difference to {base['label']} is {signed(cell['diff'])}{interval}{over}"
    if cell["holm"] is None:
        return f"{said}; fewer than {FEWEST} cannot tell it from chance."
    corrected = f"Holm-corrected p = {cell['holm']:.2g}"
    if cell["holm"] < LEVEL:
        return f"{said}, more than chance explains ({corrected})."
    rivals = sum(line["cells"][at]["p"] is not None for line in table["lines"])
    least = min(1.0, rivals * 2.0 ** (1 - cell["pairs"])) if cell["over"] == TRAINING_SEEDS else 0.0
    if least >= LEVEL:
        return f"{said}; {cell['pairs']} paired seeds are too few to tell it from chance ({corrected})."
    return f"{said}, which may be chance ({corrected})."


def _many(tables: list[dict[str, Any]], at: int, metric: str, *, low: bool, baseline: str) -> str:
    winners = Counter(line["label"] for table in tables for line in _best(table, at, low=low))
    if not winners:
        return f"No run has the {metric}."
    (name, wins), *others = winners.most_common()
    tied = [name, *(other for other, count in others if count == wins)]
    who = f"{name} has" if len(tied) == 1 else f"each of {_listed(tied)} has"
    said = f"On {wins} of {len(tables)} pairs of data set and model, {who} the {metric}."
    tested = [cell for table in tables for line in table["lines"] if (cell := line["cells"][at])["holm"] is not None]
    paired = any(line["cells"][at]["pairs"] for table in tables for line in table["lines"])
    if not tested and paired:
        return f"{said} Fewer than {FEWEST} pairs with the baseline {baseline} cannot tell any of it from chance."
    if not tested:
        return f"{said} Nothing was paired with the baseline {baseline}, so none of it is tested against chance."
    # The sentence counts all of them, so they are one family.
    corrected = holm([cell["p"] for cell in tested])
    found = [cell for cell, p in zip(tested, corrected, strict=True) if p is not None and p < LEVEL]
    gains = sum((cell["diff"] < 0) == low for cell in found)
    if not found:
        pairs = max(cell["pairs"] for cell in tested)
        exact = all(cell["over"] == TRAINING_SEEDS for cell in tested)
        few = (
            f", nor could {pairs} paired seeds show one" if exact and len(tested) * 2.0 ** (1 - pairs) >= LEVEL else ""
        )
        return f"{said} None of {len(tested)} paired differences to {baseline} is beyond chance (Holm-corrected){few}."
    return (
        f"{said} Of {len(tested)} paired differences to {baseline}, {gains} are gains and {len(found) - gains} losses "
        f"beyond chance (Holm-corrected p < {LEVEL})."
    )


def signed(value: float) -> str:
    """A difference with its sign, and a true minus."""
    return f"{value:+.3f}".replace("-", "−")


def _best(table: dict[str, Any], at: int, *, low: bool) -> list[dict[str, Any]]:
    """The rows of the best mean, the best first: all that equal it to the digits shown, as the table marks them."""
    known = [line for line in table["lines"] if line["cells"][at]["mean"] is not None]
    known.sort(key=lambda line: line["cells"][at]["mean"], reverse=not low)
    return [line for line in known if number(line["cells"][at]["mean"]) == number(known[0]["cells"][at]["mean"])]


def _listed(labels: list[str]) -> str:
    """`a and b`, `a, b and c`, `a, b, c and 4 more`."""
    named = labels if len(labels) <= MOST_NAMED else [*labels[:MOST_NAMED], f"{len(labels) - MOST_NAMED} more"]
    return f"{', '.join(named[:-1])} and {named[-1]}"


def _view(view: str) -> str:
    return {"0.5": "at threshold 0.5", "tuned": "at the tuned threshold", "soft": "on soft counts"}.get(view, view)
