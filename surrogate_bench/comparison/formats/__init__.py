"""What a comparison looks like: one module a format, each with `render(comparison) -> str`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

FORMATS = {"table": "terminal", "md": "markdown", "latex": "latex", "csv": "lines", "runs": "runs", "html": "page"}
SUFFIXES = {".md": "md", ".tex": "latex", ".csv": "csv", ".html": "html", ".htm": "html"}


def renderer(format: str) -> Callable[[Any], str]:
    """The function that writes a comparison in this format."""
    return importlib.import_module(f"{__name__}.{FORMATS[format]}").render
