"""The project's own lint finds what it is to find."""

from __future__ import annotations

import importlib.util
from pathlib import Path

FILE = Path(__file__).parents[1] / "scripts/lint_docstrings.py"


def test_docstrings_that_open_with_a_question_word_are_found() -> None:
    spec = importlib.util.spec_from_file_location("lint_docstrings", FILE)
    assert spec is not None
    assert spec.loader is not None
    lint = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lint)
    text = '"""What it is."""\n\n\ndef f():\n    """Whether it is."""\n\n\nclass A:\n    """Whatever it is."""\n'
    assert lint.refused(text) == [(1, "What it is."), (5, "Whether it is.")]
