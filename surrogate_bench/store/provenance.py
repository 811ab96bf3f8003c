"""Records a run's origin: the program that computed it, and the content of all that it read.

Both stand in its result. Its identity says what was asked for; these say what was there, so that a result is never
taken for what the same words would give now.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrogate_bench import __version__
from surrogate_bench.config.schema import GROUPS, RunConfig
from surrogate_bench.registry import HERE, lookup
from surrogate_bench.store.definitions import code
from surrogate_bench.store.run_id import predecessor, revisions
from surrogate_bench.system import digests
from surrogate_bench.system import user_files as helpers
from surrogate_bench.system.user_code import source

if TYPE_CHECKING:
    from surrogate_bench.datasets import Split

CHECKPOINT = "checkpoint.pt"
# Where numbers come from: all that training, metrics and splits import of these, and the run's own components.
FOLDERS = tuple(
    f"surrogate_bench.{part}"
    for part in ("losses", "relaxations", "counts", "training", "metrics", "datasets", "models")
)
ROOTS = ("training", "metrics", "datasets/split.py")
_IMPORT = re.compile(
    r"^[ \t]*(?:from (surrogate_bench[\w.]*) import (\([^)]*\)|[^\n]*)|import surrogate_bench[^\n]*)\n", re.M
)


def program(run: RunConfig) -> dict[str, Any]:
    """The program that trains a run now: its version, revisions, digests of the code that the run uses, torch, date.

    `code` is of the loss, model and optimizer alone, and heeds no docstring; `sources` is of all files that numbers
    come from.
    """
    import torch

    return {
        "version": __version__,
        "revisions": revisions(run),
        "code": {group: code(group, getattr(run, group)["name"]) for group in GROUPS if group != "dataset"},
        "sources": sources(*(lookup(group, getattr(run, group)["name"]).module for group in GROUPS)),
        "torch": torch.__version__.partition("+")[0],
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def content(run: RunConfig, split: Split) -> dict[str, Any]:
    """Digests of what a run reads: data, whose rows are which, a custom loss and files beside it, weights."""
    loss, begun = _loss_file(run), predecessor(run)
    return {
        "data": split.data,
        "parts": split.parts,
        "tested": split.tested,
        "loss": (digests.counted(loss) or digests.now(loss)) if loss else None,
        "files": files(run),
        "start": digests.count(begun / CHECKPOINT) if begun and digests.now(begun / CHECKPOINT) else None,
    }


def files(run: RunConfig) -> dict[str, str]:
    """Digests of the files that a loss of the user's own has read from its folder until now."""
    loss = _loss_file(run)
    return helpers.files(loss) if loss else {}


def is_earlier(result: dict[str, Any]) -> bool:
    """True if a result is of a version that did not write down what it came of."""
    return "program" not in result


def stale(run: RunConfig, result: dict[str, Any]) -> str | None:
    """Why a stored result is not what the run would give now, as far as that can be seen before any data are read."""
    made, read = result.get("program"), result.get("content")
    if not isinstance(made, dict):
        return None
    was = made.get("revisions")
    if was != (is_now := revisions(run)):
        was = was if isinstance(was, dict) else {}
        parts = [part for part in is_now if was.get(part) != is_now[part]]
        return f"by another revision of the {' and the '.join(parts) or 'program'}"
    return next(_other_content(run, read), None) if isinstance(read, dict) else None


def other_state(run: RunConfig, own: dict[str, Any], made: Any) -> str | None:
    """Why training that reads its `own` content cannot go on from a state that was `made` so; None where it can."""
    if not isinstance(made, dict) or not all(isinstance(made.get(group), dict) for group in ("program", "content")):
        return "it is of an earlier version"
    if made["program"].get("torch") != (version := program(run)["torch"]):
        return f"it is of torch {made['program'].get('torch')}, and this is {version}"
    if why := stale(run, made):
        return f"it is of a run {why}"
    other = next((what for what in ("data", "parts", "loss", "start") if made["content"].get(what) != own[what]), None)
    return f"it is of a run with other content ({other})" if other else None


def _other_content(run: RunConfig, read: dict[str, Any]) -> Iterator[str]:
    """The content that has changed since a run read it, in words."""
    beside, loss, begun = read.get("files"), _loss_file(run), predecessor(run)
    if loss and isinstance(beside, dict):
        for name, digest in beside.items():
            if digests.now(loss.parent / name) != digest:
                yield f"whose loss read another {name}"
    if begun and read.get("start") and digests.now(begun / CHECKPOINT) not in (None, read["start"]):
        yield "that started from other weights"


def _loss_file(run: RunConfig) -> Path | None:
    return source(str(run.loss["path"]).rpartition(":")[0], "loss.path") if run.loss.get("path") else None


@functools.cache
def sources(*modules: str) -> str:
    """The digest of these modules, of training, metrics and splits, and of what they import in FOLDERS.

    Files count by their content: in whatever order, under whatever name, and whatever they call each other.
    """
    left = [_file(module) for module in modules]
    for root in ROOTS:
        place = HERE / root
        left += sorted(place.glob("*.py")) if place.is_dir() else [place]
    found: dict[Path, str] = {}
    while left:
        path = left.pop()
        if path and path not in found:
            found[path], imported = _source(path)
            left += imported
    return digests.short("".join(sorted(found.values())).encode())


@functools.cache
def _source(path: Path) -> tuple[str, list[Path]]:
    """The digest of a file of this package without what it imports from it, and the files of that."""
    text = path.read_text(encoding="utf-8")
    named = ((base, *re.findall(r"\w+", names)) for base, names in _IMPORT.findall(text))
    modules = (module for base, *names in named for module in (base, *(f"{base}.{name}" for name in names)))
    files = (_file(module) for module in modules if module.startswith(FOLDERS))
    return digests.short(_IMPORT.sub("", text).encode()), [file for file in files if file]


def _file(module: str) -> Path | None:
    """The file of a module of this package; None where the name is no module's."""
    place = HERE.joinpath(*module.split(".")[1:])
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)
