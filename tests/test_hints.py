"""What a message proposes is what works: each proposal is taken word for word, and does what was promised."""

from __future__ import annotations

import functools
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from program import imported, words_in

from surrogate_bench.cli import main

LOSS = "from torch.nn.functional import softplus\ndef mine(z, y): return softplus(z - 2 * y * z).mean(-1)\n"
OWN = "loss.path=my_loss.py:mine"
TABLE = ["dataset=table", "dataset.path=t.csv", "dataset.target=y"]
RARE = ["loss=auroc_square", "trainer.sampler=stratified"]
MANY = [*TABLE[:2], "dataset.target=kind"]

# What is said, the words of it that stay, and what each proposal gives: an option's value, or so many runs.
PROPOSED: dict[tuple[str, ...], tuple[list[str], Any]] = {
    ("epochs=5",): ([], ("trainer.epochs", 5)),
    ("epoch=5",): ([], ("trainer.epochs", 5)),
    ("optimizer.epochs=5",): ([], ("trainer.epochs", 5)),
    ("lr=0.1",): ([], ("optimizer.lr", 0.1)),
    ("learning_rate=0.1",): ([], ("optimizer.lr", 0.1)),
    ("trainer.lr=0.1",): ([], ("optimizer.lr", 0.1)),
    ("trainer.seed=3",): ([], ("seed", 3)),
    ("hidden=8",): ([], ("model.hidden", 8)),
    ("target=y",): (["dataset.path=t.csv"], ("dataset.target", "y")),
    ("path=my.csv",): ([], ("dataset.path", "my.csv")),
    ("csv=my.csv",): ([], ("dataset.path", "my.csv")),
    ("gamma=3.0",): ([], ("loss.gamma", 3.0)),
    ("seeds=10",): ([], "10 runs"),
    ("-m", "seeds=10"): ([], "10 runs"),
    ("seeds=0-4",): ([], "5 runs"),
    ("-m", "seeds=3,4"): ([], "2 runs"),
    ("seed=1-10",): ([], "10 runs"),
    ("seed=1..3",): ([], "3 runs"),
    ("seed=[4,5]",): ([], "2 runs"),
    ("seed=3,4",): (["seed=3,4", "-m"], "2 runs"),
    ("seed=range(3)",): (["seed=range(3)", "-m"], "3 runs"),
    ("-m", "trainer.epochs=1-3"): ([], "3 runs"),
    ("dataset=breast_cancer", "dataset.path=my.csv"): (["dataset.path=my.csv"], ("dataset.name", "table")),
    ("-m", "loss=bce,focal", "loss.gamma=1,2"): (["loss=bce,focal"], "3 runs"),
    ("-m", "loss=bce,custom", OWN): (["loss=bce,custom"], "2 runs"),
    ("loss=bce", "loss.focal.gamma=2"): (["loss.focal.gamma=2"], ("loss.gamma", 2)),
    (*TABLE, "dataset.drop=the id,größe"): (TABLE, ("dataset.drop", ["the id", "größe"])),
    (*TABLE, "dataset.drop=[größe]"): (TABLE, ("dataset.drop", ["größe"])),
    (*TABLE, "dataset.drop=[the id,amount (USD)]"): (TABLE, ("dataset.drop", ["the id", "amount (USD)"])),
    (*TABLE, "dataset.drop=amount (USD)"): (TABLE, ("dataset.drop", ["amount (USD)"])),
    (*TABLE, "dataset.drop=[a=b]"): (TABLE, ("dataset.drop", ["a=b"])),
    (*TABLE, "dataset.drop=u,v"): (TABLE, ("dataset.drop", ["u", "v"])),
    (*TABLE, "dataset.missing=[#DIV/0!]"): (TABLE, ("dataset.missing", ["#DIV/0!"])),
    (*TABLE, "dataset.missing=#DIV/0!"): (TABLE, ("dataset.missing", ["#DIV/0!"])),
    (*TABLE, "dataset.positive=>=1"): (TABLE, ("dataset.positive", ">=1")),
    ("dataset=table",): (["dataset=table"], ("dataset.path", "my.csv")),
    ("loss=custom",): (["loss=custom"], ("loss.path", "my_loss.py:MyLoss")),
    tuple(MANY): (MANY, ("dataset.positive", "no, thanks (never)")),
    ("loss=auroc_square", "trainer.batch_size=1"): (["loss=auroc_square"], ("trainer.batch_size", 2)),
    (*RARE, "trainer.batch_size=2"): (RARE, ("trainer.batch_size", 3)),
    ("dataset.path=umlauts.csv",): (["dataset.path=umlauts.csv"], ("dataset.encoding", "latin-1")),
    ("dataset.path=.",): ([], ("dataset.path", "my.csv")),
}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_loss.py").write_text(LOSS + "MyLoss = mine\n")
    columns = {name: [(i * k) % 13 for i in range(60)] for k, name in enumerate(("the id", "größe", "amount (USD)"), 2)}
    columns |= {name: [(i * k) % 11 for i in range(60)] for k, name in enumerate(("a=b", "u", "v"), 3)}
    kinds = ["a b", "maybe", "no, thanks (never)"]
    frame = pd.DataFrame(columns | {"kind": [kinds[i % 3] for i in range(60)], "y": [i // 3 % 2 for i in range(60)]})
    frame.to_csv("t.csv", index=False)
    frame.to_csv("umlauts.csv", index=False, columns=["größe", "y"], encoding="latin-1")
    frame.drop(columns="kind").to_csv("my.csv", index=False)


def told(capsys: pytest.CaptureFixture[str], words: list[str]) -> str:
    assert main(words) == 2, words
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    return err.removeprefix("error: ").rstrip("\n")


def proposals(message: str) -> list[list[str]]:
    """The words of each way that a message proposes, -m among them."""
    _, _, tail = re.split(r"(say|as in|as|add|would do:?) (?=-m|'|\w+[.=])", message, maxsplit=1)
    ways = re.split(r",? or (?:in a sweep over several |in a sweep |say )?", tail)
    return [["-m"] * ("-m" in way.split()) + words_in(way) for way in ways]


FRAMES: dict[str, Callable[[pd.DataFrame, Any], object]] = {
    "t.jsonl": lambda frame, file: frame.to_json(file, orient="records", lines=True),
    "t.json": lambda frame, file: frame.to_json(file, orient="records"),
    "my t.feather": lambda frame, file: frame.to_feather(file),
    "t.dta": lambda frame, file: frame.to_stata(file, write_index=False),
    "it's.pkl": lambda frame, file: frame.to_pickle(file),
    "t.csv.zip": lambda frame, file: frame.to_csv(file, index=False),
    "t.db": lambda frame, file: sqlite(frame, file),
}


def sqlite(frame: pd.DataFrame, file: Path) -> None:
    base = sqlite3.connect(file)
    frame.to_sql("my table", base, index=False)
    base.close()


def test_tables_of_other_programs_are_converted_as_told(capsys: pytest.CaptureFixture[str]) -> None:
    frame = pd.DataFrame({"u": [i % 7 for i in range(60)], "y": [i // 3 % 2 for i in range(60)]})
    commands, then = [], []
    for name, write in FRAMES.items():
        write(frame, Path(name))
        message = told(capsys, [f'dataset.path="{name}"'])
        command, _, rest = message.partition(": ")[2].partition(" converts it")
        program, option, code = shlex.split(command)
        assert (program, option) == ("python", "-c")
        commands.append(code)
        then.append(words_in(rest))
    Path("t.csv").unlink()
    # One process for all: each is a line of its own.
    subprocess.run([sys.executable, "-c", "\n".join(commands)], check=True, timeout=120)
    for words in then:
        assert main([*words, "launcher.plan=true", "output=o"]) == 0
        assert capsys.readouterr().out.startswith("1 runs")
    assert pd.read_csv("my t.csv").equals(frame)


NAMES = ("Anna Maria", "Jo", "Ottokar von Au", "Eve Li")
LAYOUTS = {
    "libsvm.txt": lambda u, y: f"{'+1' if y else '-1'} 1:{u + 1} 3:{u / 2}\n",
    "rows.csv": lambda u, y: f'"{u},{u / 2},{y}"\n',
    "wide.txt": lambda u, y: f"{NAMES[u % 4]:<16}{u:<6}{'yes' if y else 'no'}\n",
}
HEADS = {"libsvm.txt": "", "rows.csv": '"u,half,y"\n', "wide.txt": f"{'name':<16}{'u':<6}y\n"}


def test_other_layouts_are_converted_as_told(capsys: pytest.CaptureFixture[str]) -> None:
    commands, then = [], []
    for name, line in LAYOUTS.items():
        Path(name).write_text(HEADS[name] + "".join(line(i % 7, i // 3 % 2) for i in range(60)))
        message = told(capsys, [f"dataset.path={name}"])
        command, _, rest = message.partition(": python ")[2].partition(" converts it")
        commands.append(shlex.split(command)[1])
        then.append(words_in(rest))
    subprocess.run([sys.executable, "-c", "\n".join(commands)], check=True, timeout=120)
    for words in then:
        assert main([*words, "launcher.plan=true", "output=o"]) == 0
        assert capsys.readouterr().out.startswith("1 runs")
    made = {name: pd.read_csv(f"{name.partition('.')[0]}-table.csv") for name in LAYOUTS}
    assert made["libsvm.txt"].columns.tolist() == ["x0", "x1", "x2", "target"]
    assert made["libsvm.txt"]["x0"].tolist() == [i % 7 + 1 for i in range(60)]
    assert made["rows.csv"]["half"].tolist() == [i % 7 / 2 for i in range(60)]
    assert made["wide.txt"]["name"].tolist() == [NAMES[i % 7 % 4] for i in range(60)]


def test_times_and_texts_in_quotes_are_no_other_layout(capsys: pytest.CaptureFixture[str]) -> None:
    Path("times.txt").write_text("".join(f"{i % 2} {i % 24}:{i % 60:02d} {i % 11}:{i % 60:02d}\n" for i in range(80)))
    assert main(["dataset.path=times.txt", "dataset.target=0", "launcher.plan=true", "output=o"]) == 0
    assert capsys.readouterr().out.startswith("1 runs")
    # Times that come one after the other in all rows look like libsvm's: the word that is proposed reads them.
    Path("spans.txt").write_text("".join(f"{i % 2} {i % 9}:{i % 60:02d} {i % 9 + 1}:{i % 60:02d}\n" for i in range(80)))
    (way,) = [word for word in words_in(told(capsys, ["dataset.path=spans.txt"])) if "separator" in word]
    assert main(["dataset.path=spans.txt", "dataset.target=0", way, "launcher.plan=true", "output=o"]) == 0
    Path("texts.csv").write_text("text\n" + "".join(f'"a, b{i}"\n' for i in range(50)))
    assert "no column beside the target" in told(capsys, ["dataset.path=texts.csv"])


def test_an_address_is_to_be_fetched_first(capsys: pytest.CaptureFixture[str]) -> None:
    message = told(capsys, ["dataset.path=https://example.org/data/t.csv"])
    assert "curl -Lo t.csv https://example.org/data/t.csv gets it, then dataset.path=t.csv" in message


def test_a_list_of_one_is_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    for single, listed in (("dataset.drop=u", "dataset.drop=[u]"), ("model.hidden=8", "model.hidden=[8]")):
        words = [*TABLE, "dataset.drop=kind" if "drop" not in single else single, "trainer.epochs=1", "output=o"]
        assert main([*words, single]) == 0
        assert main([*words, listed]) == 0
        assert "finished before" in capsys.readouterr().out
        assert main(["-m", *words, f"{single},{listed.partition('=')[2]}", "seed=0,1", "launcher.plan=true"]) == 0
        assert capsys.readouterr().out.startswith("2 runs, 1 of them finished")


def test_list_shows_a_users_own_choices(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine/loss").mkdir(parents=True)
    Path("mine/loss/half.yaml").write_text("# Half of focal.\n# Reference: ours, 2026\ndefaults: [focal]\n")
    Path("mine/loss/bare.yaml").write_text("name: bce\n")
    for words in (["losses", "--config-dir", "mine"], ["--config-dir=mine", "losses"]):
        assert main(["list", *words]) == 0
        out = capsys.readouterr().out
        assert re.search(r"half .*Half of focal\. \[ours, 2026\]", out)
        assert re.search(r"bare .*yours\. \[bare\.yaml\]", out)
    assert "'nowhere'" in told(capsys, ["list", "losses", "--config-dir", "nowhere"])
    assert "--config-dir" in told(capsys, ["list", "losses", "--config-dri", "mine"])
    assert "expected one argument" in told(capsys, ["list", "--config-dir"])


def test_words_that_are_wrong_are_told_without_torch(tmp_path: Path) -> None:
    wrong = [
        ["lr=0.1"],
        ["seeds=3"],
        ["dataset.drop=#a"],
        ["-m", "loss=bce,focal", "loss.gamma=1"],
    ]
    _, modules = imported(tmp_path, *wrong, ["loss.focl.gamma=1"], ["loss.focal.gama=1"])
    assert not {"torch", "pandas", "sklearn"} & modules


@pytest.mark.parametrize("said", PROPOSED, ids=" ".join)
def test_what_is_proposed_works(said: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    kept, promised = PROPOSED[said]
    ways = proposals(told(capsys, list(said)))
    given = []
    assert ways
    for way in ways:
        assert "=" in "".join(way) or "-m" in way
        keys = {word.partition("=")[0] for word in way}
        words = [*way, *(word for word in (*kept, *said[: said[0] == "-m"]) if word.partition("=")[0] not in keys)]
        assert main([*words, "launcher.plan=true", "output=o"]) == 0, (words, capsys.readouterr().err)
        if "-m" in words:
            given.append(capsys.readouterr().out.partition(",")[0])
        else:
            capsys.readouterr()
            assert main([*words, "--cfg", "job"]) == 0
            found = yaml.safe_load(capsys.readouterr().out)
            given.append((promised[0], functools.reduce(dict.__getitem__, promised[0].split("."), found)))
    assert promised in given
