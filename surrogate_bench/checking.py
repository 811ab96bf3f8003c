"""Sweeps by Hydra's own sweeper, or by launchers of others, whose words are checked before anything is written.

Ours find every mistake before they begin; those compose and run one job after the other.
"""

from __future__ import annotations

from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

OURS = {"hydra_plugins.surrogate_bench.Sweeper", "hydra_plugins.surrogate_bench.PopulationLauncher"}
BASIC = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"


class Refused(BaseException):
    """What is wrong with a sweep, as its cause: Hydra makes a warning of any Exception of a callback."""


class Check(Callback):
    """Finds out whether a sweep's jobs can all be run, where it is known before what they are."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        sweeper, launcher = (config.hydra[kind]["_target_"] for kind in ("sweeper", "launcher"))
        if {sweeper, launcher} == OURS or sweeper not in {*OURS, BASIC}:
            return
        try:
            _check(config)
        except Exception as error:
            raise Refused from error


def _check(config: DictConfig) -> None:
    from hydra_plugins.surrogate_bench import Sweeper
    from surrogate_bench import composition, launcher

    loader = GlobalHydra.instance().config_loader()
    own: Any = OmegaConf.to_container(config.hydra.sweeper)
    del own["_target_"]
    jobs = Sweeper(**own).jobs(loader, list(config.hydra.overrides.task))
    launcher.check(composition.compose(loader, config, jobs))
