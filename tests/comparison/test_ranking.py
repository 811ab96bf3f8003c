"""Statistics across data sets, against other libraries on shared examples."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from itertools import permutations, product
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy import stats

from surrogate_bench.cli import main
from surrogate_bench.comparison import prepare
from surrogate_bench.comparison.across import (
    average_ranks,
    bayesian_signed_rank,
    friedman,
    nemenyi_distance,
    nemenyi_p,
)
from surrogate_bench.comparison.diagram import svg

Write = Callable[..., Path]
LOSSES = ("bce", "focal", "soft_f1", "dice")


def scores(n: int, k: int, *, ties: bool) -> np.ndarray:
    drawn = np.random.default_rng(n * k).normal(0.7, 0.1, (n, k)) + np.arange(k) / 30
    return drawn.round(1) if ties else drawn


@pytest.mark.parametrize(("n", "k", "ties"), [(3, 3, False), (3, 4, True), (12, 5, False), (20, 6, True)])
def test_ranks_and_nemenyi_equal_other_libraries(n: int, k: int, ties: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        autorank = pytest.importorskip("autorank")
        posthocs = pytest.importorskip("scikit_posthocs")
        pandas = pytest.importorskip("pandas")
        values = scores(n, k, ties=ties)
        frame = pandas.DataFrame(values, columns=[f"row {i}" for i in range(k)])
        names = sorted(frame.columns)
        pairwise = posthocs.posthoc_nemenyi_friedman(values).to_numpy()
        theirs = autorank.autorank(frame, force_mode="nonparametric", verbose=False) if n > 4 else None
    ranks = average_ranks(values)
    assert ranks == pytest.approx([stats.rankdata(-values, axis=1)[:, i].mean() for i in range(k)])
    for i in range(k):
        for j in range(i):
            assert nemenyi_p(ranks[i] - ranks[j], k, n) == pytest.approx(pairwise[i, j], abs=1e-6)
    if theirs is not None:
        assert [theirs.rankdf.meanrank[name] for name in names] == pytest.approx(list(ranks))
        if theirs.cd is not None:
            assert theirs.cd == pytest.approx(nemenyi_distance(k, n), rel=1e-3)


@pytest.mark.parametrize(("n", "k", "ties"), [(2, 3, False), (4, 3, True), (3, 4, False), (4, 4, True), (2, 5, True)])
def test_friedman_is_exact_where_all_orders_can_be_counted(n: int, k: int, ties: bool) -> None:
    ranks = stats.rankdata(-scores(n, k, ties=ties), axis=1)
    orders = [list(set(permutations(row))) for row in ranks.tolist()]
    found = [np.var(np.sum(chosen, 0)) for chosen in product(*orders)]
    share = np.mean(np.array(found) >= np.var(ranks.sum(0)) - 1e-9)
    assert friedman(scores(n, k, ties=ties)) == pytest.approx(share)


def test_friedman_of_many_is_that_of_f() -> None:
    values = scores(14, 8, ties=True)
    chi = stats.friedmanchisquare(*values.T).statistic
    assert friedman(values) == pytest.approx(stats.f.sf(13 * chi / (14 * 7 - chi), 7, 7 * 13))
    # Complete agreement has the probability of one order in each other row.
    assert friedman(np.tile(np.arange(7.0), (3, 1))) == pytest.approx(math.factorial(7) ** -2)
    many = np.random.default_rng(0).normal(size=(2, 200))  # 200! is no float
    chi = stats.friedmanchisquare(*many.T).statistic
    assert friedman(many) == pytest.approx(stats.f.sf(chi / (2 * 199 - chi), 199, 199))


def test_ranks_are_told_apart_only_where_the_omnibus_test_rejects(fake_run: Write, outputs: Path) -> None:
    values = scores(6, 4, ties=False) - np.arange(4) / 30
    for d, own in enumerate(values):
        for loss, value in zip(LOSSES, own, strict=True):
            fake_run(dataset=f"d{d}", loss=loss, test={"f1": value})
    (ranking,) = prepare(outputs, metrics=["f1"]).rankings()
    assert ranking.friedman_p == friedman(values)
    assert ranking.friedman_p > 0.05
    assert (ranking.distance, ranking.cliques) == (None, ())
    assert {row.p_nemenyi for row in ranking.rows} == {None}
    assert "critical distance" not in svg(ranking)
    assert "no rows are told apart" in svg(ranking)
    (table,) = prepare(outputs, metrics=["f1"]).tables("ranks")
    assert "so average ranks are not told apart" in table.note


@pytest.mark.parametrize(
    ("datasets", "least"),
    [
        (6, "With 3 comparisons on 6 data sets no corrected p is below 0.094, so no difference can be found."),
        (7, None),
    ],
)
def test_too_few_data_sets_are_told_with_all_comparisons(
    fake_run: Write, outputs: Path, datasets: int, least: str | None
) -> None:
    fill(fake_run, datasets)
    notes = [prepare(outputs, metrics=["f1"]).tables(view)[0].note for view in ("ranks", "scoreboard")]
    for note in notes:
        assert (least in note) if least else ("no corrected p" not in note)
    # Data sets without a difference are none that the test can use.
    fake_run(dataset="d6", loss="bce", test={"f1": 0.5})
    for loss in LOSSES:
        fake_run(dataset="same", loss=loss, test={"f1": 0.5})
    (table,) = prepare(outputs, metrics=["f1"]).tables("ranks")
    assert ("on 6 data sets with a difference" in table.note) == (datasets == 6)


def test_the_distance_is_that_of_the_published_table() -> None:
    published = {2: 1.960, 3: 2.343, 4: 2.569, 5: 2.728, 10: 3.164}  # Demšar 2006, table 5: q / √2
    for k, q in published.items():
        assert nemenyi_distance(k, 14) == pytest.approx(q * np.sqrt(k * (k + 1) / (6 * 14)), rel=1e-3)


def test_equal_scores_and_two_rows() -> None:
    assert friedman(np.ones((4, 3))) == 1.0
    assert friedman(scores(5, 2, ties=False)) is None
    assert average_ranks(np.array([[0.3, 0.1 + 0.2, 0.1]])).tolist() == [1.5, 1.5, 3.0]


def test_bayesian_signed_ranks() -> None:
    base = np.linspace(0.5, 0.9, 15)
    assert bayesian_signed_rank(base + 0.1, base, 0.01)[0] > 0.99
    assert bayesian_signed_rank(base + 0.001, base, 0.01)[1] > 0.99
    assert bayesian_signed_rank(base - 0.1, base, 0.01)[2] > 0.99
    assert sum(bayesian_signed_rank(scores(9, 1, ties=False)[:, 0], base[:9], 0.01)) == pytest.approx(1)

    assert bayesian_signed_rank(base + 0.1, base, 0.2)[1] > 0.99


@pytest.mark.parametrize("rope", [0.0, 0.02])
def test_bayesian_signed_ranks_are_those_of_dirichlet_weights(rope: float) -> None:
    values = scores(12, 2, ties=False)
    found = bayesian_signed_rank(values[:, 1], values[:, 0], rope)
    # Weights of the differences and of one pseudo-observation at 0 of weight 1/2; P is how often a region has the most.
    differences = np.append(0.0, values[:, 1] - values[:, 0])
    weights = np.random.default_rng(0).dirichlet([0.5, *[1.0] * 12], 20_000)
    walsh = (differences[:, None] + differences) / 2
    regions = (walsh > rope, (walsh >= -rope) & (walsh <= rope), walsh < -rope)
    mass = np.stack([((weights @ own) * weights).sum(1) for own in regions])
    # Without a region only the sign counts: what equals 0 is the observation with itself.
    most = (mass if rope else mass[[0, 2]]).argmax(0)
    shares = np.bincount(most, minlength=len(mass) if rope else 2) / len(most)
    expected = shares if rope else np.array([shares[0], 0.0, shares[1]])
    assert found == pytest.approx(tuple(expected), abs=0.03)


def fill(write: Write, datasets: int, *, seeds: int = 3) -> None:
    for d in range(datasets):
        for i, loss in enumerate(LOSSES):
            for seed in range(seeds):
                value = 0.5 + 0.1 * i + 0.01 * seed + 0.02 * d
                write(dataset=f"d{d}", loss=loss, seed=seed, test={"f1": value, "log_loss": value})


def test_rankings_of_runs(fake_run: Write, outputs: Path, tmp_path: Path) -> None:
    fill(fake_run, 4)
    (ranking,) = prepare(outputs, metrics=["f1"]).rankings()
    assert [(row.label, row.rank) for row in ranking.rows] == [("dice", 1), ("soft_f1", 2), ("focal", 3), ("bce", 4)]
    assert {(row.wins, row.ties, row.losses) for row in ranking.rows[:3]} == {(4, 0, 0)}
    assert ranking.rows[3].wins is None
    assert ranking.friedman_p == pytest.approx(1 / 24**3)
    assert ranking.cliques == ((0, 2), (1, 3))
    (low,) = prepare(outputs, metrics=["log_loss"]).rankings()
    assert low.rows[0].label == "bce"
    assert main(["compare", str(outputs), "--ranks", str(tmp_path / "ranks.png")]) == 0
    assert (tmp_path / "ranks.png").read_bytes().startswith(b"\x89PNG")


def test_many_rows_are_dots_with_lines(fake_run: Write, outputs: Path, tmp_path: Path) -> None:
    for d in range(6):
        for i in range(17):
            loss = "bce" if i == 8 else f"loss_{i}"
            fake_run(dataset=f"d{d}", loss=loss, test={"f1": 0.5 + i / 100})
    (ranking,) = prepare(outputs, metrics=["f1"], warn=lambda _: None).rankings()
    drawn = svg(ranking)
    assert "rows whose lines meet are not told apart" in drawn
    strokes = [float(line.get("stroke-width")) for line in ElementTree.fromstring(drawn).iter() if line.get("x1")]
    assert strokes.count(7.0) == 17  # a dot a row
    assert strokes.count(0.6) == 2  # the baseline's band
    words = ElementTree.fromstring(drawn).itertext()
    assert [word for word in words if word.startswith(("loss", "bce"))][:2] == ["loss_16  1.00", "loss_15  2.00"]
    assert main(["compare", str(outputs), "--ranks", str(tmp_path / "ranks.png")]) == 0


def test_missing_cells_are_named_and_left_out(
    fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(fake_run, 4)
    fake_run(dataset="d4", loss="bce", test={"f1": 0.1})
    fake_run(dataset="d0", loss="hinge", test={"f1": 0.1})
    (ranking,) = prepare(outputs).rankings()
    assert ranking.datasets == ("d0", "d1", "d2", "d3")
    assert ranking.left_out == ("d4",)
    assert {"focal on d4", "hinge on d3"} <= set(ranking.missing)
    assert "hinge" not in [row.label for row in ranking.rows]
    assert main(["compare", str(outputs), "--view", "ranks"]) == 0
    assert "focal on d4" in " ".join(capsys.readouterr().out.split())


def test_names_are_escaped_in_the_diagram(fake_run: Write, outputs: Path) -> None:
    for d in range(2):
        for loss in ("bce", "<script>&"):
            fake_run(labels={"dataset": f"d{d}", "model": "m<b>", "loss": loss}, dataset=f"d{d}", loss=loss)
    (ranking,) = prepare(outputs).rankings()
    assert "<script" not in svg(ranking)
    assert "<script>&" in "".join(ElementTree.fromstring(svg(ranking)).itertext())


def test_the_trade_off(fake_run: Write, outputs: Path) -> None:
    for seed in range(2):
        test = {"f1": 0.5, "f1_tuned": 0.6, "f1_soft": 0.8, "auroc": 0.9, "ece": 0.1}
        fake_run(seed=seed, test=test, result={"batches": {"total": 40, "without_positives": 10 * seed}})
    (table,) = prepare(outputs).tables("trade-off")
    shown = {
        (column.about, column.view): cell.mean for column, cell in zip(table.columns, table.lines[0].cells, strict=True)
    }
    assert shown["f1", "0.5"] == 0.5
    assert shown["f1", "tuned"] == 0.6
    assert shown["f1", "oracle"] is None
    assert shown["f1", "soft − hard"] == pytest.approx(0.3)
    assert shown["auroc", ""] == 0.9
    assert shown["loss_time", "µs a batch"] == 90
    assert shown["no_positive", "% of batches"] == 12.5


def test_views_are_chosen(fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(fake_run, 1, seeds=6)
    assert [table.title for table in prepare(outputs).tables()] == ["d0, mlp", "d0, mlp: difference to bce"]
    assert main(["compare", str(outputs), "--view", "trade-of"]) == 2
    assert "'trade-off'" in capsys.readouterr().err
    (table,) = prepare(outputs, metrics=["f1"]).tables("differences")
    assert [cell.text for cell in table.lines[-1].cells[:4]] == ["+0.200", "0.200 to 0.200", "0.031", "0.094"]


def test_differences_over_data_sets_equal_scipys(fake_run: Write, outputs: Path) -> None:
    drawn = np.random.default_rng(0).normal(0.7, 0.1, (9, 3))
    drawn[:, 1] += 0.15
    for d, own in enumerate(drawn):
        for loss, value in zip(("bce", "focal", "dice"), own, strict=True):
            fake_run(dataset=f"d{d}", loss=loss, test={"f1": value, "log_loss": value})
    (ranking,) = prepare(outputs, metrics=["f1"]).rankings()
    found = {row.label: row for row in ranking.rows}
    plain = [stats.wilcoxon(drawn[:, i] - drawn[:, 0], method="exact").pvalue for i in (1, 2)]
    assert [found["focal"].p_value, found["dice"].p_value] == pytest.approx(plain)
    assert found["focal"].p_holm == pytest.approx(2 * plain[0])
    own = drawn[:, 1] - drawn[:, 0]
    middle = np.median([(own[i] + own[j]) / 2 for i in range(9) for j in range(i, 9)])
    assert found["focal"].difference == pytest.approx(middle)
    assert found["focal"].difference_low < found["focal"].difference < found["focal"].difference_high
    (low,) = prepare(outputs, metrics=["log_loss"]).rankings()
    assert {row.label: row.difference for row in low.rows}["focal"] == found["focal"].difference


@pytest.mark.parametrize("n", [5, 6, 9, 20])
def test_an_interval_leaves_out_0_just_where_its_p_rejects(fake_run: Write, outputs: Path, n: int) -> None:
    drawn = np.random.default_rng(n).normal(0.0, 0.05, (n, 12)) + np.linspace(0, 0.06, 12)
    for d, own in enumerate(drawn):
        for i, value in enumerate(own):
            fake_run(dataset=f"d{d}", loss=LOSSES[0] if not i else f"loss{i}", test={"f1": 0.5 + value})
    (ranking,) = prepare(outputs, metrics=["f1"]).rankings()
    for row in ranking.rows:
        if row.p_value is not None:
            low, high = row.difference_low, row.difference_high
            assert (low is None) == (n < 6)
            assert (row.p_value <= 0.05) == (low is not None and not low <= 0 <= high)


def test_a_difference_lies_in_its_interval_also_where_one_data_set_is_far_away(fake_run: Write, outputs: Path) -> None:
    for d, gain in enumerate([*(0.001, 0.002, 0.0, 0.003, -0.001) * 4, 0.4]):
        for loss in ("bce", "dice"):
            fake_run(dataset=f"d{d}", loss=loss, test={"f1": 0.5 + gain * (loss == "dice")})
    (ranking,) = prepare(outputs, metrics=["f1"]).rankings()
    row = next(row for row in ranking.rows if row.label == "dice")
    assert row.difference_low <= row.difference <= row.difference_high < np.mean(row.differences)
    assert row.difference == pytest.approx(0.001)


def test_the_scoreboard_chooses_for_each_metric(fake_run: Write, outputs: Path, tmp_path: Path) -> None:
    for d in range(8):
        for i, loss in enumerate(("bce", "dice")):
            for good, bad in (("f1", "auroc"), ("auroc", "f1")):
                values = {good: 0.8 + 0.1 * i + 0.002 * d, bad: 0.2}
                fake_run(dataset=f"d{d}", loss=loss, optimizer__lr=len(good), val=values, test=values)
    best, ranks = prepare(outputs).tables("scoreboard")
    shown = {line.label: [cell.text for cell in line.cells] for line in best.lines}
    for metric in ("f1 0.5", "auroc"):
        assert shown[metric][:5] == ["dice", "1.0", "2.0", "0.907", "0.807"]
        assert shown[metric][5:] == ["+0.100", "0.100 to 0.100", "8/0/0", "0.008", "0.008", "1", "0"]
    first = {line.label: line.cells[0].text for line in ranks.lines}
    assert first == {"dice": "1.0▲", "bce": "2.0"}
    assert main(["compare", str(outputs), "--view", "scoreboard", "--out", str(tmp_path / "s.md")]) == 0
    assert "1.0▲" in (tmp_path / "s.md").read_text(encoding="utf-8")


def test_the_scoreboard_says_for_which_metrics_rows_are_told_apart(fake_run: Write, outputs: Path) -> None:
    for d in range(8):
        for i, loss in enumerate(("bce", "dice", "focal")):
            test = {"f1": 0.5 + i / 10, "auroc": 0.5 + (i + d) % 3 / 10}
            fake_run(dataset=f"d{d}", loss=loss, val=test, test=test)
    comparison = prepare(outputs, metrics=["f1", "auroc"])
    _, ranks = comparison.tables("scoreboard")
    distance = nemenyi_distance(3, 8)
    found = f"rejects for f1 0.5, so only there are ranks told apart: those less than {distance:.2f} apart are not"
    assert found in ranks.note
