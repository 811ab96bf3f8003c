"""Refuses docstrings that open with a question word, whose sentence has no subject: `make lint` calls this.

python scripts/lint_docstrings.py
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOMS = ("surrogate_bench", "hydra_plugins", "scripts")
QUESTION = re.compile(r"(What|Which|Who|Whose|When|Where|Whether)\b")


def refused(text: str) -> list[tuple[int, str]]:
    """The lines and first words of a module's docstrings that open with a question word."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            words = ast.get_docstring(node) or ""
            if QUESTION.match(words):
                found.append((node.body[0].lineno, words.splitlines()[0]))
    return found


def main() -> int:
    """Prints a line for each such docstring; returns 1 if there are any."""
    root = Path(__file__).resolve().parents[1]
    lines = [
        f"{file.relative_to(root)}:{line}: docstring opens with a question word: {words}"
        for room in ROOMS
        for file in sorted((root / room).rglob("*.py"))
        for line, words in refused(file.read_text(encoding="utf-8"))
    ]
    print("\n".join(lines) or "docstrings: no question words")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
