"""Losses of the user's own that do what they should not: each costs its own run, and no other."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from program import program
from test_side_by_side import CPU, config, splits
from torch import Tensor

from surrogate_bench.cli import main
from surrogate_bench.errors import UserError, in_words
from surrogate_bench.store.run_id import identity, run_id
from surrogate_bench.training import train
from surrogate_bench.training.objective import Objective

TINY = ["dataset=synthetic", "dataset.size=200", "trainer.epochs=2", "model.hidden=[4]"]
RUDE = """
import os, sys, time, torch

class Wordless(Exception):
    def __str__(self):
        raise ValueError

class Rude(torch.nn.Module):
    def __init__(self, *, how: str):
        super().__init__()
        self.how = how

    def forward(self, z, y):
        if self.how == "b_folder":
            os.chdir("/")
        if self.how == "c_type":
            torch.set_default_dtype(torch.float64)
        if self.how == "d_exits":
            sys.exit(0)
        if self.how == "e_forks":
            if not os.fork():
                os.closerange(0, 3)  # what the test reads to its end
                time.sleep(20)
                os._exit(0)
            os.abort()
        if self.how == "f_grad":
            torch.set_grad_enabled(False)
        if self.how == "g_wordless":
            raise Wordless
        if self.how == "h_surrogate":
            raise RuntimeError("\\ud800")
        return torch.nn.functional.softplus(-z * (2 * y - 1)).mean(-1)
"""
FAIL = {
    "d_exits": "SystemExit: 0",
    "e_forks": "the process that trained it was killed by SIGABRT",
    "f_grad": "ValueError: what the loss returns does not depend on the logits: it has no gradient",
    "g_wordless": "Wordless: its message cannot be read",
    "h_surrogate": r"RuntimeError: \ud800",
}


def test_what_a_loss_does_to_its_process_harms_no_other_run(tmp_path: Path) -> None:
    """One worker trains them in the order of their names."""
    (tmp_path / "rude.py").write_text(RUDE)
    hows = ["a_fine", "b_folder", "c_type", *FAIL, "z_fine"]
    args = "loss.args=" + ",".join(f"{{how:{how}}}" for how in hows)
    words = ["-m", "loss=custom", "loss.path=rude.py:Rude", args, *TINY, "launcher.workers=1", "launcher.width=1"]
    program(tmp_path, *words, code=1)
    found = {}
    for file in (tmp_path / "outputs").glob("*/*/result.json"):
        stored = json.loads(file.read_text())
        found[stored["config"]["loss"]["args"]["how"]] = stored["reason"], file.parent
    assert {how: reason for how, (reason, _) in found.items()} == dict.fromkeys(hows) | FAIL
    first, last = (np.load(found[how][1] / "predictions.npz") for how in ("a_fine", "z_fine"))
    assert all(np.array_equal(first[name], last[name]) for name in first.files)


def test_a_loss_that_exits_has_failed_also_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rude.py").write_text(RUDE + "\nif 'RUDE' in os.environ:\n    sys.exit(0)\n")
    words = [*TINY, "loss=custom", f"loss.path={tmp_path}/rude.py:Rude", f"output={tmp_path}/o"]
    assert main([*words, "+loss.args.how=d_exits"]) == 1
    monkeypatch.setenv("RUDE", "1")
    assert main([*words, "+loss.args.how=a_fine"]) == 2


EDITED = """
import torch

class Own(torch.nn.Module):
    def forward(self, z, y):
        with open(__file__, "w") as file:
            file.write("raise ValueError")
        return torch.nn.functional.softplus(-z * (2 * y - 1)).mean(-1)
"""


def test_a_loss_that_is_edited_while_a_sweep_goes_on_is_the_one_that_it_began_with(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(EDITED)
    words = ["-m", "loss=custom", "loss.path=own.py:Own", "seed=range(4)", *TINY, "launcher.width=1"]
    assert "4/4 runs: 4 finished" in program(tmp_path, *words)
    assert "ValueError" in program(tmp_path, *words, code=2)


LOSSES = """
import torch

class Mean(torch.nn.Module):
    def forward(self, z, y):
        return (z - y).square().mean()

class Detached(torch.nn.Module):
    def forward(self, z, y):
        return (z - y).square().mean(-1).detach()

class Number(torch.nn.Module):
    def forward(self, z, y):
        return 1.0

class Every(torch.nn.Module):
    def forward(self, z, y):
        return (z - y).square()
