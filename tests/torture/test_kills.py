"""SIGKILL at random moments, then the same command: nothing lost, nothing mixed, nothing trained twice."""

from __future__ import annotations

import fcntl
import os
import pty
import random
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from counts import count
from sweeping import SMALL, bits, orphans, results, run, start, versions

GRID = ["loss=bce,soft_f1,auroc_square", "optimizer.lr=0.001,0.003,0.01,0.03", f"seed=range({count(2, 5)})", *SMALL]

RAISES = """
import torch
class Bad(torch.nn.Module):
    def forward(self, z, y):
        raise OSError("no")
"""


def kill_until_done(folder: Path, words: list[str], runs: int, kills: int, rng: random.Random) -> int:
    """Kills a sweep at random moments, at most so many times, then lets it end; returns how often it was killed.

    What is there after a kill has to be there after the next. A kill of what had nothing left to train does not count.
    """
    folder.mkdir()
    output, seen, killed = folder / "outputs", {}, 0
    while killed < kills and len(seen) < runs:
        process = start(folder, "-m", *words)
        # The moment is a number of results, and then a time: most of a sweep this small is imports.
        new, began = rng.randrange(4), time.monotonic()
        delay = rng.uniform(0, 3) if new == 0 else rng.uniform(0, 0.1)
        while process.poll() is None and len(versions(output)) < len(seen) + new and time.monotonic() - began < 60:
            time.sleep(0.002)
        time.sleep(delay)
        alive = process.poll() is None
        process.kill()
        process.communicate()
        while orphans(process.pid):
            time.sleep(0.001)
        now = versions(output)
        assert {name: now.get(name) for name in seen} == seen, "a finished run was trained again"
        assert {result["status"] for result in results(output).values()} <= {"finished"}
        seen = now
        killed += alive and len(seen) < runs
    run(folder, "-m", *words)
    now = versions(output)
    assert {name: now[name] for name in seen} == seen, "a finished run was trained again"
    assert len(now) == runs
    assert not list(output.glob("*/*/.*.tmp"))
    # A sweep killed after its last result leaves its empty file of locks, which locks nothing.
    assert len(seen) == runs or not list(output.glob("*/.lock"))
    return killed


@pytest.mark.parametrize("width", [1, 4][: count(1, 2)])
def test_kills(width: int, tmp_path: Path) -> None:
    words = [*GRID, "launcher.workers=2", f"launcher.width={width}"]
    runs, left, turn, rng = count(24, 60), count(2, 100), 0, random.Random(width)
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    run(undisturbed, "-m", *words)
    expected = bits(undisturbed / "outputs")
    assert len(expected) == runs
    while left > 0:
        killed = tmp_path / f"killed{turn}"
        left, turn = left - kill_until_done(killed, words, runs, left, rng), turn + 1
        # A member that is grouped anew after a kill has other neighbours.
        assert bits(killed / "outputs") == expected


LONG = [["loss=soap", "optimizer=adam"], ["loss=reinforce", "optimizer=sgd"]]


@pytest.mark.parametrize("words", LONG[: count(1, 2)])
def test_a_long_run_resumes_to_the_same_bits(words: list[str], tmp_path: Path) -> None:
    long = [*words, f"trainer.epochs={count(250, 400)}", "trainer.batch_size=32", "model.hidden=[16]", "device=cpu"]
    run(tmp_path, *long, "output=whole")
    rng, state = random.Random(1), None
    for _ in range(count(2, 50)):
        process = start(tmp_path, *long, "output=killed", "trainer.resume=true")
        began = time.monotonic()
        while process.poll() is None and time.monotonic() - began < 60:
            states = list((tmp_path / "killed").glob("*/*/state.pt"))
            if states and states[0].stat().st_mtime_ns != state:
                state = states[0].stat().st_mtime_ns
                break
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.2))
        if process.poll() is None:
            process.kill()
        process.communicate()
    assert state is not None
    run(tmp_path, *long, "output=killed", "trainer.resume=true")
    assert bits(tmp_path / "killed") == bits(tmp_path / "whole")
    assert not list((tmp_path / "killed").glob("*/*/state.pt"))


def test_ctrl_c_stores_what_is_finished_and_goes_on(tmp_path: Path) -> None:
    words = ["-m", "loss=bce,soft_f1", "seed=range(20)", *SMALL, "trainer.epochs=40", "launcher.width=1"]
    requests = [(signal.SIGINT, 1), (signal.SIGINT, 2), *[(signal.SIGTERM, 1)] * count(0, 1)]
    for number, times in requests:
        before = versions(tmp_path / "outputs")
        process = start(tmp_path, *words)
        while len(versions(tmp_path / "outputs")) < len(before) + 2 and process.poll() is None:
            time.sleep(0.01)
        for _ in range(times):
            os.killpg(process.pid, number)
            time.sleep(0.02)
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 130, out
        assert "Traceback" not in out, out
        assert not orphans(process.pid)
        if times == 1:
            assert "the same command goes on from there" in out
            assert "breast_cancer, mlp" in out
        now = versions(tmp_path / "outputs")
        assert len(before) < len(now) < 40
        assert {name: now[name] for name in before} == before
    before = versions(tmp_path / "outputs")
    run(tmp_path, *words)
    now = versions(tmp_path / "outputs")
    assert len(now) == 40
    assert {name: now[name] for name in before} == before


