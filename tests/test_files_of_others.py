"""What is not ours stays: people's files, what links point to, other sweeps' runs, and what nobody else should know."""

from __future__ import annotations

import csv
import errno
import gzip
import io
import json
import os
import re
import shlex
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from surrogate_bench.cli import main
from surrogate_bench.comparison.formats import lines, markdown
from surrogate_bench.config.overrides import command
from surrogate_bench.config.parse import resolve
from surrogate_bench.errors import UserError
from surrogate_bench.store import leases, locks
from surrogate_bench.system import temporary
from surrogate_bench.system.files import json_page, sealed, tensors, write
from surrogate_bench.system.folders import without_folders

TINY = ["dataset=synthetic", "dataset.size=200", "trainer.epochs=2", "model.hidden=[4]"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder of a finished run, with files of its owner's."""
    assert main([*TINY, f"output={tmp_path / 'o'}"]) == 0
    (found,) = (tmp_path / "o").glob("*/*")
    (found / "notes.md").write_text("mine")
    (found / "plots").mkdir()
    (found / "plots" / "result.json.png").write_text("mine")
    (found / "tensorboard" / "events.out.tfevents.mine").write_text("mine")
    return found


def again(place: Path, *words: str) -> int:
    return main([*TINY, f"output={place.parents[1]}", *words])


@pytest.mark.parametrize("how", ["force", "damaged", "failed"])
def test_files_of_others_stay_in_a_runs_folder(how: str, place: Path) -> None:
    for name in (".result.json.0a1b2c3d.tmp", ".state.pt.4711.tmp", "error.txt"):
        (place / name).write_text("left")
    if how == "damaged":
        (place / "result.json").write_text("{")
    if how == "failed":
        result = json.loads((place / "result.json").read_text())
        (place / "result.json").write_bytes(sealed(json_page(result | {"status": "failed"})))
    assert again(place, *(["force=true"] if how == "force" else [])) == 0
    assert [p.read_text() for p in (place / "notes.md", *(place / "plots").iterdir())] == ["mine", "mine"]
    assert (place / "tensorboard" / "events.out.tfevents.mine").read_text() == "mine"
    assert not list(place.glob(".*"))
    assert not (place / "error.txt").exists()
    assert json.loads((place / "result.json").read_text())["status"] == "finished"


def test_a_runs_folder_that_is_a_link_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    precious = place.parents[2] / "precious"
    place.rename(precious)
    place.symlink_to(precious)
    before = {path: path.stat().st_mtime_ns for path in precious.rglob("*")}
    capsys.readouterr()
    assert again(place) == 0  # a finished result is read through it
    assert again(place, "force=true") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"error: '{place}': a run's folder may not be a link; remove the link, or choose another experiment"
    assert {path: path.stat().st_mtime_ns for path in precious.rglob("*")} == before


@pytest.mark.parametrize("depth", [1, 0])
def test_an_experiment_may_be_a_link(depth: int, place: Path) -> None:
    folder = place.parents[depth]
    folder.rename(folder.with_name("big_disk"))
    folder.symlink_to(folder.with_name("big_disk"))
    assert again(place, "force=true") == 0


def test_links_in_a_runs_folder_are_not_followed(place: Path) -> None:
    others = place.parents[2] / "others"
    others.mkdir()
    (others / "events.out.tfevents.run").write_text("theirs")
    for name in ("result.json", "metrics.jsonl", ".result.json.0a1b2c3d.tmp"):
        (others / name).write_text("theirs")
        (place / name).unlink(missing_ok=True)
        (place / name).symlink_to(others / name)
    (place / "tensorboard").rename(place / "board")
    (place / "tensorboard").symlink_to(others)
    assert main(["export", "tensorboard", str(place.parents[1])]) == 1
    assert again(place, "force=true") == 0
    assert {path.read_text() for path in others.iterdir()} == {"theirs"}
    assert not (place / "result.json").is_symlink()
    assert (place / "tensorboard" / "events.out.tfevents.run").is_file()


def test_a_temporary_file_is_exclusive_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["aaaaaaaa", "aaaaaaab", "aaaaaaac"])
    monkeypatch.setattr("secrets.token_hex", lambda _: next(names))
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / ".x.aaaaaaaa.tmp").symlink_to(tmp_path / "theirs")
    write(tmp_path / "x", b"ours")
    assert (tmp_path / "theirs").read_text() == "theirs"
    assert (tmp_path / "x").read_bytes() == b"ours"
    with pytest.raises(ValueError, match="stop"), temporary.whole(tmp_path / "x") as file:  # noqa: PT012
        file.write(b"half")
        raise ValueError("stop")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".x.aaaaaaaa.tmp", "theirs", "x"]
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "theirs").stat().st_mode


