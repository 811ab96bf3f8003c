"""Cuts a table that is too wide: between columns, and within a group of them only if it must."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence


def pages(widths: Sequence[float], groups: Sequence[str], room: float) -> list[list[int]]:
    """The columns in portions that fit the room; neighbours of one group stay together where a portion can hold them.

    >>> pages([3, 2, 2, 2], ["a", "b", "b", "b"], room=7)
    [[0], [1, 2, 3]]
    >>> pages([3, 2, 2, 2], ["a", "b", "b", "b"], room=5)
    [[0, 1], [2, 3]]
    """
    found: list[list[int]] = [[]]
    used = 0.0
    for _, group in itertools.groupby(range(len(widths)), key=lambda i: groups[i]):
        own = list(group)
        whole = sum(widths[i] for i in own)
        for i in own:
            fits = used + (whole if i == own[0] and whole <= room else widths[i]) <= room
            if found[-1] and not fits:
                found.append([])
                used = 0.0
            found[-1].append(i)
            used += widths[i]
    return found


def words(heading: str) -> list[str]:
    """The words of a heading, to stand below one another where it is narrow: a metric's, or names as they are.

    >>> words("average_precision"), words("against soft_f1"), words("95 % interval")
    (['average', 'precision'], ['against', 'soft_f1'], ['95 %', 'interval'])
    """
    return re.split(r"(?<!>) (?!%)", heading) if " " in heading else heading.split("_")
