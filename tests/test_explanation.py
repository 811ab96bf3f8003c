"""What `explain` says is computed, and equals an independent reading."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from surrogate_bench.cli import main
from surrogate_bench.explanation.example import MOVED, PROBABILITIES, TARGETS, TO, explain
from surrogate_bench.metrics.names import names
from surrogate_bench.registry import entries

P, Y = np.array(PROBABILITIES), np.array(TARGETS)
METRICS = names("threshold")


@pytest.mark.parametrize("metric", METRICS)
def test_the_hard_value_stays_and_the_soft_ones_move(metric: str) -> None:
    explained = explain(metric)
    assert len(explained.relaxed) == len(entries("relaxation")) - 1
    assert explained.hard.norm == 0
    assert explained.hard.dead == len(P)
    assert explained.hard.before == explained.hard.after
    for effect in explained.relaxed:
        if effect.name == "straight_through":
            assert effect.before == effect.after == explained.hard.before
        elif metric != "specificity":  # which looks at negatives alone
            assert effect.after > effect.before
        assert effect.norm > 0
        assert math.isfinite(effect.norm)


def test_values_of_soft_precision() -> None:
    explained = explain("precision")
    soft = next(effect for effect in explained.relaxed if effect.name == "probability")
    moved = P.copy()
    moved[MOVED] = TO
    assert explained.hard.before == pytest.approx(Y[P > 0.5].mean())
    assert soft.before == pytest.approx((P * Y).sum() / P.sum())
    assert soft.after == pytest.approx((moved * Y).sum() / moved.sum())
    slope = (Y * P.sum() - (P * Y).sum()) / P.sum() ** 2 * P * (1 - P)
    np.testing.assert_allclose(soft.gradient.numpy(), slope, rtol=1e-9)


@pytest.mark.parametrize("metric", ["f1", "mcc", "kappa"])
def test_gradients_equal_finite_differences(metric: str) -> None:
    from surrogate_bench.counts import Counts
    from surrogate_bench.metrics.threshold import formula, ratio

    targets = torch.tensor(TARGETS, dtype=torch.float64)
    for effect in explain(metric).relaxed:
        if effect.name == "straight_through":
            continue
        logits = torch.tensor(PROBABILITIES, dtype=torch.float64).logit()
        for i in range(len(P)):
            step = torch.zeros_like(logits)
            step[i] = 1e-6
            up, down = (
                ratio(formula(metric)(Counts.of(effect.membership(logits + s), targets))).item() for s in (step, -step)
            )
            assert effect.gradient[i].item() == pytest.approx((up - down) / 2e-6, abs=1e-7), (effect.name, i)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_picture(suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / f"explained.{suffix}"
    assert main(["explain", "precision", "--out", str(file)]) == 0
    out = capsys.readouterr().out
    assert "0.6000 → 0.6000" in out
    assert all(name in out for name in entries("relaxation"))
    content = file.read_bytes()
    assert content.startswith(b"\x89PNG" if suffix == "png" else b"<?xml")
    assert len(content) > 10_000
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "needs one metric"),
        (["f1", "f2"], "needs one metric"),
        (["precison"], "'precision'"),
        (["auroc"], "metrics on counts"),
        (["f1", "--out"], "needs a file"),
        (["f1", "--out", "x.gif"], ".png"),
        (["f1", "--out=nowhere/x.png"], "no folder"),
        (["f1", "--uot=x.png"], "'--out'"),
    ],
)
def test_wrong_words(
    words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["explain", *words]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())
