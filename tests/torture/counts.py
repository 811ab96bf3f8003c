"""How often a torture test tries: a few times in `make test`, the whole in `make torture`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings


def examples(short: int, full: int) -> settings:
    """So many drawn examples, none of them kept or made smaller: one that fails is told as it is."""
    return settings(
        max_examples=count(short, full),
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def count(short: int, full: int) -> int:
    """`full` where SURROGATE_BENCH_TORTURE is 1, as `make torture` sets it, else `short`."""
    return full if os.environ.get("SURROGATE_BENCH_TORTURE") == "1" else short
