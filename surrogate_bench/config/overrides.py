"""The command that repeats a run."""

from __future__ import annotations

import dataclasses
import re
import shlex
from typing import Any

from surrogate_bench.config.schema import GROUPS, OF_EVERY_DATASET, RunConfig
from surrogate_bench.registry import lookup

# What the command does not say: groups, said before, and what changes no number.
UNSAID = (*GROUPS, "trainer", "launcher", "suite", "retry_failed", "keep_stale", "from_environment")
# Texts that nothing takes for a number, a date, null or a truth value: they begin as a word or a path does.
BARE = re.compile(r"(?!(?:null|true|false|yes|no|on|off|y|n|inf|nan)$)(?:\.{0,2}/)*[a-z_][\w./:+-]*", re.ASCII | re.I)
# A key as a part of a longer one, where it is a text, whatever it looks like.
PART = re.compile(r"[a-z_$][\w$-]*|0|[1-9]\d*", re.ASCII | re.I)


def command(run: RunConfig) -> str:
    """The command that repeats a run: its choices, and every value that is not the default."""
    words = [f"{group}={getattr(run, group)['name']}" for group in GROUPS]
    for group in GROUPS:
        defaults = {p.name: p.default for p in lookup(group, getattr(run, group)["name"]).parameters}
        defaults |= {name: default for name, _, default in OF_EVERY_DATASET} if group == "dataset" else {}
        changed = {k: v for k, v in getattr(run, group).items() if k != "name" and v != defaults.get(k)}
        for key, value in changed.items():
            name = f"{group}.{key}"
            if name in run.from_environment:
                words.append(f"{name}={_asking(run.from_environment[name])}")
            else:
                words += _added(name, value) if isinstance(value, dict) else [f"{name}={spelled(value)}"]
    for owner, prefix in ((run.trainer, "trainer."), (run, "")):
        for known in dataclasses.fields(owner):
            value = getattr(owner, known.name)
            if known.name not in UNSAID and value != known.default:
                words.append(f"{prefix}{known.name}={spelled(value)}")
    return shlex.join(["surrogate-bench", *words])


def spelled(value: Any) -> str:
    """A value as Hydra's override grammar reads it."""
    if isinstance(value, list):
        return f"[{','.join(map(spelled, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_key(key)}:{spelled(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str) and not BARE.fullmatch(value):
        # A backslash means itself, save before what ends a text or an interpolation begins.
        value = re.sub(r"(\\*)\$\{", r"\1\1\\${", value)
        return '"' + re.sub(r'(\\*)("|$)', lambda found: found[1] * 2 + found[2].replace('"', '\\"'), value) + '"'
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return str(value)


def _asking(how: str) -> str:
    """The text that asks for an environment variable's value in Hydra's override grammar."""
    return how if how.startswith("[") or re.fullmatch(r"[\w./:${},-]+", how, re.ASCII) else f'"{how}"'


def _added(name: str, value: dict[Any, Any]) -> list[str]:
    """The words that add a mapping's values: Hydra lets it have keys that its YAML lacks only where they are added."""
    if not all(isinstance(key, str) and PART.fullmatch(key) for key in value):
        return [f"+{name}={spelled(value)}"]
    return [
        word
        for key, item in value.items()
        for word in (
            _added(f"{name}.{key}", item) if isinstance(item, dict) and item else [f"+{name}.{key}={spelled(item)}"]
        )
    ]


def _key(key: Any) -> str:
    """A key within a mapping, where Hydra knows no quotes."""
    return re.sub(r"[\\()\[\]{}:=, \t]", r"\\\g<0>", key) if isinstance(key, str) else spelled(key)
