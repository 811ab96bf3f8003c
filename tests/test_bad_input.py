"""What rubbish taught: the smallest word or table of each finding, and what became of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from surrogate_bench.cli import main
from surrogate_bench.config.overrides import spelled
from surrogate_bench.datasets.leakage import leaking
from surrogate_bench.training.devices import determinism

REFUSED = {
    ("-m", "seed=range(1000000000)"): "1,000,000 runs",
    ("-m", "seed=range(0,1,1e-9)"): "1,000,000 runs",
    ("-m", "seed=range(3,1)"): "no value to sweep over",
    ("-m", "trainer.sampler=glob(*)"): "no value to sweep over",
    ("-m", "hydra/sweeper=basic", "seed=-1"): "seed must be at least 0",
    ("-m", "hydra/sweeper=basic", "seed=1,a"): "seed: Value 'a'",
    ("-m", "hydra/sweeper=basic", "seed=(1"): "cannot read 'seed=(1'",
    ("-m", "hydra/launcher=basic", "seed=0,-1"): "seed must be at least 0",
    ("-m", "hydra/launcher=basic", "hydra/sweeper=basic", "optimizer.lr=0.1,-1"): "not negative",
    ("--experimental-rerun", "config.pickle"): "pickle",
    ("-\nx",): r"-\nx",
    ("-sc", "x", "seed='\x0f'"): "Hydra cannot read",
    (f"seed={2**60 + 1}",): "at most",
    ("-sc", "query=bash"): "COMP_LINE",
    ("dataset.positive=>=7",): """'dataset.positive=">=7"'""",
    ("dataset=table", "dataset.path=t.csv", "dataset.drop=[[1]]"): "single values",
}


@pytest.mark.parametrize("words", REFUSED)
def test_refused_in_one_line(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(list(words)) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert any(part in err for part in REFUSED[words].split("|"))
    assert not list(tmp_path.iterdir())


def test_one_is_repeated_as_one() -> None:
    assert [spelled(value) for value in (1, 0, True, False, None, 1.0)] == ["1", "0", "true", "false", "null", "1.0"]


@pytest.mark.parametrize("error", [MemoryError("x"), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_out_of_memory_is_no_fault(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: list[str]) -> int:
        raise error

    monkeypatch.setattr("surrogate_bench.cli._dispatch", fail)
    assert main([]) == 1
    assert capsys.readouterr().err.startswith("error: out of memory: ")


def test_leaking_columns() -> None:
    chance = np.random.default_rng(0)
    y = chance.integers(0, 3, 600)
    near = y.copy()
    near[:2] = 0
    noisy = np.where(chance.random(600) < 0.1, 0, y)
    columns = {
        "copy": y.astype(float),
        "text": np.array(["low", "middle", "high"], dtype=object)[y],
        "group": (y == 2).astype(float),
        "near": near.astype(float),
        "noisy": noisy.astype(float),
        "constant": np.zeros(600),
        "other": chance.integers(0, 3, 600).astype(float),
        "number": chance.normal(size=600),
    }
    assert leaking(columns, y) == ["copy", "text", "group", "near"]
    assert leaking({"copy": columns["number"]}, columns["number"]) == []


def test_a_run_says_that_its_target_leaks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "table.csv"
    file.write_text("a,told,y\n" + "".join(f"{i * 7 % 10},{'ab'[i % 2]},{i % 2}\n" for i in range(80)))
    assert main(["dataset=table", f"dataset.path={file}", "trainer.epochs=1", f"output={tmp_path / 'o'}"]) == 0
    (result,) = (tmp_path / "o").glob("*/*/result.json")
    told = [alarm["message"] for alarm in json.loads(result.read_text())["alarms"] if alarm["name"] == "leakage"]
    assert len(told) == 1
    assert "'told'" in told[0]
    assert "alarm leakage: the target may be told by" in capsys.readouterr().out


def test_determinism_is_set_and_taken_back() -> None:
    before = torch.are_deterministic_algorithms_enabled()
    for wanted in (True, False):
        with determinism(wanted, torch.device("cpu")):
            assert torch.are_deterministic_algorithms_enabled() is wanted
        assert torch.are_deterministic_algorithms_enabled() is before
