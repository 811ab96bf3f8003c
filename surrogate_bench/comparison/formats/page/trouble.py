"""The page's list of what to know before its numbers are trusted: runs without a result, and alarms, by kind.

It is made here and not by the page's script, which reads the runs only once a reader comes to them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from surrogate_bench.comparison.wording import counted

# So many rows are named under each kind of trouble.
MOST_ROWS = 6

Told = dict[str, Any]


def trouble(runs: Sequence[Told], blocks: Sequence[str]) -> list[Told]:
    """Lists with a `title` and `items`: a `text`, an alarm's `name` before it, and `where` it happened.

    `blocks` names the data set and model of each block; of every kind of alarm one message stands for all.
    """
    ended = (
        (run, "", f"{run['status']}: {run['reason'] or 'no reason given'}")
        for run in runs
        if run["status"] != "finished"
    )
    raised = ((run, alarm["name"], alarm["message"]) for run in runs for alarm in run["alarms"])
    lists = (("Diverged or failed", _items(ended, blocks)), ("Alarms", _items(raised, blocks)))
    return [{"title": title, "items": items} for title, items in lists if items]


def _items(entries: Iterable[tuple[Told, str, str]], blocks: Sequence[str]) -> list[Told]:
    """The entries of one kind as one item, the commonest kind first."""
    kinds: dict[str, list[tuple[Told, str, str]]] = defaultdict(list)
    for run, name, text in entries:
        kinds[name or text].append((run, name, text))
    items = []
    for same in sorted(kinds.values(), key=len, reverse=True):
        _, name, text = same[0]
        rows = list(dict.fromkeys(f"{run['row']} on {blocks[run['block']]}" for run, *_ in same))
        more = f" and {len(rows) - MOST_ROWS} more" if len(rows) > MOST_ROWS else ""
        items.append(
            {"name": name, "text": text, "where": f"{counted(len(same), 'run')}: {'; '.join(rows[:MOST_ROWS])}{more}"}
        )
    return items
