"""Raises alarms about the data before training: leaks, and values that say nothing or too much."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from surrogate_bench.datasets.encoding import MAX_CATEGORIES, shared
from surrogate_bench.datasets.saying import said
from surrogate_bench.datasets.source import Images, Table

if TYPE_CHECKING:
    from surrogate_bench.datasets.encoding import Encoding

# Of a scaled number no training part of less than a million rows has one beyond it.
BEYOND_REASON = 1e3
# Columns that a message spells out for dataset.drop.
MOST_NAMED = 10
PART_OF_DATE = re.compile(r" \((year|week|day), (co)?sine\)$")


def alarms_of(
    source: Table | Images,
    encoding: Encoding | None,
    y: np.ndarray,
    parts: dict[str, np.ndarray],
    validation: float,
    scaling: str,
) -> Iterator[dict[str, str]]:
    """The alarms that a run has from the start, whose table is encoded so, on y [N] with the rows of each part."""
    if scaling == "all":
        yield {"name": "leak", "message": "columns are scaled by all rows, test rows among them"}
    if not validation:
        why = "there is no validation part: epoch and threshold see the training rows"
        yield {"name": "no_validation", "message": why}
    if not isinstance(source, Table) or encoding is None:
        return
    if telling := dict.fromkeys(source.leaking, "in other words") | source.telling(y):
        ways = some([f"{name!r} ({way})" for name, way in telling.items()], str)
        why = "leave out what is not known of a new row"
        yield {"name": "leakage", "message": f"the target may be told by {ways}: {why}, {_left_out(telling)}"}
    if columns := source.scattered:
        which = "text that differs in most rows, as names and free text do"
        yield {"name": "scattered", "message": f"{which}, is in {some(columns)}: leave it out {_left_out(columns)}"}
    if crowded := shared(source):
        told = some([f"{name!r} ({share:.0%} of the rows)" for name, share in crowded.items()], str)
        why = f"categories beyond the {MAX_CATEGORIES - 1} commonest of a column are one: {told}"
        yield {"name": "many", "message": f"{why}: see dataset.many=frequency and dataset.many=hashed"}
    if unseen := list(_unseen(source, parts)):
        yield {"name": "unseen", "message": f"most values never occur in training, of {some(unseen, str)}"}
    if scaling != "none" and (columns := [name for name, most in encoding.largest().items() if most > BEYOND_REASON]):
        why = f"a value is over {BEYOND_REASON:g} standard deviations from the mean of its column"
        yield {"name": "beyond", "message": f"{why}, in {some(columns)}"}


def some(words: Iterable[str], shown: type = repr) -> str:  # type: ignore[assignment]
    """The first three of the words, and how many more there are."""
    found = list(words)
    return ", ".join(map(shown, found[:3])) + (f" and {len(found) - 3} more" if len(found) > 3 else "")


def _left_out(columns: Iterable[str]) -> str:
    """`dataset.drop=[...]` of the first columns, a date's by the name that it has in the file."""
    names = list(dict.fromkeys(PART_OF_DATE.sub("", name) for name in columns))
    return f"as by {said('drop', names[:MOST_NAMED])}"


def _unseen(table: Table, parts: dict[str, np.ndarray]) -> Iterator[str]:
    for name, (codes, categories) in table.categories.items():
        first = int(categories[:1] == [""])  # the category of the missing ones comes before all others
        known = np.zeros(len(categories), dtype=bool)
        known[codes[parts["train"]]] = True
        for part, word in (("val", "validation"), ("test", "test")):
            own = codes[parts[part]]
            own = own[own >= first]
            if 2 * int((~known[own]).sum()) > len(own):
                yield f"{name!r} in the {word} part ({int((~known[own]).sum())} of {len(own)})"
