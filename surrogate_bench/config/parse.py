"""From what Hydra composes to a run: every key known, every value of its type, every complaint in words.

A component is typed by its signature, read from its source: no configuration's word imports anything, nor torch.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Any

from omegaconf import MISSING, DictConfig, ListConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, OmegaConfBaseException
from omegaconf.resolvers import oc

from surrogate_bench.config import hints
from surrogate_bench.config.schema import GROUPS, OF_EVERY_DATASET, LauncherConfig, RunConfig, Settings, TrainerConfig
from surrogate_bench.errors import UserError
from surrogate_bench.registry import entries, lookup

# OmegaConf's words for a value that is no number where one is due.
NO_NUMBER = re.compile(r"Value '(.*)' of type '\w+' could not be converted to (?:Integer|Float)")


def read(composed: DictConfig) -> RunConfig:
    """The run of a composed configuration. Raises UserError for the first key or value that does not fit."""
    return resolve(plain(typed(composed)))


def typed(composed: DictConfig) -> DictConfig:
    """The composed configuration on its schema: every key known, every value of its type, `+` or not.

    Raises UserError for the first key or value that does not fit.
    """
    given = OmegaConf.to_container(composed, resolve=False)
    assert isinstance(given, dict)
    given.pop("hydra", None)
    names = {}
    for group in GROUPS:
        choice = given.get(group)
        if not isinstance(choice, dict) or not isinstance(choice.get("name"), str):
            raise UserError(f"{group} must name a choice, as in {group}={next(iter(entries(group)))}")
        names[group] = choice["name"]
    try:
        base = OmegaConf.structured(_schema(**names))
        for group in GROUPS:
            given[group] = {key: listed(base[group].get(key), value) for key, value in given[group].items()}
        return OmegaConf.merge(base, given)  # type: ignore[return-value]
    except OmegaConfBaseException as error:
        raise explain(error) from error


def listed(default: Any, value: Any) -> Any:
    """The value, as a list of one where it is a single one of an option that is a list."""
    single = isinstance(value, str | int | float) and "${" not in str(value) and value != MISSING
    return [value] if single and isinstance(default, ListConfig) else value


def plain(config: DictConfig) -> dict[str, Any]:
    """A typed configuration as nested dictionaries, its interpolations resolved.

    `from_environment` is how it asks for the values of environment variables, where it does.
    """
    try:
        found: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
        asked = dict(_asked(config, OmegaConf.to_container(config), "")) if isinstance(config, DictConfig) else {}
    except OmegaConfBaseException as error:
        raise explain(error) from error
    return found | {"from_environment": asked} if asked else found


def _asked(config: DictConfig, given: Any, place: str) -> Iterator[tuple[str, str]]:
    """Keys of components whose values are of environment variables, if by way of others, and how each asks for them.

    All other values are words that the program knows, seeds and folders' names: they say nothing of a machine.
    """
    for key, value in given.items():
        name = f"{place}{key}"
        if isinstance(value, dict) and (place or key in GROUPS):
            yield from _asked(config, value, f"{name}.")
        elif place and key not in ("name", "fold") and "${" in str(value) and _is_of_environment(config, name):
            yield name, f"[{','.join(map(str, value))}]" if isinstance(value, list) else str(value)


def _is_of_environment(config: DictConfig, key: str) -> bool:
    asked: list[str] = []

    def look(*words: str) -> Any:
        asked.append(words[0])
        return oc.env(*words)

    OmegaConf.register_new_resolver("oc.env", look, replace=True)
    try:
        found = OmegaConf.select(config, key)
        if OmegaConf.is_config(found):
            OmegaConf.to_container(found, resolve=True)
    finally:
        OmegaConf.register_new_resolver("oc.env", oc.env, replace=True)
    return bool(asked)


def resolve(plain: dict[str, Any]) -> RunConfig:
    """The run of a plain configuration. Raises UserError for a missing value and for one out of its range."""
    for group in GROUPS:
        for key, value in plain[group].items():
            if value == MISSING:
                raise UserError(f"{group}.{key} must be given, as in {hints.EXAMPLES.get(f'{group}.{key}', '...')}")
            if isinstance(value, float) and value != value:
                raise UserError(f"{group}.{key} must be a number, not {value}")
            # OmegaConf takes any list or mapping for an item of a list, whatever its type.
            if isinstance(value, list) and any(isinstance(item, list | dict) for item in value):
                raise UserError(f"{group}.{key} must be a list of single values, not {value}")
    nested = {"trainer": TrainerConfig(**plain["trainer"]), "launcher": LauncherConfig(**plain["launcher"])}
    return RunConfig(**plain | nested)


def explain(error: Exception, words: Iterable[str] = ()) -> UserError:
    """OmegaConf's complaint about a key or a value in one of the words, in one line with the nearest right word."""
    key = getattr(error, "full_key", None) or getattr(error, "key", None) or ""
    first = str(error).splitlines()[0]
    if isinstance(error, ConfigKeyError | AttributeError):
        parent = getattr(error, "parent_node", None)
        prefix = str(key).rpartition(".")[0]
        near = hints.instead(str(key), parent._get_root(), words) if isinstance(parent, DictConfig) else ""
        return UserError(f"unknown option {str(key)!r}" + (f" of {prefix}" if prefix else "") + near)
    if wrong := NO_NUMBER.match(first):
        first += hints.sweep(str(key), wrong[1])
    return UserError(f"{key}: {first}" if key else first)


@functools.cache
def _schema(**names: str) -> type:
    components = [(group, _component(group, name)) for group, name in names.items()]
    fields = [(group, kind, field(default_factory=kind)) for group, kind in components]
    return dataclasses.make_dataclass("Run", fields, bases=(Settings,), kw_only=True)


def _component(group: str, name: str) -> type:
    """The schema of one component: its name, its signature, and what every data set has."""
    entry = lookup(group, name)
    common: list[Any] = list(OF_EVERY_DATASET) if group == "dataset" else []
    own = [
        (p.name, p.type, field(default_factory=functools.partial(type(p.default), p.default)))
        if isinstance(p.default, list | dict)
        else (p.name, p.type, MISSING if p.default is ... else p.default)
        for p in entry.parameters
    ]
    return dataclasses.make_dataclass(f"{group}_{name}", [("name", str, name), *own, *common])
