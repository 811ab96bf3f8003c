"""Sweeps by launchers that are not ours: Hydra's basic one, and one that runs jobs in other processes, as joblib's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from surrogate_bench.config.schema import RunConfig
from surrogate_bench.store import runs as store
from surrogate_bench.sweeps.other_launchers import _Job

# What Hydra's joblib launcher is to the program: jobs in other processes, whose errors come back in what they return.
ELSEWHERE = """
import multiprocessing, os
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.singleton import Singleton
from hydra.core.utils import run_job
from hydra.plugins.launcher import Launcher

class Elsewhere(Launcher):
    def setup(self, *, hydra_context, task_function, config):
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(self, job_overrides, initial_job_idx):
        context, returned = multiprocessing.get_context("fork"), []
        for words in job_overrides:
            ours, theirs = context.Pipe()
            process = context.Process(target=self.run, args=(list(words), theirs))
            process.start()
            theirs.close()
            returned.append(ours.recv())
            process.join()
        return returned

    def run(self, words, pipe):
        if {"seed=9", "+loss.args.at=1"} <= set(words):  # before it begins
            os._exit(1)
        config = self.hydra_context.config_loader.load_sweep_config(self.config, words)
        pipe.send(run_job(hydra_context=self.hydra_context, task_function=self.task_function, config=config,
                          job_dir_key="hydra.sweep.dir", job_subdir_key="hydra.sweep.subdir"))

class Nowhere(Elsewhere):
    def launch(self, job_overrides, initial_job_idx):
        raise RuntimeError("no cluster here")

class Search(BasicSweeper):
    def sweep(self, arguments):
        super().sweep(arguments)
        raise ValueError("No trials are completed yet.")

for group, name in (("launcher", "Elsewhere"), ("launcher", "Nowhere"), ("sweeper", "Search")):
    node = {"_target_": f"hydra_plugins.elsewhere.{name}"}
    if group == "sweeper":
        node |= {"max_batch_size": None}
    ConfigStore.instance().store(group=f"hydra/{group}", name=name.lower(), provider="test", node=node)
"""
LOSS = """
import os, signal, torch
class Bad(torch.nn.Module):
    def forward(self, z, y): raise RuntimeError('out of luck')
class Deadly(torch.nn.Module):
    def __init__(self, at):
        super().__init__()
        self.at = at
    def forward(self, z, y):
        if self.at == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return torch.nn.functional.softplus((1 - 2 * y) * z).mean(-1)
"""
# The program, again and again, in copies of one process that has imported and parsed what takes long. It has one
# thread, as the copies of more could not start theirs, and forgets Hydra's plugins, as each copy has its own.
AGAIN = """
import contextlib, json, os, resource, sys, tempfile
import pandas, scipy.stats, sklearn.datasets, torch
from hydra.core.plugins import Plugins
from hydra.core.singleton import Singleton
from surrogate_bench import cli, comparison
from surrogate_bench.commands import train as app
from surrogate_bench.sweeps import launch as launcher
threads = torch.get_num_threads()
torch.set_num_threads(1)
with tempfile.TemporaryDirectory() as warm, contextlib.redirect_stdout(None):
    os.chdir(warm)
    cli.main(["-m", "hydra/launcher=basic", "dataset=synthetic", "dataset.size=60", "trainer.epochs=1"])
    os.chdir("/")
del Singleton._instances[Plugins]
for line in sys.stdin:
    folder, words, size = json.loads(line)
    if not (copy := os.fork()):
        torch.set_num_threads(threads)
        os.chdir(folder)
        for number in (1, 2):
            os.dup2(os.open(f"printed.{number}", os.O_CREAT | os.O_WRONLY | os.O_TRUNC), number)
        if size:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        sys.path.insert(0, f"{folder}/plugins")
        sys.argv = ["surrogate-bench", *words]
        cli.program()
    print(os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]), flush=True)
