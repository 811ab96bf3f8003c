"""Whatever file or folder an option names: with another content of it, another run."""

from __future__ import annotations

import json
import shutil
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from surrogate_bench.cli import main
from surrogate_bench.config.schema import GROUPS, OF_EVERY_DATASET, Settings, TrainerConfig
from surrogate_bench.datasets import vision
from surrogate_bench.registry import entries

LOSS = """
import pathlib, torch

class Own(torch.nn.Module):
    def __init__(self, by=""):
        super().__init__()
        self.by = float(pathlib.Path(by).read_text()) if by else 1.0

    def forward(self, z, y):
        return {} * self.by * torch.nn.functional.softplus(-z * (2 * y - 1)).mean(-1)
"""
TABLE = ("dataset=table", "dataset.path=files/t.csv")
OWN = ("loss=custom", "loss.path=files/own.py:Own")
# The words that name a file or a folder by each option that does.
NAMING: dict[str, tuple[str, ...]] = {
    "dataset.table.path": TABLE,
    "dataset.table.test": (*TABLE, "dataset.test=files/test.csv"),
    "dataset.table.splits": (*TABLE, "dataset.splits=files/splits.txt", "dataset.fold=0"),
    "dataset.table.root": ("dataset=table", "dataset.path=t.csv", "dataset.root=files"),
    "dataset.mnist.root": ("dataset=mnist", "dataset.root=files"),
    "dataset.fashion_mnist.root": ("dataset=fashion_mnist", "dataset.root=files"),
    "dataset.kmnist.root": ("dataset=kmnist", "dataset.root=files"),
    "dataset.cifar10.root": ("dataset=cifar10", "dataset.root=files", "model=cnn"),
    "dataset.openml.root": ("dataset=openml", "dataset.id=1", "dataset.root=files"),
    "loss.custom.path": OWN,
    "loss.custom.args": (*OWN, "+loss.args.by=files/number.txt"),
    "trainer.warm_start": ("trainer.warm_start=files",),
}
# Those whose texts are words, names of columns or what is shown.
WORDS = {
    *(f"dataset.table.{name}" for name in ("target", "separator", "missing", "categorical", "drop", "encoding")),
    *(f"dataset.table.{name}" for name in ("label", "origin", "sha256")),
    *(f"dataset.table.{name}" for name in ("header", "comment", "decimal", "dates", "many")),
    *(f"dataset.openml.{name}" for name in ("openml_name", "target")),
    *("dataset.positive", "dataset.scaling", "model.mlp.activation", "loss.bce.pos_weight"),
    *(f"loss.{name}.metric" for name in ("any_loss", "heaviside_mean", "score_oriented", "annealed", "relaxed")),
    *(f"loss.{name}.constraint" for name in ("recall_at_precision", "precision_at_recall", "tpr_at_fpr")),
    *("loss.reinforce.metric", "loss.perturbed.metric", "loss.relaxed.relaxation"),
    *(f"loss.{name}.distribution" for name in ("score_oriented", "sol_f1", "relaxed")),
    *(f"optimizer.{name}.schedule" for name in ("sgd", "adam", "adamw")),
    *("trainer.monitor", "trainer.sampler", "trainer.select"),
    *("device", "precision", "experiment", "suite", "output"),
}


def texts() -> set[str]:
    """The options that take a text."""
    known = {
        f"{group}.{name}.{p.name}": p.type
        for group in GROUPS
        for name, e in entries(group).items()
        for p in e.parameters
    }
    known |= {f"dataset.{name}": kind for name, kind, _ in OF_EVERY_DATASET}
    for owner, prefix in ((TrainerConfig, "trainer."), (Settings, "")):
        known |= {prefix + name: kind for name, kind in typing.get_type_hints(owner).items()}
    return {name for name, kind in known.items() if {str, Any, list, dict} & {kind, *typing.get_args(kind)}}


