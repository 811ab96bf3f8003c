"""Options as a message proposes them: what a person copies into a shell reaches the data set as it was meant."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

# What Hydra takes for nothing or for a number that has another spelling.
OTHER = re.compile(r"null|nan|[+-]?inf|[+-]?[\d.]+(_[\d.]+)+|[+-]?[\d._]+e[+-]?\d+", re.IGNORECASE)


def said(option: str, value: str | Sequence[str]) -> str:
    """`dataset.drop=["a b"]` in quotes for a shell: texts in lists are quoted for Hydra, which knows other types."""
    if isinstance(value, str):
        plain = re.fullmatch(r"[\w.+%/:-]+", value, re.ASCII) and not OTHER.fullmatch(value)
        return shlex.quote(f"dataset.{option}={value if plain else _quoted(value)}")
    return shlex.quote(f"dataset.{option}=[{','.join(map(_quoted, value))}]")


def _quoted(text: str) -> str:
    text = re.sub(r"(\\*)\$\{", r"\1\1\\${", text)
    return '"' + re.sub(r'(\\*)("|$)', lambda found: found[1] * 2 + found[2].replace('"', '\\"'), text) + '"'


def shown(text: str) -> str:
    """A cell in a message, cut where it is long."""
    return repr(text if len(text) <= 40 else text[:37] + "...")