"""


def value(file: Path, name: str, members: int) -> Tensor:
    """What a loss of this name gives two members or one, beside one with BCE."""
    file.write_text(LOSSES)
    own = {"name": "custom", "path": f"{file}:{name}", "args": {}}
    logits = torch.zeros(members + 1, 4, requires_grad=True)
    index = torch.arange(4).expand(members + 1, 4)
    return Objective([own] * members + [{"name": "bce"}], logits.device)(logits, torch.ones_like(logits), index)


@pytest.mark.parametrize(
    ("name", "says"),
    [("Mean", r"returned \[\] for logits \[2, 4\], not \[2\]"), ("Every", "dimension"), ("Detached", "no gradient")],
)
def test_what_a_loss_returns_is_checked(name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=says):
        value(tmp_path / "l.py", name, 2)


def test_what_is_no_tensor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a float"):
        value(tmp_path / "l.py", "Number", 1)


def test_a_mean_over_all_will_do_for_one_member(tmp_path: Path) -> None:
    """A usual PyTorch loss is trained, one run after the other: what one gets does not depend on its neighbours."""
    assert value(tmp_path / "l.py", "Mean", 1)[0] == 1


FOREIGN = """
import random, numpy, torch

class Apart(torch.nn.Module):
    def forward(self, z, y):
        return torch.nn.functional.softplus(-z * (2 * y - 1)).mean(-1)

class Scaled(Apart):
    def forward(self, z, y):
        return super().forward(z / z.std().detach(), y)

class Remembers(Apart):
    kept = 0

    def forward(self, z, y):
        value, self.kept = super().forward(z - self.kept, y), z.mean().detach()
        return value

class Draws(Apart):
    def forward(self, z, y):
        return super().forward(z + torch.rand_like(z) + random.random() + float(numpy.random.rand()), y)
"""


def first_step(folder: Path, *names: str, seed: int = 0) -> Tensor:
    """What losses of these names, side by side, give."""
    (folder / "foreign.py").write_text(FOREIGN)
    configs = [{"name": "custom", "path": f"{folder}/foreign.py:{name}", "args": {}} for name in names]
    objective = Objective(configs, torch.device("cpu"))
    targets = (torch.arange(40) % 3 == 0).float().expand(len(names), 40)
    objective.fit(targets, torch.full((len(names),), seed))
    logits = torch.linspace(-2, 2, 40).repeat(len(names), 1).requires_grad_()
    return objective(logits, targets, torch.arange(40).expand(len(names), 40))


@pytest.mark.parametrize("names", ["Scaled Scaled", "Remembers Remembers", "Draws Draws", "Apart Draws"])
def test_a_loss_that_sees_its_neighbours_is_refused_beside_them(names: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="alone"):
        first_step(tmp_path, *names.split())


def test_a_loss_alone_may_do_as_it_likes(tmp_path: Path) -> None:
    assert torch.equal(first_step(tmp_path, "Apart", "Apart"), first_step(tmp_path, "Apart").expand(2))
    assert first_step(tmp_path, "Scaled").isfinite().all()
    assert torch.equal(first_step(tmp_path, "Draws"), first_step(tmp_path, "Draws"))
    assert not torch.equal(first_step(tmp_path, "Draws"), first_step(tmp_path, "Draws", seed=1))


def test_a_foreign_message_is_one_short_line() -> None:
    assert in_words(RuntimeError("\n a\x1b\nb")) == r"RuntimeError: a\x1b"
    assert in_words(KeyError()) == "KeyError"
    assert len(in_words(RuntimeError("x" * 10_000))) == 500


LEARNS = """
import torch

class Learns(torch.nn.Module):
    ascent = ("up",)

    def __init__(self, start=0.0):
        super().__init__()
        self.down = torch.nn.Parameter(torch.full((), start))
        self.up = torch.nn.Parameter(torch.zeros(2))
        self.still = torch.nn.Parameter(torch.ones(()), requires_grad=False)
        self.unused = torch.nn.Parameter(torch.zeros(3))

    def forward(self, z, y):
        bce = torch.nn.functional.softplus(z * (1 - 2 * y)).mean(-1)
        return torch.exp(-self.down) * bce + self.down + 0.1 * self.up.sum() - self.up.square().sum()

class Wrong(Learns):
    ascent = ("upp",)
