"""Where what is printed goes: a reader that leaves, a disk that is full, a terminal that knows few letters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from program import program

SWEEP = ["-m", "dataset=synthetic", "dataset.size=200", "trainer.epochs=2", "model.hidden=[4]", "seed=0,1"]


def unread(folder: Path, *words: str) -> tuple[int, str]:
    """Exit code and complaints of the program whose standard output nobody reads."""
    command = [sys.executable, "-m", "surrogate_bench", *words]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command, cwd=folder, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=120, check=False
    )
    os.close(writer)
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", [["help"], ["list", "losses"], ["--cfg", "job"], SWEEP, SWEEP[1:-1]])
def test_a_reader_that_leaves_ends_no_work(words: list[str], tmp_path: Path) -> None:
    assert unread(tmp_path, *words) == (0, "")
    runs = {len(SWEEP): 2, len(SWEEP) - 2: 1}.get(len(words), 0)
    assert len(list(tmp_path.glob("outputs/*/*/result.json"))) == runs


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux's disk that is full")
def test_a_full_disk_below_the_log_ends_no_work(tmp_path: Path) -> None:
    command = f"{sys.executable} -m surrogate_bench {' '.join(SWEEP)} > /dev/full"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (1, "error: No space left on device: <stdout>\n")
    assert len(list(tmp_path.glob("outputs/*/*/result.json"))) == 2


def test_letters_that_a_terminal_lacks_are_replaced(tmp_path: Path) -> None:
    ascii_alone = {"PYTHONIOENCODING": "ascii"}
    assert "mean ? standard deviation" in program(tmp_path, *SWEEP, environment=ascii_alone)
    assert "lovasz_hinge" in program(tmp_path, "list", "losses", environment=ascii_alone)


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    command = f"cd gone && rmdir ../gone && {sys.executable} -m surrogate_bench output={tmp_path}/o"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (2, "error: the folder that this runs in is gone: go to another one\n")
