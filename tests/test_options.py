"""No option is read by nobody: each that the schema has changes what comes of it, those of new components too.

Components are called as they are, with another value of one option after the other; values are found by the option's
type and default, words in the component's own module. What needs more than that, a file for one, is in `GIVEN` and
`PAIRS`.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import inspect
import itertools
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from surrogate_bench.config.schema import GROUPS, OF_EVERY_DATASET
from surrogate_bench.datasets import make_split, split, vision
from surrogate_bench.losses import create_loss
from surrogate_bench.losses.base import Loss
from surrogate_bench.models import create_model
from surrogate_bench.registry import Parameter, entries, lookup
from surrogate_bench.training.optimizers import create_optimizer

TABLE = 'a,b,"c;d",y\n' + "".join(
    f"{i % 7},{('none', 'some', 'few')[i % 3] if i % 5 else i},é;{i % 3},{i % 2}\n" for i in range(40)
)
MODULES = {
    "loss.py": "import torch\nclass One(torch.nn.Module):\n"
    "    def __init__(self, by=1):\n        super().__init__(); self.by = by\n"
    "    def forward(self, z, y): return (self.by * z * y).sum(-1)\n"
    "class Two(One):\n    def forward(self, z, y): return (z * y * y * 2).sum(-1)\n"
}
FILES = MODULES | {
    "t.csv": TABLE,
    "other/t.csv": TABLE.replace("5,", "4,"),
    "plain.csv": "1,0\n2,1\n3,0\n",
    "splits.txt": "1 2\n",
    "odd.csv": "a;d;y\n" + '1.000;01.02.2024;0\n2.000;02.03.2024;1\n"3".000;03.02.2024;0\n',
}
# What a component needs beside the option that is looked at.
GIVEN: dict[str, dict[str, Any]] = {
    "loss.custom": {"path": "loss.py:One"},
    "dataset.table": {"path": "t.csv"},
    "dataset.openml": {"openml_name": "x"},
    "dataset.folds": {"fold": 0},
    "dataset.folds_seed": {"fold": 0},
    "dataset.rows_seed": {"rows": 50},
}
# Two calls that the option alone tells apart, where its type does not say how.
PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "loss.custom.path": ({"path": "loss.py:One"}, {"path": "loss.py:Two"}),
    "loss.custom.args": ({"args": {}}, {"args": {"by": 2}}),
    "loss.relaxed.mu": tuple({"relaxation": "threshold_cdf", "distribution": "cosine", "mu": mu} for mu in (0.5, 0.6)),
    "loss.sol_f1.distribution": ({"distribution": "cosine"}, {"distribution": "uniform"}),
    "dataset.table.path": ({"path": "t.csv"}, {"path": "other/t.csv"}),
    "dataset.table.target": ({"target": -1}, {"target": "a"}),
    "dataset.table.test": ({"test": None}, {"test": "other/t.csv"}),
    "dataset.table.separator": ({"separator": None}, {"separator": ";"}),
    "dataset.table.missing": ({"missing": []}, {"missing": ["none"]}),
    "dataset.table.categorical": ({"categorical": []}, {"categorical": ["a"]}),
    "dataset.table.drop": ({"drop": []}, {"drop": ["a"]}),
    "dataset.table.header": ({"path": "plain.csv", "header": True}, {"path": "plain.csv", "header": False}),
    "dataset.table.encoding": ({"encoding": "utf-8"}, {"encoding": "latin-1"}),
    "dataset.table.splits": ({"splits": None}, {"splits": "splits.txt"}),
    "dataset.table.origin": ({"origin": None}, {"origin": "somewhere"}),
    "dataset.table.root": ({"root": None}, {"root": "other"}),
    "dataset.table.skip": tuple({"path": "plain.csv", "header": False, "skip": skip} for skip in (0, 1)),
    "dataset.table.skip_end": tuple({"path": "plain.csv", "header": False, "skip_end": end} for end in (0, 1)),
    "dataset.table.comment": tuple({"path": "plain.csv", "header": False, "comment": mark} for mark in (None, "2")),
    "dataset.table.quotes": tuple({"path": "odd.csv", "categorical": ["a", "d"], "quotes": q} for q in (True, False)),
    "dataset.table.decimal": tuple({"path": "odd.csv", "drop": ["d"], "decimal": mark} for mark in ("comma", "point")),
    "dataset.table.dates": tuple({"path": "odd.csv", "dates": form} for form in ("%d.%m.%Y", "%m.%d.%Y")),
    "dataset.table.many": ({"many": "other"}, {"many": "hashed"}),
    "dataset.openml.openml_name": ({"openml_name": "x"}, {"openml_name": "z"}),
    "dataset.openml.id": ({"openml_name": None, "id": 1}, {"openml_name": None, "id": 2}),
    "dataset.openml.target": ({"target": "y"}, {"target": "a"}),
    "dataset.positive": ({"positive": None}, {"positive": 0}),
    "dataset.rows": ({"rows": None}, {"rows": 50}),
}
OPTIONS = {
    f"{group}.{name}.{p.name}": (group, name, p)
    for group in GROUPS
    for name, e in entries(group).items()
    for p in e.parameters
}
PROTOCOL = {f"dataset.{name}": Parameter(name, kind, default) for name, kind, default in OF_EVERY_DATASET}


@pytest.fixture(autouse=True, scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A place with the files that some options name, and nothing that would be downloaded."""
    place = tmp_path_factory.mktemp("options")
    for name, text in FILES.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("SURROGATE_BENCH_DATA", str(place / "other"))
        patch.setattr(vision, "_torchvision", _Pictures)
        patch.setattr("sklearn.datasets.fetch_openml", _of_openml)
        yield place


