"""The README's pictures, drawn from the demo's runs: make demo && python scripts/pictures.py"""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console

from surrogate_bench.comparison import compare

ROOT = Path(__file__).resolve().parents[1]
TITLE = "surrogate-bench -m loss=bce,soft_precision,soft_f1 'seed=range(5)'"


def main() -> None:
    """Writes docs/table.svg and docs/curves.png."""
    runs, docs = ROOT / "outputs" / "demo", ROOT / "docs"
    console = Console(record=True, width=128, force_terminal=True, file=io.StringIO())
    compare(runs, console=console)
    # A picture that needs no network: whatever monospaced font there is will do.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title=TITLE), flags=re.DOTALL)
    (docs / "table.svg").write_text(svg, encoding="utf-8")
    compare(runs, metrics="f1,precision,recall", curves=docs / "curves.png", console=console)


if __name__ == "__main__":
    main()
