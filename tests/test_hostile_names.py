"""Names of files, columns, classes and losses are text: they lead nowhere else and mean nothing to any format."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from rich.console import Console

from surrogate_bench.cli import main
from surrogate_bench.comparison import compare
from surrogate_bench.config.overrides import spelled

NAMES = (
    "<script>alert(1)</script>".replace("/", "\u2044"),
    "a\nb\r\t\x1b[31m",
    "x" * 240,
    "😀 漢字 \u202e\u2028 é",
    r"a|b & c_d [red]x[not red] $\x{ \\",
    "'q\"; `ls` :smile: ${HOME} %s {x}",
    "漢" * 75,
    "~.. - $x^{$",
)
TINY = ["trainer.epochs=1", "model.hidden=[2]", "launcher.workers=1"]
LOSS = """
from pathlib import Path
import torch
Path(__file__).with_name("imported").touch()
class Own(torch.nn.Module):
    def forward(self, z, y):
        return torch.nn.functional.softplus((1 - 2 * y) * z).mean(-1)
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run for each name, which is that of its table, of a column that tells the target, its class and its loss."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "a").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "a")
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.setattr("sys.dont_write_bytecode", False)
        for number, name in enumerate(NAMES):
            place = folder / "files" / str(number)
            place.mkdir(parents=True)
            text, table = name * (1 + (len(name) == 240)), io.StringIO()
            rows = [[i % 7, f"{text}{i % 2}", [text, "other"][i % 2]] for i in range(60)]
            csv.writer(table).writerows([["a", f"{text}c", "y"], *rows])
            (place / f"{name}.csv").write_text(table.getvalue(), encoding="utf-8", newline="")
            (place / f"{name}.py").write_text(LOSS, encoding="utf-8")
            data, loss = spelled(f"{place / name}.csv"), spelled(f"{place / name}.py:Own")
            words = [f"dataset.path={data}", "dataset.header=true", f"dataset.positive={spelled(text)}"]
            assert main(["dataset=table", *words, "loss=custom", f"loss.path={loss}", *TINY]) == 0
            (place / "imported").unlink()
        yield folder
        assert not list(folder.glob("files/*/imported")), "what only reads has imported a loss"


def test_all_that_is_written_is_in_the_output_folder(trained: Path) -> None:
    assert len(list(trained.glob("a/outputs/default/*/result.json"))) == len(NAMES)
    assert {path.name for path in trained.iterdir()} - {"c.svg"} == {"a", "files"}
    assert {path.name for path in (trained / "a").iterdir()} == {"outputs"}
    assert all(path.suffix in (".csv", ".py") for path in trained.glob("files/*/*"))


ROWS = ["--rows", "loss,dataset.positive,dataset.path", "--unequal"]


@pytest.mark.parametrize("form", ["table", "md", "latex", "csv", "html"])
@pytest.mark.usefixtures("trained")
def test_no_format_breaks(form: str, tmp_path: Path) -> None:
    file = tmp_path / "out"
    assert main(["compare", "outputs", *ROWS, "--format", form, "--out", str(file)]) == 0
    text = file.read_text(encoding="utf-8")
    assert all(line.isprintable() for line in text.split("\n") if form != "html")
    if form == "html":
        body = re.sub(r"<script.*?</script>|<style.*?</style>", "", text, flags=re.DOTALL)
        assert "<script" not in body
        assert text.count("<script") == 3
    cells = {"md": r"(?<!\\)\|", "latex": r"(?<!\\)&"}
    if form in cells:
        tables = text.split(r"\end{tabular}")[:-1] if form == "latex" else [text]
        rows = [[line for line in table.splitlines() if re.match(r"\|| {4}.* \\\\$", line)] for table in tables]
        assert sum(map(len, rows)) >= 2 * len(NAMES)
        for of_one in rows:
            counts = {len(re.findall(cells[form], line)) for line in of_one if "multicolumn" not in line}
            assert len(counts) == 1
    if form == "csv":
        lines = list(csv.DictReader(io.StringIO(text)))
        assert len({line["loss"] for line in lines}) == len(NAMES)
        assert {line["n"] for line in lines} == {"1"}


@pytest.mark.usefixtures("trained")
def test_no_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    compare("outputs", rows="loss,dataset.positive,dataset.path", unequal=True, console=Console(file=out, width=200))
    assert "\x1b" not in out.getvalue()
    shown = capsys.readouterr().err
    assert "\x1b" not in shown
    assert all(line.startswith("warning: ") for line in shown.splitlines())


def test_tensorboards_files_hold_the_names(trained: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert main(["export", "tensorboard", "outputs"]) == 0
    for place in trained.glob("a/outputs/*/*"):
        events = EventAccumulator(str(place / "tensorboard"))
        events.Reload()
        assert "_hparams_/session_start_info" in events.summary_metadata


def test_only_training_imports_a_stored_loss(trained: Path) -> None:
    for words in (["list"], ["explain", "f1"], ["compare", "outputs", *ROWS, "--curves", str(trained / "c.svg")]):
        assert main(words) == 0
    assert not list(trained.glob("files/*/imported"))


@pytest.mark.parametrize("name", [*NAMES, "", "\\", 'a\\"', "\\\\${x}", "a\\\\", '\\"${x}\\'])
def test_a_name_survives_the_command_that_repeats_its_run(name: str) -> None:
    (override,) = OverridesParser.create().parse_overrides([f"x={spelled([name])}"])
    assert OmegaConf.to_container(OmegaConf.create({"x": override.value()}), resolve=True) == {"x": [name]}


NO_FOLDERS = [
    "../x",
    "..",
    "/x",
    "<b>",
    "a\nb",
    "x" * 300,
    "漢" * 90,
    "😀",
    "",
    " ",
    "\x1b[31m",
    "a\\b",
    "\udcff",
    "~/x",
]


@pytest.mark.parametrize("name", NO_FOLDERS)
def test_an_experiment_is_a_folders_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert main([f"experiment={spelled(name)}", *TINY]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.rglob("*")) == [tmp_path / "a"]


def test_names_of_other_letters_fit_into_a_folders(tmp_path: Path) -> None:
    (tmp_path / "l.py").write_text(LOSS.replace("Own", "漢" * 70), encoding="utf-8")
    loss = ["loss=custom", f"loss.path={spelled(str(tmp_path / 'l.py') + ':' + '漢' * 70)}", "dataset=table"]
    (tmp_path / f"{'é' * 100}.csv").write_text("a,y\n" + "1,0\n2,1\n" * 20)
    data = [f"dataset.path={spelled(str(tmp_path / ('é' * 100)) + '.csv')}", f"experiment={spelled('実験' * 16)}"]
    assert main([*loss, *data, *TINY, f"output={tmp_path / 'o'}"]) == 0
    (place,) = (tmp_path / "o").glob("*/*/result.json")
    assert "é" * 50 + "-mlp-" + "漢" * 33 + "-s0-" in str(place)


def test_a_value_of_other_letters_is_told_to_be_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset=table", "dataset.path=数据.csv"]) == 2
    assert capsys.readouterr().err == (
        "error: cannot read 'dataset.path=数据.csv': an override is key=value; "
        "quote a value with signs or letters of its own, as in 'dataset.path=\"数据.csv\"'\n"
    )


def test_a_mistake_in_a_loss_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "l.py").write_text(LOSS.replace('.with_name("imported").touch()', ""))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    assert main(["loss=custom", "loss.path=l.py:Owm"]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["l.py"]
