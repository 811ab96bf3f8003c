"""Runs that start from the weights of others: which one that is, and what has to wait for what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from surrogate_bench.config.schema import PREVIOUS, RunConfig
from surrogate_bench.store.run_id import predecessor, run_id


def chained(runs: list[RunConfig], device: str) -> list[RunConfig]:
    """The runs with the name of the run before it in place of each `previous`.

    Before a run is the one on the same data, model and seed that comes before it by fold, then by its place in the
    sweep; the first of them starts anew.
    """
    last: dict[str, str] = {}
    found = list(runs)
    for i in sorted(range(len(runs)), key=lambda i: runs[i].dataset["fold"] or 0):
        run = runs[i]
        if run.trainer.warm_start == PREVIOUS:
            chain = json.dumps([run.dataset | {"fold": None}, run.model, run.seed], sort_keys=True, default=str)
            trainer = replace(run.trainer, warm_start=f"{PREVIOUS}:{last.get(chain, '')}")
            found[i] = replace(run, trainer=trainer)
            last[chain] = run_id(found[i], device)
    return found


def waves(runs: dict[Path, RunConfig]) -> Iterator[list[Path]]:
    """The runs' folders in portions: each starts from none but runs of earlier portions, or from what is stored."""
    left = set(runs)
    while left:
        ready = [place for place, run in runs.items() if place in left and predecessor(run) not in left]
        yield ready
        left.difference_update(ready)
