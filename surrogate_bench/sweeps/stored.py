"""Finds stored results before a sweep trains: those that count, and those that are stale or changed."""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from surrogate_bench.config.schema import PROTOCOL, RunConfig
from surrogate_bench.errors import warn
from surrogate_bench.store import runs as store
from surrogate_bench.store.provenance import is_earlier, stale
from surrogate_bench.store.run_id import former_ids, predecessor
from surrogate_bench.system.files import ChangedError

CHANGED = "changed since it was written"


@dataclass
class Job:
    """One run of a sweep: where it goes, the version of the result that was there before, and what came of it.

    `stale` says why a stored result is not what the run would give now, or is CHANGED; `data` is the digest of the data
    that it was trained on; `earlier` is one of a version that wrote down neither.
    """

    run: RunConfig
    place: Path
    status: str | None = None
    reason: str | None = None
    value: float | None = None
    found: bool = False
    version: tuple[int, int] | None = None
    stale: str | None = None
    data: str | None = None
    earlier: bool = False

    def take(self, result: dict[str, Any]) -> None:
        """Takes a stored result for the run's, unless it is stale and is not to be kept all the same."""
        self.stale = stale(self.run, result)
        if self.run.keep_stale or not self.stale:
            self.status, self.reason, self.found = result["status"], result.get("reason"), True
            self.value, self.earlier = store.objective(result), is_earlier(result)
            content = result.get("content")
            self.data = content.get("data") if isinstance(content, dict) else None

    def drop(self, why: str) -> None:
        """Finds out that the result is stale; it stays where it is to be kept."""
        self.stale = why
        if not self.run.keep_stale:
            self.status, self.reason, self.value, self.found, self.earlier = None, None, None, False, False


def find(run: RunConfig, place: Path, device: str) -> Job:
    """The job of a run, with the result that there is of it, in its folder or that of an earlier revision."""
    job = Job(run, place, version=store.version(place))
    if run.force:
        return job
    try:
        result = store.untouched(place) if job.version else None
    except ChangedError:
        job.stale = CHANGED
        return job
    if _counts(result, run):
        job.take(result)
    elif result is None:
        for name in former_ids(run, device):
            former = store.read_result(place.with_name(name))
            if _counts(former, run):
                job.take(former)
                job.place = place.with_name(name) if job.found else place
                break
    return job


def _counts(result: dict[str, Any] | None, run: RunConfig) -> TypeGuard[dict[str, Any]]:
    """True if there is a result that need not be trained again, if it is not stale."""
    return result is not None and (store.is_done(result) or (not run.retry_failed and result.get("status") == "failed"))


def follow(jobs: dict[Path, Job]) -> None:
    """Drops the results of runs that start from the weights of one that is stale and is to be trained again."""
    after: dict[Path | None, list[Job]] = defaultdict(list)
    for job in jobs.values():
        if job.run.trainer.warm_start:
            after[predecessor(job.run)].append(job)
    left = [place for place, job in jobs.items() if job.stale not in (None, CHANGED) and not job.found] if after else []
    while left:
        for job in after.pop(left.pop(), ()):
            if job.found:
                job.drop("that started from a stale one")
                left.append(job.place)


def other_data(jobs: Iterable[Job], now: dict[str, str]) -> bool:
    """Drops the results of other data than there are `now`, by `source_key`; returns whether there are any."""
    found = False
    for job in jobs:
        if now and job.found and job.data not in (None, now.get(source_key(job.run), job.data)):
            job.drop("on other data")
            found = True
    return found


def source_key(run: RunConfig) -> str:
    """The key of a run's data set before any split."""
    return json.dumps({k: v for k, v in run.dataset.items() if k not in PROTOCOL}, sort_keys=True, default=str)


def tell(jobs: list[Job]) -> None:
    """Says in a line each how many stored results are stale or changed, and how many are of earlier versions."""
    for kept in (False, True):
        whys = Counter(job.stale for job in jobs if job.stale not in (None, CHANGED) and job.found is kept)
        if whys:
            what = "kept by keep_stale=true" if kept else "trained again (keep_stale=true keeps them)"
            told = ", ".join(f"{count} {why}" for why, count in whys.items())
            warn(f"{whys.total()} of {len(jobs)} runs had a stale result, {what}: {told}")
    changed = [job.place for job in jobs if job.stale == CHANGED]
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        warn(f"{CHANGED}, and trained again: {changed[0]}{more}")
    if earlier := sum(job.earlier for job in jobs):
        told = "by an earlier version, which wrote down neither its revision nor what it read"
        print(f"{earlier} of {len(jobs)} runs are {told}: force=true trains them again", file=sys.stderr)
