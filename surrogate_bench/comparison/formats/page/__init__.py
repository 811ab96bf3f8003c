"""The comparison as one HTML file that needs nothing else: its text, its data as JSON, its style and its script.

The script builds tables and charts from the data with text nodes alone, and a content security policy admits that one
script and no request, so that a name from a user's file is never markup.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
from importlib.resources import files
from typing import Any

from surrogate_bench.comparison.diagram import svg
from surrogate_bench.comparison.forest import forests
from surrogate_bench.comparison.formats.page.compact import compact, slim
from surrogate_bench.comparison.formats.page.content import content
from surrogate_bench.comparison.shown import Comparison
from surrogate_bench.comparison.verdict import Verdict, verdict

SCRIPTS = (
    "dom",
    "address",
    "export",
    "unpack",
    "expand",
    "table",
    "chart",
    "sections",
    "results",
    "curves",
    "runs",
    "page",
)

# Of more characters the data are packed; fewer stay readable for whoever looks into the file.
PACKED_FROM = 2_000_000


def render(comparison: Comparison) -> str:
    """The page as text, below 5 MB for 500 runs: curves are means over seeds at so many points as a screen can show."""
    data = content(comparison)
    said = verdict(comparison)
    script = "(async () => {\n'use strict';\n" + "\n".join(_part(f"{name}.js") for name in SCRIPTS) + "\n})();"
    runs = compact(data.pop("runs"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    parts = {
        "title": html.escape(said.question),
        "verdict": _verdict(said),
        "made": html.escape(comparison.provenance),
        "forest": "".join(f"<figure>{drawn}</figure>" for drawn in forests(comparison)),
        "digest": digest,
        "ranks": "".join(f"<figure>{svg(ranking)}</figure>" for ranking in comparison.rankings()),
        "style": _part("page.css"),
        "data": _stored(slim(data)),
        "runs": _stored(runs),
        "script": script,
    }
    page = _part("page.html")
    before, *pieces = page.split("{{")
    return before + "".join(parts[name] + rest for name, _, rest in (piece.partition("}}") for piece in pieces))


def embedded(data: Any) -> str:
    """JSON as it may stand inside of a script element: ASCII, with nothing that could end the element."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def packed(text: str) -> str:
    """A text as gzip in base64, which holds nothing that could end an element either."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _stored(data: Any) -> str:
    """The end of a script element's head, and the data as its text."""
    plain = embedded(data)
    return f" data-packed>{packed(plain)}" if len(plain) > PACKED_FROM else f">{plain}"


def _verdict(said: Verdict) -> str:
    asked = ["Answer", *(question for question, _ in said.answers[1:])]  # the title asks the first one
    pairs = zip(asked, (text for _, text in said.answers), strict=True)
    lines = (f"<div><dt>{html.escape(q)}</dt><dd>{html.escape(text)}</dd></div>" for q, text in pairs)
    return f'<dl class="verdict">{"".join(lines)}</dl>'


def _part(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")
