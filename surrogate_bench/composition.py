"""A sweep's jobs as configurations, at a fraction of a millisecond each.

Hydra composes a job in 50 to 100 ms. Here that happens once for every distinct choice of groups; the values of the
other words are set on a copy, and checked by its types as they are set.
"""

from __future__ import annotations

import copy
import functools
import json
import operator
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
    bases = functools.cache(lambda words: _Base(config.typed(loader.load_sweep_config(master, list(words)))))
    runs = []
    for words in jobs:
        overrides = {word: parse(word) for word in words}
        base = bases(tuple(word for word, override in overrides.items() if not _sets_a_value(override)))
        runs.append(config.resolve(base.with_values([o for o in overrides.values() if _sets_a_value(o)])))
    return runs


class _Base:
    """A composed configuration, from which those that differ in values are made."""

    def __init__(self, composed: DictConfig) -> None:
        self.composed = composed
        self.plain = config.plain(composed)
        # A value that stands for another one has to be resolved for each job.
        self.fixed = "${" not in json.dumps(OmegaConf.to_container(composed), default=str)
        self.checked: dict[str, Any] = {}

    def with_values(self, overrides: list[Override]) -> dict[str, Any]:
        """The plain configuration with these values."""
        if not self.fixed:
            composed = copy.deepcopy(self.composed)
            for override in overrides:
                _set(composed, override)
            return config.plain(composed)
        plain = dict(self.plain)  # what a job does not change it shares with the others
        for override in overrides:
            *path, key = override.key_or_group.split(".")
            node = plain
            for part in path:
                node[part] = node = dict(node[part])
            node[key] = self._value(override)
        return plain

    def _value(self, override: Override) -> Any:
        """The word's value as its type has it, found out once."""
        word = str(override.input_line)
        if word not in self.checked:
            composed = copy.deepcopy(self.composed)
            _set(composed, override)
            self.checked[word] = functools.reduce(
                operator.getitem, override.key_or_group.split("."), config.plain(composed)
            )
        return self.checked[word]


def _sets_a_value(override: Override) -> bool:
    """Whether a word only changes a value that is there, so that nothing else depends on it."""
    key = override.key_or_group
    plain = not (override.is_add() or override.is_delete() or override.is_force_add() or override.package)
    simple = plain and "${" not in str(override.input_line)
    return simple and key not in config.GROUPS and "/" not in key and not key.startswith("hydra.")


def _set(composed: DictConfig, override: Override) -> None:
    try:
        OmegaConf.update(composed, override.key_or_group, override.value(), force_add=False)
    except OmegaConfBaseException as error:
        raise config.explain(error) from error
    except (KeyError, AttributeError, TypeError) as error:
        raise UserError(f"cannot set {override.input_line}: {error}") from error
