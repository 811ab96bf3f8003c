"""No command line, right or wrong, ends in a traceback, hangs, or is refused after something was written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from counts import count, examples
from hypothesis import given
from right_words import OF_VERBS, RIGHT, SMALL
from words import WRONG
from zygote import Zygote, complaint


@pytest.fixture(scope="module")
def stored(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    sweep = ["-m", *SMALL, "loss=bce,soft_f1,smooth_ap", "optimizer.lr=0.01,0.1", "seed=range(3)", "launcher.workers=1"]
    assert zygote.run(sweep, folder=folder).code == 0
    return folder


@pytest.mark.parametrize("_part", range(count(1, 4)))
@examples(30, 3600)
@given(words=WRONG)
def test_any_command_line(_part: int, words: list[str], zygote: Zygote) -> None:
    answer = zygote.run(words)
    assert not (wrong := complaint(answer)), f"{wrong}: {words!r}\n{answer.err[-3000:]}"


@pytest.mark.parametrize("_part", range(count(1, 4)))
@examples(30, 1400)
@given(words=RIGHT)
def test_any_command_line_that_is_mostly_right(
    _part: int, words: list[str], zygote: Zygote, stored: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = None
    if words[0] in OF_VERBS:
        folder = tmp_path_factory.mktemp("copy")
        shutil.copytree(stored, folder, dirs_exist_ok=True)
    answer = zygote.run(words, folder=folder)
    assert not (wrong := complaint(answer)), f"{wrong}: {words!r}\n{answer.err[-3000:]}"
    if folder:
        shutil.rmtree(folder)
