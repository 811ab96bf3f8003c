"""The table of docs/transforms.md says what is so; whole graphs are tried by test_losses_transforms."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
SPEC = importlib.util.spec_from_file_location("transforms", ROOT / "scripts" / "transforms.py")
assert SPEC
assert SPEC.loader
transforms: Any = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(transforms)


def table() -> dict[str, dict[str, str]]:
    """The page's cells, by loss and column."""
    lines = (ROOT / "docs" / "transforms.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return {row[0].strip("`"): dict(zip(rows[0][1:], row[1:], strict=True)) for row in rows[2:]}


SAID = table()


def test_every_loss_and_every_transform_is_in_it() -> None:
    assert list(SAID)[:-1] == transforms.NAMES
    assert all(list(row) == list(transforms.ALL) for row in SAID.values())
    total = SAID[list(SAID)[-1]]
    assert total == {head: str(sum(SAID[name][head] == "yes" for name in transforms.NAMES)) for head in transforms.ALL}
    # Tried by `test_every_loss_compiles_without_a_break_in_the_graph`.
    assert total["`compile(fullgraph=True)`"] == str(len(transforms.NAMES))


@pytest.mark.parametrize("name", transforms.NAMES)
def test_its_cells_are_so(name: str) -> None:
    found = {head: transforms.cell(check, name) for head, check in transforms.QUICK.items()}
    assert found == {head: SAID[name][head] for head in found}
