"""Runs that take their process down, eat its memory or hang; disks that fill, cannot be written or vanish."""

from __future__ import annotations

import os
import resource
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from counts import count
from sweeping import SMALL, finish, results, run, start, versions

BAD = """
import os, time, numpy, torch

class Bad(torch.nn.Module):
    def __init__(self, *, how: str = "none"):
        super().__init__()
        self.how = how

    def forward(self, z, y):
        if self.how == "aborts":
            os.abort()
        if self.how == "hangs":
            time.sleep(1000)
        kept = []
        while self.how == "tensors":
            kept.append(torch.empty(1 << 26))
        while self.how == "bytes":
            kept.append(numpy.empty(1 << 26, "u1"))
        return torch.nn.functional.softplus(-z * (2 * y - 1)).mean(-1)
"""


# Far above what an ordinary sweep maps, so that only the one at fault meets it.
MEMORY = 6 << 30


REASONS = {"aborts": "SIGABRT", "tensors": "allocate", "bytes": "MemoryError", "hangs": "launcher.deadline=15"}


def test_a_run_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(BAD)
    args = "loss.args=" + ",".join(f"{{how:{how}}}" for how in ("none", "fine", *REASONS))
    words = ["-m", "loss=custom", "loss.path=bad.py:Bad", args, "seed=range(2)", *SMALL]
    narrow = ["launcher.width=3", "launcher.workers=2", "launcher.deadline=15"]
    limit = {"preexec_fn": lambda: limited(resource.RLIMIT_AS, MEMORY)}
    out = run(tmp_path, *words, *narrow, code=1, **limit)
    stored, before = results(tmp_path / "outputs"), versions(tmp_path / "outputs")
    assert len(stored) == 12
    for result in stored.values():
        how = result["config"]["loss"]["args"]["how"]
        assert result["status"] == ("failed" if how in REASONS else "finished"), how
        assert REASONS.get(how, "") in (result["reason"] or ""), result["reason"]
    assert out.count("failed: ") == 8
    # The command that is named repeats the run, and nothing else.
    again = [line for line in out.splitlines() if "again: " in line and "tensors" in line]
    run(tmp_path, *shlex.split(again[0].partition("again: ")[2])[1:], code=1, **limit)
    after = versions(tmp_path / "outputs")
    assert sum(after[name] != before[name] for name in before) == 1


@pytest.mark.skipif(not count(0, 1), reason="long form: make torture")
def test_a_single_run_that_hangs_has_failed(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(BAD)
    words = ["loss=custom", "loss.path=bad.py:Bad", "+loss.args.how=hangs", *SMALL, "launcher.deadline=1"]
    assert "launcher.deadline=1 seconds" in run(tmp_path, *words, code=1)


@pytest.mark.skipif(not count(0, 1), reason="long form: make torture")
def test_a_deadline_does_not_count_while_everything_stands_still(tmp_path: Path) -> None:
    process = start(tmp_path, "trainer.epochs=300", *SMALL[:1], "launcher.deadline=15", "trainer.resume=true")
    while not list(tmp_path.glob("outputs/*/*/config.yaml")):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGSTOP)
    time.sleep(10)
    os.killpg(process.pid, signal.SIGCONT)
    finish(process, code=0)


SWEEP = ["-m", "loss=bce,soft_f1", "seed=range(40)", "model.hidden=[64,64]", "trainer.epochs=4", "launcher.width=2"]


def test_a_disk_that_fills(tmp_path: Path) -> None:
    """A file system of 4 MB, or where none may be mounted a limit on the size of a file."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    may = os.geteuid() == 0 and shutil.which("mount")
    if may and subprocess.run(mount, check=False, capture_output=True).returncode == 0:
        try:
            full(tmp_path, disk, "No space left on device")
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)
    else:
        full(tmp_path, disk, "File too large", preexec_fn=lambda: limited(resource.RLIMIT_FSIZE, 12_000))


def full(folder: Path, disk: Path, why: str, **options: Any) -> None:
    out = run(folder, *SWEEP, f"output={disk}", code=1, **options)
    assert f"error: {why}: {disk}" in out
    stored, before = results(disk), versions(disk)
    assert {result["status"] for result in stored.values()} <= {"finished"}
    assert len(stored) < 80
    if not options:
        assert stored
        assert f"{len(stored)} of 80 runs have their result; the same command goes on from there" in out
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
    run(folder, *SWEEP, f"output={disk}")
    after = versions(disk)
    assert len(after) == 80
    assert {name: after[name] for name in before} == before
    assert not list(disk.glob("*/*/.*"))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    out = run(tmp_path, "-m", "seed=0,1", *SMALL, "output=file", code=1)
    assert "error: " in out
    assert "file/default" in out
    if Path("/proc/version").exists() and count(0, 1):
        run(tmp_path, "seed=0", *SMALL, "output=file", code=1)
        assert "/proc/nothing" in run(tmp_path, "-m", "seed=0,1", *SMALL, "output=/proc/nothing", code=1)


def test_a_folder_that_vanishes(tmp_path: Path) -> None:
    process = start(tmp_path, *SWEEP, "trainer.epochs=30")
    while len(versions(tmp_path / "outputs")) < 3 and process.poll() is None:
        time.sleep(0.01)
    (tmp_path / "gone").mkdir()
    (tmp_path / "outputs" / "default").rename(tmp_path / "gone" / "default")
    out = finish(process, code=1)
    assert "outputs/default" in out
    assert ("vanished" in out) or ("error: No such file or directory" in out)
    kept = results(tmp_path / "gone")
    assert len(kept) >= 3
    assert {result["status"] for result in kept.values()} == {"finished"}


def limited(limit: int, size: int) -> None:
    resource.setrlimit(limit, (size, size))
