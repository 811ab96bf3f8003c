"""Hydra looks here for launchers and sweepers; what they do is `surrogate_bench.sweeps.launch`'s.

Every Hydra program of the environment imports this file, so it imports next to nothing itself.
"""

import copy
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper, BasicSweeperConf
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Override
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict, read_write

MOST_JOBS = 1_000_000


class PopulationLauncher(Launcher):
    """Trains a sweep's runs side by side."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:  # noqa: ARG002
        from surrogate_bench.config import compose as composition
        from surrogate_bench.sweeps import launch as launcher

        loader = self.hydra_context.config_loader
        runs = composition.compose(loader, self.config, resolved(loader, self.config, job_overrides))
        return completed(job_overrides, launcher.launch(runs, sweep=True).objectives)


class WatchedLauncher(Launcher):
    """A launcher of others, for which `commands.preflight.Check` puts this: its jobs tell what came of them."""

    def __init__(self, launcher: DictConfig) -> None:
        self.launcher = launcher

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:  # noqa: ARG002
        from surrogate_bench.sweeps.other_launchers import Watch

        self.loader, self.config = hydra_context.config_loader, config
        self.watch = Watch(with_launcher(config, self.launcher), hydra_context)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        values = self.watch.launch(resolved(self.loader, self.config, job_overrides), initial_job_idx)
        return completed(job_overrides, values)


def resolved(loader: Any, config: DictConfig, job_overrides: Sequence[Sequence[str]]) -> list[list[str]]:
    """The words of each job, with those options that its own choices have: another's sweeper may know no better."""
    from surrogate_bench.config.owned import Options

    return Options(loader, config.hydra.runtime.choices).resolved(map(list, job_overrides))


def completed(job_overrides: Sequence[Sequence[str]], values: list[float | None]) -> list[JobReturn]:
    """The jobs' results as Hydra's sweepers take them: a failed run has no value, and ends nobody's sweep."""
    return [
        JobReturn(overrides=words, status=JobStatus.COMPLETED, _return_value=value)
        for words, value in zip(job_overrides, values, strict=True)
    ]


def with_launcher(config: DictConfig, launcher: DictConfig) -> DictConfig:
    """A copy of Hydra's configuration with another launcher."""
    changed = copy.deepcopy(config)
    with read_write(changed), open_dict(changed):
        changed.hydra.launcher = launcher
    return changed


class Sweeper(BasicSweeper):
    """Hydra's own sweeper, without composing every job once more merely to see that it can be, and without a file.

    With `parts`, a list of words each, the sweep is one product after the other: of `params`, a part's, and those of
    the command line, where a later word of one key takes the place of an earlier one.
    """

    def __init__(self, *, parts: list[dict[str, Any]] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.parts = parts or [{}]

    def sweep(self, arguments: list[str]) -> Any:
        jobs = self.jobs(self.hydra_context.config_loader, arguments, self.config.hydra.runtime.choices)
        size = self.max_batch_size or len(jobs)
        batches = [jobs[start : start + size] for start in range(0, len(jobs), size)]
        return [self.launcher.launch(batch, initial_job_idx=i * size) for i, batch in enumerate(batches)]

    def jobs(self, loader: Any, arguments: list[str], choices: Any) -> list[list[str]]:
        """Each job's words; `choices` are those of groups that no word chooses from."""
        from surrogate_bench.config.owned import Options

        options = Options(loader, choices)
        parts = ([f"{key}={value}" for key, value in part.items()] for part in self.parts)
        sweeps = [[*self._parse_config(), *part, *arguments] for part in parts]
        options.check(arguments, sweeps)
        found: dict[tuple[str, ...], None] = {}
        for overrides in (product for words in sweeps for product in options.products(words)):
            check_count(overrides, len(found))
            for batch in self.split_arguments(overrides, None):
                found |= dict.fromkeys(map(tuple, batch))
        return list(map(list, found))


def check_count(overrides: list[Override], others: int = 0) -> None:
    """Raises UserError for a sweep over nothing, and for one that would fill the memory before its first run.

    Of several words for one key the last counts, as where the jobs are made. There are `others` beside these.
    """
    from surrogate_bench.errors import UserError

    jobs = 1
    for override in {override.get_key_element(): override for override in overrides}.values():
        if override.is_sweep_override() and override.is_discrete_sweep():
            values = sum(1 for _ in itertools.islice(override.sweep_string_iterator(), MOST_JOBS + 1))
            if not values:
                raise UserError(f"{override.input_line!r} has no value to sweep over")
            jobs *= values
            if jobs + others > MOST_JOBS:
                raise UserError(f"a sweep may have {MOST_JOBS:,} runs, and {override.input_line!r} makes more of them")


@dataclass
class PopulationLauncherConf:
    _target_: str = "hydra_plugins.surrogate_bench.PopulationLauncher"


@dataclass
class SweeperConf(BasicSweeperConf):
    _target_: str = "hydra_plugins.surrogate_bench.Sweeper"
    parts: list[dict[str, Any]] | None = None


for group, node in (("hydra/launcher", PopulationLauncherConf), ("hydra/sweeper", SweeperConf)):
    ConfigStore.instance().store(group=group, name="surrogate_bench", node=node, provider="surrogate_bench")
