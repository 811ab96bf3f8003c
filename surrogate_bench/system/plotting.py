"""Shared parts of all pictures: colours, off-screen figures, and files that are written whole."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrogate_bench.system.temporary import whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which people with any colour vision tell apart.
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY = "#999999"
SUFFIXES = (".png", ".svg", ".pdf")
PARAMETERS: dict[Any, Any] = {
    "svg.hashsalt": "surrogate-bench",
    "font.size": 9,
    "text.parse_math": False,  # a name with $ is a name
    "axes.spines.top": False,
    "axes.spines.right": False,
}


@contextmanager
def picture(path: Path, width: float, height: float) -> Iterator[Figure]:
    """A figure of so many inches, which becomes the file once it is drawn: whole, or not at all."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context(PARAMETERS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a box stands for a letter that it lacks
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        kind = path.suffix.lower().removeprefix(".")
        with whole(path) as file:
            figure.savefig(file, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
