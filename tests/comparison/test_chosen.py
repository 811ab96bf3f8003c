"""What validation chose: for each seed or once for all, ties, the edge of the grid, and what test made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from surrogate_bench.cli import main
from surrogate_bench.comparison import prepare
from surrogate_bench.comparison.select import Row
from surrogate_bench.comparison.shown import Comparison

Write = Callable[..., Path]


def fill(write: Write, values: Mapping[float, tuple[float, ...]], **more: object) -> None:
    """Runs of bce by learning rate, and the validation F1 of each seed; test F1 is .1 lower."""
    for rate, own in values.items():
        for seed, f1 in enumerate(own):
            metrics = {"f1": f1, "log_loss": 0.5}
            write(seed=seed, optimizer__lr=rate, val=metrics, test={"f1": f1 - 0.1}, **more)


def compared(outputs: Path, **how: str) -> Comparison:
    return prepare(outputs, warn=lambda _: None, **how)


def rates(row: Row) -> list[float]:
    return [run.config["optimizer.lr"] for run in row.picked.values()]


def test_a_choice_for_each_seed_and_one_for_all(fake_run: Write, outputs: Path) -> None:
    fill(fake_run, {0.001: (0.9, 0.2, 0.4), 0.01: (0.5, 0.6, 0.5), 0.03: (0.1, 0.1, 0.9)})
    assert rates(compared(outputs).blocks[0].rows[0]) == [0.001, 0.01, 0.03]
    assert rates(compared(outputs, select_over="seeds").blocks[0].rows[0]) == [0.01, 0.01, 0.01]
    (low,) = compared(outputs, select_over="seeds", select="log_loss").blocks[0].rows
    assert len(set(rates(low))) == 1


def test_one_for_all_has_a_result_at_the_most_seeds(fake_run: Write, outputs: Path) -> None:
    fill(fake_run, {0.001: (0.99, 0.99), 0.01: (0.5, 0.6, 0.5)})
    assert rates(compared(outputs, select_over="seeds", unequal=True).blocks[0].rows[0]) == [0.01] * 3


@pytest.mark.parametrize("over", ["each", "seeds"])
def test_ties_go_to_log_loss_and_then_to_the_smaller_change(fake_run: Write, outputs: Path, over: str) -> None:
    for rate, log_loss in ((0.0001, 0.3), (0.002, 0.2), (0.5, 0.2)):
        for seed in range(2):
            fake_run(seed=seed, optimizer__lr=rate, val={"f1": 0.7, "log_loss": log_loss})
    # The default is 0.003, so that 0.002 is nearer than 0.5.
    assert rates(compared(outputs, select_over=over).blocks[0].rows[0]) == [0.002, 0.002]


def test_chosen_values_stand_in_a_table(fake_run: Write, outputs: Path) -> None:
    fill(fake_run, {0.001: (0.9, 0.2, 0.4), 0.01: (0.5, 0.6, 0.5)})
    comparison = compared(outputs)
    (table,) = comparison.tables("chosen")
    (line,) = table.lines
    assert [(column.about, column.view) for column in table.columns] == [
        ("optimizer.lr", "chosen"),
        ("f1", "validation"),
        ("f1", "test"),
        ("f1", "difference"),
    ]
    assert line.cells[0].text == "0.01 ×2, 0.001 ×1"
    assert [cell.mean for cell in line.cells[1:]] == pytest.approx([2 / 3, 2 / 3 - 0.1, -0.1])
    assert table.remarks == ()  # of two values one is always at the edge
    assert "for each seed. Ties go to the lower validation log loss" in table.note
    (means,) = comparison.tables("means")
    assert "Chosen per row and seed by validation f1: optimizer.lr (2 values)." in means.note
    assert "Each run's epoch is that of its best validation f1, for every column." in means.note
    (table,) = compared(outputs, select_over="seeds").tables("chosen")
    assert "for the best mean over a row's seeds" in table.note


def test_nothing_was_chosen(fake_run: Write, outputs: Path) -> None:
    fill(fake_run, {0.001: (0.9, 0.2)})
    assert compared(outputs).tables("chosen") == []


@pytest.mark.parametrize(
    ("best", "said"),
    [
        (
            0.001,
            "bce: optimizer.lr=0.001, the smallest of 3 values tried, is chosen at 3 of 3 seeds, so the best may lie ",
        ),
        (0.1, "bce: optimizer.lr=0.1, the largest of 3 values tried, is chosen at 3 of 3 seeds, so the best may lie "),
        (0.01, None),
    ],
)
def test_the_edge_of_a_grid_is_told_with_the_value_beyond(
    fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str], best: float, said: str | None
) -> None:
    fill(fake_run, {rate: (0.8 if rate == best else 0.5,) * 3 for rate in (0.001, 0.01, 0.1)})
    assert main(["compare", str(outputs)]) == 0
    captured = capsys.readouterr()
    assert ("edge" in captured.out) == (said is not None)
    if said:
        assert said in captured.err
        assert f"beyond: try optimizer.lr={1 if best == 0.1 else 0.0001:g}" in captured.err
    else:
        assert "may lie beyond" not in captured.err


def test_the_words_of_the_choice(fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(fake_run, {0.001: (0.9, 0.2), 0.01: (0.3, 0.3)})
    words = ["compare", str(outputs), "--select-over"]
    assert main([*words, "seeds"]) == 0
    assert "one for all its seeds, by validation f1" in " ".join(capsys.readouterr().out.split())
    assert main([*words, "runs"]) == 2
    assert "there is each, seeds" in capsys.readouterr().err
