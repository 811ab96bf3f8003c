"""Sweeps as users run them: in a process of their own, whose workers are copies of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from program import program

from hydra_plugins.surrogate_bench import MOST_JOBS, check_count
from surrogate_bench.errors import UserError

SHORT = ["trainer.epochs=6", "model.hidden=[16]"]


def results(folder: Path) -> dict[str, dict[str, Any]]:
    return {path.parent.name: json.loads(path.read_text()) for path in folder.glob("outputs/*/*/result.json")}


def logits(folder: Path) -> dict[str, np.ndarray]:
    found = {}
    for path in folder.glob("outputs/*/*/predictions.npz"):
        with np.load(path) as file:
            found[path.parent.name] = np.concatenate([file["val_logits"], file["test_logits"]])
    return found


GRID = ["loss=bce,soft_f1,soft_precision", "optimizer.lr=0.003,0.03", "seed=range(3)"]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("swept")
    return folder, program(folder, "-m", *GRID, *SHORT)


def test_a_sweep_ends_with_its_table(swept: tuple[Path, str]) -> None:
    folder, out = swept
    stored = results(folder)
    assert len(stored) == 18
    assert {result["status"] for result in stored.values()} == {"finished"}
    assert max(result["timing"]["side_by_side"] for result in stored.values()) > 1
    assert "18 runs" in out
    assert "optimizer.lr (2 values)" in out
    for loss in ("bce", "soft_f1", "soft_precision"):
        assert f"\n{loss} " in out
    files = {path.name for path in next(folder.glob("outputs/*/*")).iterdir()}
    assert files >= {"config.yaml", "metrics.jsonl", "predictions.npz", "checkpoint.pt", "tensorboard", "result.json"}


def test_members_are_what_they_would_be_alone(swept: tuple[Path, str], tmp_path: Path) -> None:
    program(tmp_path, "-m", *GRID, *SHORT, "launcher.width=1", "launcher.workers=1")
    together, alone = logits(swept[0]), logits(tmp_path)
    assert together.keys() == alone.keys()
    for name, values in together.items():
        np.testing.assert_allclose(values, alone[name], rtol=2e-2, atol=2e-3, err_msg=name)
    program(tmp_path, "loss=soft_f1", "optimizer.lr=0.03", "seed=1", *SHORT, "experiment=solo")
    (solo,) = (tmp_path / "outputs" / "solo").iterdir()
    same = tmp_path / "outputs" / "default" / solo.name / "predictions.npz"
    assert (solo / "predictions.npz").read_bytes() == same.read_bytes()


def test_what_is_finished_is_not_trained_again(swept: tuple[Path, str]) -> None:
    folder, _ = swept
    before = {path: path.stat().st_mtime_ns for path in folder.glob("outputs/*/*/result.json")}
    out = program(folder, "-m", *GRID[:2], "seed=range(4)", *SHORT, "launcher.plan=true")
    assert "24 runs, 18 of them finished" in out
    assert len(results(folder)) == 18
    out = program(folder, "-m", *GRID, *SHORT)
    assert "18 finished before" in out
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_hydras_own_launcher_gives_the_same_runs(swept: tuple[Path, str], tmp_path: Path) -> None:
    words = ["loss=bce", "optimizer.lr=0.003", "seed=0,1", *SHORT]
    program(tmp_path, "-m", "hydra/launcher=basic", "hydra/sweeper=basic", *words)
    own, basic = logits(swept[0]), logits(tmp_path)
    assert len(basic) == 2
    for name, values in basic.items():
        np.testing.assert_allclose(values, own[name], rtol=2e-2, atol=2e-3)


def test_one_member_diverging_is_that_members_business(tmp_path: Path) -> None:
    sgd = ["loss=bce", "optimizer=sgd", "seed=range(4)", *SHORT]
    program(tmp_path, "-m", *sgd, "optimizer.lr=0.1,1e30", "launcher.width=8", "launcher.workers=1")
    stored, own = results(tmp_path), logits(tmp_path)
    by_rate = {name: result["config"]["optimizer"]["lr"] for name, result in stored.items()}
    assert {result["status"] for name, result in stored.items() if by_rate[name] == 1e30} == {"diverged"}
    assert all(stored[name]["diverged_epoch"] == 1 for name in by_rate if by_rate[name] == 1e30)
    assert {result["status"] for name, result in stored.items() if by_rate[name] == 0.1} == {"finished"}
    other = tmp_path / "without"
    other.mkdir()
    program(other, "-m", *sgd, "optimizer.lr=0.1", "launcher.width=8", "launcher.workers=1")
    for name, values in logits(other).items():
        np.testing.assert_allclose(values, own[name], rtol=1e-3, atol=1e-4)


BAD = """
import os, torch
class Raises(torch.nn.Module):
    def forward(self, z, y):
        raise RuntimeError("out of luck")
