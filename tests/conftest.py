"""What all tests share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

# The numbers that tests hold are the CPU's, and a process that has trained beside a GPU cannot be forked: torch's
# threads for it are lost. What a GPU does is tried by scripts/gpu_check.py.
os.environ["CUDA_VISIBLE_DEVICES"] = ""

# A shell has what it starts in the background ignore Ctrl-C, and the programs that these tests interrupt would too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real data that the repository does not hold; the test skips where there is none."""
    root = Path(os.environ.get("SURROGATE_BENCH_DATA", REPOSITORY.parent / "shared" / "data"))
    if not root.is_dir():
        pytest.skip("no real data here: set SURROGATE_BENCH_DATA to its folder")
    return root
