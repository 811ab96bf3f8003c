"""Formats of a comparison: one module each, with `render(comparison) -> str`."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

FORMATS = {"table": "terminal", "md": "markdown", "latex": "latex", "csv": "lines", "runs": "runs", "html": "page"}
SUFFIXES = {".md": "md", ".tex": "latex", ".csv": "csv", ".html": "html", ".htm": "html"}


def by_ending(file: str | os.PathLike[str] | None) -> str:
    """The format that a file's ending says; a table without one, and without a file."""
    return SUFFIXES.get(Path(file or "").suffix.lower(), "table")


def renderer(format: str) -> Callable[[Any], str]:
    """The function that writes a comparison in this format."""
    return importlib.import_module(f"{__name__}.{FORMATS[format]}").render
