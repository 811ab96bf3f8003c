"""Options of one choice in a sweep over choices: runs are those that the option gives when it is said alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from program import program
from test_cli import refused

from surrogate_bench.cli import main
from surrogate_bench.config.schema import GROUPS
from surrogate_bench.registry import entries

LOSS = "from torch.nn.functional import softplus\ndef mine(z, y): return softplus(z - 2 * y * z).mean(-1)\n"
ROWS = "a,b,y\n" + "".join(f"{i * 7 % 11},{i % 5},{i // 3 % 2}\n" for i in range(60))
SHORT = ["trainer.epochs=1", "output=o", "device=cpu"]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# The sweep, and the same runs as each is said alone.
SWEEPS: dict[str, tuple[list[str], list[list[str]]]] = {
    "a loss of one's own": (
        ["loss=bce,soft_f1,custom", "loss.custom.path=my_loss.py:mine"],
        [["loss=bce"], ["loss=soft_f1"], ["loss=custom", "loss.path=my_loss.py:mine"]],
    ),
    "a table of one's own": (
        ["dataset=breast_cancer,table", "dataset.table.path=my.csv", "dataset.table.target=y", "loss=bce"],
        [["loss=bce"], ["loss=bce", "dataset=table", "dataset.path=my.csv", "dataset.target=y"]],
    ),
    "a sweep within one choice": (
        ["loss=bce,focal", "loss.focal.gamma=1,3"],
        [["loss=bce"], ["loss=focal", "loss.gamma=1"], ["loss=focal", "loss.gamma=3"]],
    ),
    "options of two choices, and one for both": (
        ["loss=focal,tversky,bce", "loss.focal.gamma=1,3", "loss.tversky.alpha=0.2,0.8", "seed=1"],
        [
            *(["loss=focal", f"loss.gamma={gamma}", "seed=1"] for gamma in (1, 3)),
            *(["loss=tversky", f"loss.alpha={alpha}", "seed=1"] for alpha in (0.2, 0.8)),
            ["loss=bce", "seed=1"],
        ],
    ),
    "one choice says otherwise than all": (
        ["loss=focal,focal_tversky", "loss.gamma=1", "loss.focal.gamma=3"],
        [["loss=focal", "loss.gamma=3"], ["loss=focal_tversky", "loss.gamma=1"]],
    ),
    "model and optimizer": (
        ["model=linear,mlp", "model.mlp.hidden=8,[4,4]", "optimizer=adam,sgd", "optimizer.sgd.lr=0.3"],
        [
            [*model, *optimizer]
            for model in (["model=linear"], ["model=mlp", "model.hidden=[8]"], ["model=mlp", "model.hidden=[4,4]"])
            for optimizer in ([], ["optimizer=sgd", "optimizer.lr=0.3"])
        ],
    ),
}


@pytest.mark.parametrize("what", SWEEPS)
def test_runs_are_those_of_the_option_alone(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep, alone = SWEEPS[what]
    Path("my_loss.py").write_text(LOSS)
    Path("my.csv").write_text(ROWS)
    assert main(["-m", *sweep, *SHORT, "launcher.plan=true"]) == 0
    assert capsys.readouterr().out.startswith(f"{len(alone)} runs, 0 of them finished")
    program(tmp_path, "-m", *sweep, *SHORT)
    for words in alone:
        assert main([*words, *SHORT]) == 0
        assert "finished before" in capsys.readouterr().out
    assert len(list(Path("o").glob("*/*/result.json"))) == len(alone)


def test_a_run_alone_takes_its_choices_options(capsys: pytest.CaptureFixture[str]) -> None:
    shown = []
    for words in (["loss=focal", "loss.gamma=3"], ["loss=focal", "loss.focal.gamma=3"]):
        assert main([*words, "--cfg", "job"]) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    assert main(["loss.soft_f1.beta=2", "--cfg", "job", "-p", "loss.beta"]) == 0  # the choice by default
    assert capsys.readouterr().out == "2\n"


def test_other_sweepers_launchers_and_modes(tmp_path: Path) -> None:
    words = ["loss=bce,focal", "loss.focal.gamma=1,3", *SHORT]
    program(tmp_path, "-m", *words)
    for others in (
        ["-m", "hydra/launcher=basic"],
        ["-m", "hydra/sweeper=basic"],
        ["-m", "hydra/launcher=basic", "hydra/sweeper=basic", "hydra.sweep.dir=s"],
        ["hydra.mode=MULTIRUN"],
    ):
        program(tmp_path, *others, *words)
    assert len(list(Path("o").glob("*/*/result.json"))) == 3


def test_in_a_suite_and_for_a_choice_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine/suite").mkdir(parents=True)
    Path("mine/loss").mkdir()
    Path("mine/loss/half.yaml").write_text("defaults: [focal]\n")
    params = "{loss: 'bce,half', loss.half.gamma: '1,2'}"
    Path("mine/suite/own.yaml").write_text(f"# @package _global_\nhydra:\n  sweeper:\n    params: {params}\n")
    own = ["-m", "--config-dir=mine", "launcher.plan=true"]
    for words, runs in ((["+suite=own"], 3), (["+suite=own", "loss=bce"], 1), (["+suite=own", "loss.half.gamma=3"], 2)):
        assert main([*own, *words]) == 0
        assert capsys.readouterr().out.startswith(f"{runs} runs")


def test_what_would_be_millions_together_is_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    losses = ["focal", "tversky", "focal_tversky", "soft_fbeta"]
    options = ["gamma", "alpha", "gamma", "beta"]
    own = [f"loss.{loss}.{option}=range(1,61)" for loss, option in zip(losses, options, strict=True)]
    own = [word.replace("range(1,61)", "range(0.1,0.7,0.01)") if "alpha" in word else word for word in own]
    assert main(["-m", f"loss={','.join(losses)}", *own, "launcher.plan=true"]) == 0
    assert capsys.readouterr().out.startswith("240 runs")


WRONG = {
    ("loss.focl.gamma=2",): "'focl'. Did you mean 'focal'?",
    ("-m", "loss=bce,focal", "loss.focal.gama=2"): "'loss.focal.gama' of loss=focal. Did you mean 'gamma'?",
    ("loss=focal", "loss.focal.gama=2"): "Did you mean 'gamma'?",
    ("-m", "loss=bce,soft_f1", "loss.focal.gamma=2"): "say loss=focal, or in a sweep -m loss=bce,soft_f1,focal",
    ("loss=bce", "loss.focal.gamma=2"): "which no run has",
    ("-m", "loss=bce,focal", "loss.focal.gamma=x"): "'x'",
    ("-m", "dataset=breast_cancer,table", "dataset.table.pth=x"): "Did you mean 'path'?",
    ("-m", "optimizer=adam,sgd", "optimizer.sgd.lr=-1"): "lr",
}


@pytest.mark.parametrize("words", WRONG)
def test_wrong_ones_are_refused_in_a_line(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert WRONG[words] in refused(capsys, list(words))


def test_no_option_has_the_name_of_a_choice() -> None:
    for group in GROUPS:
        known = entries(group)
        assert not {p.name for entry in known.values() for p in entry.parameters} & set(known)
