"""`evaluate` against scikit-learn, and where that has nothing, against NumPy."""

import warnings
from typing import Any

import numpy as np
import pytest
import scipy.special
import sklearn.metrics as sk
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogate_bench.metrics import evaluate
from surrogate_bench.metrics.evaluation import measure
from surrogate_bench.metrics.names import names
from surrogate_bench.metrics.sorting import NUMPY_FROM, PAIRS_FROM, ROWS_FROM, descending, ordered, taken

Array = np.ndarray[Any, np.dtype[Any]]
Problem = tuple[Array, Array]
THRESHOLD_METRICS = names("threshold")


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Scores at random, with many ties, or so large that probabilities are 0 and 1; and any targets."""
    n = draw(st.integers(1, 40))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    kind = draw(st.sampled_from(["random", "tied", "extreme", "equal"]))
    logits = {
        "random": random.normal(0, 2, n),
        "tied": random.integers(-2, 3, n) / 2,
        "extreme": random.choice([-1e4, -50.0, -20.0, 0.0, 20.0, 50.0, 1e4], n),
        "equal": np.full(n, random.choice([-1.0, 0.0, 2.0])),
    }[kind]
    share = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    return logits.astype(np.float32), (random.random(n) < share).astype(np.int64)


def probability(logits: Array) -> Array:
    return scipy.special.expit(logits.astype(np.float64))


def hard(predicted: Array, y: Array) -> dict[str, float]:
    """scikit-learn's values, and 0 where a denominator is 0."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        recall = sk.recall_score(y, predicted, zero_division=0)
        specificity = sk.recall_score(1 - y, 1 - predicted, zero_division=0)
        found = {
            "precision": sk.precision_score(y, predicted, zero_division=0),
            "recall": recall,
            "specificity": specificity,
            "f0.5": sk.fbeta_score(y, predicted, beta=0.5, zero_division=0),
            "f1": sk.f1_score(y, predicted, zero_division=0),
            "f2": sk.fbeta_score(y, predicted, beta=2, zero_division=0),
            "jaccard": sk.jaccard_score(y, predicted, zero_division=0),
            "accuracy": sk.accuracy_score(y, predicted),
            "balanced_accuracy": sk.balanced_accuracy_score(y, predicted) if len(set(y)) == 2 else 0.0,
            "g_mean": np.sqrt(recall * specificity),
            "mcc": sk.matthews_corrcoef(y, predicted),
            "kappa": sk.cohen_kappa_score(y, predicted, labels=[0, 1]),
        }
    return {name: float(np.nan_to_num(value)) for name, value in found.items()}


def undefined(predicted: Array, y: Array) -> set[str]:
    no_positive, no_negative, none, all_ = not y.any(), bool(y.all()), not predicted.any(), bool(predicted.all())
    one_class = no_positive or no_negative
    is_undefined = {
        "precision": none,
        "recall": no_positive,
        "specificity": no_negative,
        **dict.fromkeys(("f0.5", "f1", "f2", "jaccard"), no_positive and none),
        **dict.fromkeys(("balanced_accuracy", "g_mean", "auroc", "partial_auroc", "tpr_at_fpr"), one_class),
        "mcc": one_class or none or all_,
        "kappa": (no_positive and none) or (no_negative and all_),
        **dict.fromkeys(("average_precision", "ndcg", "recall_at_precision", "precision_at_recall"), no_positive),
    }
    return {name for name, value in is_undefined.items() if value}


def by_formula(m: Array, y: Array) -> dict[str, float]:
    """The formulas on counts of memberships."""
    tp, fp, fn, tn = (float(np.sum(a * b)) for a, b in ((m, y), (m, 1 - y), (1 - m, y), (1 - m, 1 - y)))
    fractions = {
        "precision": (tp, tp + fp),
        "recall": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "f0.5": (1.25 * tp, 1.25 * tp + 0.25 * fn + fp),
        "f1": (2 * tp, 2 * tp + fn + fp),
        "f2": (5 * tp, 5 * tp + 4 * fn + fp),
        "jaccard": (tp, tp + fn + fp),
        "accuracy": (tp + tn, len(y)),
        "balanced_accuracy": (tp * (tn + fp) + tn * (tp + fn), 2 * (tp + fn) * (tn + fp)),
        "g_mean": (np.sqrt(tp * tn), np.sqrt((tp + fn) * (tn + fp))),
        "mcc": (tp * tn - fp * fn, np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))),
        "kappa": (2 * (tp * tn - fp * fn), (tp + fp) * (fp + tn) + (tp + fn) * (fn + tn)),
    }
    return {name: a / b if b > 1e-30 else 0.0 for name, (a, b) in fractions.items()}


