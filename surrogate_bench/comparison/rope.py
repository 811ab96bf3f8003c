"""The region of practical equivalence: how much of a metric is too little to matter."""

from __future__ import annotations

import math
from collections.abc import Mapping

from surrogate_bench.errors import UserError
from surrogate_bench.metrics.names import base_name, canonical, flat_names, point_names

# Means that differ by no more than this are practically equal.
ROPE = 0.01


def read_rope(words: str | float | None) -> dict[str, float]:
    """`0.01` for all metrics, or `f1=0.01,auroc=0.005`, by the metric's name; the one for all has the name "".

    Raises UserError for a name that is no metric and for a value that is no finite number from 0.
    """
    found: dict[str, float] = {}
    known = [*flat_names(), *point_names()]
    for word in filter(None, (word.strip() for word in str(words if words is not None else "").split(","))):
        name, equals, text = word.rpartition("=")
        metric = base_name(canonical(name.strip(), known)) if equals else ""
        found[metric] = _width(text.strip(), word)
    return found


def rope_of(metric: str, widths: Mapping[str, float]) -> float:
    """The width for a metric, of which all views have one."""
    return widths.get(base_name(metric), widths.get("", ROPE))


def _width(text: str, word: str) -> float:
    try:
        width = float(text)
    except ValueError:
        width = math.nan
    if not (math.isfinite(width) and width >= 0):
        raise UserError(f"--within {word}: write what is too little to matter, as in 0.01 or f1=0.01,auroc=0.005")
    return width
