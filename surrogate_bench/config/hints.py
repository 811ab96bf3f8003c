"""The next word to type, where a word of the user's fits nowhere: each works as it stands in the message."""

from __future__ import annotations

import dataclasses
import difflib
import re
import shlex
from collections.abc import Iterable
from typing import Any

from surrogate_bench.config.overrides import spelled
from surrogate_bench.config.schema import GROUPS, OF_EVERY_DATASET, LauncherConfig, Settings, TrainerConfig
from surrogate_bench.errors import did_you_mean
from surrogate_bench.registry import entries

# Other programs' words for ours.
ALSO = {
    "learning_rate": "optimizer.lr",
    "bs": "trainer.batch_size",
    "batch": "trainer.batch_size",
    "num_epochs": "trainer.epochs",
    "n_epochs": "trainer.epochs",
    "metric": "trainer.monitor",
    "file": "dataset.path",
    "csv": "dataset.path",
}
# Of options that have no default.
EXAMPLES = {"dataset.path": "dataset.path=my.csv", "loss.path": "loss.path=my_loss.py:MyLoss"}
SECTIONS = {"trainer": TrainerConfig, "launcher": LauncherConfig, "": Settings}
SPAN = re.compile(r"\s*(\d+)\s*(?:-|:|\.\.+|to)\s*(\d+)\s*")
# Of choices that have an option, so many are named.
MOST_CHOICES = 3


def kinds(key: str) -> set[str]:
    """The types that an option may have in any choice, by their names; none where no choice has it."""
    section, _, name = key.rpartition(".")
    if section in SECTIONS:
        own: Iterable[tuple[str, Any]] = ((f.name, f.type) for f in dataclasses.fields(SECTIONS[section]))
    else:
        group = section.partition(".")[0]
        own = [(p.name, p.type) for e in (entries(group) if group in GROUPS else {}).values() for p in e.parameters]
        own += [(name, kind) for name, kind, _ in OF_EVERY_DATASET if group == "dataset"]
    types = (getattr(kind, "__name__", None) or str(kind) for known, kind in own if known == name)
    return {word for kind in types for word in kind.split(" | ")}


def unread(key: str, value: str) -> str:
    """How to write a value that Hydra's grammar cannot read; empty where no quotes would help."""
    known = kinds(key)
    if "list" in known:
        items = re.split(r"\s*,\s*", value.strip().removeprefix("[").removesuffix("]").strip())
        value = f"[{','.join(spelled(item.strip(chr(34) + chr(39))) for item in items)}]"
    elif known & {"str", "Any"}:
        value = spelled(value)
    else:
        return ""
    return f"; quote a value with signs or letters of its own, as in {shlex.quote(f'{key}={value}')}"


def several(key: str, value: str) -> str:
    """How to say the values with commas between them that a word has in a single run."""
    ways = "add -m to sweep over its values"
    return f"{ways}, or say {shlex.quote(f'{key}=[{value}]')} for a list" if "list" in kinds(key) else ways


def sweep(key: str, value: str) -> str:
    """How to sweep over what looks like several numbers, where one is due; empty for anything else."""
    if span := SPAN.fullmatch(value):
        return f"; for a sweep say -m {shlex.quote(f'{key}=range({span[1]},{int(span[2]) + 1})')}"
    items = re.fullmatch(r"\[(.+)\]", value)
    return f"; for a sweep say -m {shlex.quote(f'{key}={items[1]}'.replace(' ', ''))}" if items else ""


def instead(key: str, root: Any, words: Iterable[str]) -> str:
    """A proposal in place of an option that does not exist, beside the composed configuration `root`."""
    section, _, name = key.rpartition(".")
    own = [str(known) for known in (root.get(section) or {} if section else root)]
    values = {before.lstrip("+~"): value for before, _, value in (word.partition("=") for word in words)}
    value = values.get(key, "")

    def said(place: str) -> str:
        return shlex.quote(f"{place}={value}") if value else repr(place)

    if section in GROUPS and (having := _having(section, name)):
        first = f"{section}={having[0]}"
        choices = ", ".join(f"{section}={choice}" for choice in having[:MOST_CHOICES])
        more = f" and {len(having) - MOST_CHOICES} more" if len(having) > MOST_CHOICES else ""
        other = said(f"{section}.{having[0]}.{name}")
        return (
            f": {choices}{more} {'have' if having[1:] else 'has'} it; say {first}, or in a sweep over several {other}"
        )
    if not section and name == "seeds":
        if value.isdigit():
            return f": say -m 'seed=range({value})'"
        return sweep("seed", value).replace("; for a sweep", ":") or f": say -m {said('seed')}"
    places = _places(root)
    exact = (place for place in places if place.rpartition(".")[2] == name)
    if place := (not section and ALSO.get(name)) or next(exact, None):
        return f": say {said(place)}"
    for group in GROUPS if not section else ():
        if having := _having(group, name):
            return f": say {group}={having[0]} {said(f'{group}.{name}')}"
    if not section and not difflib.get_close_matches(name.lower(), own, n=1):
        leaves = {place.rpartition(".")[2]: place for place in places}
        if near := difflib.get_close_matches(name.lower(), leaves, n=1, cutoff=0.75):
            return f": say {said(leaves[near[0]])}"
    return did_you_mean(name, own)


def _places(root: Any) -> list[str]:
    """Every option that the configuration has, the general ones first."""
    sections = ("trainer", "launcher", *reversed(GROUPS))
    nested = [f"{section}.{name}" for section in sections for name in root.get(section) or {} if name != "name"]
    return [str(name) for name in root if name not in (*sections, "hydra")] + nested


def _having(group: str, name: str) -> list[str]:
    """The choices of a group that have an option of this name, the user's own table and loss before others."""
    found = [choice for choice, entry in entries(group).items() if name in (p.name for p in entry.parameters)]
    return sorted(found, key=lambda choice: entries(group)[choice].info.get("reference") != "yours")
