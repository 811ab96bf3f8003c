"""Sweeps by launchers that are not ours: Hydra's basic one, and one that runs jobs in other processes, as joblib's."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

# What Hydra's joblib launcher is to the program: jobs in other processes, whose errors come back in what they return.
ELSEWHERE = """
import multiprocessing
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
            returned.append(ours.recv())
            process.join()
        return returned

    def run(self, words, pipe):
        config = self.hydra_context.config_loader.load_sweep_config(self.config, words)
        pipe.send(run_job(hydra_context=self.hydra_context, task_function=self.task_function, config=config,
                          job_dir_key="hydra.sweep.dir", job_subdir_key="hydra.sweep.subdir"))

ConfigStore.instance().store(group="hydra/launcher", name="elsewhere", provider="test",
                             node={"_target_": "hydra_plugins.elsewhere.Elsewhere"})
"""
LOSS = "import torch\nclass Bad(torch.nn.Module):\n    def forward(self, z, y): raise RuntimeError('out of luck')\n"
TINY = ["dataset=synthetic", "dataset.size=200", "trainer.epochs=1", "model.hidden=[2]", "seed=0,1"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plugins" / "hydra_plugins").mkdir(parents=True)
    (tmp_path / "plugins" / "hydra_plugins" / "elsewhere.py").write_text(ELSEWHERE)
    (tmp_path / "bad.py").write_text(LOSS)
    (tmp_path / "file").touch()
    return tmp_path


Printed = tuple[str, list[str]]


def sweep(folder: Path, launcher: str, *words: str, code: int, bytes_a_file: int | None = None) -> Printed:
    """What the program prints, and the lines that it complains with."""

    def limit() -> None:
        if bytes_a_file:
            resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_a_file, bytes_a_file))

    paths = os.pathsep.join((str(folder / "plugins"), str(Path(__file__).parents[1])))
    done = subprocess.run(
        [sys.executable, "-m", "surrogate_bench", "-m", f"hydra/launcher={launcher}", *TINY, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": paths},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout, done.stderr.splitlines()


@pytest.mark.parametrize("launcher", ["basic", "elsewhere"])
def test_a_folder_that_cannot_be_written(launcher: str, folder: Path) -> None:
    _, complaints = sweep(folder, launcher, "output=file", code=1)
    assert complaints == ["error: Not a directory: file/default"]


@pytest.mark.parametrize("launcher", ["basic", "elsewhere"])
def test_a_disk_that_is_full(launcher: str, folder: Path) -> None:
    _, complaints = sweep(folder, launcher, code=1, bytes_a_file=1500)
    assert complaints == ["error: File too large: outputs/default"]
    assert not list(folder.glob("outputs/*/*/result.json"))


def test_runs_in_other_processes_end_with_their_table_and_their_failures(folder: Path) -> None:
    out, complaints = sweep(folder, "elsewhere", "loss=bce", code=0)
    assert re.search(r"^bce +2 ", out, re.MULTILINE)
    assert complaints == []
    out, complaints = sweep(folder, "elsewhere", "loss=custom", "loss.path=bad.py:Bad", code=1)
    assert "failed: RuntimeError: out of luck\nsynthetic, mlp\n" in out
    assert complaints == ["warning: synthetic, mlp: Bad has no result; 2 of its runs failed"]
    stored = [json.loads(path.read_text())["status"] for path in folder.glob("outputs/*/*/result.json")]
    assert sorted(stored) == ["failed"] * 2 + ["finished"] * 2
    _, complaints = sweep(folder, "elsewhere", "loss=custom", "loss.path=bad.py:Bad", "experiment=other", code=1)
    assert complaints == []


THREADS = """
import os, torch
class Tells(torch.nn.Module):
    def forward(self, z, y):
        with open("used", "a") as file:
            print(torch.get_num_threads(), file=file)
        return torch.nn.functional.softplus((1 - 2 * y) * z).mean(-1)
"""


@pytest.mark.parametrize("workers", [None, 1, 2])
def test_the_threads_that_are_told_are_those_that_were_used(workers: int | None, folder: Path) -> None:
    (folder / "tells.py").write_text(THREADS)
    sizes = ["model.hidden=[2],[1500,1500]", "trainer.batch_size=1000", f"launcher.workers={workers or 'null'}"]
    launcher = "surrogate_bench" if workers else "basic"
    sweep(folder, launcher, "seed=0", *sizes, "loss=custom", "loss.path=tells.py:Tells", code=0)
    told = {json.loads(path.read_text())["threads"] for path in folder.glob("outputs/*/*/environment.json")}
    assert {str(threads) for threads in told} == set((folder / "used").read_text().split())