"""
TINY = ["dataset=synthetic", "dataset.size=200", "trainer.epochs=1", "model.hidden=[2]", "seed=0,1"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plugins" / "hydra_plugins").mkdir(parents=True)
    (tmp_path / "plugins" / "hydra_plugins" / "elsewhere.py").write_text(ELSEWHERE)
    (tmp_path / "bad.py").write_text(LOSS)
    (tmp_path / "file").touch()
    return tmp_path


Printed = tuple[str, list[str]]
Sweep = Callable[..., Printed]


@pytest.fixture(scope="module")
def again() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", AGAIN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        yield process
        assert process.stdin
        process.stdin.close()


@pytest.fixture
def sweep(folder: Path, again: subprocess.Popen[str]) -> Sweep:
    """Runs a sweep by a launcher; returns what the program prints, and the lines that it complains with."""

    def run(launcher: str, *words: str, code: int, bytes_a_file: int = 0, mode: tuple[str, ...] = ("-m",)) -> Printed:
        assert again.stdin
        assert again.stdout
        given = [*mode, f"hydra/launcher={launcher}", *TINY, *words]
        print(json.dumps([str(folder), given, bytes_a_file]), file=again.stdin, flush=True)
        ended = again.stdout.readline()
        out, complaints = ((folder / f"printed.{number}").read_text() for number in (1, 2))
        assert ended == f"{code}\n", out[-2000:] + complaints[-2000:]
        assert "Traceback" not in out + complaints
        return out, complaints.splitlines()

    return run


@pytest.mark.parametrize("launcher", ["basic", "elsewhere"])
def test_a_folder_that_cannot_be_written(launcher: str, sweep: Sweep) -> None:
    _, complaints = sweep(launcher, "output=file", code=1)
    assert complaints == ["error: Not a directory: file/default"]


@pytest.mark.parametrize("launcher", ["basic", "elsewhere"])
def test_a_disk_that_is_full(launcher: str, sweep: Sweep, folder: Path) -> None:
    _, complaints = sweep(launcher, code=1, bytes_a_file=1500)
    assert complaints == ["error: File too large: outputs/default"]
    assert not list(folder.glob("outputs/*/*/result.json"))


def test_runs_in_other_processes_end_with_their_table_and_their_failures(sweep: Sweep, folder: Path) -> None:
    out, complaints = sweep("elsewhere", "loss=bce", code=0)
    assert re.search(r"^bce +2 ", out, re.MULTILINE)
    assert complaints == []
    out, complaints = sweep("elsewhere", "loss=custom", "loss.path=bad.py:Bad", code=1)
    assert out.count("failed: RuntimeError: out of luck\n  again: surrogate-bench dataset=synthetic ") == 2
    assert "bce" not in out
    assert complaints == []
    stored = [json.loads(path.read_text())["status"] for path in folder.glob("outputs/*/*/result.json")]
    assert sorted(stored) == ["failed"] * 2 + ["finished"] * 2
    _, complaints = sweep("elsewhere", "loss=custom", "loss.path=bad.py:Bad", "experiment=other", code=1)
    assert complaints == []


def test_a_process_that_dies_costs_its_run_alone(sweep: Sweep, folder: Path) -> None:
    words = ["loss=custom", "loss.path=bad.py:Deadly", "+loss.args.at=1,0", "seed=9,0"]
    out, complaints = sweep("elsewhere", *words, code=1)
    assert re.search(r"^Deadly +2 ", out, re.MULTILINE)
    assert out.count("failed: Elsewhere lost the process that trained it: EOFError\n  again: ") == 2
    assert out.count("+loss.args.at=1") == 2
    assert complaints == []
    stored = [json.loads(path.read_text()) for path in folder.glob("outputs/*/*/result.json")]
    assert sorted(result["status"] for result in stored) == ["failed"] + ["finished"] * 2
    assert {r["config"]["loss"]["args"]["at"] for r in stored if r["status"] == "failed"} == {1}


def test_the_table_is_of_the_sweeps_own_runs_whichever_file_says_where_they_go(sweep: Sweep, folder: Path) -> None:
    (folder / "mine" / "suite").mkdir(parents=True)
    own = "# @package _global_\nexperiment: elsewhere\noutput: mine/runs\nhydra:\n  mode: MULTIRUN\n"
    (folder / "mine" / "suite" / "own.yaml").write_text(own)
    sweep("basic", "loss=hinge", code=0)
    words = ["--config-dir=mine", "+suite=own", "loss=bce"]
    out, complaints = sweep("elsewhere", *words, code=0, mode=())
    assert re.search(r"^bce +2 ", out, re.MULTILINE)
    out, complaints = sweep("elsewhere", *words, "seed=2,3,4", "experiment=a,b", code=0, mode=())
    assert re.search(r"^bce +3 ", out, re.MULTILINE)  # the same configurations in both
    assert len(complaints) == 1
    assert complaints[0].startswith("warning: left out 3 runs of a configuration and seed that is there again")
    assert len(list(folder.glob("mine/runs/*/*/result.json"))) == 8
    out, complaints = sweep("elsewhere", *words, "loss=custom", "loss.path=bad.py:Bad", code=1, mode=())
    assert out.count("failed: RuntimeError: out of luck\n  again: ") == 2


def test_what_others_raise_is_not_called_ours(sweep: Sweep) -> None:
    _, complaints = sweep("nowhere", "device=cuda", code=2)  # a device that only the other machine may have
    assert complaints == ["error: Hydra's plugin elsewhere raised RuntimeError: no cluster here"]
    words = ["hydra/sweeper=search", "loss=custom", "loss.path=bad.py:Bad"]
    out, complaints = sweep("elsewhere", *words, code=1)
    assert out.count("failed: RuntimeError: out of luck\n  again: ") == 2
    assert complaints[-1] == "error: Hydra's plugin elsewhere raised ValueError: No trials are completed yet."


@pytest.mark.parametrize("error", ["ValueError('mutable default')", "ImportError('no module')", "SystemExit(3)"])
def test_a_plugin_that_does_not_load_is_named_and_stops_nothing(error: str, sweep: Sweep, folder: Path) -> None:
    package = folder / "plugins" / "hydra_plugins" / "broken"
    package.mkdir()
    (package / "__init__.py").touch()
    for name in ("config", "core"):
        (package / f"{name}.py").write_text(f"raise {error}")
    _, complaints = sweep("surrogate_bench", "launcher.plan=true", code=0)
    assert len(complaints) == 1
    assert complaints[0].startswith("warning: Hydra's plugin broken cannot be loaded and is left out: ")
    _, complaints = sweep("surrogate_bench", "hydra/sweeper=broken", code=2)
    assert len(complaints) == 2
    assert complaints[1].startswith("error: unknown hydra/sweeper 'broken'")


def test_a_lost_job_is_looked_for_where_it_ran(tmp_path: Path) -> None:
    data = {"name": "synthetic", "size": 200, "positive": None, "imratio": None, "fold": None}
    run = RunConfig(
        dataset=data,
        model={"name": "mlp", "hidden": [4]},
        loss={"name": "bce"},
        optimizer={"name": "adam"},
        output=str(tmp_path),
    )
    here, there = (store.folder(run, kind) for kind in ("cpu", "cuda"))
    store.save_failure(run, here, "of long ago", "")
    lost, failed = _Job([], run), _Job([], run)
    assert not lost.find()
    assert lost.begun() is None
    store.begin(run, there)
    assert lost.begun() == there
    lost.lose("killed")
    stored = {place: store.read_result(place) or {} for place in (here, there)}
    assert [stored[place]["reason"] for place in (here, there)] == ["of long ago", "killed"]
    assert failed.find()
    assert failed.told
    assert [reason for reason, _ in failed.told.failures] == ["killed"]


THREADS = """
import os, torch
def tell(gradient):
    with open("used", "a") as file:
        print(torch.get_num_threads(), file=file)
class Tells(torch.nn.Module):
    def forward(self, z, y):
        if z.requires_grad:
            z.register_hook(tell)  # on the way back: a loss itself keeps to one thread
        return torch.nn.functional.softplus((1 - 2 * y) * z).mean(-1)
"""


@pytest.mark.parametrize("workers", [None, 1, 2])
def test_the_threads_that_are_told_are_those_that_were_used(workers: int | None, sweep: Sweep, folder: Path) -> None:
    (folder / "tells.py").write_text(THREADS)
    sizes = ["model.hidden=[2],[1500,1500]", "trainer.batch_size=1000", f"launcher.workers={workers or 'null'}"]
    launcher = "surrogate_bench" if workers else "basic"
    sweep(launcher, "seed=0", *sizes, "loss=custom", "loss.path=tells.py:Tells", code=0)
    told = {json.loads(path.read_text())["threads"] for path in folder.glob("outputs/*/*/environment.json")}
    assert {str(threads) for threads in told} == set((folder / "used").read_text().split())
