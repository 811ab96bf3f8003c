"""Seeds that some rows lack: rows are held against one another on common seeds, or failed runs count as the worst."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from surrogate_bench.cli import main
from surrogate_bench.comparison import prepare
from surrogate_bench.comparison.tables import NO_COMMON
from surrogate_bench.comparison.verdict import verdict

Write = Callable[..., Path]
# By seed; dice is better on every seed, and focal only by the seeds that it lacks.
VALUES = {"bce": (0.5, 0.6, 0.7, 0.8), "dice": (0.52, 0.62, 0.72, 0.82), "focal": (0.4, 0.5, 0.71, 0.81)}


def fill(write: Write, *, status: str | None, datasets: int = 2) -> None:
    """Runs of two data sets; focal's first two seeds are missing or have this status."""
    for d in range(datasets):
        for loss, values in VALUES.items():
            for seed, value in enumerate(values):
                lost = loss == "focal" and seed < 2
                if not lost or status:
                    metrics = {"f1": value, "log_loss": 1 - value}
                    result = {"best_epoch": None} if lost and status == "diverged" else None
                    write(
                        dataset=f"d{d}",
                        loss=loss,
                        seed=seed,
                        test=metrics,
                        status=status if lost and status else "finished",
                        result=result,
                    )


@pytest.mark.parametrize("status", [None, "failed", "diverged"])
def test_marks_and_ranks_go_by_common_seeds(fake_run: Write, outputs: Path, status: str | None) -> None:
    fill(fake_run, status=status)
    comparison = prepare(outputs, metrics=["f1"], warn=lambda _: None)
    table = comparison.tables("means")[0]
    cells = {line.label: line.cells[0] for line in table.lines}
    assert cells["focal"].mean == pytest.approx(0.76)  # the highest, over the two seeds that it has
    assert [label for label, cell in cells.items() if cell.best] == ["dice"]
    assert "Best means are those over the 2 seeds that all rows have." in table.note
    shown = {line.label: dict(zip(table.remarks, line.remarks, strict=True))["seeds"] for line in table.lines}
    assert shown == {"bce": "", "dice": "", "focal": "2 of 4"}
    (ranking,) = comparison.rankings()
    assert [row.label for row in ranking.rows] == ["dice", "focal", "bce"]
    assert ranking.rows[1].difference == pytest.approx(0.01)
    assert ranking.partial == ("d0 2 of 4", "d1 2 of 4")
    assert "only the seeds that all rows have count: d0 2 of 4" in comparison.tables("ranks")[0].note


@pytest.mark.parametrize("status", ["failed", "diverged"])
def test_failed_runs_count_as_the_worst(fake_run: Write, outputs: Path, status: str) -> None:
    fill(fake_run, status=status)
    comparison = prepare(outputs, metrics=["f1", "log_loss"], failed="worst", warn=lambda _: None)
    table = comparison.tables("means")[0]
    at = {column.metric: i for i, column in enumerate(table.columns)}
    cells = {line.label: line.cells for line in table.lines}
    assert cells["focal"][at["f1"]].mean == pytest.approx((0.5 + 0.5 + 0.71 + 0.81) / 4)
    assert cells["focal"][at["log_loss"]].mean == pytest.approx((0.5 + 0.5 + 0.29 + 0.19) / 4)
    assert cells["focal"][at["f1"]].n == 4
    assert "Seeds whose runs failed count as the worst value of their table: 2 of focal on d0." in table.note
    assert [row.label for row in comparison.rankings()[0].rows] == ["dice", "bce", "focal"]
    assert comparison.rankings()[0].partial == ()
    for view, where in (("datasets", "2 of focal on d0, 2 of focal on d1"), ("differences", "2 of focal on d0")):
        assert f"count as the worst value of their table: {where}." in comparison.tables(view)[0].note


def test_what_failed_was_not_chosen(fake_run: Write, outputs: Path) -> None:
    for rate in (0.001, 0.01, 0.1):
        for seed in range(3):
            metrics = {"f1": 0.5 + rate, "log_loss": 0.5}
            status = "failed" if seed else "finished"
            fake_run(optimizer__lr=rate, seed=seed, val=metrics, test=metrics, status=status)
            fake_run(optimizer__lr=rate, seed=seed, val=metrics, test=metrics, loss="dice")
    (table,) = prepare(outputs, failed="worst", warn=lambda _: None).tables("chosen")
    told = {line.label: (line.n, line.cells[0].text, line.remarks) for line in table.lines}
    assert told == {"bce": (3, "0.1 ×1", ("lr 0.1",)), "dice": (3, "0.1 ×3", ("lr 0.1",))}


def test_the_opening_lines_go_by_common_seeds(fake_run: Write, outputs: Path) -> None:
    """Dice's decision and cost are told by the seeds that its place is told by: those that focal has."""
    for d in range(2):
        for loss, better in (("bce", 0.0), ("dice", 0.1), ("focal", 0.05)):
            for seed in range(4):
                if loss != "focal" or seed >= 2:
                    test = {"f1_tuned": 0.5 + better + seed / 10, "f1": 0.4 + seed / 10, "auroc": 0.6}
                    fake_run(dataset=f"d{d}", loss=loss, seed=seed, test=test | {"auroc": 0.6 + better * seed})
    comparison = prepare(outputs, metrics=["f1_tuned"], warn=lambda _: None)
    told = verdict(comparison)
    assert "F1 is 0.850 there and 0.650 at 0.5 over 2 data sets." in told.decision
    assert "better AUROC (+0.250)" in told.cost
    (table,) = comparison.tables("datasets")
    assert "ranks are by the runs that all rows have: d0 2 of 4 seeds, d1 2 of 4 seeds." in table.note


def test_a_seed_that_never_ran_is_not_the_worst(fake_run: Write, outputs: Path) -> None:
    fill(fake_run, status=None)
    (table, _) = prepare(outputs, metrics=["f1"], failed="worst", warn=lambda _: None).tables("means")
    assert {line.label: line.cells[0].n for line in table.lines}["focal"] == 2


def test_rows_without_a_common_seed(fake_run: Write, outputs: Path) -> None:
    for d in range(2):
        for seed, loss in enumerate(("bce", "dice")):
            fake_run(dataset=f"d{d}", loss=loss, seed=seed, test={"f1": 0.5 + seed / 10})
    comparison = prepare(outputs, metrics=["f1"], warn=lambda _: None)
    table = comparison.tables("means")[0]
    assert not any(line.cells[0].best for line in table.lines)
    assert NO_COMMON in table.note
    assert comparison.rankings() == []


def test_the_words_of_the_command(fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(fake_run, status="failed", datasets=1)
    words = ["compare", str(outputs), "--metrics", "f1", "--format", "md", "--failed"]
    assert main([*words, "skip"]) == 0
    assert "focal has no result at seed" in capsys.readouterr().err
    assert main([*words, "worst"]) == 0
    printed = capsys.readouterr()
    assert "count as the worst value of their table: 2 of focal on d0." in printed.out
    assert "no result" not in printed.err
    assert main([*words, "best"]) == 2
    assert "there is skip, worst" in capsys.readouterr().err
