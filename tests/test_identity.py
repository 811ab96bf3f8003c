"""What decides a run's numbers decides whether its result counts: content, revisions, and what was there before."""

from __future__ import annotations

import gzip
import hashlib
import importlib
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from surrogate_bench import registry
from surrogate_bench.cli import main
from surrogate_bench.config.schema import GROUPS
from surrogate_bench.datasets import files, load_source, vision
from surrogate_bench.errors import UserError
from surrogate_bench.registry import PARTS, entries
from surrogate_bench.store import environment, provenance
from surrogate_bench.store import run_id as identity
from surrogate_bench.store import runs as store
from surrogate_bench.sweeps import launch as launcher
from surrogate_bench.sweeps import train_chunk as working
from surrogate_bench.system.files import json_page, sealed, unsealed

TINY = ["trainer.epochs=1", "model=linear", "loss=bce"]
PACKAGE = Path(registry.__file__).parent
LOSS = """
import torch
{}

class Own(torch.nn.Module):
    def __init__(self, **args):
        super().__init__()
        self.args = args

    def forward(self, z, y):
        {}
        return factor() * torch.nn.functional.softplus(-z * (2 * y - 1)).mean(-1)
"""
HELPER = "def factor():\n    return {}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the runs go, and modules beside a loss are found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(launcher, "_launched", launcher.Sweep([]))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def trained(*words: str, code: int = 0) -> dict[str, dict[str, Any]]:
    """All results that are there after a command, by their folders' names."""
    assert main([*TINY, *words]) == code
    return {file.parent.name: json.loads(file.read_text()) for file in Path("outputs").glob("*/*/result.json")}


def only(results: dict[str, dict[str, Any]]) -> dict[str, Any]:
    (result,) = results.values()
    return result


def stat(name: str) -> int:
    return Path("outputs/default", name, "result.json").stat().st_mtime_ns


def test_a_result_says_what_it_came_of() -> None:
    result = only(trained())
    made, read = result["program"], result["content"]
    assert set(made["revisions"]) == {*PARTS, *GROUPS}
    assert made["torch"] == torch.__version__.partition("+")[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["date"])
    assert re.fullmatch("[0-9a-f]{16}", made["sources"])
    assert read["loss"] is read["start"] is None
    assert read["files"] == {}
    again = {result["config"]["seed"]: result["content"] for result in trained("seed=1").values()}
    assert again[0]["data"] == again[1]["data"]
    assert again[0]["parts"] != again[1]["parts"]
    assert again[0]["tested"] != again[1]["tested"]
    for key, name in store.SEALED.items():
        file = next(Path("outputs").glob(f"*/*-s0-*/{name}"))
        assert result[key] == hashlib.sha256(file.read_bytes()).hexdigest()


# How a loss may come to another file of its folder, and what it is then called.
IMPORTS = {
    "a statement": ("from helper import factor", "", "helper.py"),
    "a statement that waits": ("", "from helper import factor", "helper.py"),
    "another module's": ("from between import factor", "", "helper.py"),
    "a package": ("from pack import factor", "", "pack/part.py"),
    "a made-up name": ("import importlib\nfactor = importlib.import_module('hel' + 'per').factor", "", "helper.py"),
    "a made-up name that waits": (
        "",
        "import importlib\n        factor = importlib.import_module('helper').factor",
        "helper.py",
    ),
    "a folder of its own": (
        "import sys, os\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), 'lib'))\nfrom deep import factor",
        "",
        "lib/deep.py",
    ),
    "a file that is executed": (
        "import pathlib\nexec(pathlib.Path(__file__).with_name('helper.py').read_text())",
        "",
        "helper.py",
    ),
    "a spec": (
        "import importlib.util as u\ns = u.spec_from_file_location('h', __file__.replace('mine', 'helper'))\n"
        "m = u.module_from_spec(s); s.loader.exec_module(m); factor = m.factor",
        "",
        "helper.py",
    ),
    "numbers": (
        "import pathlib\ndef factor():\n    return float(pathlib.Path(__file__).with_name('weights.txt').read_text())",
        "",
        "weights.txt",
    ),
}


def folder_of_a_loss(how: str, number: str) -> None:
    top, inside, _ = IMPORTS[how]
    Path("mine.py").write_text(LOSS.format(top, inside or "pass"))
    Path("helper.py").write_text(HELPER.format(number))
    Path("between.py").write_text("from helper import factor\n")
    Path("weights.txt").write_text(number)
    for name, text in (
        ("pack/__init__.py", "from .part import factor\n"),
        ("pack/part.py", HELPER.format(number)),
        ("lib/deep.py", HELPER.format(number)),
    ):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)


