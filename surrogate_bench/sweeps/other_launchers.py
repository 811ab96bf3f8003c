"""Launchers that are not ours: their jobs tell what came of them, and a job that is lost costs no other one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.plugins import Plugins
from hydra.types import HydraContext
from omegaconf import DictConfig

from surrogate_bench.config import compose as composition
from surrogate_bench.config.overrides import command
from surrogate_bench.config.parse import read
from surrogate_bench.config.schema import RunConfig
from surrogate_bench.errors import in_words
from surrogate_bench.store import runs as store
from surrogate_bench.sweeps import launch as launcher


@dataclass
class Told:
    """The outcome of a job, sent from the process that it ran in to the one that asked for it."""

    value: float | None
    done: list[Path]
    failures: list[tuple[str, str]]


def job(composed: DictConfig) -> Told:
    """Trains one job, in whatever process and folder the launcher has put it."""
    sweep = launcher.launch([read(composed)], summary=False)
    return Told(sweep.objectives[0], [Path(os.path.abspath(place)) for place in sweep.done], sweep.failures)


class Watch:
    """A launcher of others, whose jobs' results are recorded for the table that ends the sweep."""

    def __init__(self, config: DictConfig, context: HydraContext) -> None:
        self.config, self.loader = config, context.config_loader
        self.name = str(config.hydra.launcher._target_).split(".")[-1]
        self.inner = Plugins.instance().instantiate_launcher(context, job, config)

    def launch(self, words: list[list[str]], first: int) -> list[float | None]:
        """The value of each job, None where it has none. Raises what a job raised, when all others are recorded."""
        jobs = [_Job(*both) for both in zip(words, composition.compose(self.loader, self.config, words), strict=True)]
        self.jobs = jobs
        try:
            self._launch(jobs, first)
        finally:
            for each in jobs:
                each.record()
        for each in jobs:
            if each.error:
                raise each.error
        return [each.told.value if each.told else None for each in jobs]

    def _launch(self, jobs: list[_Job], first: int) -> None:
        """Launches these jobs; where the launcher raises, the jobs that it lost are launched again in halves."""
        try:
            returned = self.inner.launch([each.words for each in jobs], initial_job_idx=first)
        except Exception as error:
            lost = [each for each in jobs if not each.find()]
            if self._loses_all():
                raise
            if len(jobs) == 1:
                for each in lost:
                    each.lose(f"{self.name} lost the process that trained it: {in_words(error)}")
                return
            for half in (lost[: len(lost) // 2], lost[len(lost) // 2 :]):
                if half:
                    self._launch(half, first)
            return
        for each, back in zip(jobs, returned, strict=False):
            each.hear(back._return_value)
        for each in jobs:
            if not (each.told or each.error or each.find()):
                each.lose(f"{self.name} returned without its result")

    def _loses_all(self) -> bool:
        """True if it is the launcher that fails: it has lost a job launched alone, and none has begun to train."""
        told = [each.told for each in self.jobs if each.told]
        if any(each.begun() for each in self.jobs) or any(each.done for each in told):
            return False
        if not told and len(self.jobs) > 1:
            return False
        for each in self.jobs:
            each.told = None
        return True


class _Job:
    """A job and what is known of it."""

    def __init__(self, words: Sequence[str], run: RunConfig) -> None:
        self.words, self.run = words, run
        # `auto` is the job's own device, which this machine, a cluster's entrance perhaps, need not have.
        kinds = ("cpu", "cuda") if run.device == "auto" else (run.device,)
        places = [store.folder(run, kind) for kind in kinds]
        self.before = {place: (_version(place / store.ENVIRONMENT), store.version(place)) for place in places}
        self.told: Told | None = None
        self.error: BaseException | None = None

    def hear(self, value: Any) -> None:
        """Takes what the job returned or raised."""
        self.told = value if isinstance(value, Told) else None
        self.error = value if isinstance(value, BaseException) else None

    def find(self) -> bool:
        """True if the job's result has been stored by now, of which no process has told."""
        for place, (_, version) in self.before.items():
            result = store.read_result(place)
            if result and store.version(place) != version:
                failed = not store.is_done(result)
                failures = [(str(result.get("reason")), command(self.run))] if failed else []
                self.told = Told(store.objective(result), [] if failed else [place], failures)
                return True
        return False

    def begun(self) -> Path | None:
        """The run's folder, where a process has come as far as that."""
        return next((p for p, (version, _) in self.before.items() if _version(p / store.ENVIRONMENT) != version), None)

    def lose(self, reason: str) -> None:
        """Takes the run for failed, and stores that where it had begun."""
        if place := self.begun():
            store.save_failure(self.run, place, reason, reason)
        self.told = Told(None, [], [(reason, command(self.run))])

    def record(self) -> None:
        """Has the sweep's end tell of this job."""
        if self.told or self.find():
            assert self.told
            here = Path.cwd()
            near = [place.relative_to(here) if place.is_relative_to(here) else place for place in self.told.done]
            launcher.record(near, self.told.failures)


def _version(file: Path) -> tuple[int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns
