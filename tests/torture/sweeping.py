"""Sweeps as processes that can be killed, and what they leave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

# Warm interpreters start together with others in these tests: a thread each is enough.
SMALL = ["model.hidden=[8]", "trainer.epochs=10"]


def start(folder: Path, *words: str, **options: Any) -> subprocess.Popen[str]:
    """The program in a session of its own, so that a signal to its group reaches its workers too."""
    command = [sys.executable, "-m", "surrogate_bench", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=folder, stdout=pipe, stderr=subprocess.STDOUT, text=True, start_new_session=True, **options
    )


def run(folder: Path, *words: str, code: int = 0, timeout: float = 240, **options: Any) -> str:
    """What the program prints; it must end with this exit code, without a traceback, and leave no process."""
    process = start(folder, *words, **options)
    return finish(process, code=code, timeout=timeout)


def finish(process: subprocess.Popen[str], *, code: int, timeout: float = 240) -> str:
    out, _ = process.communicate(timeout=timeout)
    assert process.returncode == code, out[-3000:]
    assert "Traceback" not in out, out[-3000:]
    assert not orphans(process.pid)
    return out


def orphans(session: int) -> list[int]:
    """Living processes of a session whose leader has ended."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(entry.parent.name))
    return found


def results(output: Path) -> dict[str, dict[str, Any]]:
    return {path.parent.name: json.loads(path.read_text()) for path in output.glob("*/*/result.json")}


def versions(output: Path) -> dict[str, tuple[int, int]]:
    """Which writing of each result is there: a run trained again after it had finished would have another."""
    stats = {path.parent.name: os.stat(path) for path in output.glob("*/*/result.json")}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in stats.items()}


def bits(output: Path) -> dict[str, tuple[bytes, ...]]:
    """What each run computed, to the last bit."""
    files = ("predictions.npz", "checkpoint.pt", "metrics.jsonl")
    found = {}
    for path in output.glob("*/*/result.json"):
        result = json.loads(path.read_text())
        computed = json.dumps([result[key] for key in ("metrics", "thresholds", "batches", "best_epoch")])
        found[path.parent.name] = (*((path.parent / file).read_bytes() for file in files), computed.encode())
    return found
