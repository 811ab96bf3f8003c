"""A sweep's jobs as configurations, at a fraction of a millisecond each.

Hydra composes a job in 50 to 100 ms. Here that happens once for every choice of a group, not for every combination of
choices: each is composed beside the defaults of the other groups, and what it makes of its own group is put together
with theirs. Where a choice changes more than its own group, its combinations are composed one by one. The values of
the other words are set on a copy, and checked by its types as they are set.
"""

from __future__ import annotations

import copy
import functools
import json
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from surrogate_bench.config.parse import explain, listed, plain, resolve, typed
from surrogate_bench.config.schema import GROUPS, RunConfig
from surrogate_bench.errors import UserError

Words = tuple[str, ...]


def compose(loader: Any, master: DictConfig, jobs: list[list[str]]) -> list[RunConfig]:
    """The run of each job's override words. Raises UserError or Hydra's errors for the first word that is wrong."""
    composer = _Composer(loader, master)
    runs = []
    for words in jobs:
        overrides = {word: composer.parse(word) for word in words}
        base = composer.base(tuple(word for word, override in overrides.items() if not _sets_a_value(override)))
        runs.append(resolve(base.with_values([o for o in overrides.values() if _sets_a_value(o)])))
    return runs


class _Composer:
    """Composes each choice of a group once, and puts jobs together from them."""

    def __init__(self, loader: Any, master: DictConfig) -> None:
        self.parse = functools.cache(OverridesParser.create(config_loader=loader).parse_override)
        self.base = functools.cache(self._base)
        self.whole = functools.cache(lambda words: _Base(typed(loader.load_sweep_config(master, list(words)))))
        self.alone = functools.cache(self._alone)

    def _base(self, words: Words) -> _Base | _Combined:
        """The configuration of these words: put together from each choice's own, or composed as they are."""
        choices = {self.parse(word).key_or_group: word for word in words if _chooses(self.parse(word))}
        rest = tuple(word for word in words if word not in choices.values())
        if len(choices) < 2 or any(_reaches_groups(self.parse(word)) for word in rest):
            return self.whole(words)
        owners = {group: self.alone(group, word, rest) for group, word in choices.items()}
        found = {group: owner for group, owner in owners.items() if owner is not None}
        return _Combined(self.whole(rest), found) if len(found) == len(owners) else self.whole(words)

    def _alone(self, group: str, word: str, rest: Words) -> _Base | None:
        """The configuration of one choice beside the other groups' defaults; None if it changes others' keys."""
        try:
            before, after = self.whole(rest), self.whole((*rest, word))
        except (HydraException, OmegaConfBaseException, UserError):
            return None  # wrong beside these defaults, which says nothing of other choices
        alike = after.plain | {group: before.plain[group]} == before.plain
        return after if alike and before.fixed and after.fixed else None


class _Base:
    """A composed configuration, from which those that differ in values are made."""

    def __init__(self, composed: DictConfig) -> None:
        self.composed = composed
        self.plain = plain(composed)
        # A value that stands for another one has to be resolved for each job.
        self.fixed = "${" not in json.dumps(OmegaConf.to_container(composed), default=str)
        self.scratch = copy.deepcopy(composed)
        self.checked: dict[str, Any] = {}

    def with_values(self, overrides: list[Override]) -> dict[str, Any]:
        """The plain configuration with these values."""
        if not self.fixed:
            composed = copy.deepcopy(self.composed)
            for override in overrides:
                _set(composed, override)
            return plain(composed)
        return _with(self.plain, {override.key_or_group: self.value(override) for override in overrides})

    def value(self, override: Override) -> Any:
        """The word's value as its type has it, found out once."""
        word, key = str(override.input_line), override.key_or_group
        if word not in self.checked:
            # A mapping is merged with what is there; anything else takes its place, whatever was set before.
            composed = copy.deepcopy(self.composed) if isinstance(override.value(), dict) else self.scratch
            _set(composed, override)
            found = OmegaConf.select(composed, key, default=MISSING)
            self.checked[word] = OmegaConf.to_container(found) if OmegaConf.is_config(found) else found
        return self.checked[word]


class _Combined:
    """A configuration whose groups are of several composed ones."""

    def __init__(self, common: _Base, owners: dict[str, _Base]) -> None:
        self.common, self.owners = common, owners
        self.plain = common.plain | {group: owner.plain[group] for group, owner in owners.items()}

    def with_values(self, overrides: list[Override]) -> dict[str, Any]:
        """The plain configuration with these values."""
        owners = ((o, self.owners.get(o.key_or_group.partition(".")[0], self.common)) for o in overrides)
        return _with(self.plain, {override.key_or_group: owner.value(override) for override, owner in owners})


def _with(plain: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """A configuration with other values, which shares with it what they do not change."""
    changed = dict(plain)
    for name, value in values.items():
        *path, key = name.split(".")
        node = changed
        for part in path:
            node[part] = node = dict(node[part])
        node[key] = value
    return changed


def _is_plain(override: Override) -> bool:
    """True if a word is no more than key=value: nothing added, deleted or put elsewhere."""
    return not (override.is_add() or override.is_delete() or override.is_force_add() or override.package)


def _chooses(override: Override) -> bool:
    """True if a word is one of a group's choices by its name."""
    return _is_plain(override) and override.key_or_group in GROUPS and isinstance(override.value(), str)


def _reaches_groups(override: Override) -> bool:
    """True if a word may change what is in a group."""
    return override.key_or_group.partition(".")[0] in GROUPS or bool(override.package)


def _sets_a_value(override: Override) -> bool:
    """True if a word only changes a value that is there, so that nothing else depends on it."""
    key = override.key_or_group
    simple = _is_plain(override) and "${" not in str(override.input_line)
    return simple and key not in GROUPS and "/" not in key and not key.startswith("hydra.")


def _set(composed: DictConfig, override: Override) -> None:
    try:
        key, value = override.key_or_group, override.value()
        value = listed(OmegaConf.select(composed, key, default=None), value)
        OmegaConf.update(composed, key, value, force_add=False)
    except OmegaConfBaseException as error:
        raise explain(error, [str(override.input_line)]) from error
    except (KeyError, AttributeError, TypeError) as error:
        raise UserError(f"cannot set {override.input_line}: {error}") from error