def test_a_terminal_that_is_closed_is_a_ctrl_c(tmp_path: Path) -> None:
    """It also takes no more of what is printed."""
    words = ["-m", "loss=bce,soft_f1", "seed=range(20)", *SMALL, "trainer.epochs=40", "launcher.width=1"]
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "surrogate_bench", *words]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdin=end, stdout=end, stderr=end, start_new_session=True, preexec_fn=control
    )
    os.close(end)
    while len(versions(tmp_path / "outputs")) < 2 and process.poll() is None:
        time.sleep(0.01)
    os.close(terminal)
    assert process.wait(timeout=60) == 130
    assert not orphans(process.pid)
    assert 2 <= len(results(tmp_path / "outputs")) < 40
    assert not list(tmp_path.glob("outputs/*/*/.*"))


def control() -> None:
    """Makes the standard input the terminal whose end is told."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_ctrl_c_within_code_in_a_string(tmp_path: Path) -> None:
    """Imports are full of it, and Python then forgets that the interrupt was handled."""
    (tmp_path / "loss.py").write_text("""exec("import os, signal; os.kill(os.getpid(), signal.SIGINT)")""")
    assert run(tmp_path, "loss=custom", "loss.path=loss.py:Loss", code=130).endswith("interrupted\n")


def test_ctrl_c_of_which_a_library_makes_an_error_of_its_own(tmp_path: Path) -> None:
    interrupt = "    __import__('os').kill(__import__('os').getpid(), 2)"
    (tmp_path / "loss.py").write_text(f"try:\n{interrupt}\nexcept BaseException:\n    raise ValueError\n")
    assert run(tmp_path, "loss=custom", "loss.path=loss.py:Loss", code=130) == "interrupted\n"


SWALLOWED = """
import os, torch
class Once:
    def __del__(self):
        os.kill(os.getpid(), 2)
        str()
Once()
Loss = torch.nn.BCEWithLogitsLoss
"""


def test_ctrl_c_that_python_swallows(tmp_path: Path) -> None:
    """It does where a value is cleaned up, as the locks of imports are."""
    (tmp_path / "loss.py").write_text(SWALLOWED)
    assert run(tmp_path, "loss=custom", "loss.path=loss.py:Loss", code=130) == "interrupted\n"


def test_ctrl_c_after_the_last_word_changes_no_exit_code(tmp_path: Path) -> None:
    at_exit = "import atexit, os; atexit.register(os.kill, os.getpid(), 2)"
    (tmp_path / "sitecustomize.py").write_text(at_exit)
    run(tmp_path, "list", "losses", env=os.environ | {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"})


def test_two_sweeps_share_one_experiment(tmp_path: Path) -> None:
    words = ["-m", "loss=bce,soft_f1,soft_precision", "seed=range(4)", *SMALL, "launcher.width=2"]
    shared = 0
    for turn in range(count(1, 20)):
        output = f"output=turn{turn}"
        processes = [start(tmp_path, *words, output) for _ in range(2)]
        first: dict[str, tuple[int, int]] = {}
        while any(process.poll() is None for process in processes):
            for name, version in versions(tmp_path / f"turn{turn}").items():
                assert first.setdefault(name, version) == version, "a run was written twice"
            time.sleep(0.002)
        outs = [process.communicate(timeout=240)[0] for process in processes]
        assert [process.returncode for process in processes] == [0, 0], outs
        tables = [[line for line in out.splitlines() if line.startswith(("bce ", "soft_"))] for out in outs]
        assert len(tables[0]) == 5  # three means, two differences
        shared += any("another process" in out for out in outs)
        assert tables[0] == tables[1]
        assert len(results(tmp_path / f"turn{turn}")) == 12
        assert versions(tmp_path / f"turn{turn}").items() >= first.items()
    assert shared >= count(0, 5)


def test_a_run_that_is_kept_failed(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(RAISES)
    words = ["-m", "loss=custom", "loss.path=bad.py:Bad", "seed=range(2)", *SMALL]
    run(tmp_path, *words, code=1)
    before = versions(tmp_path / "outputs")
    out = run(tmp_path, *words, "retry_failed=false", code=1)
    assert versions(tmp_path / "outputs") == before
    assert out.count("again: surrogate-bench") == 2
    run(tmp_path, *words, code=1)
    assert not set(versions(tmp_path / "outputs").values()) & set(before.values())
