"""`surrogate-bench list`: what there is, one line each, without importing torch."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from surrogate_bench.errors import unknown
from surrogate_bench.registry import WHERE, entries

PLURALS = {
    "losses": "loss",
    "metrics": "metric",
    "datasets": "dataset",
    "models": "model",
    "optimizers": "optimizer",
    "relaxations": "relaxation",
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
    assert set(PLURALS.values()) == set(WHERE)
    console = Console()
    for plural in words or PLURALS:
        _show(console, plural)
    return 0


def _show(console: Console, plural: str) -> None:
    kind = PLURALS[plural]
    columns = COLUMNS.get(kind, ())
    table = Table(
        title=f"{plural} ({len(entries(kind))})", title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    table.add_column("name", style="cyan", no_wrap=True)
    for column in columns:
        table.add_column(column, style="dim" if column == "cost" else "")
    table.add_column("what it is", ratio=3)
    table.add_column("reference", ratio=2, style="dim")
    for name, entry in entries(kind).items():
        info = [str(entry.info.get(column, DEFAULTS.get(column, ""))) for column in columns]
        table.add_row(name, *map(escape, (*info, entry.summary, str(entry.info.get("reference", "")))))
    console.print(table)
    console.print()
