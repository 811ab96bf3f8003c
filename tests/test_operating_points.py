"""Thresholds on the score, and operating points with a level: metrics, decisions, monitors, tables."""

from __future__ import annotations

import copy
import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogate_bench.cli import main
from surrogate_bench.comparison import prepare
from surrogate_bench.comparison.formats.page.content import content
from surrogate_bench.config.parse import resolve
from surrogate_bench.config.schema import TrainerConfig
from surrogate_bench.errors import UserError
from surrogate_bench.metrics import evaluate
from surrogate_bench.metrics.names import base_name, canonical, flat_names, threshold_text, tuned_metric
from surrogate_bench.metrics.points import at_levels, decide
from surrogate_bench.store.run_id import run_id

CONFIG: dict[str, Any] = {
    "trainer": {"epochs": 5, "batch_size": 64},
    "launcher": {},
    "dataset": {"name": "breast_cancer"},
    "model": {"name": "linear"},
    "loss": {"name": "bce", "pos_weight": None},
    "optimizer": {"name": "adam", "lr": 0.003},
}
# Of the version before metrics had levels, monitoring f1 and precision_at_recall.
IDS = ["breast_cancer-linear-bce-s0-3cb6c20d6f", "breast_cancer-linear-bce-s0-613c582be5"]
POINTS = ("recall_at_precision", "precision_at_recall", "tpr_at_fpr")
LEVELS = ("1", "0.9", "0.8", "0.7", "0.6", "0.3", "0.1", "0.07", "0.01")
Cut = tuple[int, int]


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[float], list[int]]:
    """Scores with many ties, of one ulp between neighbours, or whose probabilities are all 0 or all 1."""
    n = draw(st.integers(1, 30))
    ranks = draw(st.lists(st.integers(0, draw(st.sampled_from([2, 40]))), min_size=n, max_size=n))
    base = draw(st.sampled_from([0.0, 36.0, 60.0, 1e4, -1e4, -800.0, 1e30, -1e30]))
    step = draw(st.sampled_from([0.5, 0.0]))
    scores = [base + step * rank for rank in ranks]
    if not step:
        ladder = [base]
        for _ in range(max(ranks)):
            ladder.append(math.nextafter(ladder[-1], math.inf))
        scores = [ladder[rank] for rank in ranks]
    return scores, draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))


def cuts(z: list[float], y: list[int]) -> list[Cut]:
    """True and false positives of every decision that a threshold can make, read naively."""
    return [
        (sum(b for a, b in zip(z, y, strict=True) if a >= t), sum(1 - b for a, b in zip(z, y, strict=True) if a >= t))
        for t in {math.inf, *z}
    ]


def f1_of(cut: Cut, positives: int) -> float:
    return 2 * cut[0] / (cut[0] + cut[1] + positives) if cut[0] else 0.0


def rates(cut: Cut, y: list[int]) -> tuple[Fraction, Fraction, Fraction]:
    """Precision, recall and false positive rate, in whole numbers, 0 where there is nothing to divide by."""
    tp, fp = cut
    divided = ((tp, tp + fp), (tp, sum(y)), (fp, len(y) - sum(y)))
    a, b, c = (Fraction(part, total) if total else Fraction(0) for part, total in divided)
    return a, b, c


def best_cut(name: str, level: str, z: list[float], y: list[int]) -> tuple[bool, tuple[Fraction, Fraction]]:
    """Two things: whether a threshold reaches the level, and the value and the level of the one that does best."""
    found, limit = [rates(cut, y) for cut in cuts(z, y)], Fraction(level)
    if name == "recall_at_precision":
        kept = [(recall, precision) for precision, recall, _ in found if precision >= limit]
        if kept:
            return True, max(kept)
        precision, recall = max((precision, recall) for precision, recall, _ in found)
        return False, (recall, precision)
    if name == "precision_at_recall":
        kept = [(precision, recall) for precision, recall, _ in found if recall >= limit and sum(y)]
        return (True, max(kept)) if kept else (False, (Fraction(0), Fraction(0)))
    kept = [(recall, -fpr) for _, recall, fpr in found if fpr <= limit and sum(y) < len(y)]
    return (True, (max(kept)[0], -max(kept)[1])) if kept else (False, (Fraction(0), Fraction(0)))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(problem=problems(), dtype=st.sampled_from([torch.float32, torch.float64]))