class _Pictures:
    """As torchvision leaves and gives them: others in every folder."""

    def __init__(self, kind: str, root: Path, **_: bool) -> None:
        shade = hashlib.sha256(str(root).encode()).digest()[0]
        self.data, self.targets = np.full((4, 2, 2, 3), shade, np.uint8), [0, 1, 0, 1]
        raw = root / kind / "raw"
        raw.mkdir(parents=True, exist_ok=True)
        for name, values in zip(vision.FILES, (self.data[..., 0], np.array(self.targets, np.uint8)) * 2, strict=True):
            sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
            (raw / name).write_bytes(bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes())


def _of_openml(**how: Any) -> Any:
    """A frame that tells how it was asked for."""
    frame = pd.DataFrame({"a": range(4), repr(sorted(how.items(), key=str)): range(4), "y": [0, 1, 0, 1]})
    return type("Bunch", (), {"frame": frame, "details": {"default_target_attribute": "y"}})


def of_loss(name: str, **own: Any) -> Any:
    """Values and gradients of some steps on one set of examples."""
    generator = torch.Generator().manual_seed(0)
    z, y = 2 * torch.randn(2, 48, generator=generator), (torch.rand(2, 48, generator=generator) < 0.4).float()
    loss, index, found = create_loss(name, **own), torch.arange(48).expand(2, -1), []
    if isinstance(loss, Loss):
        loss.seed(torch.arange(2))
        loss.fit(y)
    takes_index = "index" in inspect.signature(loss.forward).parameters
    for _ in range(3):
        z = z.detach().requires_grad_()
        value = loss(z, y, index=index) if takes_index else loss(z, y)
        (gradient,) = torch.autograd.grad(value.sum(), z)
        found += [value.detach(), gradient]
        z = z - 0.5 * gradient
    return found


def of_model(name: str, **own: Any) -> Any:
    """The weights that a net begins with, and what it makes of two examples."""
    net = create_model(name, (1, 8, 8), seed=0, **own).eval()
    x = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return [net.state_dict(), net(x.flatten(1) if getattr(net, "stackable", False) else x)]


def of_optimizer(name: str, **own: Any) -> Any:
    """Where some steps towards 0 lead."""
    defaults = {p.name: p.default for p in lookup("optimizer", name).parameters}
    optimizer = create_optimizer([{"name": name} | defaults | own], steps=4, device="cpu")
    at = torch.tensor([[1.0, -0.5, 1e-6]])
    for _ in range(3):
        optimizer.step(at, at.clone())
    return at


