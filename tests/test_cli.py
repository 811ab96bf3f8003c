"""Words in, exit code out: every wrong word is one clear line and leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from program import imported, program

from surrogate_bench.cli import main
from surrogate_bench.system.paths import CONF

WRONG = {
    "los=bce": "'los'.*'loss'",
    "+los=bce": "'los'.*'loss'",
    "loss=soft_precisoin": "soft_precisoin.*soft_precision",
    "dataset=breast_cancr": "breast_cancr.*breast_cancer",
    "model=mpl": "mpl.*mlp",
    "optimizer=adma": "adma.*adam",
    "trainer.epochs=-1": "trainer.epochs.*-1",
    "trainer.epochs=many": "trainer.epochs.*many",
    "trainer.epoch=3": "epoch.*epochs",
    "+trainer.epoch=3": "epoch.*epochs",
    "trainer.monitor=f3": "f3",
    "trainer.batch_size=0": "trainer.batch_size.*0",
    "device=gpu": "gpu.*cpu",
    "device=cuda": "there is no CUDA GPU here",
    "device=cuda:7": "cuda:7: there is no CUDA GPU here",
    "device=mps": "mps.*fp64",
    "precision=fp61": "fp61.*fp16|fp61.*fp32",
    "seed=-1": "seed.*-1",
    "loss.beta=abc": "loss.beta.*abc",
    "loss.betta=2": "betta.*beta",
    "loss.beta=-1": "beta",
    "optimizer.lr=-1": "lr",
    "optimizer.lr=nan": "lr",
    "model.hidden=[0]": "hidden",
    "model.hidden=[[4]]": "single values",
    "dataset.positive=nobody": "nobody.*(benign|malignant)",
    "dataset.positive=[malignant,benign]": "every class",
    "dataset.imratio=2": "imratio",
    "experiment=../up": "experiment",
    "dataset=table": "dataset.path",
    "compar": "compar.*compare",
    "=3": "=3",
    "loss=bce,soft_f1": "-m",
    "--foo": "--foo",
    "--cfg=jobb": "jobb",
    "seed=range(": "cannot read 'seed=range\\('",
    "optimizer.lr=choice()": "cannot read 'optimizer.lr=choice\\(\\)'",
}


def refused(capsys: pytest.CaptureFixture[str], words: list[str]) -> str:
    """The one line that these words are refused with."""
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in out + err
    assert not list(Path().iterdir())
    return err


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("word", WRONG)
@pytest.mark.parametrize("sweep", [False, True])
def test_wrong_word(word: str, sweep: bool, capsys: pytest.CaptureFixture[str]) -> None:
    if sweep and (word in ("compar", "loss=bce,soft_f1") or word.startswith("--")):
        pytest.skip("means something else in a sweep")
    line = refused(capsys, ["-m", "seed=0,1", word] if sweep and "seed" not in word else ["-m"] * sweep + [word])
    import re

    assert re.search(WRONG[word], line), line


TABLES = {
    "missing.csv": (None, "No such file"),
    "empty.csv": ("", "empty"),
    "header.csv": ("a,b,target\n", "no row"),
    "text.csv": ("a,b\n" + "".join(f"{i},word{i}\n" for i in range(200)), "200 classes"),
    "one.csv": ("a,b\n" + "1,yes\n" * 30, "one class only"),
    "gap.csv": ("a,b\n" + "1,yes\n2,\n3,no\n" * 10, "missing in 10 rows, the first is 2"),
    "ragged.csv": ("a,b\n" + "1,yes\n2,no,3\n" * 10, "line 3"),
    "slip.csv": ("a,b\n" + "1,yes\n2,no\n" * 30 + "oops,no\n", "'oops'.*row 61"),
    "infinite.csv": ("a,b\n" + "1,yes\n2,no\n" * 30 + "inf,no\n", "infinite in row 61"),
    "latin.csv": (b"a,b\n1,\xe9t\xe9\n" * 30, "utf-8"),
    "zero.csv": (b"a,b\n1,\0\n" * 30, "zero bytes"),
    "few.csv": ("a,b\n" + "1,yes\n" + "2,no\n" * 30, "no positives|too few"),
    "data.xlsx": ("", "kind of table"),
    "bad.arff": ("@relation x\n@attribute a numeric\n@data\n1,2\n", "line 4 has 2 values"),
    "bad.csv.gz": ("no gzip", "gzip"),
}


@pytest.mark.parametrize("name", TABLES)
def test_wrong_table(name: str, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]) -> None:
    import re

    content, expected = TABLES[name]
    file = tmp_path_factory.mktemp("tables") / name
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    line = refused(capsys, ["dataset=table", f"dataset.path={file}"])
    assert re.search(expected, line), line


def test_wrong_column(tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path_factory.mktemp("tables") / "table.csv"
    file.write_text("age,income,churned\n" + "1,2,yes\n3,4,no\n" * 30)
    words = ["dataset=table", f"dataset.path={file}"]
    assert "'churned'" in refused(capsys, [*words, "dataset.target=churnd"])
    assert "0 to 2" in refused(capsys, [*words, "dataset.target=3"])
    assert "'income'" in refused(capsys, [*words, "dataset.drop=[incom]"])
    assert "'no'" in refused(capsys, [*words, "dataset.positive=now"])
    assert "cannot read" in refused(capsys, [*words, "dataset.test=nope.csv"])
    assert "cannot read" in refused(capsys, ["dataset=table", f"dataset.path={file.parent}/folder.csv"])


def test_help_and_version_without_torch(tmp_path: Path) -> None:
    out, modules = imported(tmp_path, ["--help"], ["--version"], ["list"], ["list", "losses"], ["explain"], ["los"])
    assert "soft_precision" in out
    assert not {"torch", "pandas", "sklearn", "matplotlib", "torchvision"} & modules


def test_help_of_one_command_and_of_one_choice(capsys: pytest.CaptureFixture[str]) -> None:
    pages = {"compare": "--metrics M,M", "dataset=table": "\ncategorical: []  #", "+suite=seed_story": "ten seeds"}
    for word, own in pages.items():
        assert main(["help", word]) == 0
        assert own in (out := capsys.readouterr().out), word
        assert "Exit code" not in out
    for word, near in {"exprt": "export", "loss=focl": "focal", "los=focal": "loss"}.items():
        assert f"Did you mean '{near}'?" in refused(capsys, ["help", word])


def test_what_is_listed_is_a_whole_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "datasets"]) == 0
    assert "Proteins of E. coli, localisation im: 336 rows" in capsys.readouterr().out


def test_a_run_imports_nothing_that_takes_seconds(tmp_path: Path) -> None:
    out, modules = imported(tmp_path, ["trainer.epochs=1"])
    assert "f1" in out
    assert "torch" in modules
    assert not {"torch._dynamo", "torch._inductor", "torchvision", "pandas", "sklearn"} & modules


def test_cfg_job_shows_the_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--cfg", "job", "loss=focal", "loss.gamma=3"]) == 0
    out = capsys.readouterr().out
    assert main(["loss=focal", "--cfg", "job", "loss.gamma=3"]) == 0
    assert capsys.readouterr().out == out
    assert "gamma: 3" in out
    assert "batch_size: 64" in out
    assert not list(Path().iterdir())


def test_the_mode_is_that_of_hydras_own_configuration(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path_factory.mktemp("mine")
    (mine / "suite").mkdir()
    (mine / "suite" / "own.yaml").write_text("# @package _global_\nhydra:\n  mode: MULTIRUN\n")
    suite = [f"--config-dir={mine}", "+suite=own"]
    for words in (["hydra.mode=MULTIRUN"], ["hydra.mode='MULTIRUN'"], suite):
        assert "add hydra.mode=RUN" in refused(capsys, [*words, "--cfg", "job"])
        assert main([*words, "--cfg", "job", "hydra.mode=RUN"]) == 0
        capsys.readouterr()
    assert "leave out -m" in refused(capsys, ["-m", "--cfg", "job"])
    assert main(["-m", "hydra.mode=RUN", "loss=bce,soft_f1", "launcher.plan=true"]) == 0
    out, err = capsys.readouterr()
    assert "2 runs" in out
    assert err == ""


def test_parameters_of_a_sweeper_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert "as in seed=1,2" in refused(capsys, ["-m", "hydra.sweeper.params={seed: 1}"])


TAB = {
    "comp": ["compare"],
    "compare ": ["--metrics", "--rows"],
    "compare outputs/x --met": ["--metrics"],
    "list ": ["losses", "suites"],
    "list lo": ["losses"],
    "export ": ["tensorboard"],
    "help exp": ["explain", "export"],
    "explain f1": ["f1"],
    "loss=soft_f": ["loss=soft_f1"],
    "-m loss=soft_f": ["loss=soft_f1"],
    "--fo": [],
    "compare outputs/x --nothing": [],
}


@pytest.mark.parametrize("line", TAB)
def test_tab_completes_or_is_silent(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COMP_LINE", f"surrogate-bench {line}")
    assert main(["-sc", "query=bash"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert set(TAB[line]) <= set(out.split())
    assert TAB[line] or not out


def test_plan_trains_nothing(tmp_path: Path) -> None:
    out = program(tmp_path, "seed=range(3)", "-m", "loss=bce,soft_f1", "launcher.plan=true")
    assert "6 runs, 0 of them finished; the rest, in 1 group, would take about 0 s" in out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suite", sorted(path.stem for path in (CONF / "suite").glob("*.yaml")))
def test_every_suite_can_be_planned_and_is_listed(
    suite: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["dataset=breast_cancer", "seed=0", "dataset.fold=0"]
    out = program(tmp_path, "-m", f"+suite={suite}", *few, "launcher.plan=true")
    assert " runs, 0 of them finished" in out
    assert not list(tmp_path.iterdir())
    assert main(["list", "suites"]) == 0
    assert suite in capsys.readouterr().out


@pytest.mark.parametrize("place", [["hydra.run.dir=x"], ["hydra.output_subdir=x"], ["hydra.run.dir=x/${seed}"]])
def test_hydra_makes_no_folder_for_words_that_are_wrong(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "constant, cosine" in refused(capsys, [*place, "optimizer.schedule=nothing"])


def test_hydras_own_account_of_errors_stays_away(tmp_path: Path) -> None:
    assert program(tmp_path, "loss=nope", code=2, environment={"HYDRA_FULL_ERROR": "0"}).count("\n") == 1


def test_a_library_that_cannot_be_loaded_is_said(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('libtorch_cpu.so: failed to map segment')")
    path = {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    out = program(tmp_path, code=1, environment=path)
    assert out == "error: cannot load what this needs: libtorch_cpu.so: failed to map segment\n"
