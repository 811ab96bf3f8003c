"""What a comparison proposes works when it is taken word for word."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from program import words_in

from surrogate_bench.cli import main

Write = Callable[..., Path]


@pytest.fixture
def runs(fake_run: Write, outputs: Path) -> Path:
    """Three rates of two losses at eight seeds; the largest rate is the best of all, and focal has two gammas."""
    for seed in range(8):
        for rate in (0.001, 0.003, 0.01):
            value = 0.5 + 10 * rate + 0.01 * seed
            metrics = {"f1": value, "f1_tuned": value}
            fake_run(loss="bce", seed=seed, optimizer__lr=rate, val=metrics, test=metrics)
            other = dict.fromkeys(metrics, value + 0.0058 * (-1) ** seed)
            fake_run(loss="dice", seed=seed, optimizer__lr=rate, val=other, test=other)
    return outputs


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(["compare", *words]) == code, words
    printed = capsys.readouterr()
    return " ".join((printed.out + printed.err).split())


@pytest.mark.parametrize(
    "words",
    [
        ["--view", "differnces"],
        ["--format", "latx"],
        ["--metrics", "f1_tuend"],
        ["--select", "auroK"],
        ["--rows", "los"],
        ["--failed", "wrst"],
        ["--select-over", "seed"],
    ],
    ids=lambda words: words[0],
)
def test_the_nearest_word_is_one(words: list[str], runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = said(capsys, str(runs), *words, code=2)
    (near,) = re.findall(r"[Dd]id you mean '([^']+)'", message)
    said(capsys, str(runs), words[0], near)


def test_a_baseline_that_is_not_there(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = said(capsys, str(runs), "--baseline", "dce")
    (near,) = re.findall(r"[Dd]id you mean '([^']+)'", message)
    assert "Row minus dice" in said(capsys, str(runs), "--baseline", near)


def test_the_rate_beyond_the_edge_is_a_word(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (rate,) = {word for word in words_in(said(capsys, str(runs))) if word.startswith("optimizer.lr=0.03")}
    (override,) = OverridesParser.create().parse_overrides([rate])
    assert override.value() == pytest.approx(0.033)


def test_the_seeds_that_are_missing_are_words(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (word,) = re.findall(r"'(seed=[^']+)' in the same command", said(capsys, str(runs), "--view", "differences"))
    (override,) = OverridesParser.create().parse_overrides([word])
    assert list(map(int, override.sweep_iterator())) == [8, 9, 10, 11]


def test_unequal_budgets(runs: Path, fake_run: Write, capsys: pytest.CaptureFixture[str]) -> None:
    fake_run(loss="bce", seed=0, optimizer__lr=0.02)
    (option,) = re.findall(r"(--\w+) compares them nevertheless", said(capsys, str(runs), code=2))
    assert "unequal budgets" in said(capsys, str(runs), option)
