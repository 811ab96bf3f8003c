"""`surrogate-bench list`: what there is, one line each, without importing torch."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from surrogate_bench.errors import UserError, unknown
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
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument("--config-dir", "-cd", type=Path)
    try:
        given, words = parser.parse_known_args(words)
    except argparse.ArgumentError as error:
        raise UserError(str(error).removeprefix("argument ")) from error
    if given.config_dir and not given.config_dir.is_dir():
        raise UserError(f"--config-dir: there is no folder {str(given.config_dir)!r}")
    for word in words:
        if word in ("-h", "--help"):
            print(f"surrogate-bench list [{'|'.join(PLURALS)}] [--config-dir DIR]: every component, its reference")
            return 0
        if word not in PLURALS:
            near = PLURALS if not word.startswith("-") else ("--config-dir",)
            raise unknown("kind of component" if near is PLURALS else "option", word, near)
    assert set(PLURALS.values()) == {*WHERE, "suite"}
    console = Console()
    for plural in words or PLURALS:
        _show(console, plural, _known(PLURALS[plural], given.config_dir))
    return 0


def _known(kind: str, mine: Path | None) -> dict[str, Entry]:
    """Components, and what is configuration alone: suites, tables by name and a user's own, told by their headings."""
    from surrogate_bench.system.paths import CONF

    found = dict(entries(kind)) if kind in WHERE else {}
    folders = [CONF / kind] if kind in ("suite", "dataset") else []
    for folder in [*folders, *([mine / kind] if mine else [])]:
        for path in (path for path in sorted(folder.glob("*.yaml")) if path.stem not in found):
            what, reference = _heading(path)
            found[path.stem] = Entry(kind, path.stem, "", "", what, {"reference": reference})
    return found


def _heading(path: Path) -> tuple[str, str]:
    """A choice's first comment, and its reference; a user's own has its file's name in place of one that it lacks."""
    lines = [line[1:].strip() for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    told = [line for line in lines if not line.startswith("@")]
    reference = next((line for line in told if line.startswith("Reference: ")), f"Reference: {path.name}")
    what = next((line for line in told if not line.startswith(("Reference: ", "Command: "))), "yours")
    return what, reference.removeprefix("Reference: ")


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
