"""How often a torture test tries: a few times in `make test`, the whole in `make torture`."""

from __future__ import annotations

import os


def count(short: int, full: int) -> int:
    """`full` where SURROGATE_BENCH_TORTURE is 1, as `make torture` sets it, else `short`."""
    return full if os.environ.get("SURROGATE_BENCH_TORTURE") == "1" else short
