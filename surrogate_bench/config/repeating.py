"""The command that repeats a run."""

from __future__ import annotations

import dataclasses
import re
import shlex
from typing import Any

from surrogate_bench.config.schema import GROUPS, OF_EVERY_DATASET, RunConfig
from surrogate_bench.registry import lookup


def command(run: RunConfig) -> str:
    """The command that repeats a run: its choices, and every value that is not the default."""
    words = [f"{group}={getattr(run, group)['name']}" for group in GROUPS]
    for group in GROUPS:
        defaults = {p.name: p.default for p in lookup(group, getattr(run, group)["name"]).parameters}
        defaults |= {name: default for name, _, default in OF_EVERY_DATASET} if group == "dataset" else {}
        changed = {k: v for k, v in getattr(run, group).items() if k != "name" and v != defaults.get(k)}
        for key, value in changed.items():
            # Hydra lets a mapping have a key that its YAML lacks only where the key is added.
            own = [(f"+{group}.{key}.{k}", v) for k, v in value.items()] if isinstance(value, dict) else None
            words += [f"{name}={spelled(item)}" for name, item in own or [(f"{group}.{key}", value)]]
    for owner, prefix in ((run.trainer, "trainer."), (run, "")):
        for known in dataclasses.fields(owner):
            value = getattr(owner, known.name)
            if known.name not in (*GROUPS, "trainer", "launcher", "suite", "retry_failed") and value != known.default:
                words.append(f"{prefix}{known.name}={spelled(value)}")
    return shlex.join(["surrogate-bench", *words])


def spelled(value: Any) -> str:
    """A value as Hydra's override grammar reads it."""
    if isinstance(value, list):
        return f"[{','.join(map(spelled, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{spelled(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str) and not re.fullmatch(r"[\w./:+-]+", value, re.ASCII):
        # A backslash means itself, save before what ends a text or an interpolation begins.
        value = re.sub(r"(\\*)\$\{", r"\1\1\\${", value)
        return '"' + re.sub(r'(\\*)("|$)', lambda found: found[1] * 2 + found[2].replace('"', '\\"'), value) + '"'
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return str(value)
