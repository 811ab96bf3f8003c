"""Stored files that are damaged, edited or hostile: each is named in a line, the rest goes on, and none runs code."""

from __future__ import annotations

import ast
import io
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from surrogate_bench.cli import main
from surrogate_bench.store import runs as store
from surrogate_bench.sweeps import train_chunk as working
from surrogate_bench.system.files import json_page, sealed

PACKAGE = Path(store.__file__).parents[1]
TINY = ["dataset=synthetic", "dataset.size=200", "trainer.epochs=4", "model.hidden=[4]"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished runs."""
    folder = tmp_path_factory.mktemp("trained")
    for seed in (0, 1):
        assert main([*TINY, f"seed={seed}", f"output={folder}"]) == 0
    return folder


class Bomb:
    """A pickle that writes a file where it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def flipped(content: bytes, name: str) -> bytes:
    """A ZIP file whose member of this name has one other bit."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (member,) = (info for info in archive.infolist() if info.filename.endswith(name))
    at = member.header_offset + 30 + len(member.filename) + member.file_size // 2 + 100
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def objects(mark: Path) -> bytes:
    file = io.BytesIO()
    np.savez(file, test_logits=np.array([Bomb(mark)], dtype=object), test_targets=np.zeros(1))
    return file.getvalue()


SPOILED: dict[str, tuple[str, Callable[[bytes, Path], bytes]]] = {
    "cut": ("predictions.npz", lambda content, _: content[:-100]),
    "flipped": ("predictions.npz", lambda content, _: flipped(content, "test_logits.npy")),
    "objects": ("predictions.npz", lambda _, mark: objects(mark)),
    "lines lost": ("metrics.jsonl", lambda content, _: b"".join(content.splitlines(keepends=True)[:2])),
    "text": ("metrics.jsonl", lambda content, _: content.replace(b'"val_f1": ', b'"val_f1": "x", "y": ')),
    "a digit": ("metrics.jsonl", lambda content, _: content.replace(b'"val_f1": 0.', b'"val_f1": 0.1')),
    "huge": (
        "metrics.jsonl",
        lambda content, _: content.replace(b'"val_f1": ', b'"val_f1": 1' + b"0" * 400 + b', "y": '),
    ),
}


@pytest.mark.parametrize("how", SPOILED)
def test_what_a_page_cannot_read_is_named(
    how: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, spoil = SPOILED[how]
    shutil.copytree(trained, tmp_path / "o")
    file = min((tmp_path / "o").glob(f"*/*/{name}"))
    file.write_bytes(spoil(file.read_bytes(), tmp_path / "mark"))
    words = ["--out", str(tmp_path / "p.html"), "--curves", str(tmp_path / "c.svg")]
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "o"), *words]) == 0
    told = capsys.readouterr().err.splitlines()
    assert told == [f"warning: left out {file}: it has changed since it was written; force=true makes it anew"]
    assert f"left out of the curves, as damaged: {file.parent.name}/{name}" in (tmp_path / "p.html").read_text()
    assert not (tmp_path / "mark").exists()
    # What is whole is read.
    assert main(["compare", str(trained), *words]) == 0
    assert "changed" not in capsys.readouterr().err


def test_a_number_that_was_changed_is_not_compared(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained, tmp_path / "o")
    file = min((tmp_path / "o").glob("*/*/result.json"))
    file.write_text(file.read_text().replace('"best_epoch": ', '"best_epoch": 1', 1))
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "o")]) == 0
    assert f"warning: skipped {file}: it has changed since it was written" in capsys.readouterr().err


def test_many_damaged_files_are_counted(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = min(trained.glob("*/*"))
    for seed in range(15):
        shutil.copytree(first, tmp_path / "o" / str(seed))
        result = json.loads((first / "result.json").read_text())
        result["config"]["seed"] = seed
        (tmp_path / "o" / str(seed) / "result.json").write_bytes(sealed(json_page(result)))
        (tmp_path / "o" / str(seed) / "predictions.npz").write_bytes(b"PK")
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "o"), "--out", str(tmp_path / "p.html")]) == 0
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 11
    assert told[-1] == "warning: left out 5 more files that have changed"


@pytest.mark.parametrize("how", ["lines", "result", "surrogate"])
def test_an_export_names_what_it_leaves_out(
    how: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained, tmp_path / "o")
    folder = min((tmp_path / "o").glob("*/*"))
    if how == "lines":
        (folder / "metrics.jsonl").write_text('{"epoch": 1, "val_f1": "x"}\n')
    else:
        result = json.loads((folder / "result.json").read_text())
        result["config"]["trainer"]["epochs"] = 10**400 if how == "result" else 4
        result["config"]["\ud800"] = "\ud800"
        (folder / "result.json").write_bytes(sealed(json_page(result)))
    capsys.readouterr()
    assert main(["export", "tensorboard", str(tmp_path / "o")]) == 1
    out = capsys.readouterr().out
    why = (
        "its curves have changed since they were written" if how == "lines" else "its curves or its result are damaged"
    )
    assert f"left out {folder}: {why}\n1 of 2 runs exported" in out


@pytest.fixture
def unfinished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that was interrupted in its third epoch, with the state of its second."""
    monkeypatch.setattr("surrogate_bench.training.resuming.SHARE", 1e9)

    def stop(_: Any, __: Any, epoch: int, ___: Any) -> None:
        if epoch == 3:
            raise working.Stopped

    with monkeypatch.context() as patch:
        patch.setattr("surrogate_bench.sweeps.progress.Progress.epoch", stop)
        assert main([*RESUMED, f"output={tmp_path / 'o'}"]) == 130
    (state,) = (tmp_path / "o").glob("*/*/state.pt")
    assert torch.load(state, weights_only=True)["epoch"] == 2
    return state


RESUMED = [*TINY, "trainer.resume=true"]


def edited(state: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    found = torch.load(state, weights_only=True)
    change(found)
    torch.save(found, state)


EDITS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a key is lost": lambda s: s.pop("best"),
    "a key is new": lambda s: s.update(later=1),
    "another shape": lambda s: s["population"].update(flat=torch.zeros(1, 1)),
    "another type": lambda s: s.update(alive=1),
    "another optimizer": lambda s: s["optimizer"].update(velocity=s["optimizer"].pop("square")),
    "an optimizer of another shape": lambda s: s["optimizer"].update(average=torch.zeros(1, 7)),
    "fewer epochs than it says": lambda s: s.update(epoch=7),
    "no epoch": lambda s: s.update(epoch=0),
    "records of another version": lambda s: s["history"][0][0].clear(),
    "a generator's state": lambda s: s.update(orders=[torch.full_like(s["orders"][0], 255)]),
}


def anew(state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Resumes what has a wrong state; its result must be that of a run from the beginning. Returns the warning."""
    capsys.readouterr()
    assert main([*RESUMED, f"output={tmp_path / 'o'}"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: cannot go on from {state}: ")
    assert line.endswith("; the run begins anew")
    assert main([*TINY, f"output={tmp_path / 'whole'}"]) == 0
    (whole,) = (tmp_path / "whole").glob("*/*")
    for name in ("predictions.npz", "metrics.jsonl", "checkpoint.pt"):
        assert (state.parent / name).read_bytes() == (whole / name).read_bytes()
    assert not state.exists()
    return line


@pytest.mark.parametrize("how", EDITS)
def test_a_state_of_another_version_is_named_and_the_run_begins_anew(
    how: str, unfinished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited(unfinished, EDITS[how])
    anew(unfinished, tmp_path, capsys)


@pytest.mark.parametrize("how", ["cut", "flipped", "a bomb", "a list"])
def test_a_damaged_state_is_named_and_the_run_begins_anew(
    how: str, unfinished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = unfinished.read_bytes()
    if how == "a bomb":
        torch.save({"epoch": Bomb(tmp_path / "mark")}, unfinished)
    elif how == "a list":
        torch.save([1], unfinished)
    else:
        unfinished.write_bytes(content[:-9] if how == "cut" else flipped(content, "data/0"))
    assert "it is damaged" in anew(unfinished, tmp_path, capsys)
    assert not (tmp_path / "mark").exists()


def test_a_whole_state_is_gone_on_from(unfinished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = torch.load(unfinished, weights_only=True)["seconds"]
    edited(unfinished, lambda s: s.update(seconds=first + 1000))
    assert main([*RESUMED, f"output={tmp_path / 'o'}"]) == 0
    assert "cannot go on" not in capsys.readouterr().err
    assert json.loads((unfinished.parent / "result.json").read_text())["timing"]["train_seconds"] > 1000


def test_the_bomb_would_go_off(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(tmp_path / "mark")))
    assert (tmp_path / "mark").exists()


PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "pickletools"}
READERS = {"read_pickle", "unsafe_load", "full_load", "load_module"}


def unsafe(source: str) -> list[str]:
    """What in a module could load a pickle from a file."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            found += [name for name in names if name.partition(".")[0] in PICKLES]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called, words = ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}
            weights = called == "torch.load" and words.get("weights_only") != "True"
            arrays = words.get("allow_pickle", "False") != "False"
            if weights or arrays or called == "yaml.load" or node.func.attr in READERS:
                found.append(ast.unparse(node))
    return found


def test_nothing_in_the_package_loads_a_pickle() -> None:
    root = PACKAGE.parent
    files = [path for folder in (PACKAGE, root / "hydra_plugins", root / "scripts") for path in folder.rglob("*.py")]
    assert len(files) > 100
    found = {path.name: words for path in files if (words := unsafe(path.read_text(encoding="utf-8")))}
    # It pickles what it made itself, in memory, to see whether a loss can be.
    assert found == {"transforms.py": ["pickle"]}
    for source in ("import pickle", "torch.load(f)", "torch.load(f, weights_only=False)", "from joblib import load"):
        assert unsafe(source)
    assert unsafe("np.load(f, allow_pickle=True)")
    assert unsafe("pd.read_pickle(f)")


@pytest.mark.parametrize("name", ["result.json", "metrics.jsonl", "predictions.npz", "environment.json"])
def test_a_pipe_is_not_waited_for(name: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(trained, tmp_path / "o")
    file = min((tmp_path / "o").glob(f"*/*/{name}"))
    file.unlink()
    os.mkfifo(file)
    assert main(["compare", str(tmp_path / "o"), "--out", str(tmp_path / "p.html")]) == 0
    assert str(file) in capsys.readouterr().err or name == "environment.json"
    assert main(["export", "tensorboard", str(tmp_path / "o")]) == int(name in ("result.json", "metrics.jsonl"))


@pytest.mark.parametrize("how", ["pipe", "folder", "loop"])
def test_what_is_in_the_place_of_a_result_is_cleared(how: str, trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "o")
    file = min((tmp_path / "o").glob("*/*/result.json"))
    before = json.loads(file.read_text())
    file.unlink()
    if how == "pipe":
        os.mkfifo(file)
    elif how == "folder":
        (file / "more").mkdir(parents=True)
    else:
        file.symlink_to(file.name)
    assert main([*TINY, f"seed={before['config']['seed']}", f"output={tmp_path / 'o'}"]) == 0
    assert json.loads(file.read_text())["metrics"] == before["metrics"]


def test_a_table_that_is_a_pipe_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "t.csv")
    assert main(["dataset=table", f"dataset.path={tmp_path / 't.csv'}", "dataset.target=y"]) == 2
    assert "it is no file" in capsys.readouterr().err
