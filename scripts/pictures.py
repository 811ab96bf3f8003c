"""The README's pictures, drawn from the demo's runs: make demo && python scripts/pictures.py (needs Chromium)"""

from __future__ import annotations

import io
import re
import subprocess
import tempfile
from pathlib import Path

from rich.console import Console

from surrogate_bench.comparison import compare

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT = 1280, 1120
TITLE = "surrogate-bench -m loss=bce,soft_precision,soft_f1 'seed=range(5)'"


def main() -> None:
    """Writes docs/table.svg, docs/curves.png and docs/page.png."""
    runs, docs = ROOT / "outputs" / "demo", ROOT / "docs"
    console = Console(record=True, width=128, force_terminal=True, file=io.StringIO())
    compare(runs, console=console)
    # A picture that needs no network: whatever monospaced font there is will do.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title=TITLE), flags=re.DOTALL)
    (docs / "table.svg").write_text(svg, encoding="utf-8")
    compare(runs, metrics="f1,precision,recall", curves=docs / "curves.png", console=console)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        compare(runs, out=page, command=f"surrogate-bench compare {runs.relative_to(ROOT)} --out report.html")
        plain = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={WIDTH},{HEIGHT}"]
        subprocess.run(["chromium", *plain, f"--screenshot={docs / 'page.png'}", page.as_uri()], check=True)


if __name__ == "__main__":
    main()
