"""How large differences are, and all rows against all: as tables of runs."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from surrogate_bench.cli import main
from surrogate_bench.comparison import prepare
from surrogate_bench.comparison.pairs import BETTER, WORSE
from surrogate_bench.comparison.tables import Table
from surrogate_bench.comparison.wording import ends, interval, number, probability, signed

Write = Callable[..., Path]
LOSSES = ("bce", "dice", "focal")


def texts(table: Table) -> dict[str, dict[tuple[str, str], Any]]:
    return {
        line.label: {(c.about, c.view): cell.text for c, cell in zip(table.columns, line.cells, strict=True)}
        for line in table.lines
    }


def fill(write: Write, datasets: int, seeds: int) -> np.ndarray:
    """Runs whose F1 are the values [data sets, seeds, losses], dice above bce; log loss has the same ones."""
    drawn = np.random.default_rng(0).normal(0.6, 0.02, (datasets, seeds, 3)) + np.array([0.0, 0.03, 0.0])
    for d, of_dataset in enumerate(drawn):
        for seed, own in enumerate(of_dataset):
            for loss, value in zip(LOSSES, own, strict=True):
                write(dataset=f"d{d}", loss=loss, seed=seed, test={"f1": value, "log_loss": value})
    return drawn


def test_effects_across_data_sets(fake_run: Write, outputs: Path) -> None:
    drawn = fill(fake_run, 8, 3)
    sizes, profiles = prepare(outputs, metrics=["f1"]).tables("effects")
    differences = drawn[..., 1] - drawn[..., 0]
    found = texts(sizes)["dice"]
    assert "bce" not in texts(sizes)
    assert {line.n for line in sizes.lines} == {24}
    assert found["IQM of differences", "value"] == f"{stats.trim_mean(differences, 0.25, axis=None):+.3f}"
    assert found["effect size", "P(A > B)"] == f"{(differences > 0).mean():.2f}"
    statistic = stats.wilcoxon(differences.mean(1), alternative="greater").statistic
    assert found["effect size", "rank-biserial"] == f"{2 * statistic / 36 - 1:+.2f}"
    shares = texts(profiles)["dice"]
    for level in (0.0, 0.02, 0.05):
        assert shares[f"> {level:g}", "share"] == f"{(differences > level).mean():.2f}"


def test_less_is_better_for_losses(fake_run: Write, outputs: Path) -> None:
    fill(fake_run, 8, 3)
    best, worst = (texts(prepare(outputs, metrics=[m]).tables("effects")[0])["dice"] for m in ("f1", "log_loss"))
    assert best["IQM of differences", "value"] == worst["IQM of differences", "value"]
    for name in ("P(improvement)", "value"), ("effect size", "P(A > B)"):
        assert float(best[name]) + float(worst[name]) == pytest.approx(1, abs=0.011)
    assert worst["effect size", "rank-biserial"] == best["effect size", "rank-biserial"].replace("+", "−")


def test_pairs_across_data_sets_are_scipys(fake_run: Write, outputs: Path) -> None:
    means = fill(fake_run, 9, 3).mean(1)
    differences, p_values = prepare(outputs, metrics=["f1"]).tables("pairs")
    shown = texts(differences)
    assert shown["dice"]["difference to", "dice"] == "–"
    plain = {
        (i, j): stats.wilcoxon(means[:, i] - means[:, j], method="exact").pvalue for i, j in ((0, 1), (0, 2), (1, 2))
    }
    ordered = sorted(plain, key=plain.__getitem__)
    least = ordered[0]
    (row, column) = (LOSSES[i] for i in least)
    assert texts(p_values)[row]["p (Holm) against", column] == f"{3 * plain[least]:.3f}"
    assert "among all 3 pairs" in differences.note
    for one, other, mark in (("dice", "bce", BETTER), ("bce", "dice", WORSE)):
        i, j = LOSSES.index(one), LOSSES.index(other)
        expected = f"{(means[:, i] - means[:, j]).mean():+.3f}".replace("-", "−") + mark
        assert shown[one]["difference to", other] == expected
    # Of a metric that is better when it is low, the marks change places.
    low = texts(prepare(outputs, metrics=["log_loss"]).tables("pairs")[0])
    assert low["dice"]["difference to", "bce"].endswith(WORSE)


def test_pairs_are_those_of_scikit_posthocs(fake_run: Write, outputs: Path) -> None:
    means = fill(fake_run, 12, 2).mean(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        posthocs = pytest.importorskip("scikit_posthocs")
        theirs = posthocs.posthoc_wilcoxon(list(means.T), p_adjust="holm").to_numpy()
    shown = texts(prepare(outputs, metrics=["f1"]).tables("pairs")[1])
    for i, row in enumerate(LOSSES):
        for j, column in enumerate(LOSSES):
            if i != j:
                assert shown[row]["p (Holm) against", column] == probability(theirs[i, j])


def test_pairs_within_one_data_set_are_those_of_its_differences(
    fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(fake_run, 1, 8)
    pairs, p_values = prepare(outputs, metrics=["f1"], baseline="focal").tables("pairs")
    (table,) = prepare(outputs, metrics=["f1"], baseline="focal").tables("differences")
    against = {line.label: line.cells[0].text for line in table.lines}
    assert {row: own["difference to", "focal"].rstrip(BETTER) for row, own in texts(pairs).items()} == {
        **against,
        "focal": "–",
    }
    assert "over re-splits of this table, by Holm's method among all 3 pairs" in p_values.note
    assert main(["compare", str(outputs), "--view", "effects,pairs", "--format", "md"]) == 0
    assert "d0, mlp: F1 at threshold 0.5, all pairs: difference to" in capsys.readouterr().out


def test_nothing_is_marked_where_no_pair_could_be(fake_run: Write, outputs: Path) -> None:
    fill(fake_run, 6, 3)
    pairs, _ = prepare(outputs, metrics=["f1"]).tables("pairs")
    assert "With 3 comparisons on 6 values that differ no corrected p is below" in pairs.note
    assert not any(mark in str(own) for own in texts(pairs).values() for mark in (BETTER, WORSE))


@pytest.mark.parametrize("seeds", [{"bce": 0}, {"bce": 0, "dice": 1}], ids=["one row", "no common seed"])
def test_a_view_without_a_table_says_what_it_needs(
    seeds: dict[str, int], fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for loss, seed in seeds.items():
        fake_run(loss=loss, seed=seed, test={"f1": 0.5})
    views = {
        "pairs": "two rows that share a seed",
        "effects": "a row that shares a seed with the baseline",
        "ranks": "two data sets that have a value for two rows",
        "chosen": "a hyperparameter that varies within a row",
    }
    assert main(["compare", str(outputs), "--metrics", "f1", "--view", ",".join(views)]) == 0
    told = capsys.readouterr().err
    assert all(f"no table of {view}: it needs {needs}" in told for view, needs in views.items())


def test_without_a_baseline_ranks_hold_no_differences(fake_run: Write, outputs: Path) -> None:
    for d in range(3):
        for loss, gain in (("dice", 0.1), ("focal", 0.0)):
            fake_run(dataset=f"d{d}", loss=loss, test={"f1": 0.5 + gain})
    comparison = prepare(outputs, metrics=["f1"], warn=lambda _: None)
    (table,) = comparison.tables("ranks")
    assert [(line.label, [cell.text for cell in line.cells]) for line in table.lines] == [
        ("dice", ["1.00"]),
        ("focal", ["2.00"]),
    ]
    assert "Bayesian" not in table.note
    assert table.advice.startswith("No row is the baseline bce: --baseline names")


def test_what_holds_for_all_data_sets_is_said_once(fake_run: Write, outputs: Path) -> None:
    for d in range(3):
        for loss, seeds in (("bce", 3), ("dice", 2)):
            for seed in range(seeds):
                fake_run(dataset=f"d{d}", loss=loss, seed=seed, test={"f1": 0.5})
    said: list[str] = []
    prepare(outputs, metrics=["f1"], warn=said.append)
    assert [line for line in said if "dice has no result" in line] == [
        "d0, mlp and 2 more: dice has no result at seed 2 (n = 2 of 3)"
    ]


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0004, "0.000"), (-0.0004, "0.000"), (0.0006, "+0.001"), (-1.5, "−1.500")]
)
def test_a_difference_that_is_not_shown_has_no_sign(value: float, shown: str) -> None:
    assert signed(value) == shown
    assert number(value) == shown.removeprefix("+")


@pytest.mark.parametrize(
    ("low", "high", "signs", "plain"),
    [
        (0.0004, 0.012, "+0.0004 to +0.012", "0.0004 to 0.012"),
        (-0.03, -0.00049, "−0.030 to −0.0005", "−0.030 to −0.0005"),
        (-0.0004, 0.012, "0.000 to +0.012", "0.000 to 0.012"),
        (0.0, 0.012, "0.000 to +0.012", "0.000 to 0.012"),
        (0.021, 0.1, "+0.021 to +0.100", "0.021 to 0.100"),
    ],
)
def test_an_interval_that_leaves_0_out_says_so(low: float, high: float, signs: str, plain: str) -> None:
    assert ends(low, high) == signs
    assert interval(low, high) == plain
