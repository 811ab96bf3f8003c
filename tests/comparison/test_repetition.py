"""Tests and intervals of repeated runs: over re-splits of one table, folds, or training seeds."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import recorded
from scipy import stats

from surrogate_bench.comparison import prepare
from surrogate_bench.comparison.repetition import TRAINING_SEEDS, Repetition, repetition
from surrogate_bench.comparison.run import Run
from surrogate_bench.comparison.statistics import signed_rank_interval, signed_rank_p
from surrogate_bench.comparison.verdict import verdict
from surrogate_bench.datasets import Images, make_split

RESPLITS, SEEDS = Repetition("re-splits of this table", 1 / 3), Repetition(TRAINING_SEEDS, None)
EXAMPLES = {"train": {"total": 300.0}, "val": {"total": 100.0}, "test": {"total": 100.0}}


def run(seed: int, tested: str | None, **config: Any) -> Run:
    common = (Path("."), "finished", config, {}, seed, {}, {}, {}, (), EXAMPLES, {}, None, None, None, None, "")
    return Run(*common, tested=tested)


def test_the_corrected_test_is_the_published_one() -> None:
    differences = np.random.default_rng(0).normal(0.02, 0.05, 12)
    # As in the worked example of scikit-learn's documentation: the variance times 1/n + n_test/n_train.
    t = differences.mean() / math.sqrt(differences.var(ddof=1) * (1 / 12 + 1 / 3))
    assert RESPLITS.p(differences.tolist()) == pytest.approx(2 * stats.t.sf(abs(t), 11))
    plain = Repetition("re-splits of this table", 0.0)
    assert plain.p(differences.tolist()) == pytest.approx(stats.ttest_1samp(differences, 0).pvalue)
    assert plain.interval(differences.tolist()) == pytest.approx(
        stats.ttest_1samp(differences, 0).confidence_interval()
    )


def test_the_bayesian_form_agrees() -> None:
    from baycomp import CorrelatedTTest

    differences = np.random.default_rng(1).normal(0.02, 0.05, 10)
    # baycomp takes n_test / n_train of ten folds.
    below = CorrelatedTTest(differences, np.zeros(10), rope=0).probs()[1]
    assert Repetition("folds of this table", 1 / 9).p(differences.tolist()) == pytest.approx(2 * min(below, 1 - below))


@pytest.mark.parametrize("how", [RESPLITS, SEEDS], ids=lambda how: how.over)
@pytest.mark.parametrize("n", [6, 9, 20, 51, 80])
def test_an_interval_leaves_out_0_just_where_p_says_so(how: Repetition, n: int) -> None:
    generator = np.random.default_rng(n)
    for shift in np.linspace(0, 1.5, 40):
        differences = (generator.normal(0, 1, n) + shift).tolist()
        low, high = how.interval(differences)
        assert low is not None
        assert high is not None
        p = how.p(differences)
        assert p is not None
        assert (low > 0 or high < 0) is (p <= 0.05)


def test_few_values_get_no_interval() -> None:
    for how in (RESPLITS, SEEDS):
        assert how.interval([0.1, 0.2, 0.3, 0.2, 0.1]) == (None, None)
        assert how.p([0.1, 0.2, 0.3, 0.2, 0.1]) is None
    assert signed_rank_interval([1.0, 2, 3, 4, 5]) == (None, None)
    assert signed_rank_interval([1.0, 2, 3, 4, 5, 6]) == (1.0, 6.0)
    assert SEEDS.p([0.1, 0.2, 0.3, -0.1, 0.5, 0.4]) == signed_rank_p([0.1, 0.2, 0.3, -0.1, 0.5, 0.4])


def test_differences_without_spread_are_ranked() -> None:
    assert RESPLITS.p([0.0] * 8) == 1.0
    assert RESPLITS.p([0.1] * 8) == pytest.approx(2 / 2**8)


@pytest.mark.parametrize("n", [10, 50])
def test_equal_arms_are_told_apart_as_often_as_is_said(n: int) -> None:
    """Differences on re-splits of one table correlate: n_test / (n_test + n_train) of what they vary by is common."""
    generator = np.random.default_rng(0)
    common = generator.normal(0, 0.5, 2_000)[:, None]  # 1/4 of the variance
    drawn = common + generator.normal(0, math.sqrt(0.75), (2_000, n))
    rates = {how.over: np.mean([how.p(own) < 0.05 for own in drawn.tolist()]) for how in (RESPLITS, SEEDS)}
    assert rates[RESPLITS.over] <= 0.07
    assert rates[SEEDS.over] > 0.2


KINDS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda generator, n: generator.normal(0, 1, n),
    "near 1": lambda generator, n: generator.beta(18, 2, n) - generator.beta(18, 2, n),
    "discrete": lambda generator, n: (generator.binomial(42, 0.8, n) - generator.binomial(42, 0.8, n)) / 42,
    "collapsing": lambda generator, n: (
        np.where(generator.random(n) < 0.15, -0.9, 0)
        - np.where(generator.random(n) < 0.15, -0.9, 0)
        + generator.normal(0, 0.05, n)
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [6, 10, 20, 50])
def test_intervals_over_training_seeds_cover_what_they_say(kind: str, n: int) -> None:
    generator = np.random.default_rng(n)
    found = [SEEDS.interval(KINDS[kind](generator, n).tolist()) for _ in range(600)]
    covered = np.mean([low <= 0 <= high for low, high in found if low is not None and high is not None])
    assert 0.925 <= covered <= 1


def test_how_runs_repeat_is_read_off_their_test_parts() -> None:
    assert repetition([run(0, "a"), run(1, "b")]) == RESPLITS
    assert repetition([run(0, "a"), run(1, "a")]) == SEEDS
    assert repetition([run(0, None), run(1, None)]) == RESPLITS  # of an earlier version
    assert repetition([run(0, None), run(1, "a")]) == RESPLITS
    assert repetition([run(0, "a")]) == RESPLITS
    given = {"dataset.test": "t.csv"}
    assert repetition([run(0, None, **given), run(1, None, **given)]) == SEEDS
    folds = [run(0, "a", **{"dataset.fold": 0}), run(1, "b", **{"dataset.fold": 1})]
    assert repetition(folds) == Repetition("folds of this table", 1 / 3)
    one_fold = [run(0, "a", **{"dataset.fold": 0}), run(1, "a", **{"dataset.fold": 0})]
    assert repetition(one_fold) == SEEDS


def test_pictures_bring_their_test_part() -> None:
    pixels = np.zeros((200, 1, 2, 2), dtype=np.uint8)
    target, test = np.arange(200) % 2, np.arange(150, 200)
    source = Images(name="pictures", target=target, test=test, pixels=pixels, mean=(0.5,), std=(0.5,))
    splits = [make_split(source, positive=1, seed=seed) for seed in (0, 1)]
    assert splits[0].tested == splits[1].tested
    assert splits[0].parts != splits[1].parts


def test_the_sentence_knows_what_training_seeds_can_show(fake_run: Callable[..., Path], outputs: Path) -> None:
    def said() -> str:
        comparison = prepare(outputs)
        return verdict(comparison).which

    same = recorded(tested="t" * 16)
    for seed in range(6):
        for loss, f1 in (("bce", 0.5), ("soft_f1", 0.7 + seed / 50), ("dice", 0.4), ("focal", 0.3)):
            fake_run(loss=loss, seed=seed, test={"f1": f1}, result=same)
    assert "+0.250 (95 % interval +0.200 to +0.300) over 6 training seeds, which may be chance" in said()
    assert "With 3 comparisons on 6 seeds no corrected p is below 0.094" in said()
    for seed in range(6):
        for loss, f1 in (("bce", 0.5), ("soft_f1", 0.4), ("dice", 0.4 + seed / 50), ("focal", 0.3)):
            fake_run(dataset="digits", loss=loss, seed=seed, test={"f1": f1}, result=same)
    assert said().endswith(
        "Of 6 differences to bce within single data sets, none is beyond chance over training seeds "
        "(Holm's method over all 6). With 6 comparisons on 6 seeds no corrected p is below 0.19, so no difference can "
        "be found."
    )