def ranked(logits: Array, y: Array) -> dict[str, float]:
    """scikit-learn's values of what depends on the order alone, and 0 where a class is missing."""
    if y.all() or not y.any():
        precision, gain = (sk.average_precision_score(y, logits), 1.0) if y.any() else (0.0, 0.0)
        return {"auroc": 0.0, "average_precision": precision, "partial_auroc": 0.0, "ndcg": gain}
    return {
        "auroc": sk.roc_auc_score(y, logits),
        "average_precision": sk.average_precision_score(y, logits),
        "partial_auroc": sk.roc_auc_score(y, logits, max_fpr=0.3),
        "ndcg": sk.ndcg_score([y], [logits]),
    }


def operating_points(logits: Array, y: Array) -> dict[str, float]:
    cuts = [logits >= s for s in np.unique(logits)]
    tp, fp = (np.array([np.sum(cut & (y == label)) for cut in cuts]) for label in (1, 0))
    recall, fpr, precision = tp / max(y.sum(), 1), fp / max((1 - y).sum(), 1), tp / (tp + fp)
    return {
        "recall_at_precision": max(recall[precision >= 0.9], default=0.0),
        "precision_at_recall": max(precision[(recall >= 0.9) & (tp > 0)], default=0.0),
        "tpr_at_fpr": max(recall[fpr <= 0.05], default=0.0) * (not y.all()),
    }


def ece(p: Array, y: Array) -> float:
    bins = [[i for i in range(len(p)) if min(int(p[i] * 15), 14) == b] for b in range(15)]
    return sum(abs(sum(p[i] - y[i] for i in bin_)) for bin_ in bins) / len(p)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(problem=problems(), threshold=st.sampled_from([0.5, 0.3, 0.9]))
def test_equals_scikit_learn(problem: Problem, threshold: float) -> None:
    logits, y = problem
    p = probability(logits)
    found = evaluate(torch.tensor(logits), torch.tensor(y), threshold)
    predicted = (p > threshold).astype(int)
    assert found["hard"] == pytest.approx(hard(predicted, y), abs=1e-6)
    assert {name for name, value in found["undefined"].items() if value} == undefined(predicted, y)
    assert found["ranking"] == pytest.approx(ranked(logits, y), abs=1e-6)
    assert found["operating_point"] == pytest.approx(operating_points(logits, y), abs=1e-6)
    assert found["calibration"] == pytest.approx(
        {"log_loss": sk.log_loss(y, p, labels=[0, 1]), "brier": np.mean((p - y) ** 2), "ece": ece(p, y)}, abs=1e-6
    )
    assert found["thresholds"]["default"] == threshold


@settings(max_examples=60, deadline=None, derandomize=True)
@given(problem=problems(), metric=st.sampled_from(THRESHOLD_METRICS))
def test_tuned_threshold_is_the_best_there_is(problem: Problem, metric: str) -> None:
    logits, y = problem
    found = evaluate(torch.tensor(logits), torch.tensor(y), tune_for=metric)
    z = logits.astype(float)
    best = max(by_formula((z > t).astype(int), y)[metric] for t in (-np.inf, *z))
    assert 0 <= found["thresholds"]["tuned"] <= 1
    assert found["hard_tuned"][metric] == pytest.approx(best, abs=1e-6)
    assert found["hard_tuned"] == pytest.approx(hard((z > found["score_thresholds"]["tuned"]).astype(int), y), abs=1e-6)


