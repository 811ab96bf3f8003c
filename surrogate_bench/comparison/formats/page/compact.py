"""The page's data without what repeats: 80,000 runs are less than 10 MB."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

# In the place of the words of a command that name its seed.
HOLE = "\0"


def slim(data: Any) -> Any:
    """JSON without the keys whose value is null or false; the script takes what is not there for that."""
    if isinstance(data, dict):
        return {key: slim(value) for key, value in data.items() if value is not None and value is not False}
    return [slim(value) for value in data] if isinstance(data, list) else data


def compact(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Runs as columns: `count`, and by field the `value` of all, their `values`, or these with an `index` a run.

    Commands are `values` of places in `words`, of which they have few.
    """
    columns = {field: _column([run[field] for run in runs]) for field in (runs[0] if runs else ())}
    words: dict[str, int] = {}
    if "command" in columns:
        own = columns["command"]
        told = own.get("values", [own["value"]] if "value" in own else [])
        places = [text and [words.setdefault(word, len(words)) for word in text.split(" ")] for text in told]
        columns["command"] = own | ({"value": places[0]} if "value" in own else {"values": places})
    return {"count": len(runs), "columns": columns, "words": list(words)}


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
    if len(kept) == 1:
        return {"value": kept[0]}
    return {"values": kept, "index": index} if 2 * len(kept) < len(values) else {"values": values}