def test_tuned_thresholds_are_exact_for_any_scores(problem: tuple[list[float], list[int]], dtype: torch.dtype) -> None:
    logits, y = torch.tensor(problem[0], dtype=dtype), torch.tensor(problem[1])
    z = logits.double().tolist()
    best = max(f1_of(cut, sum(problem[1])) for cut in cuts(z, problem[1]))
    found = evaluate(logits, y)
    at = found["score_thresholds"]["tuned"]
    assert found["hard_tuned"]["f1"] == pytest.approx(best, abs=1e-6)
    assert math.isfinite(at)
    assert f1_of(
        (
            sum(b for a, b in zip(z, problem[1], strict=True) if a > at),
            sum(1 - b for a, b in zip(z, problem[1], strict=True) if a > at),
        ),
        sum(problem[1]),
    ) == pytest.approx(best)
    again = evaluate(logits, y, tuned_score=at)
    assert again["hard_tuned"] == found["hard_tuned"]
    assert again["hard_oracle"]["f1"] >= again["hard_tuned"]["f1"]
    assert found["hard"]["recall"] == (
        sum(b for a, b in zip(z, problem[1], strict=True) if a > 0) / max(sum(problem[1]), 1)
    )


@pytest.mark.parametrize("base", [0.0, 36.0, 60.0, 1e4, -60.0, -1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_offset_changes_no_tuned_value(base: float, dtype: torch.dtype) -> None:
    y = torch.tensor([0, 0, 0, 1, 0, 1, 1, 1])
    found = evaluate((base + torch.arange(8).double() / 2).to(dtype), y)
    assert found["hard_tuned"]["f1"] == pytest.approx(8 / 9)
    assert base + 1 <= found["score_thresholds"]["tuned"] < base + 1.5


def test_a_tuned_probability_gives_its_own_value_again_where_it_tells_scores_apart() -> None:
    random = np.random.default_rng(0)
    for scale in (1e-3, 1.0, 8.0):
        z = torch.tensor(random.normal(0, scale, 300).astype(np.float32))
        y = torch.tensor((random.random(300) < 0.3).astype(int))
        for metric in ("f1", "mcc", "precision_at_recall@0.8"):
            found = evaluate(z, y, tune_for=metric)
            again = evaluate(z, y, tuned=found["thresholds"]["tuned"], tune_for=metric)
            assert again["hard_tuned"] == found["hard_tuned"] == again["hard_oracle"]


def test_the_tuned_threshold_is_given_in_one_way() -> None:
    z, y = torch.tensor([[1.0, 2.0, 50.0]] * 2), torch.tensor([[0, 1, 1]] * 2)
    assert evaluate(z, y, tuned_score=49.0)["hard_tuned"]["recall"].tolist() == [0.5, 0.5]
    assert evaluate(z, y, tuned=0.8)["thresholds"]["tuned"].tolist() == [0.8, 0.8]
    with pytest.raises(ValueError, match="either"):
        evaluate(z, y, tuned=0.5, tuned_score=0.0)


@pytest.mark.parametrize(("p", "recall"), [(0.0, 1.0), (-1.0, 1.0), (1.0, 0.0), (2.0, 0.0), (0.5, 0.5)])
def test_default_thresholds_at_the_ends(p: float, recall: float) -> None:
    found = evaluate(torch.tensor([1e4, -1e4, 3.0, -3.0]), torch.tensor([1, 1, 1, 1]), p)
    assert (found["hard"]["recall"], found["thresholds"]["default"]) == (recall, p)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(problem=problems(), name=st.sampled_from(POINTS), level=st.sampled_from(LEVELS))
def test_operating_points_are_the_best_that_keep_their_level(
    problem: tuple[list[float], list[int]], name: str, level: str
) -> None:
    z, y = problem
    metric = f"{name}@{level}"
    logits, targets = torch.tensor(z, dtype=torch.float64), torch.tensor(y)
    kept, (value, reached) = best_cut(name, level, z, y)
    found = evaluate(logits, targets, tune_for=metric)
    own = canonical(metric, flat_names())
    both = sum(y) > 0 and (name != "tpr_at_fpr" or sum(y) < len(y))
    assert found["operating_point"][own] == pytest.approx(float(value) if kept and both else 0.0, abs=1e-6)
    part = (logits[None], targets[None])
    (decided,) = decide([own], val=part, test=part)
    point = decided[own]
    assert point["score_threshold"] == found["score_thresholds"]["tuned"]
    assert point["val"] == point["test"]
    if both:
        assert point["reached"] == kept
        assert (point["val"]["value"], point["val"]["level"]) == pytest.approx(
            (float(value), float(reached)), abs=1e-12
        )
    else:
        assert point["val"]["tp"] + point["val"]["fp"] == 0 or name == "tpr_at_fpr"
    assert found["hard_tuned"]["recall"] == pytest.approx(point["val"]["recall"], abs=1e-6)
    assert found["hard_tuned"]["precision"] == pytest.approx(point["val"]["precision"], abs=1e-6)
    assert at_levels(*part, [own])[own].item() == found["operating_point"][own]


@pytest.mark.parametrize("n", [5, 10, 30, 100, 700, 9_999, 100_000])
def test_a_level_is_reached_by_the_whole_number_that_it_is(n: int) -> None:
    # 0.07 * 100 is above 7 in floating point, and 0.29 * 100 below 29.
    for level in ("0.8", "0.07", "0.29", "0.57", "0.1", "1"):
        need = -(-Fraction(level) * n // 1)
        # The positives first, but for one negative before each: precision falls as recall grows, then all the rest.
        z = torch.arange(2 * n, 0, -1, dtype=torch.float64)
        y = torch.cat((torch.ones(int(need)), torch.zeros(n), torch.ones(n - int(need))))
        found = evaluate(z, y, also=[f"precision_at_recall@{level}", f"tpr_at_fpr@{level}"])
        assert found["operating_point"][canonical(f"precision_at_recall@{level}", flat_names())] == 1.0
        most = int(Fraction(level) * n // 1)
        y = torch.cat((torch.zeros(most), torch.ones(n), torch.zeros(n - most)))
        found = evaluate(z, y, also=[f"tpr_at_fpr@{level}"])
        assert found["operating_point"][canonical(f"tpr_at_fpr@{level}", flat_names())] == 1.0
        y = torch.cat((torch.zeros(n - int(need)), torch.ones(int(need)), torch.zeros(n)))
        found = evaluate(z, y, also=[f"recall_at_precision@{level}"])
        assert found["operating_point"][canonical(f"recall_at_precision@{level}", flat_names())] == 1.0


@pytest.mark.parametrize("level", [0.05, 0.1, 0.5, 1.0])
def test_partial_auroc_at_a_level_is_scikit_learns(level: float) -> None:
    from sklearn.metrics import roc_auc_score

    random = np.random.default_rng(1)
    y = (random.random(400) < 0.2).astype(int)
    z = (random.normal(0, 1, 400) + y).round(1)
    found = evaluate(torch.tensor(z), torch.tensor(y), also=[f"partial_auroc@{level}"])["ranking"]
    expected = roc_auc_score(y, z, max_fpr=level)
    assert found[f"partial_auroc@{level:g}"] == pytest.approx(expected, abs=1e-6)
    assert found["partial_auroc"] == pytest.approx(roc_auc_score(y, z, max_fpr=0.3), abs=1e-6)


@pytest.mark.parametrize("word", ["0.8", ".8", "0.80", "8e-1", "00.8"])
def test_a_level_has_one_spelling(word: str) -> None:
    assert TrainerConfig(monitor=f"precision_at_recall@{word}").monitor == "precision_at_recall@0.8"


def test_names_of_operating_points() -> None:
    assert TrainerConfig(monitor="precision_at_recall@0.90").monitor == "precision_at_recall"
    assert TrainerConfig(monitor="tpr_at_fpr@1.0").monitor == "tpr_at_fpr@1"
    assert base_name("precision_at_recall@0.8_score_threshold") == "precision_at_recall@0.8"
    assert tuned_metric("precision_at_recall@0.8") == "precision_at_recall@0.8"
    assert tuned_metric("tpr_at_fpr") == "tpr_at_fpr"
    assert [tuned_metric(m) for m in ("auroc", "partial_auroc@0.1", "log_loss", "mcc_tuned")] == ["f1"] * 3 + ["mcc"]
    assert [threshold_text(0.2431, -1.1), threshold_text(1.0, 61.219)] == ["p > 0.243", "score > 61.22"]


@pytest.mark.parametrize(
    ("word", "told"),
    [
        (f"precision_at_recall@{level}", "a number above 0 and at most 1, as in precision_at_recall@0.9")
        for level in ("0", "1.5", "-0.5", "nan", "inf", "", "x", "0.8@0.9", "80%", "1e-400", "٠.٨")
    ]
    + [
        ("precision_at_recal@0.8", "Did you mean 'precision_at_recall@0.8'"),
        ("auroc@0.8", "takes no level"),
        ("f1@0.8", "takes no level"),
        ("precision_at_recall@0.8_tuned", "Did you mean 'precision_at_recall@0.8'"),
        ("zzz@0.8", "there is recall_at_precision@0.8"),
    ],
)
def test_wrong_levels_are_one_clear_line(word: str, told: str) -> None:
    with pytest.raises(UserError) as caught:
        TrainerConfig(monitor=word)
    assert told.replace("there is ", "") in str(caught.value)
    assert "\n" not in str(caught.value)


EXPERIMENTS = {
    "precision_at_recall@.80": "at_recall",
    "recall_at_precision@0.999": "out_of_reach",
    "precision_at_recall": "default_level",
    "partial_auroc@0.1": "none",
}
WORDS = ("dataset=synthetic", "dataset.size=600", "dataset.label_noise=0.3", "model=linear", "trainer.epochs=4")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that monitor a metric each: an operating point, one out of reach, one by default, and none."""
    output = tmp_path_factory.mktemp("points")
    for monitor in EXPERIMENTS:
        words = [*WORDS, f"trainer.monitor={monitor}", f"output={output}", f"experiment={EXPERIMENTS[monitor]}"]
        assert main([*words, "launcher.workers=1"]) == 0
    return output


def stored(output: Path, experiment: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    (file,) = (output / experiment).glob("*/result.json")
    with np.load(file.parent / "predictions.npz") as arrays:
        return json.loads(file.read_text()), dict(arrays)


def monitor_of(result: dict[str, Any]) -> str:
    return str(result["config"]["trainer"]["monitor"])


def test_a_monitor_at_an_operating_point_tunes_its_own_threshold(trained: Path) -> None:
    for file in trained.glob("*/*/result.json"):
        result = json.loads(file.read_text())
        monitor, points = monitor_of(result), result["operating_points"]
        assert set(points) == {*POINTS, *([monitor] if "@" in monitor and "_at_" in monitor else [])}
        with np.load(file.parent / "predictions.npz") as arrays:
            parts = {
                part: (arrays[f"{part}_logits"].astype(float).tolist(), arrays[f"{part}_targets"].astype(int).tolist())
                for part in ("val", "test")
            }
        for name, point in points.items():
            bare, _, level = name.partition("@")
            level = level or {"tpr_at_fpr": "0.05"}.get(bare, "0.9")
            kept, (value, reached) = best_cut(bare, level, *parts["val"])
            assert point["reached"] == kept
            assert (point["val"]["value"], point["val"]["level"]) == pytest.approx((float(value), float(reached)))
            for part, (z, y) in parts.items():
                above = [a > point["score_threshold"] for a in z]
                cut = (
                    sum(b for a, b in zip(above, y, strict=True) if a),
                    sum(a and not b for a, b in zip(above, y, strict=True)),
                )
                assert (point[part]["tp"], point[part]["fp"]) == cut
                shares = dict(zip(("precision", "recall", "fpr"), map(float, rates(cut, y)), strict=True))
                assert {key: point[part][key] for key in shares} == pytest.approx(shares)
                assert sum(point[part][key] for key in ("tp", "fp", "fn", "tn")) == len(y)
            if name == monitor:
                assert point["score_threshold"] == result["score_thresholds"]["tuned"]
                assert result["metrics"]["test"]["hard_tuned"]["recall"] == pytest.approx(point["test"]["recall"])
        line = json.loads((file.parent / "metrics.jsonl").read_text().splitlines()[result["best_epoch"] - 1])
        assert line["val_score_threshold_tuned"] == pytest.approx(result["score_thresholds"]["tuned"], rel=1e-9)
        assert f"val_{monitor}" in line


def test_a_level_out_of_reach_is_an_alarm(trained: Path) -> None:
    alarms = {
        monitor_of(r): [a["message"] for a in r["alarms"] if a["name"] == "unreached"]
        for r in (json.loads(f.read_text()) for f in trained.glob("*/*/result.json"))
    }
    (message,) = alarms.pop("recall_at_precision@0.999")
    assert "no threshold has precision ≥ 0.999 on validation" in message
    assert set(map(len, alarms.values())) == {0}


def test_compare_reads_a_level_off_the_predictions(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, arrays = stored(trained, "default_level")
    for metric in ("tpr_at_fpr@0.02", "partial_auroc@.10", "precision_at_recall@0.800"):
        comparison = prepare(trained / "default_level", metrics=[metric], select=metric)
        own = canonical(metric, flat_names())
        (run,) = comparison.blocks[0].rows[0].runs
        for part, values in (("val", run.val), ("test", run.test)):
            logits, targets = (torch.from_numpy(arrays[f"{part}_{kind}"]) for kind in ("logits", "targets"))
            found = evaluate(logits, targets, also=[own])
            assert values[own] == {**found["ranking"], **found["operating_point"]}[own]
        assert own in [column.about for column in comparison.columns]
    for form in ("csv", "latex", "html"):
        assert (
            main(
                [
                    "compare",
                    str(trained),
                    "--unequal",
                    "--rows",
                    "trainer.monitor",
                    "--metrics",
                    "precision_at_recall@0.85,f1_tuned",
                    "--format",
                    form,
                ]
            )
            == 0
        )
        shown = capsys.readouterr().out
        for word in {
            "csv": ["@0.85_tuned", "@0.85_level", "@0.85_threshold", "@0.85_score_threshold"],
            "latex": ["@0.85}", "bound", "level"],
            "html": ["@0.85", "a bound chosen on test", "The threshold is tuned for"],
        }[form]:
            assert word in shown
    assert main(["compare", str(trained), "--metrics", "precision_at_recall@2"]) == 2
    assert "above 0 and at most 1" in capsys.readouterr().err


def test_what_was_recorded_is_what_is_read_off_again(trained: Path, tmp_path: Path) -> None:
    experiment = "out_of_reach"
    (file,) = (trained / experiment).glob("*/result.json")
    result = json.loads(file.read_text())
    place = tmp_path / file.parent.name
    place.mkdir()
    (place / "predictions.npz").write_bytes((file.parent / "predictions.npz").read_bytes())
    # As an earlier version wrote it, which neither recorded these nor sealed what it said.
    later = {"operating_points", "score_thresholds", "program", "content", "seal", "sha256"}
    before = {key: value for key, value in result.items() if key not in later}
    for part in ("val", "test"):
        del before["metrics"][part]["operating_point"][monitor_of(result)]
    (place / "result.json").write_text(json.dumps(before))
    metric = monitor_of(result)
    old, new = (
        prepare(where, metrics=[metric]).blocks[0].rows[0].runs[0] for where in (tmp_path, trained / experiment)
    )
    assert {name: value for name, value in old.test.items() if base_name(name) == metric} == {
        name: value for name, value in new.test.items() if base_name(name) == metric
    }
    (place / "predictions.npz").write_bytes(b"PK half a file")
    damaged = prepare(tmp_path, metrics=["f1", metric])
    assert damaged.damaged == {place / "predictions.npz"}
    (place / "predictions.npz").unlink()
    told: list[str] = []
    prepare(tmp_path, metrics=["f1", metric], warn=told.append)
    assert any("there is no predictions.npz" in line for line in told)
    assert content(prepare(tmp_path, metrics=["f1"]))["runs"][0]["threshold"].startswith("p > ")


def test_run_ids_are_what_they_were() -> None:
    ids = []
    for monitor in ("f1", "precision_at_recall", *(f"precision_at_recall@{level}" for level in ("0.9", "0.8", ".80"))):
        config = copy.deepcopy(CONFIG)
        config["trainer"]["monitor"] = monitor
        ids.append(run_id(resolve(config), "cpu"))
    assert ids[1] == ids[2] != ids[3] == ids[4]
    assert ids[:2] == IDS
