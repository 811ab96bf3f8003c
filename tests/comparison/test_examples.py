"""What other test examples might have said: DeLong's test and a paired bootstrap, against naive readings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import brier_score_loss, f1_score, log_loss, matthews_corrcoef, roc_auc_score

from surrogate_bench.cli import main
from surrogate_bench.comparison import prepare
from surrogate_bench.comparison.predictions import PREDICTIONS
from surrogate_bench.comparison.resampling import Scored, bootstrap, can_resample, delong

Write = Callable[..., Path]


def scored(seed: int, *, n: int = 60, ties: bool = False, shift: float = 1.0) -> Scored:
    rng = np.random.default_rng(seed)
    targets = (np.arange(n) % 3 == 0).astype(float)
    logits = rng.normal(0, 1, n) + shift * targets
    return Scored(logits.round(1) if ties else logits, targets, 0.3)


def naive_components(run: Scored) -> tuple[np.ndarray, np.ndarray]:
    """Pair by pair, as DeLong and others write them."""
    x, y = run.logits[run.targets == 1], run.logits[run.targets == 0]
    wins = (x[:, None] > y) + 0.5 * (x[:, None] == y)
    return wins.mean(1), wins.mean(0)


@pytest.mark.parametrize("ties", [False, True])
def test_delong_is_the_published_variance(ties: bool) -> None:
    one, other = scored(0, ties=ties), scored(1, ties=ties, shift=0.5)
    difference, low, high, p = delong([one], [other])
    aucs = [roc_auc_score(run.targets, run.logits) for run in (one, other)]
    assert difference == pytest.approx(aucs[0] - aucs[1])
    v10, v01 = zip(*(naive_components(run) for run in (one, other)), strict=True)
    contrast = np.array([1, -1])
    variance = contrast @ np.cov(v10) @ contrast / len(v10[0]) + contrast @ np.cov(v01) @ contrast / len(v01[0])
    assert p == pytest.approx(2 * stats.norm.sf(abs(difference) / np.sqrt(variance)))
    reach = stats.norm.ppf(0.975) * np.sqrt(variance)
    assert (low, high) == pytest.approx((difference - reach, difference + reach))


def test_delong_of_several_seeds_is_of_their_mean() -> None:
    rows, base = [scored(s) for s in range(4)], [scored(10 + s, shift=0.5) for s in range(4)]
    difference, low, high, p = delong(rows, base)
    single = [delong([one], [other]) for one, other in zip(rows, base, strict=True)]
    assert difference == pytest.approx(np.mean([own[0] for own in single]))
    assert high - low < np.mean([own[2] - own[1] for own in single])
    assert delong(rows, rows)[:3] == (0, 0, 0)
    assert delong(rows, rows)[3] == 1
    assert 0 < p < 1


def test_delong_has_no_interval_where_a_class_has_one_example() -> None:
    targets = np.eye(1, 20)[0]
    one, other = (Scored(np.random.default_rng(seed).normal(size=20), targets, 0.0) for seed in (0, 1))
    gain = roc_auc_score(targets, one.logits) - roc_auc_score(targets, other.logits)
    assert delong([one], [other]) == (pytest.approx(gain), None, None, None)


METRICS = {
    "f1": lambda y, z, _: f1_score(y, z > 0),
    "f1_tuned": lambda y, z, cut: f1_score(y, z > cut),
    "mcc": lambda y, z, _: matthews_corrcoef(y, z > 0),
    "log_loss": lambda y, z, _: log_loss(y, 1 / (1 + np.exp(-z))),
    "brier": lambda y, z, _: brier_score_loss(y, 1 / (1 + np.exp(-z))),
}


@pytest.mark.parametrize("metric", METRICS)
def test_the_bootstrap_is_that_of_scipy(metric: str) -> None:
    one, other = scored(0, n=150), scored(1, n=150, shift=0.3)
    value = METRICS[metric]

    def statistic(index: np.ndarray) -> float:
        i = index.astype(int)
        return value(one.targets[i], one.logits[i], one.cut) - value(other.targets[i], other.logits[i], other.cut)

    difference, low, high = bootstrap([one], [other], metric)
    assert difference == pytest.approx(statistic(np.arange(150)))
    theirs = stats.bootstrap(
        (np.arange(150),),
        statistic,
        vectorized=False,
        method="percentile",
        n_resamples=999,
        rng=np.random.default_rng(1),
    ).confidence_interval
    spread = theirs.high - theirs.low
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.12 * spread)


def test_what_can_be_resampled() -> None:
    assert all(map(can_resample, METRICS))
    assert not any(map(can_resample, ("auroc", "average_precision", "ece", "f1_soft", "f1_oracle")))


def keep(write: Write, *, seeds: int, one_part: bool) -> None:
    for seed in range(seeds):
        for i, loss in enumerate(("bce", "dice")):
            run = scored(10 * seed + i, shift=1 + i)
            targets = run.targets if one_part or not seed else np.roll(run.targets, seed)
            result = {"score_thresholds": {"tuned": 0.3}}
            np.savez(
                write(loss=loss, seed=seed, result=result) / PREDICTIONS, test_logits=run.logits, test_targets=targets
            )


def test_the_table_of_one_test_part(fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(fake_run, seeds=3, one_part=True)
    rows, base = ([scored(10 * s + i, shift=1 + i) for s in range(3)] for i in (1, 0))
    (table,) = prepare(outputs, metrics=["auroc"], select="auroc").tables("examples")
    (line,) = table.lines
    difference, low, high, p = delong(rows, base)
    assert line.cells[0].text == f"{difference:+.3f}".replace("-", "−")
    assert line.cells[1].text == f"{low:.3f} to {high:.3f}".replace("-", "−")
    assert line.cells[2].text == ("<0.001" if p < 0.001 else f"{p:.3f}")
    assert [cell.text for cell in line.cells[3:]] == ["60", "20"]
    (table,) = prepare(outputs, metrics=["f1"]).tables("examples")
    assert table.lines[0].cells[0].text == f"{bootstrap(rows, base, 'f1')[0]:+.3f}".replace("-", "−")
    assert main(["compare", str(outputs), "--metrics", "ece", "--select", "ece", "--view", "examples"]) == 2
    assert "knows auroc, log_loss, brier" in capsys.readouterr().err


def test_re_splits_have_no_such_table(fake_run: Write, outputs: Path) -> None:
    keep(fake_run, seeds=3, one_part=False)
    assert prepare(outputs, metrics=["f1"]).tables("examples") == []


def test_damaged_predictions_are_named(fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(fake_run, seeds=2, one_part=True)
    (fake_run(loss="dice", seed=1) / PREDICTIONS).write_bytes(b"PK half of a file")
    assert main(["compare", str(outputs), "--metrics", "f1", "--view", "examples"]) == 0
    captured = capsys.readouterr()
    assert "predictions.npz" in captured.err
    assert "on other test examples" in captured.out
