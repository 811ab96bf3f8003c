"""`surrogate-bench list`: what there is, one line each, without importing torch."""

from __future__ import annotations

import re

from rich.console import Console
from rich.markup import escape

from surrogate_bench.errors import unknown
from surrogate_bench.registry import WHERE, Entry, entries

PLURALS = {
    "losses": "loss",
    "metrics": "metric",
    "datasets": "dataset",
    "models": "model",
    "optimizers": "optimizer",
    "relaxations": "relaxation",
    "suites": "suite",
}
# What a kind's decorators say beside the reference, and is worth a column.
COLUMNS = {"loss": ("family", "state", "cost"), "metric": ("formula",)}
DEFAULTS = {"state": "none", "cost": "N"}


def main(words: list[str]) -> int:
    """Lists the kinds that the words name, or all of them."""
    for word in words:
        if word in ("-h", "--help"):
            print(f"surrogate-bench list [{'|'.join(PLURALS)}]: every component with what it is and its reference")
            return 0
        if word not in PLURALS:
            raise unknown("kind of component", word, PLURALS)
    assert set(PLURALS.values()) == {*WHERE, "suite"}
    console = Console()
    for plural in words or PLURALS:
        _show(console, plural, _known(PLURALS[plural]))
    return 0


def _known(kind: str) -> dict[str, Entry]:
    """Components, and what is configuration alone: suites and tables by name, told by their files' headings."""
    from surrogate_bench.places import CONF

    found = dict(entries(kind)) if kind in WHERE else {}
    folders = [CONF / kind] if kind in ("suite", "dataset") else []
    for path in (path for folder in folders for path in sorted(folder.glob("*.yaml")) if path.stem not in found):
        lines = [line.removeprefix("# ") for line in path.read_text(encoding="utf-8").splitlines()]
        what, reference, *_ = lines[lines[0].startswith("@") :]
        about = {"reference": reference.removeprefix("Reference: ")}
        found[path.stem] = Entry(kind, path.stem, "", "", what, about)
    return found


def _show(console: Console, plural: str, known: dict[str, Entry]) -> None:
    kind = PLURALS[plural]
    columns = COLUMNS.get(kind, ())
    rows = {name: [str(e.info.get(c, DEFAULTS.get(c, ""))) for c in columns] for name, e in known.items()}
    cells = [["", *columns], *([name, *row] for name, row in rows.items())]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    heading = "  ".join(word.ljust(width) for word, width in zip(cells[0], widths, strict=True)) if columns else ""
    above = f"\n  [dim]{heading}[/]" if heading else ""
    console.print(f"[bold]{plural}[/] ({len(known)}){above}", highlight=False, soft_wrap=True)
    for name in sorted(known, key=lambda name: rows[name][:1]) if kind == "loss" else known:
        entry = known[name]
        first, *others = (word.ljust(width) for word, width in zip([name, *rows[name]], widths, strict=True))
        what = "  ".join((f"[cyan]{escape(first)}[/]", *map(escape, others), escape(_sentence(entry.summary))))
        reference = escape(str(entry.info.get("reference", "")))
        console.print(f"  {what} [dim]\\[{reference}][/]", soft_wrap=True, highlight=False)
    console.print()


def _sentence(summary: str) -> str:
    return re.split(r"(?<!\b[A-Z])\. ", summary)[0].rstrip(".") + "."  # a letter before it abbreviates: E. coli