"""


def test_own_parameters_are_trained_with_the_net_and_go_up_if_they_say_so(tmp_path: Path) -> None:
    (tmp_path / "learns.py").write_text(LEARNS)
    runs = [config("custom", seed, 0.05, epochs=30, batch_size=64) for seed in (0, 1)]
    for run in runs:
        run.loss = {"name": "custom", "path": f"{tmp_path}/learns.py:Learns", "args": {}}
    own = splits(runs)
    outcomes = train(runs, own, CPU)
    for outcome in outcomes:
        found = outcome.checkpoint
        assert abs(found["loss.down"]) > 0.05
        torch.testing.assert_close(found["loss.up"], torch.full((2,), 0.05), atol=0.02, rtol=0)
        assert found["loss.still"] == 1
        assert not found["loss.unused"].any()
    assert outcomes[0].checkpoint["loss.down"] != outcomes[1].checkpoint["loss.down"]
    alone = train(runs[1:], own[1:], CPU)[0]
    torch.testing.assert_close(alone.checkpoint["loss.down"], outcomes[1].checkpoint["loss.down"], atol=1e-4, rtol=0)
    runs[0].loss["path"] = runs[0].loss["path"].replace("Learns", "Wrong")
    with pytest.raises(ValueError, match=r"ascent.*'upp'.*Did you mean 'up'"):
        train(runs[:1], own[:1], CPU)


AS_PEOPLE_HAVE_THEM = """
from __future__ import annotations
import dataclasses, torch
from helpers import FACTOR

@dataclasses.dataclass
class Settings:
    factor: float = FACTOR

def plain(logits, targets):
    return Settings().factor * (logits - targets).square().mean(-1)

def scaled(logits, targets, scale=1.0, *, index):
    return scale * (logits - targets + 0 * index).square().mean(-1) + index.sum(-1)

def later(logits, targets):
    from helpers.deeper import OFFSET
    return (logits - targets).square().mean(-1) + OFFSET

ready = torch.nn.BCEWithLogitsLoss()
"""


def folder_of(parent: Path, name: str, factor: int) -> Path:
    (parent / name / "helpers").mkdir(parents=True)
    (parent / name / "helpers" / "__init__.py").write_text(f"FACTOR = {factor}")
    (parent / name / "helpers" / "deeper.py").write_text(f"OFFSET = {10 * factor}")
    (parent / name / "mine.py").write_text(AS_PEOPLE_HAVE_THEM)
    (parent / name / "__init__.py").touch()
    return parent / name / "mine.py"


def test_functions_helpers_and_modules_as_losses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(sys.modules)
    one, two = folder_of(tmp_path, "one", 1), folder_of(tmp_path, "two", 2)
    z, y, index = torch.ones(2, 4, requires_grad=True), torch.zeros(2, 4), torch.arange(4).expand(2, 4)

    def called(where: object, **args: object) -> float:
        own = {"name": "custom", "path": str(where), "args": args}
        return Objective([own], z.device)(z[:1], y[:1], index[:1]).item()

    assert [called(f"{file}:plain") for file in (one, two, one)] == [1, 2, 1]
    assert [called(f"{file}:later") for file in (one, two)] == [11, 21]
    assert called(f"{one}:scaled", scale=3.0) == 9
    assert called(f"{one}:ready") == pytest.approx(1.3132617)
    assert called("torch.nn.functional:mse_loss") == 1
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two" / "inner.py").write_text("def plain(z, y):\n    return 5 * z.mean(-1)\n")
    assert called("two.inner:plain") == 5
    assert not {name for name in set(sys.modules) - before if name.partition(".")[0] in ("helpers", "two", "mine")}
    assert not [entry for entry in sys.path if entry.startswith(str(tmp_path))]
    for wrong, says in (("two.nothing:plain", "no module 'two.nothing'"), ("two.inner:plaim", "Did you mean 'plain'")):
        with pytest.raises(UserError, match=says):
            called(wrong)


def test_a_helper_s_content_is_part_of_what_a_run_is(tmp_path: Path) -> None:
    file = folder_of(tmp_path, "one", 1)
    (tmp_path / "one" / "alone.py").write_text("import torch\nclass Alone(torch.nn.Module): ...\n")
    run = config("custom", 0, 0.05, epochs=2, batch_size=64)
    run.loss = {"name": "custom", "path": f"{file}:plain", "args": {}}
    ids = [run_id(run, "cpu")]
    (tmp_path / "one" / "helpers" / "deeper.py").write_text("OFFSET = 123456")
    ids.append(run_id(run, "cpu"))
    assert len({*ids}) == 2
    run.loss["path"] = f"{tmp_path}/one/alone.py:Alone"
    whole = hashlib.sha256((tmp_path / "one" / "alone.py").read_bytes()).hexdigest()[:16]
    assert identity(run, "cpu")["loss"]["path"] == f"{whole}:Alone"
