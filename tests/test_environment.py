"""What is recorded of the machine and the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from surrogate_bench.store import environment


def test_asking_for_the_commit_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not shutil.which("git"):
        pytest.skip("needs git")

    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@x", *words], cwd=tmp_path, check=True)

    module = tmp_path / "package" / "store" / "environment.py"
    module.parent.mkdir(parents=True)
    module.write_text("")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "x")
    monkeypatch.setattr(environment, "__file__", str(module))
    index = tmp_path / ".git" / "index"
    before = index.read_bytes()
    # Of a file with another time `git status` writes the index anew, in a lock that it leaves where it is killed.
    os.utime(module, (1, 1))
    commit = environment._commit()
    assert commit
    assert not commit.endswith("+")
    assert index.read_bytes() == before
    module.write_text("changed")
    assert environment._commit() == f"{commit}+"