def test_out_goes_through_a_link_of_the_users(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "web").mkdir()
    link = tmp_path / "report.md"
    link.symlink_to(tmp_path / "web" / "index.md")
    old, young = (tmp_path / "web" / f".index.md.{name}.tmp" for name in ("00000000", "11111111"))
    old.write_text("left")
    os.utime(old, (time.time() - 2 * temporary.LEFT_SECONDS,) * 2)
    young.write_text("another process is at it")
    assert main(["compare", str(place), "--out", str(link)]) == 0
    assert link.is_symlink()
    assert (tmp_path / "web" / "index.md").read_text().startswith("**Which loss for F1?** On synthetic")
    assert not old.exists()
    assert young.exists()
    os.mkfifo(tmp_path / "pipe")
    assert main(["compare", str(place), "--out", str(tmp_path / "pipe")]) == 2
    assert "it is a device or a pipe, and no file" in capsys.readouterr().err
    with pytest.raises(UserError, match="folder"):
        temporary.target(tmp_path / "nowhere" / "x")


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks, "_lock", refuse)
    monkeypatch.setattr(locks, "_told", set())
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.1)


@pytest.mark.usefixtures("without_locks")
def test_leases_do_what_locks_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = locks.Locks(), locks.Locks(), locks.Locks()
    run, other = tmp_path / "e" / "run", tmp_path / "e" / "other"
    assert first.take(run)
    assert first.take(run)
    assert not second.take(run)
    assert second.take(other)
    first.free(run)
    assert second.take(run)
    assert not third.take(run)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: the file system of {tmp_path / 'e'} has no locks")
    # The sweep is killed: its sign of life closes with it, and of two successors one has the run.
    process = second.leases[tmp_path / "e"].process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    process.wait(timeout=20)
    assert [third.take(run), first.take(run), third.take(other)] == [True, False, True]
    for own in (first, third):
        own.close()
    assert {path.name for path in (tmp_path / "e").iterdir()} == {".lock"}


@pytest.mark.usefixtures("without_locks")
def test_a_machine_that_is_gone_gives_no_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "e" / "run"
    first, second = locks.Locks(), locks.Locks()
    assert first.take(run)
    gone = first.leases[tmp_path / "e"].process
    assert gone is not None
    gone.kill()
    gone.wait()
    assert list((tmp_path / "e").glob(".sweep-*"))
    assert [second.take(run), second.take(run)] == [False, False]
    monkeypatch.setattr(leases, "GONE_SECONDS", 0.0)
    assert second.take(run)
    for own in (first, second):
        own.close()
    assert not list((tmp_path / "e").glob(".lease-*"))


@pytest.mark.usefixtures("without_locks")
def test_a_sweep_runs_without_locks(tmp_path: Path) -> None:
    assert main([*TINY, f"output={tmp_path}"]) == 0
    assert not [*tmp_path.glob("*/.lease-*"), *tmp_path.glob("*/.sweep-*")]