def of_dataset(name: str, **own: Any) -> Any:
    return vars(lookup("dataset", name).load()(**own))


def of_protocol(_: str, **own: Any) -> Any:
    source = lookup("dataset", "synthetic").load()(size=100, share=0.4)
    split = make_split(source, seed=0, **own)
    return {"x": split.x} | {name: value for name, value in vars(split).items() if name != "given"}


OUTCOMES = {
    "loss": of_loss,
    "model": of_model,
    "optimizer": of_optimizer,
    "dataset": of_dataset,
    "protocol": of_protocol,
}


def told(value: Any) -> Any:
    """The value as something that can be compared."""
    if isinstance(value, torch.Tensor | np.ndarray):
        array = np.asarray(value.detach() if isinstance(value, torch.Tensor) else value)
        return (str(array.dtype), array.shape, repr(array.tolist()))
    if isinstance(value, dict):
        return {key: told(item) for key, item in value.items()}
    if isinstance(value, pd.Categorical):
        return told(value.tolist())
    return [told(item) for item in value] if isinstance(value, list | tuple) else repr(value)


@functools.cache
def words_of(module: str) -> list[str]:
    """The short texts of a module, which its options choose among, and the names of metrics and relaxations."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return [*sorted(text for text in texts if " " not in text), *entries("relaxation"), *entries("metric")]


def others(option: Parameter, module: str) -> Iterator[Any]:
    """Values of the option's type that are not its default."""
    union = not isinstance(option.type, type) and typing.get_origin(option.type) is not list
    kinds, default = typing.get_args(option.type) if union else (option.type,), option.default
    number = default if isinstance(default, int | float) and not isinstance(default, bool) else 1
    if bool in kinds:
        yield from (value for value in (True, False) if value is not default)
    if int in kinds:
        yield from (value for value in (number + 1, number // 2, 3, 7) if value != default)
    if float in kinds:
        yield from (value for value in (number / 2, number + 0.1, 0.1, 0.3, 0.6, 2.0, 20.0) if value != default)
    if any(list in (kind, typing.get_origin(kind)) for kind in kinds):
        yield from ([*default[:-1], default[-1] + 1] if default else [1], [])
    if str in kinds:
        yield from (word for word in words_of(module) if word != default)


def differs(
    what: str, group: str, name: str, option: Parameter, module: str, beside: tuple[Parameter, ...] = ()
) -> bool:
    """True if some value of the option gives another outcome, if need be beside another value of one word's option."""

    def outcome(own: dict[str, Any]) -> Any:
        try:
            return told(OUTCOMES[group](name, **own))
        except ValueError:  # UserError is one
            return None

    given = GIVEN.get(what if group == "protocol" else what.rpartition(".")[0], {})
    if what in PAIRS:
        one, other = (outcome(given | own) for own in PAIRS[what])
        return one is not None and other is not None and one != other
    contexts = itertools.chain(
        [given],
        (
            {**given, p.name: value}
            for p in beside
            if p.type is str and p.name not in {*given, option.name}
            for value in others(p, module)
        ),
    )
    for context in contexts:
        if (before := outcome(context)) is not None:
            for value in others(option, module):
                if (after := outcome({**context, option.name: value})) is not None and after != before:
                    return True
    return False


@pytest.mark.parametrize("what", OPTIONS)
def test_an_option_of_a_component_changes_what_it_does(what: str) -> None:
    group, name, option = OPTIONS[what]
    entry = lookup(group, name)
    assert differs(what, group, name, option, entry.module, entry.parameters)


@pytest.mark.parametrize("what", PROTOCOL)
def test_an_option_of_every_data_set_changes_the_split(what: str) -> None:
    assert differs(what, "protocol", "", PROTOCOL[what], split.__name__)


def test_every_setting_is_read(tmp_path: Path) -> None:
    words = [sys.executable, str(Path(__file__).with_name("settings_read.py")), str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "not read: []"


def test_an_option_that_nobody_reads_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OUTCOMES, "model", lambda name, **_: of_model(name))
    nothing = Parameter("nothing", int, 1)
    assert not differs("model.mlp.nothing", "model", "mlp", nothing, "surrogate_bench.models.dense")