@pytest.mark.parametrize("how", IMPORTS)
def test_a_file_beside_a_loss_that_changes_is_another_run(how: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("loss=custom", "loss.path=mine.py:Own", "optimizer=sgd", "optimizer.lr=0.1")
    folder_of_a_loss(how, "1.0")
    first = only(trained(*words))
    assert IMPORTS[how][2] in first["content"]["files"]
    assert first["content"]["loss"] == hashlib.sha256(Path("mine.py").read_bytes()).hexdigest()[:16]
    capsys.readouterr()
    assert only(trained(*words)) == first
    assert "finished before" in capsys.readouterr().out
    # Of the same length within the same second.
    folder_of_a_loss(how, "9.0")
    capsys.readouterr()
    kept = trained(*words, "keep_stale=true")
    by_id = len(kept) == 2
    assert by_id or only(kept) == first
    told = capsys.readouterr().err
    assert by_id or "1 of 1 runs had a stale result, kept by keep_stale=true: 1 whose loss read another" in told
    then = trained(*words)
    last = next(result for result in then.values() if result["content"] != first["content"])
    assert last["metrics"]["val"] != first["metrics"]["val"]
    told = capsys.readouterr().err
    assert by_id or f"trained again (keep_stale=true keeps them): 1 whose loss read another {IMPORTS[how][2]}" in told
    assert not list(Path().rglob("*.pyc"))


def test_a_loss_of_one_file_is_what_it_was() -> None:
    """Its own package, Python's modules and names that are no file are not files beside it."""
    Path("mine.py").write_text(
        "import torch, json\nfrom surrogate_bench.losses.base import Loss\n" + LOSS.format(HELPER.format(1), "pass")
    )
    words = ("loss=custom", "loss.path=mine.py:Own")
    plain = trained(*words)
    assert only(plain)["content"]["files"] == {}
    assert list(plain) == list(trained(*words, "force=true"))
    with_word = trained(*words, "+loss.args.how=mean")
    assert len(with_word) == 2
    Path("numbers.txt").write_text("1")
    Path("more").mkdir()
    Path("more/numbers.txt").write_text("1")
    assert len(trained(*words, "+loss.args.how=numbers.txt")) == 3
    assert len(trained(*words, "+loss.args.how=more/numbers.txt")) == 3
    Path("numbers.txt").write_text("2")
    assert len(trained(*words, "+loss.args.how=[numbers.txt]")) == 4
    assert len(trained(*words, "+loss.args.how=numbers.txt")) == 5


def test_a_helper_that_is_edited_while_a_run_trains_fails_it() -> None:
    folder_of_a_loss("a statement that waits", "1.0")
    edits = "import pathlib; pathlib.Path(__file__).with_name('helper.py').write_text('def factor(): return 5.0')"
    Path("mine.py").write_text(LOSS.format(edits, "from helper import factor"))
    result = only(trained("loss=custom", "loss.path=mine.py:Own", code=1))
    assert "helper.py' has changed since it was first read" in result["reason"]


def pictures(shade: int, *, packed: bool = False) -> None:
    raw = Path("root/MNIST/raw")
    raw.mkdir(parents=True, exist_ok=True)
    pixels = np.full((40, 2, 2), shade, np.uint8)
    pixels[:, 0, 0] = np.arange(40)
    targets = (np.arange(40) % 2).astype(np.uint8)
    for name, values in zip(vision.FILES, (pixels, targets) * 2, strict=True):
        sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
        content = bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes()
        (raw / name).unlink(missing_ok=True)
        (raw / f"{name}.gz").unlink(missing_ok=True)
        (raw / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(content) if packed else content)


def test_pictures_count_by_their_content() -> None:
    words = ("dataset=mnist", "dataset.root=root")
    pictures(10)
    first = trained(*words)
    pictures(10, packed=True)
    assert trained(*words) == first
    shutil.copytree("root", "elsewhere")
    assert trained("dataset=mnist", "dataset.root=elsewhere") == first
    pictures(200)
    both = trained(*words)
    assert len(both) == 2
    assert len({result["content"]["data"] for result in both.values()}) == 2


def test_pictures_as_published_keep_their_id(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not there yet is downloaded, and checked by those who do."""
    words = [f"dataset.root={data_root}", "dataset=fashion_mnist"]
    ids = []
    monkeypatch.setattr(store, "folder", lambda run, device: ids.append(identity.run_id(run, device)) or Path("x"))
    monkeypatch.setattr("surrogate_bench.sweeps.plan._check", lambda *_: (_ for _ in ()).throw(UserError("enough")))
    raw = Path("part/FashionMNIST/raw")
    raw.mkdir(parents=True)
    for name in vision.FILES:
        packed = (data_root / "FashionMNIST" / "raw" / f"{name}.gz").read_bytes()
        (raw / f"{name}.gz").write_bytes(packed)
        (raw / name).write_bytes(gzip.decompress(packed))
    for own in (words, [words[1], "dataset.root=nothing"], [words[1], "dataset.root=part"]):
        assert main([*own, "model=cnn", "loss=soft_f1", "trainer.monitor=f1"]) == 2
    (raw / name).write_bytes(gzip.decompress(packed)[:-1] + b"\7")
    assert main([words[1], "dataset.root=part", "model=cnn", "trainer.monitor=f1"]) == 2
    assert ids[:3] == ["fashion_mnist-cnn-soft_f1-s0-91b54a7c3a"] * 3
    assert ids[3] != ids[0]


def table(weight: float) -> str:
    generator = np.random.default_rng(0)
    rows = [(weight * (i % 3 == 0) + generator.normal(), i % 3 == 0) for i in range(90)]
    return "a,y\n" + "".join(f"{a:.3f},{int(y)}\n" for a, y in rows)


@pytest.mark.parametrize("option", ["path", "test", "splits"])
def test_a_file_that_changes_between_digest_and_reading_is_refused(
    option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Though it has the same length and the same times."""
    for name, text in (("path", table(3)), ("test", table(3)), ("splits", "1 2 3\n")):
        Path(f"{name}.csv").write_text(text)
    words = ["dataset=table", "dataset.path=path.csv", f"dataset.{option}={option}.csv"]
    words += ["dataset.fold=0"] if option == "splits" else []
    opened = files.Content.__init__

    def changed(self: files.Content, path: Path) -> None:
        own = Path(f"{option}.csv")
        own.write_text(own.read_text().replace("1", "2"))
        opened(self, path)

    with monkeypatch.context() as patch:
        patch.setattr(files.Content, "__init__", changed)
        assert main([*TINY, *words]) == 2
    assert f"'{option}.csv' has changed since it was first read" in capsys.readouterr().err
    assert not Path("outputs").exists()
    for name, text in (("path", table(3)), ("test", table(3)), ("splits", "1 2 4\n")):
        Path(f"{name}.csv").write_text(text)
    assert len(trained(*words)) == 1


def test_another_table_at_one_path_is_read_anew() -> None:
    Path("t.csv").write_text(table(0))
    words = ("dataset=table", "dataset.path=t.csv")
    first = trained(*words)
    Path("t.csv").write_text(table(3))
    second = trained(*words)
    assert len(second) == 2
    assert len({result["content"]["data"] for result in second.values()}) == 2
    Path("renamed.csv").write_text(table(0))
    assert only(trained("dataset=table", "dataset.path=renamed.csv", "output=o") and first)["content"]["data"] in {
        json.loads(file.read_text())["content"]["data"] for file in Path("o").glob("*/*/result.json")
    }


def test_data_that_no_option_names_are_told_apart_once_they_are_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As those of scikit-learn, and OpenML's without a version."""
    first = only(trained())
    source = load_source("breast_cancer")
    monkeypatch.setitem(source.columns, "feature 0", source.columns["feature 0"] + 1)
    monkeypatch.delitem(source.__dict__, "digest")
    capsys.readouterr()
    assert main(["-m", *TINY, "seed=0,1", "keep_stale=true"]) == 0
    assert "1 of 2 runs had a stale result, kept by keep_stale=true: 1 on other data" in capsys.readouterr().err
    shutil.rmtree(next(Path("outputs").glob("*/*-s1-*")))
    assert main(["-m", *TINY, "seed=0,1"]) == 0
    assert "trained again (keep_stale=true keeps them): 1 on other data" in capsys.readouterr().err
    found = {result["content"]["data"] for result in trained().values()}
    assert len(found) == 1
    assert first["content"]["data"] not in found


def raised(monkeypatch: pytest.MonkeyPatch, part: str, number: int) -> None:
    """As if a part of the program were of this revision."""
    before = identity._revisions
    monkeypatch.setattr(identity, "_revisions", lambda *names: before(*names) | {part: number})


@pytest.mark.parametrize("part", [*PARTS, *GROUPS])
def test_results_of_another_revision_are_named_and_trained_again(
    part: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (first,) = trained()
    raised(monkeypatch, part, 3)
    assert set(trained("keep_stale=true")) == {first}
    assert f"kept by keep_stale=true: 1 by another revision of the {part}" in capsys.readouterr().err
    both = trained()
    told = "1 of 1 runs had a stale result, trained again (keep_stale=true keeps them)"
    assert capsys.readouterr().err == f"warning: {told}: 1 by another revision of the {part}\n"
    assert len(both) == 2
    assert {result["program"]["revisions"][part] for result in both.values()} == {1, 3}
    assert trained() == both
    assert capsys.readouterr().err == ""


def test_revisions_stand_in_the_source() -> None:
    for part in PARTS:
        module = registry.PARTS[part].removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        assert registry.revision(part) == importlib.import_module(f"surrogate_bench.{module}").REVISION
    read = registry.ast.parse('@register("loss", "x", family="f", revision=2)\ndef x(*, a: int = 1): ...').body[0]
    (entry,) = registry._read(read, "loss", "m", {})  # type: ignore[arg-type]
    assert (entry.revision, entry.info) == (2, {"family": "f"})
    assert all(type(entry.revision) is int for group in GROUPS for entry in entries(group).values())
    for kind, revision in (("loss", "0"), ("loss", "'2'"), ("loss", "True"), ("metric", "2"), ("relaxation", "2")):
        node = registry.ast.parse(f'@register("{kind}", "x", revision={revision})\ndef x(): ...').body[0]
        with pytest.raises(RuntimeError, match="revision"):
            registry._read(node, kind, "m", {})  # type: ignore[arg-type]


def test_sources_are_those_that_a_run_depends_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the package, changed in one place at a time."""
    shutil.copytree(PACKAGE, tmp_path / "copy", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "HERE", tmp_path / "copy")
    rest = tuple(f"surrogate_bench.{name}" for name in ("datasets.bundled", "models.dense", "training.optimizers"))

    def of(loss: str) -> str:
        provenance.sources.cache_clear()
        provenance._source.cache_clear()
        return provenance.sources(f"surrogate_bench.losses.{loss}", *rest)

    before = of("overlap")
    assert of("pairs") != before

    def changed(name: str, change: Callable[[str], str] = lambda text: text + "\nX = 1\n") -> bool:
        file = tmp_path / "copy" / name
        text = file.read_text()
        file.write_text(change(text))
        now = of("overlap")
        file.write_text(text)
        assert of("overlap") == before
        return now != before

    for name in ("losses/overlap.py", "losses/base.py", "counts.py", "training/loop.py", "metrics/tuning.py"):
        assert changed(name), name
    for name in ("datasets/bundled.py", "datasets/split.py", "datasets/encoding.py", "models/dense.py"):
        assert changed(name), name
    for name in ("losses/pairs.py", "datasets/openml.py", "models/convolutional.py", "cli.py", "comparison/run.py"):
        assert not changed(name), name
    assert not changed("losses/overlap.py", lambda text: text.replace("\n", "\r\n"))
    # A module that is called something else, wherever it is imported.
    for file in (tmp_path / "copy").rglob("*.py"):
        file.write_text(file.read_text().replace("surrogate_bench.counts", "surrogate_bench.counts_of"))
    (tmp_path / "copy" / "counts.py").rename(tmp_path / "copy" / "counts_of.py")
    assert of("overlap") == before


def old(name: str) -> None:
    """Has a result look like one of an earlier version."""
    file = Path("outputs/default", name, "result.json")
    result = {
        k: v for k, v in json.loads(file.read_text()).items() if k not in ("program", "content", "seal", "sha256")
    }
    body = json_page(result).removesuffix("\n}\n").encode()
    file.write_bytes(body + b',\n "sha256": "' + hashlib.sha256(body).hexdigest().encode() + b'"\n}\n')


def test_results_of_earlier_versions_are_read_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    (name,) = trained()
    old(name)
    before = stat(name)
    capsys.readouterr()
    assert main(["-m", *TINY, "seed=0,1"]) == 0
    told = capsys.readouterr()
    assert "2 runs, 1 finished before" in told.out
    assert told.err.splitlines()[0] == (
        "1 of 2 runs are by an earlier version, which wrote down neither its revision nor what it read: "
        "force=true trains them again"
    )
    assert stat(name) == before
    assert "program" in trained("force=true")[name]


def start(name: str) -> tuple[str, ...]:
    return ("optimizer=sgd", f"trainer.warm_start={name}")


def test_other_weights_to_start_from_are_another_run(capsys: pytest.CaptureFixture[str]) -> None:
    (first,) = trained()
    results = trained(*start(first))
    (second,) = set(results) - {first}
    weights = hashlib.sha256(Path("outputs/default", first, "checkpoint.pt").read_bytes()).hexdigest()
    assert results[second]["content"]["start"] == weights[:16] == results[first]["checkpoint_sha256"][:16]
    capsys.readouterr()
    assert trained(*start(first)) == results
    # The first is trained again, to other weights.
    (other,) = set(
        trained("optimizer.lr=0.5", "output=elsewhere") and {path.name for path in Path("elsewhere").glob("*/*")}
    )
    for file in Path("elsewhere/default", other).glob("*.*"):
        shutil.copy(file, Path("outputs/default", first, file.name))
    capsys.readouterr()
    now = trained(*start(first))
    assert "trained again (keep_stale=true keeps them): 1 that started from other weights" in capsys.readouterr().err
    assert now[second]["metrics"] != results[second]["metrics"]
    # Weights that were only put in the place of others are those of no run.
    file = Path("outputs/default", first, "checkpoint.pt")
    file.write_bytes(Path("outputs/default", second, "checkpoint.pt").read_bytes())
    failed = trained(*start(first), "seed=1", code=1)
    reason = next(result["reason"] for result in failed.values() if result["status"] == "failed")
    assert reason.endswith("cannot be read: it has changed since it was written")


def test_what_starts_from_a_stale_run_is_stale(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["-m", *TINY, "dataset.fold=0,1,2", "trainer.warm_start=previous", "optimizer=sgd"]
    assert main(words) == 0
    (middle,) = (
        f
        for f in Path("outputs").glob("*/*/result.json")
        if json.loads(f.read_text())["config"]["dataset"]["fold"] == 1
    )
    stored = json.loads(middle.read_text())
    stored["program"]["revisions"]["model"] = 0
    middle.write_bytes(sealed(json_page({k: v for k, v in stored.items() if k not in ("seal", "sha256")})))
    capsys.readouterr()
    assert main(words) == 0
    told = capsys.readouterr()
    assert "2 of 3 runs had a stale result, trained again" in told.err
    assert "1 by another revision of the model, 1 that started from a stale one" in told.err
    assert "3 runs, 1 finished before" in told.out


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "earlier version": lambda made: made.clear(),
    "another revision of the trainer": lambda made: made["program"]["revisions"].update(trainer=7),
    "torch 1.0": lambda made: made["program"].update(torch="1.0"),
    "other content (data)": lambda made: made["content"].update(data="0"),
    "other content (parts)": lambda made: made["content"].update(parts="0"),
}


@pytest.mark.parametrize("why", CHANGES)
def test_a_state_of_other_code_or_data_is_named_and_dropped(
    why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("surrogate_bench.training.resuming.SHARE", 1e9)

    def stop(_: Any, __: Any, epoch: int, ___: Any) -> None:
        if epoch == 2:
            raise working.Stopped

    with monkeypatch.context() as patch:
        patch.setattr("surrogate_bench.sweeps.progress.Progress.epoch", stop)
        assert main([*TINY, "trainer.epochs=3", "trainer.resume=true"]) == 130
    (file,) = Path("outputs").glob("*/*/state.pt")
    state = torch.load(file, weights_only=True)
    CHANGES[why](state["made"])
    torch.save(state, file)
    capsys.readouterr()
    only(trained("trainer.epochs=3", "trainer.resume=true"))
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"warning: cannot go on from {file}: it is of ")
    assert why in told
    assert told.endswith("; the run begins anew")


VALUES = {
    "nan": None,
    "big": 2**70 + 1,
    "zero": -0.0,
    "small": 1e-7,
    "large": 1e22,
    "whole": 3.0,
    "text": 'größe 数 \u2028 \\ "\n',
    "list": [1, 2.5, {"b": 1, "a": [True, None]}],
    "nested": {"z": 1e300, "a": 0.1},
}


def crlf(text: str) -> str:
    return text.replace("\n", "\r\n")


REWRITES: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "other line ends": crlf,
    "indents": lambda text: json.dumps(json.loads(text), indent=2),
    "one line": lambda text: json.dumps(json.loads(text), separators=(",", ":")),
    "sorted keys": lambda text: json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False),
    "numbers as JavaScript writes them": lambda text: (
        json.dumps(json.loads(text))
        .replace("3.0", "3")
        .replace("-0.0", "0")
        .replace("1e+22", "10000000000000000000000")
        .replace("1e-07", "1e-7")
    ),
    "a mark of the byte order": lambda text: "\ufeff" + text,
}


@pytest.mark.parametrize("how", REWRITES)
def test_a_seal_survives_another_layout_and_nothing_else(how: str) -> None:
    page = {"schema": 1, "program": {"version": "1"}, **VALUES, "measured": float("nan")}
    rewritten = REWRITES[how](sealed(json_page(page)).decode())
    found = unsealed(rewritten.encode())
    assert {key: found[key] for key in VALUES} == VALUES
    for key in VALUES:
        for value in (1e-8, "x", 2**70, None if found[key] is not None else 0):
            edited = json.dumps(found | {key: value})
            with pytest.raises(ValueError, match="changed since it was written"):
                unsealed(edited.encode())
    for less in ({"seal"}, {"seal", "sha256"}, {"text", "sha256"}, {"program"}):
        with pytest.raises(ValueError, match="changed since it was written"):
            unsealed(json.dumps({k: v for k, v in found.items() if k not in less}).encode())


def test_results_of_earlier_versions_keep_their_seals_rule() -> None:
    body = json_page({"schema": 1, "a": 0.5}).removesuffix("\n}\n").encode()
    page = body + b',\n "sha256": "' + hashlib.sha256(body).hexdigest().encode() + b'"\n}\n'
    assert unsealed(page)["a"] == 0.5
    assert unsealed(b'{"schema": 1, "a": 0.5}') == {"schema": 1, "a": 0.5}
    with pytest.raises(ValueError, match="changed"):
        unsealed(page.replace(b"0.5", b"0.6"))


EDITS: dict[str, Callable[[Path], Any]] = {
    "result.json": lambda file: file.write_text(json.dumps(json.loads(file.read_text()) | {"best_epoch": 7})),
    "metrics.jsonl": lambda file: file.write_text(file.read_text().replace('"epoch": 1', '"epoch": 2')),
    "predictions.npz": lambda file: np.savez(file, **{k: -v for k, v in np.load(file).items()}),
    "checkpoint.pt": lambda file: torch.save({k: -v for k, v in torch.load(file, weights_only=True).items()}, file),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_file_is_named_and_the_same_command_trains_it_again(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (run,) = before = trained()
    file = Path("outputs/default", run, name)
    EDITS[name](file)
    capsys.readouterr()
    code = main(["compare", "outputs", "--out", "p.html"])
    told = capsys.readouterr().err.splitlines()
    if name == "result.json":
        assert code == 2
        assert (
            told[0]
            == f"warning: skipped {file}: it has changed since it was written; the command that made it trains it again"
        )
    elif name != "checkpoint.pt":
        assert told == [f"warning: left out {file}: it has changed since it was written; force=true makes it anew"]
    after = trained()
    assert (
        capsys.readouterr().err == f"warning: changed since it was written, and trained again: outputs/default/{run}\n"
    )
    assert after[run]["metrics"] == before[run]["metrics"]
    assert after[run]["predictions_sha256"] == before[run]["predictions_sha256"]
    assert trained() == after
    assert capsys.readouterr().err == ""


def test_curves_with_other_line_ends_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = trained()
    for name in ("metrics.jsonl", "result.json"):
        file = Path("outputs/default", run, name)
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    before = stat(run)
    capsys.readouterr()
    assert main(["compare", "outputs", "--out", "p.html", "--curves", "c.svg"]) == 0
    assert main(["export", "tensorboard", "outputs"]) == 0
    trained()
    told = capsys.readouterr()
    assert told.err == ""
    assert "finished before" in told.out
    assert stat(run) == before


def test_the_environment_says_which_kernels_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "/home/alice")  # a path, which is nobody's business
    expected = {"capability": torch.backends.cpu.get_cpu_capability(), "mkl": torch.backends.mkl.is_available()}
    assert environment._kernels() == expected | {"MKL_CBWR": "COMPATIBLE", "ATEN_CPU_CAPABILITY": "avx2"}
    only(trained())
    (file,) = Path("outputs").glob("*/*/environment.json")
    assert json.loads(file.read_text())["kernels"]["capability"] == expected["capability"]
