"""A component's code is told apart by what it computes, and never averaged with another's of the same name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from surrogate_bench.registry import HERE
from surrogate_bench.store import definitions
from surrogate_bench.store.definitions import code

CACHES = ("_digest", "_part", "_tree", "_definitions", "_imported")


@pytest.fixture
def edited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Takes one line of the package's sources for another, and gives a loss's digest then."""

    def edit(file: str, old: str, new: str, loss: str) -> str:
        copy = tmp_path / "surrogate_bench"
        shutil.copytree(HERE, copy, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        text = (copy / file).read_text(encoding="utf-8")
        assert old in text
        (copy / file).write_text(text.replace(old, new), encoding="utf-8")
        monkeypatch.setattr(definitions, "HERE", copy)
        for cache in CACHES:
            getattr(definitions, cache).cache_clear()
        return code("loss", loss)

    yield edit
    for cache in CACHES:
        getattr(definitions, cache).cache_clear()


HARMLESS = [
    ("losses/pointwise.py", '"""Binary cross-entropy', '"""Another word', "bce"),
    ("losses/pointwise.py", 'family="pointwise"', 'family="another"', "bce"),
    ("losses/pointwise.py", "import torch\n", "import torch\n# A comment.\n", "bce"),
    ("metrics/calibration.py", "BINS", "SHELVES", "bce"),
]


@pytest.mark.parametrize(("file", "old", "new", "loss"), HARMLESS)
def test_words_and_what_a_loss_does_not_use_change_nothing(edited, file: str, old: str, new: str, loss: str) -> None:
    before = code("loss", loss)
    assert edited(file, old, new, loss) == before


TELLING = [
    ("counts.py", "tp", "pt", "soft_f1"),
    ("metrics/threshold.py", "weighted + (c.fn if", "weighted + 2 * (c.fn if", "soft_f1"),
    ("relaxations.py", "logits", "scores", "soft_f1"),
    ("losses/base.py", "raise NotImplementedError", "return logits.mean(-1)", "bce"),
]


@pytest.mark.parametrize(("file", "old", "new", "loss"), TELLING)
def test_what_a_loss_uses_counts(edited, file: str, old: str, new: str, loss: str) -> None:
    before = code("loss", loss)
    assert edited(file, old, new, loss) != before


def test_an_edited_copy_of_the_program_is_named_and_never_averaged(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for part in ("surrogate_bench", "hydra_plugins", "conf"):
        shutil.copytree(HERE.parent / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    file = copy / "surrogate_bench/losses/pointwise.py"
    text = file.read_text(encoding="utf-8")
    assert text.count("return softplus(") == 1  # in the cross-entropy that BCE is the mean of
    file.write_text(text.replace("return softplus(", "return 0.02 * softplus("), encoding="utf-8")

    def sweep(home: Path, seeds: str) -> str:
        words = ["-m", "loss=bce", "optimizer=sgd", f"seed={seeds}", "trainer.epochs=4", "launcher.workers=1"]
        environment = os.environ | {"PYTHONPATH": str(home)}
        command = [sys.executable, "-m", "surrogate_bench", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    sweep(HERE.parent, "0,1")
    both = sweep(copy, "0,1,2,3")
    assert "loss 'bce' is there in 2 versions" in both
    assert both.count("bce 20") >= 1  # the older one, by its date
