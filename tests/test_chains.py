"""Runs that start from the weights of others: the previous one of a sweep, or one that is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from program import program

from surrogate_bench.cli import main

LINE = ("-m", "model=linear", "optimizer=sgd", "trainer.epochs=2", "trainer.select=last", "loss=bce")
CHAIN = (*LINE, "dataset.fold=1,0", "optimizer.lr=0.5,0", "seed=0,1", "trainer.warm_start=previous")
Key = tuple[int, int, float]


def weights(outputs: Path) -> dict[Key, torch.Tensor]:
    """The weights that each run has left, by seed, fold and learning rate."""
    found = {}
    for place in outputs.glob("*/*"):
        config = json.loads((place / "result.json").read_text())["config"]
        state = torch.load(place / "checkpoint.pt", weights_only=True)
        flat = torch.cat([value.flatten() for name, value in state.items() if not name.startswith("loss.")])
        found[config["seed"], config["dataset"]["fold"], config["optimizer"]["lr"]] = flat
    return found


def test_a_run_starts_with_the_weights_that_the_previous_one_has_left(tmp_path: Path) -> None:
    program(tmp_path, *CHAIN, "output=on")
    program(tmp_path, *CHAIN, "output=off", "trainer.warm_start=null")
    on, off = weights(tmp_path / "on"), weights(tmp_path / "off")
    assert len(on) == len(off) == 8
    for seed in (0, 1):
        for fold in (0, 1):
            assert on[seed, fold, 0.0].equal(on[seed, fold, 0.5])
            assert not off[seed, fold, 0.0].equal(off[seed, fold, 0.5])
        torch.testing.assert_close(on[seed, 0, 0.5], off[seed, 0, 0.5])
        assert not on[seed, 1, 0.5].allclose(off[seed, 1, 0.5], atol=1e-3)
    assert not on[0, 1, 0.0].allclose(on[1, 1, 0.0], atol=1e-3)


def test_what_was_killed_in_a_chain_is_trained_again_and_the_rest_stays(tmp_path: Path) -> None:
    first = program(tmp_path, *CHAIN)
    assert "8 runs\n" in first
    before = weights(tmp_path / "outputs")
    for path in tmp_path.glob("outputs/*/*/result.json"):
        config = json.loads(path.read_text())["config"]
        if (config["dataset"]["fold"], config["optimizer"]["lr"]) in ((0, 0.0), (1, 0.5)):
            path.unlink()
    assert "8 runs, 4 finished before" in program(tmp_path, *CHAIN)
    after = weights(tmp_path / "outputs")
    assert before.keys() == after.keys()
    for key, value in before.items():
        torch.testing.assert_close(after[key], value)


def test_a_chain_is_one_row_of_a_table(tmp_path: Path) -> None:
    out = program(tmp_path, *CHAIN, "optimizer.lr=0.5")
    assert "warning" not in out
    csv = program(tmp_path, "compare", "--rows", "loss,trainer.warm_start", "--metrics", "f1_tuned", "--format", "csv")
    assert [line.split(",")[2] for line in csv.splitlines()[1:]] == ["bce warm_start=previous"]
    assert csv.splitlines()[1].split(",")[4] == "4"


def test_a_named_run_and_what_is_wrong_with_one(tmp_path: Path, capsys: Any) -> None:
    words = [f"output={tmp_path}", "model=linear", "trainer.epochs=1", "optimizer=sgd"]
    assert main([*words, "loss=bce"]) == 0
    (begun,) = tmp_path.glob("*/*")
    assert main([*words, f"trainer.warm_start={begun.name}", "optimizer.lr=0"]) == 0
    (place,) = (path for path in tmp_path.glob("*/*") if path != begun)
    stored, own = (torch.load(path / "checkpoint.pt", weights_only=True) for path in (begun, place))
    assert all(value.equal(stored[name]) for name, value in own.items())
    capsys.readouterr()
    assert main([*words, f"trainer.warm_start={begun.name}0"]) == 2
    assert f"Did you mean '{begun.name}'" in capsys.readouterr().err
    assert main([*words, "model=mlp", f"trainer.warm_start={begun.name}"]) == 1
    assert "has another net" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("start", "message"), [("previous", "is for sweeps"), ("../x", "must name a run"), ("prevoius", "must name a run")]
)
def test_wrong_words_are_one_line(start: str, message: str, tmp_path: Path, capsys: Any) -> None:
    assert main([f"trainer.warm_start={start}", f"output={tmp_path}"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("mark"),)


@pytest.mark.parametrize("how", ["a byte", "a bomb"])
def test_damaged_weights_are_started_from_by_nobody(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["model=linear", "trainer.epochs=1", "loss=bce"]
    assert main(words) == 0
    (begun,) = tmp_path.glob("outputs/*/*")
    file = begun / "checkpoint.pt"
    weight = torch.load(file, weights_only=True)["layers.0.weight"].numpy().tobytes()[:8]
    content = file.read_bytes()
    assert content.count(weight) == 1
    if how == "a bomb":
        torch.save(Bomb(), file)
    else:
        file.write_bytes(content.replace(weight, bytes(8)))
    assert main([*words, f"trainer.warm_start={begun.name}"]) == 1
    (result,) = (path for path in tmp_path.glob("outputs/*/*/result.json") if path.parent != begun)
    reason = json.loads(result.read_text())["reason"]
    unread = f"the weights of run {begun.name} cannot be read: it has changed since it was written"
    assert reason == f"ValueError: trainer.warm_start: {unread}"
    assert not Path("mark").exists()