def test_a_given_threshold_is_taken() -> None:
    found = evaluate(torch.tensor([-1.0, 0.2, 2.0]), torch.tensor([1, 0, 1]), tuned=0.8)
    assert found["thresholds"] == pytest.approx({"default": 0.5, "tuned": 0.8, "oracle": 1 / (1 + np.e) / 2})
    assert (found["hard_tuned"]["precision"], found["hard"]["precision"]) == (1.0, 0.5)


@pytest.mark.parametrize("only", [["auroc", "average_precision"], ["f1_tuned"], ["ece", "kappa"], ["tpr_at_fpr@0.2"]])
def test_some_metrics_alone_have_the_values_that_they_have_among_all(only: list[str]) -> None:
    z = torch.randn(3, 200, generator=torch.Generator().manual_seed(0))
    y = (z + torch.randn(3, 200, generator=torch.Generator().manual_seed(1)) > 1).float()
    every, some = evaluate(z, y, also=only, tune_for="mcc"), evaluate(z, y, only=only, tune_for="mcc")
    assert {name for own in some.values() for name in own} == {name.removesuffix("_tuned") for name in only} | (
        {"default", "tuned"} if {"f1_tuned", "kappa"} & set(only) else set()
    )
    for group, values in some.items():
        for name, value in values.items():
            assert torch.equal(value, every[group][name]), (group, name)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(problem=problems())
def test_soft_metrics_are_the_formulas_on_sums_of_probabilities(problem: Problem) -> None:
    logits, y = problem
    found = evaluate(torch.tensor(logits), torch.tensor(y))
    assert found["soft"] == pytest.approx(by_formula(probability(logits), y), abs=1e-6)


@pytest.mark.parametrize("n", [60, 1 << 16])
def test_problems_side_by_side_are_each_alone(n: int) -> None:
    random = np.random.default_rng(0)
    logits = torch.tensor(random.normal(0, 1, (2, 2, n)).astype(np.float32).round(2))
    y = torch.tensor((random.random((2, 2, n)) < [[[0.5], [0.0]], [[1.0], [0.1]]]).astype(np.float32))
    together = evaluate(logits, y, tune_for="mcc")
    stacked = measure(logits.flatten(0, 1), y.flatten(0, 1), tune_for="mcc")
    for k, label in np.ndindex(2, 2):
        for group, values in evaluate(logits[k, label], y[k, label], tune_for="mcc").items():
            own = {name: value[k, label].item() for name, value in together[group].items()}
            assert own == pytest.approx(values, abs=1e-9), group
            assert own == {name: value[2 * k + label].item() for name, value in stacked[group].items()}