def test_each_option_that_takes_a_text_names_a_file_or_is_known_not_to() -> None:
    assert texts() == {*NAMING, *WORDS}


def table(shift: float) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    y = (np.arange(60) % 3 == 0).astype(int)
    return pd.DataFrame({"a": (shift * y + generator.normal(size=60)).round(3), "y": y})


def fill(shift: float) -> None:
    """The files that all options name, with one content or another."""
    folder = Path("files")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in ("t.csv", "test.csv"):
        table(shift).to_csv(folder / name, index=False)
    (folder / "splits.txt").write_text("1 2 3 4\n" if shift else "4 5 6 7\n")
    (folder / "own.py").write_text(LOSS.format(1 + shift))
    (folder / "number.txt").write_text(str(1 + shift))
    generator = np.random.default_rng(int(shift))
    pixels, targets = generator.integers(0, 256, (40, 2, 2)).astype(np.uint8), (np.arange(40) % 2).astype(np.uint8)
    for kind in ("MNIST", "FashionMNIST", "KMNIST"):
        raw = folder / kind / "raw"
        raw.mkdir(parents=True)
        for name, values in zip(vision.FILES, (pixels, targets) * 2, strict=True):
            sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
            (raw / name).write_bytes(bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes())


class _Photographs:
    """What torchvision gives of a folder, once it has seen to it that it is what it should be."""

    def __init__(self, _: str, root: Path, **__: bool) -> None:
        shift = float((root / "number.txt").read_text())
        generator = np.random.default_rng(int(shift))
        self.data = generator.integers(0, 256, (40, 8, 8, 3)).astype(np.uint8)
        self.targets = [i % 2 for i in range(40)]


def _of_openml(*, data_home: str, **_: Any) -> Any:
    frame = pd.read_csv(Path(data_home) / "t.csv")
    return type("Bunch", (), {"frame": frame, "details": {"default_target_attribute": "y"}})


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(vision, "_torchvision", _Photographs)
    monkeypatch.setattr("sklearn.datasets.fetch_openml", _of_openml)
    from surrogate_bench.datasets import _load

    _load.cache_clear()
    yield
    _load.cache_clear()


def results() -> dict[str, dict[str, Any]]:
    return {f.parent.name: json.loads(f.read_text()) for f in Path("outputs").glob("*/*/result.json")}


@pytest.mark.parametrize("option", NAMING)
def test_another_content_is_another_run(option: str) -> None:
    words = ["model=linear", "loss=bce", "optimizer=sgd", "optimizer.lr=0.1", "trainer.epochs=2", *NAMING[option]]
    if option == "trainer.warm_start":
        assert main([*words[:-1], "seed=7"]) == 0
        (begun,) = results()
        words[-1] = f"trainer.warm_start={begun}"
        fill(0)
    else:
        fill(0)
    before = len(results())
    assert main(words) == 0
    first = results()
    assert len(first) == before + 1
    stat = {name: Path("outputs/default", name, "result.json").stat().st_mtime_ns for name in first}
    assert main(words) == 0
    assert {name: Path("outputs/default", name, "result.json").stat().st_mtime_ns for name in first} == stat
    if option == "trainer.warm_start":  # the run that it starts from is trained by other code
        assert main([*words[:-1], "seed=7", "loss=soft_f1", "output=other"]) == 0
        for file in Path("other").glob("*/*/*.*"):
            shutil.copy(file, Path("outputs/default", begun, file.name))
    else:
        fill(3)
    from surrogate_bench.datasets import _load

    _load.cache_clear()  # as in another process
    assert main(words) == 0
    second = results()
    trained = {name: result for name, result in second.items() if first.get(name) != result}
    trained.pop(begun if option == "trainer.warm_start" else "", None)
    (result,) = trained.values()
    old = next(own for own in first.values() if own["config"]["seed"] == 0)
    assert result["content"] != old["content"]
    assert result["metrics"]["val"]["soft"] != old["metrics"]["val"]["soft"]
