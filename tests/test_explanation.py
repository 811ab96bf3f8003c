"""What `explain` says is computed, and equals an independent reading."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from program import imported
from rich.console import Console
from sklearn import metrics as reference

from surrogate_bench.cli import main
from surrogate_bench.counts import Counts
from surrogate_bench.explanation import example
from surrogate_bench.explanation.example import NEGATIVE, POSITIVE, PROBABILITIES, TARGETS, TO, Effect, explain
from surrogate_bench.explanation.picture import draw
from surrogate_bench.explanation.terminal import show
from surrogate_bench.metrics.names import names
from surrogate_bench.metrics.threshold import formula, ratio
from surrogate_bench.registry import Entry, entries

P, Y = np.array(PROBABILITIES), np.array(TARGETS)
METRICS = names("threshold")
SKLEARN = {
    "precision": reference.precision_score,
    "recall": reference.recall_score,
    "specificity": functools.partial(reference.recall_score, pos_label=0),
    "f0.5": functools.partial(reference.fbeta_score, beta=0.5),
    "f1": reference.f1_score,
    "f2": functools.partial(reference.fbeta_score, beta=2),
    "jaccard": reference.jaccard_score,
    "accuracy": reference.accuracy_score,
    "balanced_accuracy": reference.balanced_accuracy_score,
    "g_mean": lambda y, d: (reference.recall_score(y, d) * reference.recall_score(y, d, pos_label=0)) ** 0.5,
    "mcc": reference.matthews_corrcoef,
    "kappa": reference.cohen_kappa_score,
}


def effect_of(metric: str, relaxation: str) -> Effect:
    return next(effect for effect in explain(metric).effects if effect.name == relaxation)


@pytest.mark.parametrize("metric", METRICS)
def test_the_hard_value_stays_and_the_soft_ones_move(metric: str) -> None:
    explained = explain(metric)
    assert {effect.name for effect in explained.effects} == set(entries("relaxation"))
    assert explained.hard.gradient.shape == P.shape
    assert not explained.hard.gradient.any()
    assert explained.hard.dead == len(P)
    assert explained.hard.before == explained.hard.after == pytest.approx(SKLEARN[metric](Y, P > 0.5))
    better = 1 if explained.moved == POSITIVE else -1
    for effect in explained.relaxed:
        assert better * effect.at_moved > 0
        if effect.name == "straight_through":
            assert effect.before == pytest.approx(explained.hard.before, abs=1e-12)
            assert effect.after == pytest.approx(explained.hard.after, abs=1e-12)
        else:
            assert better * (effect.after - effect.before) > 1e-3


def test_the_negative_moves_where_positives_do_not_count() -> None:
    assert [metric for metric in METRICS if explain(metric).moved == NEGATIVE] == ["specificity"]
    assert P[POSITIVE] == P[NEGATIVE] == 0.6
    assert (Y[POSITIVE], Y[NEGATIVE]) == (1, 0)


@pytest.mark.parametrize(
    ("relaxation", "member", "slope"),
    [
        ("probability", lambda p: p, lambda p: p * (1 - p)),
        (
            "sigmoid",
            lambda p: 1 / (1 + np.exp(-10 * (p - 0.5))),
            lambda p: 10 * p * (1 - p) * np.exp(-10 * (p - 0.5)) / (1 + np.exp(-10 * (p - 0.5))) ** 2,
        ),
    ],
)
def test_values_of_soft_precision(relaxation: str, member: object, slope: object) -> None:
    assert callable(member)
    assert callable(slope)
    effect = effect_of("precision", relaxation)
    moved = P.copy()
    moved[POSITIVE] = TO
    m, after = member(P), member(moved)
    assert effect.member == pytest.approx(m[POSITIVE])
    assert effect.before == pytest.approx((m * Y).sum() / m.sum())
    assert effect.after == pytest.approx((after * Y).sum() / after.sum())
    gradient = (Y * m.sum() - (m * Y).sum()) / m.sum() ** 2 * slope(P)
    np.testing.assert_allclose(effect.gradient.numpy(), gradient, rtol=1e-9)
    assert effect.norm == pytest.approx(np.linalg.norm(gradient))
    assert effect.at_moved == pytest.approx(gradient[POSITIVE])


@pytest.mark.parametrize("metric", METRICS)
def test_gradients_equal_finite_differences(metric: str) -> None:
    targets = torch.tensor(TARGETS, dtype=torch.float64)
    for effect in explain(metric).relaxed:
        if effect.name == "straight_through":  # its gradient is not its value's
            continue
        logits = torch.tensor(PROBABILITIES, dtype=torch.float64).logit()
        for i in range(len(P)):
            step = torch.zeros_like(logits)
            step[i] = 1e-6
            up, down = (
                ratio(formula(metric)(Counts.of(effect.membership(logits + s), targets))).item() for s in (step, -step)
            )
            assert effect.gradient[i].item() == pytest.approx((up - down) / 2e-6, abs=1e-7), (effect.name, i)


@pytest.mark.parametrize("name", ["explained.png", "explained.svg", "EXPLAINED.PNG"])
def test_picture(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / name
    assert main(["explain", "precision", "--out", str(file)]) == 0
    out = capsys.readouterr().out
    assert "0.6000 → 0.6000" in out
    assert all(relaxation in out for relaxation in entries("relaxation"))
    content = file.read_bytes()
    assert content.startswith(b"<?xml" if file.suffix == ".svg" else b"\x89PNG")
    assert len(content) > 10_000
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_nothing_is_cut_in_a_terminal(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    show(explain("balanced_accuracy"), Console(width=width, force_terminal=True, color_system=None))
    out = capsys.readouterr().out
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= width
    words = " ".join(out.split())
    for effect in explain("balanced_accuracy").effects:
        values = f"{effect.before:.4f} {effect.after:.4f} {effect.norm:.4f}"
        assert values in words, effect.name


def test_a_new_relaxation_shows_up_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = entries("relaxation")
    new = {f"new{i}": replace(known["probability"], name=f"new{i}", summary=f"Story {i}.") for i in range(16)}

    def extended(kind: str) -> dict[str, Entry]:
        return {**known, **new} if kind == "relaxation" else entries(kind)

    monkeypatch.setattr(example, "entries", extended)
    explained = explain("f1")
    show(explained)
    out = capsys.readouterr().out
    assert all(name in out and entry.summary in out for name, entry in new.items())
    draw(explained, tmp_path / "all.svg")
    drawn = (tmp_path / "all.svg").read_text(encoding="utf-8")
    assert all(f"<!-- {effect.label} -->" in drawn for effect in explained.effects)


def test_a_plain_terminal_gets_all_of_it() -> None:
    words = [sys.executable, "-m", "surrogate_bench", "explain", "mcc"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "40"}
    done = subprocess.run(words, env=environment, capture_output=True, check=True)
    out = done.stdout.decode("ascii")
    assert all(relaxation in out for relaxation in entries("relaxation"))
    assert "\x1b" not in out
    assert "loss.metric=mcc" in out


def test_help_and_errors_need_no_torch(tmp_path: Path) -> None:
    words: list[list[str]] = [["--help"], ["precison"], ["auroc"], ["f1", "--out=x.gif"], []]
    out, modules = imported(tmp_path, *(["explain", *own] for own in words))
    assert all(metric in out for metric in METRICS)
    assert not {"torch", "matplotlib", "pandas"} & modules


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "needs one metric"),
        (["f1", "f2"], "needs one metric"),
        (["precison"], "Did you mean 'precision'?"),
        (["auroc"], "order of the scores"),
        (["average_precision"], "order of the scores"),
        (["brier"], "metrics on counts"),
        (["f1", "--out"], "needs a file"),
        (["f1", "--out", "x.gif"], ".png"),
        (["f1", "--out=nowhere/x.png"], "no folder"),
        (["f1", "--out", "folder.png"], "it is a folder"),
        (["f1", "--uot=x.png"], "'--out'"),
    ],
)
def test_wrong_words(
    words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.png").mkdir()
    assert main(["explain", *words]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]
    assert not list((tmp_path / "folder.png").iterdir())
