"""Validates the words of a sweep before Hydra creates folders or starts the first job.

Our own sweeper and launcher find every mistake before they begin; Hydra's, and those of others, compose and run one job
after the other. A single run that wants a folder of Hydra's gets it before it is looked at.
"""

from __future__ import annotations

from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from surrogate_bench.config.parse import read
from surrogate_bench.config.schema import RunConfig

OURS = {"hydra_plugins.surrogate_bench.Sweeper", "hydra_plugins.surrogate_bench.PopulationLauncher"}
WATCHED = "hydra_plugins.surrogate_bench.WatchedLauncher"
BASIC = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"
HERE = {"hydra_plugins.surrogate_bench.PopulationLauncher", "hydra._internal.core_plugins.basic_launcher.BasicLauncher"}


class Refused(BaseException):
    """Carries a mistake in the words out of a callback of Hydra, which makes a warning of any Exception there."""


class Check(Callback):
    """Finds out whether a run, or all jobs of a sweep, can be run, where it is known before what they are.

    A launcher of others gets its watch here, where Hydra has composed which one it is.
    """

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        if config.hydra.run.dir == "." and config.hydra.output_subdir is None:
            return  # Hydra writes nothing
        try:
            _launchable([read(config)])
        except Exception as error:
            raise Refused from error

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        sweeper, launcher = (config.hydra[kind]["_target_"] for kind in ("sweeper", "launcher"))
        if {sweeper, launcher} != OURS and sweeper in {*OURS, BASIC}:
            try:
                _check(config)
            except Exception as error:
                raise Refused from error
        if launcher not in OURS:
            with read_write(config), open_dict(config):
                # `_recursive_`: Hydra would make the other launcher from the word for it.
                config.hydra.launcher = {"_target_": WATCHED, "_recursive_": False, "launcher": config.hydra.launcher}


def _check(config: DictConfig) -> None:
    from hydra_plugins.surrogate_bench import Sweeper
    from surrogate_bench.config import compose as composition

    loader = GlobalHydra.instance().config_loader()
    own: Any = OmegaConf.to_container(config.hydra.sweeper)
    del own["_target_"]
    jobs = Sweeper(**own).jobs(loader, list(config.hydra.overrides.task), config.hydra.runtime.choices)
    here = config.hydra.launcher["_target_"] in HERE
    _launchable(composition.compose(loader, config, jobs), here=here)


def _launchable(runs: list[RunConfig], *, here: bool = True) -> None:
    from surrogate_bench.sweeps import launch as launcher

    launcher.check(runs, here=here)