@pytest.mark.parametrize("block", [1, 7, 64])
@pytest.mark.parametrize("decimals", [0, 1, 6])
def test_a_curve_in_pieces_is_as_good_as_whole(block: int, decimals: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    y = torch.tensor(random.random((3, 90)) < [[0.5], [0.1], [0.9]])
    logits = torch.tensor((random.normal(0, 1, (3, 90)) + y.numpy()).round(decimals).astype(np.float32))
    whole = measure(logits, y, tuned=torch.tensor([0.2, 0.5, 0.8]).double(), tune_for="kappa")
    monkeypatch.setattr("surrogate_bench.metrics.curve.BLOCK", block)
    pieces = measure(logits, y, tuned=torch.tensor([0.2, 0.5, 0.8]).double(), tune_for="kappa")
    torch.testing.assert_close(pieces, whole, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("n", [1 << 16, 200_000])
@pytest.mark.parametrize("decimals", [1, 6])
def test_many_examples_equal_scikit_learn(n: int, decimals: int) -> None:
    # So many are sorted by an integer key, and read in pieces.
    random = np.random.default_rng(0)
    y = (random.random(n) < 0.1).astype(int)
    logits = (random.normal(0, 1, n) + y).round(decimals).astype(np.float32)
    found, p = evaluate(torch.tensor(logits), torch.tensor(y)), probability(logits)
    assert found["ranking"] == pytest.approx(ranked(logits, y), abs=1e-6)
    assert found["soft"] == pytest.approx(by_formula(p, y), abs=1e-6)
    assert found["hard"] == pytest.approx(by_formula((p > 0.5).astype(int), y), abs=1e-6)
    precision, recall, _ = sk.precision_recall_curve(y, logits)
    fpr, tpr, _ = sk.roc_curve(y, logits)
    points = (max(recall[precision >= 0.9]), max(precision[recall >= 0.9]), max(tpr[fpr <= 0.05]))
    assert tuple(found["operating_point"].values()) == pytest.approx(points, abs=1e-6)
    best = np.nanmax(2 * precision * recall / np.maximum(precision + recall, 1e-30))
    tuned = by_formula((p > found["thresholds"]["tuned"]).astype(int), y)
    assert (found["hard_tuned"]["f1"], tuned["f1"]) == pytest.approx((best, best), abs=1e-6)
    assert found["calibration"]["brier"] == pytest.approx(np.mean((p - y) ** 2), abs=1e-6)


SIZES = (7, NUMPY_FROM, PAIRS_FROM, ROWS_FROM)


@pytest.mark.parametrize("shape", [*((n,) for n in SIZES), *((2, 3, n) for n in SIZES), (1, ROWS_FROM)])
def test_taken_in_descending_order_is_sorted(shape: tuple[int, ...]) -> None:
    scores = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).argsort(-1).float()
    scores.requires_grad_()
    order = descending(scores.detach())
    found = taken(scores, order)
    expected = scores.sort(-1, descending=True).values
    weights = torch.arange(shape[-1], dtype=torch.float32)
    assert torch.equal(found, expected)
    assert all(map(torch.equal, ordered(scores), (expected, order)))
    slopes = [torch.autograd.grad((values * weights).sum(), scores)[0] for values in (found, expected)]
    assert torch.equal(*slopes)


@pytest.mark.parametrize(("n", "positives"), [(100, 50), (1000, 333), (4097, 2048), (10**5, 10**5 - 1), (10**6, 10**5)])
def test_a_perfect_order_is_1_and_no_more_however_long_it_is(n: int, positives: int) -> None:
    found = evaluate(-torch.arange(n).float(), torch.arange(n) < positives)
    assert found["ranking"]["ndcg"] == pytest.approx(1, abs=1e-12)
    assert max(value for group in ("ranking", "operating_point") for value in found[group].values()) <= 1


def test_the_worst_order_has_a_log_loss_above_1() -> None:
    assert evaluate([-9.0, 9.0], [1, 0])["calibration"]["log_loss"] == pytest.approx(9, abs=1e-3)


@pytest.mark.parametrize("n", [2, 1 << 15])
def test_both_zeros_are_one_score(n: int) -> None:
    y = torch.arange(n) % 2
    found = evaluate(torch.where(y == 1, 0.0, -0.0), y)
    assert (found["ranking"]["auroc"], found["ranking"]["average_precision"]) == (0.5, 0.5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.int64])
def test_takes_any_number(dtype: torch.dtype) -> None:
    logits, y = torch.tensor([-2, 1, 3, -1]).to(dtype), torch.tensor([False, True, True, True]).to(dtype)
    assert evaluate(logits, y)["hard"]["recall"] == pytest.approx(2 / 3)


def test_scores_whose_probabilities_are_equal_are_ranked() -> None:
    logits = torch.tensor([41.0, 40.0, 42.0, 39.0], dtype=torch.float64)
    assert len(logits.sigmoid().unique()) == 1
    for dtype in (torch.float64, torch.float32):
        assert evaluate(logits.to(dtype), torch.tensor([1, 0, 1, 0]))["ranking"]["auroc"] == 1


@pytest.mark.parametrize(
    ("targets", "dtype"),
    [([0.0, 2.0], torch.float32), ([0.5, 1.0], torch.float64), ([-1, 1], torch.int64), ([0, 255], torch.uint8)]
    + [([0.0, value], torch.float32) for value in (np.inf, -np.inf, np.nan, 1e-30, 1 - 2**-24, 1 + 2**-23)],
)
def test_targets_are_0_or_1(targets: list[float], dtype: torch.dtype) -> None:
    with pytest.raises(ValueError, match="0 or 1"):
        evaluate(torch.zeros(2), torch.tensor(targets, dtype=dtype))


def test_there_must_be_examples() -> None:
    with pytest.raises(ValueError, match="hold examples"):
        evaluate(torch.zeros(2, 0), torch.zeros(2, 0))
