"""The page's data without what repeats, which a browser takes time for however well it is packed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

# In the place of the words of a command that name its seed.
HOLE = "\0"
# What of a text is its run's own: the rest is one of a few sentences.
OWN = {
    "id": re.compile(r"(?<=-s)\d+-\w+$"),
    "points": re.compile(r"\d+(?:\.\d+)?"),
    "alarms": re.compile(r"\d+(?:\.\d+)?"),
}


def slim(data: Any) -> Any:
    """JSON without the keys whose value is null or false; the script takes what is not there for that."""
    if isinstance(data, dict):
        return {key: slim(value) for key, value in data.items() if value is not None and value is not False}
    return [slim(value) for value in data] if isinstance(data, list) else data


def compact(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Runs as columns: `count`, and by field the `value` of all, their `values`, or these with an `index` a run.

    Commands are `values` of places in `words`, of which they have few. Texts of `OWN` are a place in `words`, the
    sentence with holes, and what fills them.
    """
    words: dict[str, int] = {}

    def value(run: dict[str, Any], field: str) -> Any:
        own = run[field]
        if field == "alarms":
            own = [f"{alarm['name']}: {alarm['message']}" for alarm in own]
        if field in OWN:
            return _parted([own], OWN[field], words)[0] if isinstance(own, str) else _parted(own, OWN[field], words)
        return own

    columns = {field: _column([value(run, field) for run in runs]) for field in (runs[0] if runs else ())}
    if "command" in columns:
        own = columns["command"]
        told = own.get("values", [own["value"]] if "value" in own else [])
        places = [text and [words.setdefault(word, len(words)) for word in text.split(" ")] for text in told]
        columns["command"] = own | ({"value": places[0]} if "value" in own else {"values": places})
    return {"count": len(runs), "columns": columns, "words": list(words)}


def _parted(texts: Iterable[str], own: re.Pattern[str], words: dict[str, int]) -> list[list[Any]]:
    """Each text as the place of its sentence, and what fills its holes, with blanks between."""
    parted = ((words.setdefault(own.sub(HOLE, text), len(words)), " ".join(own.findall(text))) for text in texts)
    return [[place, *([filling] if filling else [])] for place, filling in parted]


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
