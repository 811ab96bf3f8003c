"""A sweep's jobs as configurations, at a fraction of a millisecond each.

Hydra composes a job in 50 to 100 ms. Here that happens once for every distinct choice of groups; the values of the
other words are set on a copy, and checked by its types as they are set.
"""

from __future__ import annotations

import copy
import functools
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from surrogate_bench import config
from surrogate_bench.errors import UserError


def compose(loader: Any, master: DictConfig, jobs: list[list[str]]) -> list[config.RunConfig]:
    """The run of each job's override words. Raises UserError or Hydra's errors for the first word that is wrong."""
    parser = OverridesParser.create(config_loader=loader)
    parse = functools.cache(parser.parse_override)

    @functools.cache
    def base(structural: tuple[str, ...]) -> DictConfig:
        return config.typed(loader.load_sweep_config(master, list(structural)))

    runs = []
    for words in jobs:
        overrides = [parse(word) for word in words]
        values = [override for override in overrides if _sets_a_value(override)]
        composed = copy.deepcopy(base(tuple(w for w, o in zip(words, overrides, strict=True) if not _sets_a_value(o))))
        for override in values:
            _set(composed, override)
        runs.append(config.resolve(composed))
    return runs


def _sets_a_value(override: Override) -> bool:
    """Whether a word only changes a value that is there, so that nothing else depends on it."""
    key = override.key_or_group
    plain = not (override.is_add() or override.is_delete() or override.is_force_add() or override.package)
    return plain and key not in config.GROUPS and "/" not in key and not key.startswith("hydra.")


def _set(composed: DictConfig, override: Override) -> None:
    try:
        OmegaConf.update(composed, override.key_or_group, override.value(), force_add=False)
    except OmegaConfBaseException as error:
        raise config.explain(error) from error
    except (KeyError, AttributeError, TypeError) as error:
        raise UserError(f"cannot set {override.input_line}: {error}") from error
