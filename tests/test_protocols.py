"""Protocols as options: folds, given splits, the share of validation, scaling, the last epoch, data sets by name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from program import program
from sklearn.model_selection import StratifiedKFold

from surrogate_bench.cli import main
from surrogate_bench.config.parse import read
from surrogate_bench.config.schema import OF_EVERY_DATASET, RunConfig
from surrogate_bench.datasets import Table, load_source, make_split
from surrogate_bench.errors import UserError
from surrogate_bench.models import create_model
from surrogate_bench.store.run_id import identity, labels, run_id
from surrogate_bench.sweeps.plan import Splits, plan
from surrogate_bench.system.paths import CONF

NAMED = sorted(path.stem for path in (CONF / "dataset").glob("*.yaml") if "origin: http" in path.read_text())


def run_of(*words: str) -> RunConfig:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return read(compose("config", list(words)))


def test_folds_are_scikit_learns() -> None:
    source = load_source("breast_cancer")
    split = make_split(source, seed=0)
    cut = StratifiedKFold(7, shuffle=True, random_state=5).split(split.y, split.y)
    for fold, (others, test) in enumerate(cut):
        own = make_split(source, fold=fold, folds=7, folds_seed=5, seed=1)
        assert own.test.tolist() == test.tolist()
        assert sorted(own.train.tolist() + own.val.tolist()) == others.tolist()
        assert len(own.val) == pytest.approx(len(others) / 4, abs=1)


def test_without_validation_the_training_rows_validate_and_it_says_so() -> None:
    split = make_split(load_source("breast_cancer"), fold=0, validation=0.0, seed=0)
    assert split.val.tolist() == split.train.tolist()
    assert len(split.train) + len(split.test) == 569
    assert [remark["name"] for remark in split.remarks] == ["no_validation"]


def test_scaling_by_all_rows_is_a_leak_that_raises_an_alarm() -> None:
    source = load_source("breast_cancer")
    split = make_split(source, scaling="all", seed=0)
    torch.testing.assert_close(split.x.double().mean(0), torch.zeros(30).double(), atol=1e-6, rtol=0)
    assert [remark["name"] for remark in split.remarks] == ["leak"]
    assert isinstance(source, Table)
    raw = make_split(source, scaling="none", seed=0)
    np.testing.assert_array_equal(raw.x.numpy(), np.stack(list(source.columns.values()), 1).astype(np.float32))
    assert raw.remarks == make_split(source, seed=0).remarks == ()


def test_given_splits(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("".join(f"{i},{i % 2}\n" for i in range(40)))
    (tmp_path / "t.test").write_text("1,2,3,4\n2e1,21,3,40\n")
    source = load_source("table", path=str(tmp_path / "t.csv"), splits=str(tmp_path / "t.test"))
    assert make_split(source, fold=1, seed=0).test.tolist() == [2, 19, 20, 39]
    assert len(make_split(source, seed=0).test) == 8
    with pytest.raises(UserError, match="below 2, the number of folds, not 2"):
        make_split(source, fold=2, seed=0)
    for number, wrong in enumerate(("1,x", "0,1", "41", "1,1", "")):
        file = tmp_path / f"wrong{number}.test"
        file.write_text(f"1,2\n{wrong}\n")
        with pytest.raises(UserError, match="line 2 must hold"):
            load_source("table", path=str(tmp_path / "t.csv"), splits=str(file))


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("dataset.fold=10", "below 10"),
        ("dataset.fold=-1", "dataset.fold must be at least 0"),
        ("dataset.folds=1", "dataset.folds must be at least 2"),
        ("dataset.validation=1", "a share from 0 to below 1"),
        ("dataset.scaling=al", "Did you mean 'all'"),
        ("trainer.select=lats", "Did you mean 'last'"),
    ],
)
def test_wrong_protocols_are_one_line(word: str, message: str, capsys: Any, tmp_path: Path) -> None:
    assert main([word, f"output={tmp_path}"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_options_at_their_defaults_leave_a_run_what_it_was() -> None:
    run = run_of("trainer.monitor=f1")  # the default of the first results
    assert run_id(run, "cpu") == "breast_cancer-mlp-soft_f1-s0-080dd672fc"
    assert "fold" not in identity(run, "cpu")["dataset"]
    others = ("dataset.fold=1", "dataset.scaling=all", "trainer.select=last")
    ids = {run_id(run_of(word, "trainer.monitor=f1"), "cpu") for word in others}
    assert len(ids | {run_id(run, "cpu")}) == 4
    assert run_id(replace(run, suite="threshold"), "cpu") == run_id(run, "cpu")


def test_folds_of_one_size_share_a_population_and_rows_average_over_them(tmp_path: Path) -> None:
    runs = [run_of(f"dataset.fold={fold}", f"output={tmp_path}") for fold in range(10)]
    planned = plan(runs, torch.device("cpu"), Splits())
    splits = [make_split(load_source("breast_cancer"), fold=fold, seed=0) for fold in range(10)]
    sizes = {(len(split.train), len(split.val), len(split.test)) for split in splits}
    assert 1 < len(sizes) == len(planned.groups) < 10
    out = program(tmp_path, "-m", "dataset.fold=range(10)", "trainer.epochs=1", "loss=bce")
    assert "10 runs" in out
    csv = program(tmp_path, "compare", "--format", "csv")
    assert any(line.startswith("breast_cancer,mlp,bce,f1,10,") for line in csv.splitlines())


def test_the_last_epoch_and_weights_from_zero(tmp_path: Path) -> None:
    words = ("model=linear", "optimizer.lr=0.5", "trainer.epochs=9", f"output={tmp_path}", "trainer.select=last")
    assert main([*words, "model.zeros=true"]) == 0
    result = json.loads(next(tmp_path.glob("*/*/result.json")).read_text())
    assert result["best_epoch"] == 9
    assert all(not p.any() for p in create_model("linear", (3,), seed=0, zeros=True).parameters())
    assert any(p.any() for p in create_model("linear", (3,), seed=0).parameters())


@pytest.mark.parametrize("name", NAMED)
def test_data_sets_by_name_are_what_they_say(name: str, data_root: Path) -> None:
    run = run_of(f"dataset={name}", f"dataset.root={data_root}")
    own = {k: v for k, v in run.dataset.items() if k not in {key for key, _, _ in OF_EVERY_DATASET}}
    source = load_source(**own)
    assert source.remarks == ()
    split = make_split(source, positive=run.dataset["positive"], seed=0)
    heading = (CONF / "dataset" / f"{name}.yaml").read_text().splitlines()[0]
    assert f"{len(split.y):,} rows" in heading
    share = 100 * float(split.y.mean())
    assert f"{share:.{1 if share < 10 else 0}f} % positive" in heading
    assert labels(run)["dataset"] == name


def test_there_are_data_sets_by_name() -> None:
    assert len(NAMED) == 31


def test_another_content_raises_an_alarm_and_an_absent_set_says_where_it_is(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "tables").mkdir()
    words = ["dataset=haberman", f"dataset.root={tmp_path}", f"output={tmp_path}/out", "trainer.epochs=1"]
    assert main(words) == 2
    assert "haberman is not here: get it from https://archive.ics.uci.edu/dataset/43" in capsys.readouterr().err
    rows = "".join(f"{i},{i % 7},{1 + (i % 3 == 0)}\n" for i in range(60))
    (tmp_path / "tables" / "haberman.csv").write_text(rows)
    assert main(words) == 0
    result = json.loads(next(tmp_path.glob("out/*/*/result.json")).read_text())
    assert "other_data" in {alarm["name"] for alarm in result["alarms"]}


def test_an_absent_set_is_skipped_in_a_suite(tmp_path: Path) -> None:
    few = ("optimizer.lr=0.01", "seed=0", "loss=bce", "trainer.epochs=1")
    empty = {"SURROGATE_BENCH_DATA": str(tmp_path)}
    out = program(tmp_path, "-m", "+suite=threshold", "dataset=haberman,breast_cancer,pima", *few, environment=empty)
    assert "skipped: data set haberman is not here" in out
    assert "skipped: data set pima is not here" in out
    assert {path.name.split("-")[0] for path in tmp_path.glob("outputs/threshold/*")} == {"breast_cancer"}
    out = program(tmp_path, "-m", "+suite=threshold", "dataset=haberman,pima", *few, environment=empty, code=2)
    assert "none of its data sets is here" in out


def test_published_numbers_stand_beside_ours(tmp_path: Path) -> None:
    words = ("dataset=breast_cancer", "dataset.fold=0,3", "trainer.epochs=2")
    out = program(tmp_path, "-m", "+suite=anyloss_slp", *words)
    table = out[out.index("published | ours") :]
    lines = [words for line in table.splitlines() if (words := line.split())[3:4] == ["f1"]]
    stored = [json.loads(path.read_text()) for path in tmp_path.glob("outputs/*/*/result.json")]
    for loss, published in (("bce", "0.9734"), ("any_f1", "0.9709")):
        ours = [r["metrics"]["test"]["hard"]["f1"] for r in stored if r["labels"]["loss"] == loss]
        assert len(ours) == 2
        (line,) = (line for line in lines if line[1] == loss)
        assert [line[2], *line[4:6]] == ["2", published, f"{np.mean(ours):.4f}"]
