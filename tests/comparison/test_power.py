"""What it would take: against other libraries' power, simulation, and on runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from surrogate_bench.comparison import prepare
from surrogate_bench.comparison.power import least_effect, needed
from surrogate_bench.comparison.statistics import signed_rank_p

Write = Callable[..., Path]


def test_re_splits_without_overlap_are_students_t() -> None:
    power = pytest.importorskip("statsmodels.stats.power").TTestPower()
    for effect in (0.3, 0.5, 0.9):
        assert needed(1.0, effect, share=0.0) == np.ceil(power.solve_power(effect, alpha=0.05, power=0.8))
    # A family shares the 5 %.
    assert needed(1.0, 0.5, 4, share=0.0) == np.ceil(power.solve_power(0.5, alpha=0.0125, power=0.8))


def test_no_number_of_re_splits_finds_what_lies_below_the_floor() -> None:
    least = least_effect(0.05, 1 / 3)
    assert least == pytest.approx(0.05 * 3**-0.5 * (1.95996 + 0.84162), rel=1e-5)
    assert needed(0.05, 0.999 * least, share=1 / 3) is None
    assert needed(0.05, 1.05 * least, share=1 / 3) is not None


def test_the_signed_rank_test_has_the_power_that_is_said() -> None:
    n = needed(1.0, 0.8)
    assert n is not None
    generator = np.random.default_rng(0)
    found = np.mean([signed_rank_p(generator.normal(0.8, 1.0, n)) < 0.05 for _ in range(2000)])
    assert found == pytest.approx(0.8, abs=0.05)
    # However clear a difference is, fewer data sets than these have no p below the corrected 5 %.
    assert [needed(1e-6, 0.01, family) for family in (1, 3, 57)] == [6, 7, 12]


def test_what_it_takes_stands_under_the_differences(fake_run: Write, outputs: Path) -> None:
    for seed in range(8):
        for loss, off in (("bce", 0.0), ("dice", 0.02 * (-1) ** seed)):
            fake_run(loss=loss, seed=seed, test={"f1": 0.5 + off})
    (table,) = prepare(outputs, metrics=["f1"]).tables("differences")
    spread = float(np.std([0.02, -0.02] * 4, ddof=1))
    assert (
        f"in F1 at threshold 0.5 at 80 % power, by a spread of {spread:.3f}: 0.02 and 0.01 take more than any "
        in table.advice
    )
    assert f"which never find less than {least_effect(spread, 1.0):.3f} here" in table.advice


def test_the_words_that_add_seeds(fake_run: Write, outputs: Path) -> None:
    for seed in range(8):
        for loss, off in (("bce", 0.0), ("dice", 0.02 * (-1) ** seed)):
            parts = {"train": {"total": 10_000}, "test": {"total": 10}}
            fake_run(loss=loss, seed=seed, test={"f1": 0.5 + off}, result={"examples": parts})
    (table,) = prepare(outputs, metrics=["f1"]).tables("differences")
    spread = float(np.std([0.02, -0.02] * 4, ddof=1))
    n = needed(spread, 0.01, share=0.001)
    assert f"0.01 takes {n} re-splits ('seed=range(8,{n})' in the same command adds them)." in table.advice


def test_data_sets_that_are_missing(fake_run: Write, outputs: Path) -> None:
    drawn = np.random.default_rng(0).normal(0.0, 0.03, 8)
    for d, off in enumerate(drawn):
        for loss in ("bce", "dice"):
            fake_run(dataset=f"d{d}", loss=loss, test={"f1": 0.5 + off * (loss == "dice")})
    (table,) = prepare(outputs, metrics=["f1"]).tables("ranks")
    spread = float(np.std(drawn, ddof=1))
    for effect in (0.02, 0.01):
        n = needed(spread, effect)
        assert n is not None
        assert n > 8
        assert f"{effect:g} takes {n} independent data sets ({n - 8} more)" in table.advice
    assert "More names in dataset= in the same command add them" in table.advice


def test_nothing_is_said_of_the_spread_of_five_data_sets(fake_run: Write, outputs: Path) -> None:
    for d in range(5):
        for loss in ("bce", "dice"):
            fake_run(dataset=f"d{d}", loss=loss, test={"f1": 0.5 + 0.01 * d * (loss == "dice")})
    (table,) = prepare(outputs, metrics=["f1"]).tables("ranks")
    assert table.advice == ""
