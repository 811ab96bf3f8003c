"""Words and numbers as sentences and tables of a comparison have them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from surrogate_bench.comparison.columns import Column

DIGITS = 3
MISSING = "–"
ACRONYM = re.compile(r"f[\d.]+|auroc|mcc|ndcg|tpr|fpr|ece")
VIEWS = {
    "0.5": "at threshold 0.5",
    "tuned": "at the tuned threshold",
    "soft": "on soft counts",
    "oracle": "at the threshold that is best on test",
    "bound": "at the threshold that is best on test",
}
MOST_NAMED = 3


def spoken(about: str) -> str:
    """A metric's name in a sentence: `F1`, `average precision`."""
    return " ".join(word.upper() if ACRONYM.fullmatch(word) else word for word in about.split("_"))


def spoken_column(column: Column) -> str:
    """A metric and its view in a sentence: `F1 at the tuned threshold`."""
    return f"{spoken(column.about)} {VIEWS.get(column.view, column.view)}".rstrip()


def number(value: float | None) -> str:
    """A mean or a standard deviation as tables show it, with a true minus; there is no minus 0."""
    return MISSING if value is None else f"{round(value, DIGITS) + 0.0:.{DIGITS}f}".replace("-", "−")


def signed(value: float | None) -> str:
    """A difference with its sign, and a true minus; without one where it is 0 to the digits shown."""
    return "+" * (value is not None and round(value, DIGITS) > 0) + number(value)


def ends(low: float, high: float) -> str:
    """An interval with its signs; an end that rounds to 0 keeps its first digit where the interval leaves 0 out."""
    apart = low * high > 0
    told = (f"{own:+.1g}".replace("-", "−") if apart and not round(own, DIGITS) else signed(own) for own in (low, high))
    return " to ".join(told)


def interval(low: float | None, high: float | None) -> str:
    """An interval as tables show it."""
    return MISSING if low is None or high is None else ends(low, high).replace("+", "")


def probability(p: float | None) -> str:
    """A p-value as tables show it."""
    return MISSING if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def equals(p: float) -> str:
    """`= 0.93` or `< 0.001`, as it stands behind a p."""
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"


def said_p(p: float) -> str:
    """A corrected p-value in a sentence."""
    return f"Holm-corrected p {equals(p)}"


def counted(n: int, noun: str) -> str:
    """`1 seed`, `10 seeds`."""
    return f"{n} {noun}{'s' * (n != 1)}"


def repeated(n: int, over: str) -> str:
    """`6 re-splits of this table`, `1 re-split of this table`."""
    one = re.sub(r"(seed|fold|re-split)s", r"\1", over)
    return f"{n} {one if n == 1 else over}"


def are(n: int) -> str:
    """`is` or `are`."""
    return "is" if n == 1 else "are"


def opening(text: str) -> str:
    """A text as a sentence begins."""
    return text[:1].upper() + text[1:]


def listed(labels: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`, `a, b, c and 4 more`."""
    named = (
        list(labels) if len(labels) <= MOST_NAMED + 1 else [*labels[:MOST_NAMED], f"{len(labels) - MOST_NAMED} more"]
    )
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