def test_a_bomb_meets_a_limit(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(place / "predictions.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("test_logits.npy", "w", force_zip64=True) as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (2**25,)})
            for _ in range(256):
                file.write(bytes(2**20))
        archive.writestr("test_targets.npy", b"")
    result = json.loads((place / "result.json").read_text())
    del result["predictions_sha256"]
    (place / "result.json").write_bytes(sealed(json_page(result)))
    code = f"""
import resource
import torch
from surrogate_bench.cli import main
import surrogate_bench.comparison.formats.page, matplotlib
used = int(open('/proc/self/statm').read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + 220 * 2**20,) * 2)
raise SystemExit(main(['compare', {str(place)!r}, '--out', {str(tmp_path / "p.html")!r}]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"warning: left out {place / 'predictions.npz'}: ")
    for name, most in (("metrics.jsonl", "metrics.jsonl"), ("result.json", "result.json")):
        with (place / name).open("r+b") as file:
            file.truncate(2**34)
        capsys.readouterr()
        assert main(["compare", str(place), "--curves", str(tmp_path / "c.svg")]) == 2
        assert most in capsys.readouterr().err or name == "metrics.jsonl"


def test_a_packed_state_is_damaged(tmp_path: Path) -> None:
    torch.save({"x": torch.zeros(2**20)}, tmp_path / "plain.pt")
    assert tensors(tmp_path / "plain.pt")["x"].shape == (2**20,)
    with (
        zipfile.ZipFile(tmp_path / "plain.pt") as plain,
        zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for member in plain.infolist():
            bomb.writestr(member.filename, plain.read(member))
    with pytest.raises(ValueError, match="damaged"):
        tensors(tmp_path / "bomb.pt")


LAUGHS = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9)
)
MERGED = "b: &b {x: 1}\nc0: &c0 {<<: [*b]}\n" + "".join(
    f"c{i}: &c{i} {{<<: [{','.join([f'*c{i - 1}'] * 9)}]}}\n" for i in range(1, 9)
)


@pytest.mark.parametrize("text", [LAUGHS, MERGED, "a: &a [*a]\n"])
@pytest.mark.parametrize("words", [["loss=x"], ["-m", "loss=x,bce"], ["-m", "+suite=x"], ["loss=x", "--cfg", "job"]])
def test_anchors_meet_a_limit(text: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for group, head in (("loss", "name: bce\n"), ("suite", "# @package _global_\n")):
        (tmp_path / group).mkdir()
        (tmp_path / group / "x.yaml").write_text(head + text)
    before = time.process_time()
    assert main(["--config-dir", str(tmp_path), *words]) == 2
    assert time.process_time() - before < 5
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("x.yaml': its anchors stand for more than 100,000 values: write out what is meant")


@pytest.mark.parametrize("value", ["=1+1", "+1", "-bce", "@SUM(A1)", "\t=1", "  =1", "\uff1d1"])
def test_a_text_of_a_table_is_no_formula(value: str) -> None:
    assert lines.text_cell(value) == f"'{value}"
    assert [lines.text_cell(number) for number in (-0.5, -1, None, "bce", "a=1")] == [-0.5, -1, None, "bce", "a=1"]


def test_what_a_markdown_reader_would_act_on_is_inert() -> None:
    shown = markdown.escape("@alice https://x.example/a www.x.example a@b.example mailto:a")
    assert not re.search(r"@\w|://|www\.|mailto:\w", shown)
    assert shown.replace("<!-- -->", "") == "@alice https://x.example/a www.x.example a@b.example mailto:a"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/alice/data/x.csv", "x.csv"),
        ("/home/alice/my data/x.csv", "x.csv"),
        ("~/x.csv", "x.csv"),
        ("../../alice/l.py:Own", "l.py:Own"),
        ("C:\\Users\\alice\\x.csv", "x.csv"),
        ("data/x.csv", "data/x.csv"),
        ("cannot read '/home/alice/a b.csv': no such file", "cannot read 'a b.csv': no such file"),
        ("No such file: /home/alice/x.csv, again", "No such file: x.csv, again"),
        ('["/home/alice/a.csv", 1]', '["a.csv", 1]'),
        ("3/4 wins, 2026/11/25, https://x.example/a/b", "3/4 wins, 2026/11/25, https://x.example/a/b"),
        ("a / b", "a / b"),
    ],
)
def test_folders_are_left_out(text: str, shown: str) -> None:
    assert without_folders(text) == shown


def test_what_is_passed_on_names_no_folder(tmp_path: Path) -> None:
    home = tmp_path / "alice" / "secret"
    home.mkdir(parents=True)
    (home / "t.csv").write_text("a,y\n" + "1,0\n2,1\n" * 40)
    (home / "l.py").write_text(
        "import torch\n\n\nclass _Mine(torch.nn.Module):\n    def forward(self, z, y):\n"
        "        return torch.nn.functional.softplus((1 - 2 * y) * z).mean(-1)\n"
    )
    data = ["dataset=table", f"dataset.path={home / 't.csv'}", "dataset.target=y"]
    own = ["loss=custom", f"loss.path={home / 'l.py'}:_Mine"]
    for words in ([], own):
        assert main([*data, *words, "trainer.epochs=1", "model.hidden=[2]", f"output={tmp_path / 'o'}"]) == 0
    for kind in ("html", "md", "tex", "csv"):
        out = tmp_path / f"p.{kind}"
        rows = ["--rows", "loss,dataset.path,loss.path", "--out", str(out), "--curves", str(tmp_path / "c.svg")]
        assert main(["compare", str(tmp_path / "o"), *rows]) == 0
        assert "alice" not in out.read_text()
        assert "t.csv" in out.read_text()
    assert "alice" not in (tmp_path / "c.svg").read_text()
    for file in (tmp_path / "o").glob("*/*/tensorboard/*"):
        assert b"alice" not in file.read_bytes()
        assert b"dataset.label" in file.read_bytes()


def test_what_is_passed_on_holds_no_value_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hush").mkdir()
    Path("hush/hushed.csv").write_text("a,b,hushcol,y\n" + "1,2,3,0\n2,3,4,1\n" * 40)
    for name, value in {"FOLDER": "hush", "TABLE": "hushed", "COLUMN": "hushcol", "GAMMA": "2.71828"}.items():
        monkeypatch.setenv(name, value)
    words = ["dataset.path=${oc.env:FOLDER}/${oc.env:TABLE}.csv", "dataset.drop=[${oc.env:COLUMN}]", "loss=focal"]
    words += ["loss.gamma=${oc.env:GAMMA}", "trainer.epochs=1", "model.hidden=[2]"]
    for seed in ("seed=0", "seed=1"):
        assert main([*words, seed]) == 0
    Path("hush/plain.csv").write_text(Path("hush/hushed.csv").read_text())
    plain = ["dataset.path=hush/plain.csv", "dataset.drop=[hushcol]", "loss.gamma=2.71828"]
    assert main([*plain, words[2], *words[4:]]) == 0
    places = sorted(Path("outputs").glob("*/*"))
    ids = {place.name.rpartition("-")[2] for place in places if "-s0-" in place.name}
    assert len(ids) == 1
    hidden = [place for place in places if not place.name.startswith("plain")]
    assert len(hidden) == 2
    capsys.readouterr()
    for kind in ("html", "md", "tex", "csv"):
        rows = ["--rows", "loss,dataset.path,dataset.drop,loss.gamma", "--out", f"p.{kind}"]
        assert main(["compare", *map(str, hidden), *rows]) == 0
        told = Path(f"p.{kind}").read_text()
        assert not re.search(r"hush|2\.71828", told), kind
    assert "loss.gamma=${oc.env:GAMMA}" in Path("p.html").read_text()
    assert not re.search(r"hush|2\.71828", " ".join(str(place) for place in hidden) + capsys.readouterr().err)
    for file in (file for place in hidden for file in place.glob("tensorboard/*")):
        assert b"hush" not in file.read_bytes()
        assert b"oc.env:GAMMA" in file.read_bytes()
    # The command of the page asks for the same values, and is the same run.
    stored = json.loads((hidden[0] / "result.json").read_text())
    repeated = shlex.split(command(resolve(stored["config"])))[1:]
    assert words[0] in repeated
    assert main([*repeated, "launcher.plan=true"]) == 0
    assert capsys.readouterr().out.startswith("1 runs, 1 of them finished")


def test_a_loss_whose_name_opens_with_an_underscore_is_in_the_legend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.figure import Figure

    (tmp_path / "l.py").write_text(
        "import torch\n\n\nclass _Mine(torch.nn.Module):\n    def forward(self, z, y):\n"
        "        return torch.nn.functional.softplus((1 - 2 * y) * z).mean(-1)\n"
    )
    assert main([*TINY, "loss=custom", f"loss.path={tmp_path / 'l.py'}:_Mine", f"output={tmp_path / 'o'}"]) == 0
    shown: list[str] = []
    save = Figure.savefig

    def look(figure: Figure, *args: Any, **options: Any) -> None:
        shown.extend(text.get_text() for text in figure.legends[0].get_texts())
        save(figure, *args, **options)

    monkeypatch.setattr(Figure, "savefig", look)
    assert main(["compare", str(tmp_path / "o"), "--curves", str(tmp_path / "c.png")]) == 0
    assert shown == ["_Mine", "soft (dashed)"]


def test_a_foreign_folder_runs_no_plugin(tmp_path: Path) -> None:
    (tmp_path / "hydra_plugins").mkdir()
    (tmp_path / "hydra_plugins" / "theirs.py").write_text("open('ran', 'w')")
    command = [sys.executable, "-m", "surrogate_bench", "--cfg", "job"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "ran").exists()


def test_a_zipped_package_says_that_it_is_one(tmp_path: Path) -> None:
    package = Path(leases.__file__).parents[1]
    with zipfile.ZipFile(tmp_path / "sb.zip", "w") as archive:
        for file in package.rglob("*.py"):
            archive.write(file, file.relative_to(package.parent))
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'sb.zip')!r})\nfrom surrogate_bench.cli import main\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}raise SystemExit(main(['list']))"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: surrogate-bench does not run from a zipped package")


@pytest.mark.parametrize("kind", ["MNIST", "FashionMNIST", "KMNIST"])
def test_pictures_come_by_https_and_a_wrong_host_fails_cleanly(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from urllib.error import URLError

    from surrogate_bench.datasets import vision

    asked: list[str] = []

    def refuse(request: Any, *_: Any, **__: Any) -> None:
        asked.append(request.full_url)
        raise URLError("no such host")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(UserError, match=rf"cannot download {kind} .*dataset.root=FOLDER"):
        vision._torchvision(kind, tmp_path, train=True)
    assert asked
    assert all(url.startswith("https://") for url in asked)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_every_row_of_a_csv_is_guarded(place: Path, tmp_path: Path) -> None:
    result = json.loads((place / "result.json").read_text())
    result["labels"]["loss"] = "=cmd|' /C calc'!A0"
    (place / "result.json").write_bytes(sealed(json_page(result)))
    assert main(["compare", str(place), "--out", str(tmp_path / "t.csv")]) == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text())))
    assert {row["loss"] for row in rows} == {"'=cmd|' /C calc'!A0"}
    assert all(float(row["mean"]) >= -1 for row in rows if row["mean"])


def test_unpacked_pictures_are_what_their_archive_holds(tmp_path: Path) -> None:
    from surrogate_bench.datasets.vision import _read_idx

    content = b"\0\0\x08\1" + (4).to_bytes(4) + bytes([1, 2, 3, 4])
    (tmp_path / "x").write_bytes(content)
    (tmp_path / "x.gz").write_bytes(gzip.compress(content))
    assert _read_idx(tmp_path / "x").tolist() == [1, 2, 3, 4]
    (tmp_path / "x").write_bytes(content[:-1] + b"\5")
    with pytest.raises(UserError, match=r"is not what x\.gz beside it holds"):
        _read_idx(tmp_path / "x")
    (tmp_path / "x.gz").unlink()
    assert _read_idx(tmp_path / "x").tolist() == [1, 2, 3, 5]