class Dies(torch.nn.Module):
    def forward(self, z, y):
        os.abort()
"""


@pytest.mark.parametrize(("name", "reason"), [("Raises", "out of luck"), ("Dies", "SIGABRT")])
def test_a_run_that_fails_costs_only_itself(name: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(BAD)
    program(tmp_path, "-m", "loss=bce", "seed=range(3)", *SHORT)
    bad = ["loss=custom", f"loss.path=bad.py:{name}", *SHORT]
    out = program(tmp_path, "-m", *bad, "seed=0,1", code=1)
    stored = results(tmp_path)
    assert sorted(result["status"] for result in stored.values()) == ["failed"] * 2 + ["finished"] * 3
    assert reason in out
    assert out.count("again: surrogate-bench") == 2


@pytest.mark.parametrize(
    "words",
    [
        ["loss=bce,soft_precisoin"],
        ["optimizer.lr=0.1,abc"],
        ["optimizer.lr=0.1,-1"],
        ["loss=bce", "loss.pos_weight=1,0"],
        ["dataset=breast_cancer,digits", "dataset.positive=malignant"],
        ["model.hidden=[8],[0]"],
        ["loss=bce,auroc_hinge", "trainer.batch_size=64,1"],
        ["loss=soft_f1", "trainer.sampler=stratified", "trainer.batch_size=64,2"],
        ["trainer.sampler=stratifed"],
    ],
)
def test_a_wrong_word_is_found_before_anything_trains(words: list[str], tmp_path: Path) -> None:
    out = program(tmp_path, "-m", "seed=range(3)", *words, code=2)
    assert out.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_same_job_twice_is_one_run(tmp_path: Path) -> None:
    out = program(tmp_path, "-m", "seed=0,0", *SHORT)
    assert len(results(tmp_path)) == 1
    assert re.search(r"^1 run$", out, re.MULTILINE)
    assert re.search(r"^1/1 runs: 1 finished", out, re.MULTILINE)


def test_jobs_are_composed_as_hydra_does(tmp_path: Path) -> None:
    words = ["loss=bce,soft_fbeta", "model.hidden=[8],[16,16]", "dataset.positive=malignant"]
    program(tmp_path, "-m", *words, "seed=range(2)", "trainer.epochs=1")
    stored = results(tmp_path)
    assert len(stored) == 8
    assert {tuple(result["config"]["model"]["hidden"]) for result in stored.values()} == {(8,), (16, 16)}
    basic = tmp_path / "basic"
    basic.mkdir()
    program(basic, "-m", "hydra/launcher=basic", "hydra/sweeper=basic", *words, "seed=1", "trainer.epochs=1")
    assert set(results(basic)) <= set(stored)


def test_a_choice_may_change_more_than_its_group(tmp_path: Path) -> None:
    (tmp_path / "mine" / "loss").mkdir(parents=True)
    yaml = "# @package _global_\nloss: {name: focal, gamma: 3.0}\ndataset: {imratio: 0.1}\n"
    (tmp_path / "mine" / "loss" / "fast.yaml").write_text(yaml)
    program(tmp_path, "-m", "--config-dir=mine", "loss=bce,fast", "model=linear,mlp", "trainer.epochs=1")
    configs = [result["config"] for result in results(tmp_path).values()]
    assert sorted((c["loss"]["name"], c["model"]["name"], c["dataset"]["imratio"]) for c in configs) == [
        ("bce", "linear", None),
        ("bce", "mlp", None),
        ("focal", "linear", 0.1),
        ("focal", "mlp", 0.1),
    ]


def test_a_word_that_replaces_another_of_its_key_counts_once() -> None:
    parse = OverridesParser.create().parse_overrides
    check_count(parse([f"seed=range({MOST_JOBS})", "model=linear,mlp", "seed=range(10)"]))
    with pytest.raises(UserError, match="makes more of them"):
        check_count(parse(["seed=range(10)", "model=linear,mlp", f"seed=range({MOST_JOBS})"]))


def test_a_sweep_whose_runs_all_diverge_at_once_says_so_and_has_its_results(tmp_path: Path) -> None:
    out = program(tmp_path, "-m", "seed=0,1", "optimizer.eps=0", "optimizer.lr=1e30", *SHORT)
    assert "2/2 runs: 2 diverged" in out
    assert "none of the 2 runs has a result: 2 diverged" in out
