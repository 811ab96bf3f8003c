"""What every format shows: any view, where the numbers come from, and single runs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from surrogate_bench.cli import main
from surrogate_bench.comparison import compare, prepare
from surrogate_bench.comparison.differences import of_block
from surrogate_bench.comparison.formats.page.content import content

Write = Callable[..., Path]
Origin = Callable[..., dict[str, object]]
# A heading of each view, which no other view has.
VIEWS = {
    "datasets": "Average rank over 3 data sets",
    "ranks": "by the mean of each",
    "means": "mean ± standard",
    "differences": "Row minus bce",
    "trade-off": "what F1 costs",
    "scoreboard": "the best for each metric",
}
FORMATS = ("table", "md", "latex", "csv")


def fill(write: Write, *, datasets: int = 3, seeds: int = 6) -> None:
    for d in range(datasets):
        for i, loss in enumerate(("bce", "dice", "focal")):
            for seed in range(seeds):
                write(dataset=f"d{d}", loss=loss, seed=seed, test={"f1": 0.5 + i / 10 + (seed + d) / 100})


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["compare", *words]) == 0
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_has_the_views_that_are_asked_for(
    form: str, fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(fake_run)
    said = {
        view: printed(capsys, str(outputs), "--metrics", "f1", "--format", form, "--view", view).replace("$\\pm$", "±")
        for view in VIEWS
    }
    for view, words in VIEWS.items():
        if form == "csv":  # which holds numbers and no notes
            words = {"means": '"d0, mlp",bce,', "differences": "difference to bce"}.get(view, words)
            words = {"datasets": "average rank,", "ranks": "against bce,difference,"}.get(view, words)
        assert words in said[view], view
        others = {other for other, text in said.items() if words in text}
        assert others == {view}


def test_the_page_has_the_views_that_are_asked_for(fake_run: Write, outputs: Path) -> None:
    fill(fake_run)
    for view in VIEWS:
        shown = content(prepare(outputs, view=view))
        assert (shown["asked"], list(shown["views"])) == (True, [view])
        assert shown["views"][view]
    usual = content(prepare(outputs))
    assert not usual["asked"]
    assert {"datasets", "ranks", "trade-off"} <= set(usual["views"])


def test_rows_by_data_sets(fake_run: Write, outputs: Path) -> None:
    fill(fake_run)
    fake_run(dataset="d1", loss="hinge", seed=0, test={"f1": 0.1})
    comparison = prepare(outputs, metrics=["f1"], warn=lambda _: None)
    (table,) = comparison.tables("datasets")
    assert [line.label for line in table.lines] == ["focal", "dice", "bce", "hinge"]
    assert [column.about for column in table.columns] == ["d0", "d1", "d2", "average rank"]
    shown = {line.label: line.cells for line in table.lines}
    assert [cell.text for cell in (row[-1] for row in shown.values())] == ["1.00", "2.00", "3.00", "–"]
    assert [cell.mean for cell in shown["hinge"][:3]] == [None, 0.1, None]
    assert shown["dice"][0].mean == pytest.approx(0.625)
    assert shown["dice"][0].difference == pytest.approx(0.1)
    # Hinge has seed 0 alone, and so the best of d1 is told by that seed.
    assert [cell.best for cell in shown["focal"][:3]] == [True, True, True]
    assert prepare(outputs / "default", metrics=["f1"], warn=lambda _: None).tables("datasets")


def test_values_of_a_view_are_numbers_in_csv(
    fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(fake_run)
    assert main(["compare", str(outputs), "--metrics", "f1", "--view", "datasets,ranks", "--format", "csv"]) == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    means = {(own["row"], own["column"]): own for own in lines if "on 3 data sets" in own["table"]}
    block = prepare(outputs).blocks[1]
    for record in of_block(block, "f1", "bce"):
        assert float(means[record.loss, "d1"]["value"]) == record.mean
        assert means[record.loss, "d1"]["n"] == "6"
    ranks = {own["row"]: own for own in lines if own["view"] == "rank"}
    assert {row: float(own["value"]) for row, own in ranks.items()} == {"focal": 1, "dice": 2, "bce": 3}
    assert [own["text"] for own in lines if own["view"] == "win/tie/loss"] == ["3/0/0", "3/0/0", ""]


def test_runs_one_a_line(fake_run: Write, outputs: Path, origin: Origin, tmp_path: Path) -> None:
    for seed in range(2):
        for rate in (0.1, 0.2):
            fake_run(
                loss="bce",
                seed=seed,
                optimizer__lr=rate,
                val={"f1": rate + seed / 10},
                test={"f1": rate / 2, "auroc": 0.5 if seed else None},
                result=origin(),
            )
    fake_run(loss="=dice", dataset__fold=3, dataset__folds=5, status="failed")
    file = tmp_path / "runs.csv"
    assert main(["compare", str(outputs), "--unequal", "--format", "runs", "--out", str(file)]) == 0
    lines = list(csv.DictReader(io.StringIO(file.read_text())))
    assert len(lines) == 5
    bce = [own for own in lines if own["row"] == "bce"]
    assert sorted((own["seed"], float(own["optimizer.lr"]), own["picked"]) for own in bce) == [
        ("0", 0.1, "0"),
        ("0", 0.2, "1"),
        ("1", 0.1, "0"),
        ("1", 0.2, "1"),
    ]
    for own in bce:
        folder = next(outputs.rglob(own["run"]))
        stored = json.loads((folder / "result.json").read_text())
        assert float(own["test_f1"]) == stored["metrics"]["test"]["hard"]["f1"]
        assert float(own["val_log_loss"]) == stored["metrics"]["val"]["calibration"]["log_loss"]
        assert (own["torch"], own["threshold_tuned"]) == ("2.15.0", "0.43")
        assert own["test_auroc"] == ("0.5" if own["seed"] == "1" else "")
    (failed,) = [own for own in lines if own["status"] == "failed"]
    assert (failed["loss"], failed["fold"], failed["picked"], failed["test_f1"]) == ("'=dice", "3", "0", "")


@pytest.mark.parametrize("form", [*FORMATS, "html"])
def test_where_the_numbers_come_from(
    form: str, fake_run: Write, outputs: Path, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(2):
        fake_run(seed=seed, result=origin(date=f"2026-11-2{seed}T00:00:00Z"))
    text = printed(capsys, str(outputs), "--format", form)
    made = "2 runs of experiment default, 2026-11-20 to 2026-11-21, surrogate-bench 0.1.0, torch 2.15.0."
    assert (made in text) == (form != "csv")
    assert f"surrogate-bench compare outputs --format {form}" in text or form == "csv"
    assert str(outputs.parent) not in text


@pytest.mark.parametrize("dumb", [True, False])
def test_a_terminal_without_bold_has_another_mark(dumb: bool, fake_run: Write, outputs: Path) -> None:
    fill(fake_run, datasets=1)
    environment = {"TERM": "dumb" if dumb else "xterm-256color"}
    console = Console(file=io.StringIO(), width=200, force_terminal=True, _environ=environment)
    compare(outputs, metrics="f1", console=console)
    text = console.file.getvalue()
    assert ("Best means are marked *" in text) == dumb
    assert ("*" in text) == dumb
