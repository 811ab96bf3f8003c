"""A row holds runs of one content of data, loss and code; the same configuration counts once."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from surrogate_bench.cli import main
from surrogate_bench.comparison import prepare
from surrogate_bench.comparison.formats import renderer
from surrogate_bench.comparison.formats.page.content import content
from surrogate_bench.comparison.shown import Comparison
from surrogate_bench.comparison.verdict import verdict
from surrogate_bench.errors import UserError

Write = Callable[..., None]
Origin = Callable[..., dict[str, Any]]
OLD = "2026-11-25T10:00:00Z"


def told(comparison: Comparison) -> dict[str, dict[str, int]]:
    """How many runs each row of each block counts."""
    return {block.name: {row.label: len(row.picked) for row in block.rows} for block in comparison.blocks}


def words(comparison: Comparison, form: str = "table") -> str:
    return " ".join(renderer(form)(comparison).split())


def test_two_contents_of_one_data_set_are_two_tables(sweep: Write, origin: Origin, outputs: Path) -> None:
    sweep("old", 6, loss="bce", result=origin(data="1111aaaa22223333", date=OLD), test={"f1": 0.2})
    sweep("new", 6, loss="soft_f1", result=origin(data="2222aaaa22223333"), test={"f1": 0.8})
    said: list[str] = []
    comparison = prepare(outputs, metrics=["f1"], warn=said.append)
    older = "breast_cancer 2026-11-25 1111, mlp"
    assert told(comparison) == {"breast_cancer, mlp": {"soft_f1": 6}, older: {"bce": 6}}
    assert [table.title for table in comparison.tables()] == ["breast_cancer, mlp", older]  # and no difference
    assert said[0] == (
        "data set 'breast_cancer' is there in 2 versions, compared apart: 2026-11-25 1111 (6 runs); "
        "the newest, 2026-11-26 2222 (6 runs), has the plain name"
    )
    page = content(comparison)
    assert page["warnings"][0] == said[0]
    assert [table["dataset"] for table in page["tables"]] == ["breast_cancer", "breast_cancer 2026-11-25 1111"]
    assert verdict(comparison).which.startswith("On breast_cancer with mlp, soft_f1 is the only row")


@pytest.mark.parametrize(
    "change",
    [
        {"loss": "3f2a000011112222"},
        {"loss": "77aa000011112222", "files": {"helper.py": "b" * 16}},
        {"loss": "77aa000011112222", "revision": 2},
        {"loss": None},
    ],
)
def test_an_edited_loss_is_a_row_of_its_own(
    change: dict[str, Any], sweep: Write, origin: Origin, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = {"dataset": "breast_cancer", "model": "mlp", "loss": "MyLoss"}
    revision = {"loss_": change.pop("revision")} if "revision" in change else {}
    old = origin(**change, date=OLD)
    old["program"]["revisions"]["loss"] = revision.get("loss_", 1)
    sweep("new", 5, loss="bce", result=origin())
    sweep("old", 5, loss="custom", labels=kinds, result=old, val={"f1": 0.9}, test={"f1": 0.9})
    sweep(
        "new", 5, loss="custom", labels=kinds, result=origin(loss="77aa000011112222"), val={"f1": 0.8}, test={"f1": 0.8}
    )
    assert main(["compare", str(outputs), "--metrics", "f1", "--format", "csv"]) == 0
    text, err = capsys.readouterr()
    lines = list(csv.DictReader(io.StringIO(text)))
    means = {line["loss"]: (line["n"], line["mean"], line["baseline"]) for line in lines if line["metric"] == "f1"}
    (older,) = means.keys() - {"bce", "MyLoss"}
    assert means["MyLoss"] == ("5", "0.8", "bce")
    assert means[older] == ("5", "0.9", "bce")
    assert older.startswith("MyLoss 2026-11-25 ")
    if change == {"loss": "3f2a000011112222"}:
        assert older == "MyLoss 2026-11-25 3f2a"
    assert "warning: loss 'MyLoss' is there in 2 versions" in err


def test_another_revision_of_the_protocol_is_another_table(sweep: Write, origin: Origin, outputs: Path) -> None:
    for kind in ("trainer", "metrics", "splits", "dataset"):
        sweep(kind, 2, experiment=kind, result=origin(date=OLD))
        sweep(kind, 2, loss="dice", result=origin(**{kind: 2}))
        comparison = prepare(outputs / kind, warn=lambda _: None)
        (newest, older) = told(comparison).values()
        assert (newest, older) == ({"dice": 2}, {"bce": 2}), kind
        assert comparison.blocks[1].name.startswith("breast_cancer 2026-11-25 ")


def test_a_model_or_an_optimizer_of_another_revision_is_another_row(
    sweep: Write, origin: Origin, outputs: Path
) -> None:
    for kind in ("model", "optimizer"):
        sweep(kind, 3, result=origin(date=OLD))
        sweep(kind, 2, experiment="again", result=origin(**{kind: 2}))
        ((newest, older),) = (own.items() for own in told(prepare(outputs / kind)).values())
        assert newest == ("bce", 2)
        assert older[0].startswith("bce 2026-11-25 ")
        assert older[1] == 3


def test_results_of_an_earlier_version_are_named_and_apart(
    sweep: Write, origin: Origin, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep("old", 3)
    assert "Runs of an earlier version, which recorded neither" in words(prepare(outputs))
    assert told(prepare(outputs)) == {"breast_cancer, mlp": {"bce": 3}}
    sweep("new", range(3, 5), result=origin())
    assert told(prepare(outputs)) == {
        "breast_cancer, mlp": {"bce": 2},
        "breast_cancer (earlier version), mlp": {"bce": 3},
    }
    assert main(["compare", str(outputs)]) == 0
    assert "3 runs of an earlier version" in capsys.readouterr().err


def test_ranks_count_one_version_of_a_data_set(sweep: Write, origin: Origin, outputs: Path) -> None:
    for dataset in ("a", "b"):
        for loss in ("bce", "dice"):
            sweep("earlier", 2, dataset=dataset, loss=loss)
            sweep("old", 2, dataset=dataset, loss=loss, result=origin(data=f"{dataset}1" * 8, date=OLD))
            sweep("new", 2, dataset=dataset, loss=loss, result=origin(data=f"{dataset}2" * 8))
    comparison = prepare(outputs)
    assert {ranking.model: ranking.datasets for ranking in comparison.rankings()} == {
        "mlp": ("a", "b"),
        "mlp (earlier version)": ("a (earlier version)", "b (earlier version)"),
    }
    assert len(comparison.tables("scoreboard")) == 4
    said = verdict(comparison).which
    assert said.startswith("Over 2 data sets with mlp, ")
    assert "earlier version" not in said


def test_a_configuration_counts_once_by_its_date(
    sweep: Write, origin: Origin, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep("A", 8, loss="bce", result=origin())
    sweep("A", 8, loss="soft_f1", result=origin(date=OLD), val={"f1": 0.9}, test={"f1": 0.9})
    other = {"output": "elsewhere", "experiment": "again", "device": "cuda"}
    sweep("B", 8, loss="soft_f1", result=origin(), val={"f1": 0.4}, test={"f1": 0.4}, **other)
    comparison = prepare(outputs, metrics=["f1"])
    assert told(comparison) == {"breast_cancer, mlp": {"bce": 8, "soft_f1": 8}}
    assert set(comparison.blocks[0].rows[1].values("f1").values()) == {0.4}
    assert "Runs left out, since a newer one is of the same configuration and seed: 8." in words(comparison)
    assert len(content(comparison)["runs"]) == 16
    assert "left out 8 runs of a configuration and seed that is there again" in content(comparison)["warnings"][0]
    assert main(["compare", str(outputs)]) == 0  # no choice of two, and no unequal budget
    out, err = capsys.readouterr()
    assert "left out 8 runs" in err
    assert "Chosen" not in out


def test_a_failed_run_gives_way_to_one_that_ended(sweep: Write, origin: Origin, outputs: Path) -> None:
    sweep("A", 2, result=origin(date=OLD))
    sweep("B", 2, status="failed", result=origin(data=None))
    comparison = prepare(outputs)
    assert told(comparison) == {"breast_cancer, mlp": {"bce": 2}}
    sweep("C", 2, loss="dice", status="failed", result=origin(data=None))
    assert told(prepare(outputs)) == {"breast_cancer, mlp": {"bce": 2, "dice": 0}}


def test_of_earlier_results_of_one_configuration_the_newest_file_counts(sweep: Write, outputs: Path) -> None:
    for folder, time, f1 in (("A", 1_000_000_000, 0.9), ("B", 1_100_000_000, 0.3)):
        sweep(folder, 3, test={"f1": f1}, val={"f1": f1})
        for place in list((outputs / folder).iterdir()):
            os.utime(place / "result.json", (time, time))
            place.rename(place.with_name(f"{place.name[:-4]}{folder * 4}"))  # the id's hash is of the file's content
    said: list[str] = []
    comparison = prepare(outputs, warn=said.append)
    assert set(comparison.blocks[0].rows[0].values("f1").values()) == {0.3}
    assert said[0].startswith("left out 3 runs of an earlier version that have a newer one of the same configuration")
    assert "AAAA" in said[0]
    assert "BBBB" not in said[0]


def test_attempts_that_count_are_budgets(sweep: Write, origin: Origin, outputs: Path) -> None:
    sweep("A", 2, loss="bce", result=origin())
    for folder in ("A", "B"):
        for lr in (0.1, 0.01):
            sweep(folder, 2, loss="dice", optimizer__lr=lr, result=origin(), experiment=folder)
    with pytest.raises(UserError, match="1 for bce; 2 for dice"):
        prepare(outputs)


@pytest.mark.parametrize(
    ("key", "values", "names"),
    [
        ("trainer__monitor", ("f1", "f1_tuned"), {"bce monitor=f1", "bce monitor=f1_tuned"}),
        ("trainer__select", ("best", "last"), {"bce select=best", "bce select=last"}),
        ("trainer__warm_start", (None, "previous:x-s0-1"), {"bce", "bce warm_start=previous"}),
        ("precision", ("fp32", "bf16"), {"bce precision=fp32", "bce precision=bf16"}),
        ("deterministic", (True, False), {"bce deterministic=true", "bce deterministic=false"}),
    ],
)
def test_validation_does_not_choose_a_protocol(
    key: str, values: tuple[Any, Any], names: set[str], sweep: Write, origin: Origin, outputs: Path
) -> None:
    for value in values:
        sweep(f"{value}"[:4], 2, result=origin(), **{key: value})
    said: list[str] = []
    comparison = prepare(outputs, warn=said.append)
    assert {row.label for row in comparison.blocks[0].rows} == names
    option = key.replace("__", ".")
    assert said == [f"{option} differ within a row, so rows are told apart as by --rows loss,{option}"]
    assert "Chosen" not in words(comparison)
    explicit = prepare(outputs, rows=f"loss,{option}")
    assert renderer("csv")(explicit) == renderer("csv")(comparison)


@pytest.mark.parametrize("key", ["dataset__validation", "dataset__scaling", "dataset__imratio", "dataset__positive"])
def test_another_task_is_another_table(key: str, sweep: Write, origin: Origin, outputs: Path) -> None:
    for value in ("all", "none"):
        sweep(value, 2, result=origin(), **{key: value})
    assert len(prepare(outputs).blocks) == 2


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("trainer__epochs", (10, 20)),
        ("trainer__batch_size", (16, 32)),
        ("trainer__sampler", ("shuffled", "stratified")),
        ("optimizer__lr", (0.1, 0.01)),
        ("model__width", (8, 16)),
        ("loss__gamma", (1, 2)),
    ],
)
def test_validation_chooses_among_hyperparameters(
    key: str, values: tuple[Any, Any], sweep: Write, origin: Origin, outputs: Path
) -> None:
    for value in values:
        sweep("A", 2, result=origin(), **{key: value})
    comparison = prepare(outputs)
    assert told(comparison) == {"breast_cancer, mlp": {"bce": 2}}
    said = f"Chosen per row and seed by validation f1: {key.replace('__', '.')} (2 values)."
    assert said in words(comparison)


def test_what_only_some_runs_have_tells_rows_apart(sweep: Write, origin: Origin, outputs: Path) -> None:
    sweep("old", 2, result=origin())
    sweep("new", range(2, 4), result=origin(), trainer__clip=1.0, loss__reduction="sum")
    assert told(prepare(outputs)) == {"breast_cancer, mlp": {"bce": 2, "bce reduction=sum clip=1.0": 2}}
    sweep("later", range(4, 6), result=origin(), trainer__clip=None, loss__reduction=None)
    assert told(prepare(outputs))["breast_cancer, mlp"] == {
        "bce reduction=absent clip=absent": 2,
        "bce": 2,
        "bce reduction=sum clip=1.0": 2,
    }


def test_an_option_that_came_later_is_what_it_was_before(sweep: Write, origin: Origin, outputs: Path) -> None:
    sweep("old", 2, result=origin())
    later = {"trainer__select": "best", "dataset__validation": 0.25, "deterministic": True, "model__zeros": False}
    sweep("new", range(1, 4), result=origin(), **later)
    comparison = prepare(outputs)
    assert told(comparison) == {"breast_cancer, mlp": {"bce": 4}}
    assert sum(run.repeats for run in comparison.blocks[0].rows[0].runs) == 1
    sweep("last", range(4, 6), result=origin(), trainer__select="last")
    assert told(prepare(outputs))["breast_cancer, mlp"] == {"bce select=best": 4, "bce select=last": 2}


@pytest.mark.parametrize("form", ["table", "md", "latex", "csv", "html"])
def test_programs_of_equal_revisions_are_mixed_with_a_note(
    form: str, sweep: Write, origin: Origin, outputs: Path
) -> None:
    sweep("A", 3, loss="dice", result=origin(date=OLD))
    sweep("B", range(3, 5), loss="dice", result=origin(sources="77cd" * 4, torch="2.16.0", version="0.2.0"))
    said: list[str] = []
    comparison = prepare(outputs, warn=said.append)
    assert told(comparison) == {"breast_cancer, mlp": {"dice": 5}}
    note = (
        "dice mixes programs that state the same revisions: 3 runs of 0.1.0 (sources aaaa, torch 2.15.0), "
        "2 runs of 0.2.0 (sources 77cd, torch 2.16.0)"
    )
    assert said == [f"breast_cancer, mlp: {note}"]
    text = renderer(form)(comparison)
    if form == "csv":
        assert {line["note"] for line in csv.DictReader(io.StringIO(text))} == {note}
    else:
        assert f"D{note[1:]}" in " ".join(text.split())


def test_another_loss_or_optimizer_depends_on_other_sources(sweep: Write, origin: Origin, outputs: Path) -> None:
    for name in ("bce", "dice"):
        sweep("A", 2, loss=name, result=origin(sources=name * 4))
        sweep("A", 2, loss=name, optimizer="sgd", result=origin(sources=f"{name}s" * 3))
    said: list[str] = []
    prepare(outputs, warn=said.append)
    assert said == []
    for seed in range(2):
        sweep("A", range(seed, seed + 1), loss="focal", result=origin(torch="2.14.0"))
        sweep("A", range(seed, seed + 1), loss="focal", optimizer="sgd", result=origin(torch="2.14.0"))
    prepare(outputs, warn=said.append)
    assert said == [
        "breast_cancer, mlp: the rows are not of one version of torch: 2.15.0 for bce, dice; 2.14.0 for focal"
    ]


def test_seeds_of_other_parts_are_not_paired(sweep: Write, origin: Origin, outputs: Path) -> None:
    for seed in range(8):
        only = range(seed, seed + 1)
        sweep("A", only, loss="bce", result=origin(parts=f"p{seed}"), test={"f1": 0.5})
        other = "q" if seed >= 6 else "p"
        sweep("A", only, loss="dice", result=origin(parts=f"{other}{seed}"), test={"f1": 0.6 if seed < 6 else 0.1})
        sweep("A", only, loss="focal", result=origin(parts=None), test={"f1": 0.7})
    comparison = prepare(outputs, metrics=["f1"])
    (table,) = comparison.tables("differences")
    found = {line.label: (line.n, line.cells[0].text) for line in table.lines}
    assert found == {"dice": (6, "+0.100"), "focal": (8, "+0.200")}
    said = "breast_cancer, mlp: not all rows are split alike at seed 6, 7: seeds of different parts are not paired"
    assert said in content(comparison)["warnings"]


def test_validation_does_not_choose_among_splits(sweep: Write, origin: Origin, outputs: Path) -> None:
    sweep("A", 2, optimizer__lr=0.1, result=origin(parts="old", date=OLD), val={"f1": 0.9}, test={"f1": 0.9})
    sweep("A", 2, optimizer__lr=0.01, result=origin(parts="new"), val={"f1": 0.8}, test={"f1": 0.8})
    said: list[str] = []
    (row,) = prepare(outputs, warn=said.append).blocks[0].rows
    assert set(row.values("f1").values()) == {0.8}
    assert "runs are of several splits at seed 0, 1" in said[0]


def test_a_moved_table_is_the_same_and_another_is_not(sweep: Write, origin: Origin, outputs: Path) -> None:
    named = {"dataset": "data", "model": "mlp", "loss": "bce"}
    sweep("A", 3, labels=named, dataset__path="/one/data.csv", result=origin(date=OLD), test={"f1": 0.9})
    sweep("B", 3, labels=named, dataset__path="/two/data.csv", result=origin(), test={"f1": 0.3})
    comparison = prepare(outputs)
    assert told(comparison) == {"data, mlp": {"bce": 3}}
    assert set(comparison.blocks[0].rows[0].values("f1").values()) == {0.3}
    sweep("C", 3, labels=named, dataset__path="/three/data.csv", result=origin(data="e" * 16))
    assert set(told(prepare(outputs))) == {"data path=two/data.csv, mlp", "data path=three/data.csv, mlp"}


def test_folds_are_not_mixed_with_splits_by_seed(sweep: Write, origin: Origin, outputs: Path) -> None:
    sweep("A", 4, result=origin())
    for fold in range(4):
        sweep("A", 1, dataset__fold=fold, dataset__folds=4, result=origin())
    assert sorted(sum(block.values()) for block in told(prepare(outputs)).values()) == [4, 4]


def test_what_a_foreign_file_holds_is_read_as_words(sweep: Write, outputs: Path) -> None:
    odd: list[dict[str, Any]] = [
        {"program": 3, "content": ["x"]},
        {"program": {"revisions": [1], "date": 7, "sources": {}}, "content": {"files": "x", "data": "\x1b[31m|a"}},
        {"program": {"revisions": {"loss": "x"}}, "content": None},
    ]
    for seed, result in enumerate(odd):
        sweep("odd", range(seed, seed + 1), result=result)
    comparison = prepare(outputs)
    assert sum(sum(block.values()) for block in told(comparison).values()) == 3
    assert "\x1b" not in words(comparison)
    assert json.dumps(content(comparison))
