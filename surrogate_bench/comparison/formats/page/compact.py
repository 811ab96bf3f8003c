"""Runs as columns, in which what many share stands once: 80,000 runs are a few megabytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

# In the place of the words of a command that name its seed.
HOLE = "\0"


def compact(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """`count`, and by field `values`, one a run, or the distinct ones with an `index` into them a run."""
    fields = list(runs[0]) if runs else []
    return {"count": len(runs), "columns": {field: _column([run[field] for run in runs]) for field in fields}}


def _column(values: list[Any]) -> dict[str, Any]:
    places: dict[str, int] = {}
    kept: list[Any] = []
    index = []
    for value in values:
        text = json.dumps(value)
        if text not in places:
            places[text] = len(kept)
            kept.append(value)
        index.append(places[text])
    return {"values": kept, "index": index} if 2 * len(kept) < len(values) else {"values": values}
